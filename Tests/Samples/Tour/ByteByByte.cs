// docs/tour, chapter 1: a frame that comes one byte at a time.

using System.Text;
using RawWs.Frame;

namespace RawWs.Samples.Tour;

internal static class ByteByByte
{
    public static void Run()
    {
        // Sample begins
        byte[] wire = Convert.FromHexString("818301020304496b22"); // a masked text of three bytes
        WebSocketProtocol protocol = new(Role.Server, new ProtocolLimits());
        byte[] kept = [];
        foreach (byte arrived in wire)
        {
            kept = [.. kept, arrived];
            ProtocolEvent found = protocol.Next(kept, out int consumed);
            string text = Encoding.UTF8.GetString(found.Payload);
            Console.WriteLine($"{Convert.ToHexStringLower([arrived])}: {found.Kind} {text} (kept {kept.Length}, consumed {consumed})");
            kept = kept[consumed..];
        }

        // Sample ends
    }
}
