// docs/tour, chapter 5: the mask by hand, and by the package.

using System.Text;
using RawWs.Frame;

namespace RawWs.Samples.Tour;

internal static class Unmask
{
    public static void Run()
    {
        // Sample begins
        byte[] key = [0x5A, 0x01, 0xC3, 0x7E];
        byte[] payload = [0x2E, 0x64, 0xA2]; // masked, as it came
        byte[] plain = new byte[payload.Length];
        for (int i = 0; i < payload.Length; i++) plain[i] = (byte)(payload[i] ^ key[i % 4]);
        Console.WriteLine(Encoding.UTF8.GetString(plain));

        Masking.Apply(payload, BitConverter.ToUInt32(key)); // the same, in place
        Console.WriteLine(Encoding.UTF8.GetString(payload));
        Masking.Apply(payload, BitConverter.ToUInt32(key)); // and masked again
        Console.WriteLine(Convert.ToHexStringLower(payload));

        // Sample ends
    }
}
