// The example of Frame/README.md: what stands between the marks, behind the usings.

using RawWs.Frame;

namespace RawWs.Samples;

internal static class FrameSample
{
    public static void Run()
    {
        // README begins
        WebSocketProtocol protocol = new(Role.Server, new ProtocolLimits());
        Span<byte> arrived = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]; // a masked "Hello" (RFC 6455 §5.7)
        while (true)
        {
            ProtocolEvent found = protocol.Next(arrived, out int consumed);
            arrived = arrived[consumed..];
            if (found.Kind == ProtocolEventKind.NeedMoreData) break; // give the rest again, in front of what arrives next
            if (found.Kind == ProtocolEventKind.Fail) throw new InvalidDataException($"{found.Rule}");
            if (found.Kind != ProtocolEventKind.Message) continue;
            byte[] echo = new byte[FrameWriter.HeaderBytesMax + found.Payload.Length];
            Console.WriteLine(Convert.ToHexString(echo, 0, FrameWriter.Write(echo, (Opcode)found.MessageKind, found.Payload)));
        }

        // README ends
    }
}
