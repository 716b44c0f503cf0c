// docs/tour, chapter 2: the answer to a key.

using System.Text;
using RawWs.Handshake;

namespace RawWs.Samples.Tour;

internal static class Accept
{
    public static void Run()
    {
        // Sample begins
        string key = Convert.ToBase64String("rawws tour 2026!"u8); // 16 bytes; a real client takes random ones
        byte[] accept = new byte[AcceptKey.AcceptBytes];
        AcceptKey.Write(Encoding.ASCII.GetBytes(key), accept);
        Console.WriteLine($"Sec-WebSocket-Key: {key}");
        Console.WriteLine($"Sec-WebSocket-Accept: {Encoding.ASCII.GetString(accept)}");

        // Sample ends
    }
}
