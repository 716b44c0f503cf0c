// docs/tour, chapter 6: a message in three frames, and a Ping between them.

using System.Text;
using RawWs.Frame;

namespace RawWs.Samples.Tour;

internal static class Fragments
{
    public static void Run()
    {
        // Sample begins
        byte[] wire = new byte[64];
        int length = FrameWriter.WriteMasked(wire, Opcode.Text, "to"u8, 0x11111111, fin: false);
        length += FrameWriter.WriteMasked(wire.AsSpan(length), Opcode.Continuation, "ge"u8, 0x22222222, fin: false);
        length += FrameWriter.WriteMasked(wire.AsSpan(length), Opcode.Ping, "?"u8, 0x33333333);
        length += FrameWriter.WriteMasked(wire.AsSpan(length), Opcode.Continuation, "ther"u8, 0x44444444);

        WebSocketProtocol protocol = new(Role.Server, new ProtocolLimits());
        for (int at = 0; at < length;)
        {
            ProtocolEvent found = protocol.Next(wire.AsSpan(at, length - at), out int consumed);
            Console.WriteLine($"{found.Kind} \"{Encoding.UTF8.GetString(found.Payload)}\" ends: {found.EndOfMessage}");
            at += consumed;
        }

        // Sample ends
    }
}
