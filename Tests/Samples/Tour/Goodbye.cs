// docs/tour, chapter 10: the closing handshake as the protocol sees it.

using RawWs.Frame;

namespace RawWs.Samples.Tour;

internal static class Goodbye
{
    public static void Run()
    {
        // Sample begins
        WebSocketProtocol protocol = new(Role.Server, new ProtocolLimits());
        byte[] wire = new byte[32];
        int length = FrameWriter.WriteMasked(wire, Opcode.Close, [0x03, 0xE8], 0x01020304); // 1000
        length += FrameWriter.WriteMasked(wire.AsSpan(length), Opcode.Text, "late"u8, 0x01020304);

        ProtocolEvent found = protocol.Next(wire.AsSpan(0, length), out int consumed);
        Console.WriteLine($"{found.Kind} {found.CloseCode}: {protocol.Closing}");
        protocol.OnCloseSent();
        Console.WriteLine($"our Close is sent: {protocol.Closing}");
        found = protocol.Next(wire.AsSpan(consumed, length - consumed), out int discarded);
        Console.WriteLine($"{found.Kind}: {discarded} bytes behind the Close are discarded");

        // Sample ends
    }
}
