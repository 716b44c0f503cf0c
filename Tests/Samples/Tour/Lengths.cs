// docs/tour, chapter 4: the same header for four lengths.

using RawWs.Frame;

namespace RawWs.Samples.Tour;

internal static class Lengths
{
    public static void Run()
    {
        // Sample begins
        byte[] header = new byte[FrameWriter.HeaderBytesMax];
        foreach (ulong length in (ulong[])[0, 125, 126, 65535, 65536])
        {
            int bytes = FrameWriter.WriteHeader(header, Opcode.Binary, length);
            Console.WriteLine($"{length}: {Convert.ToHexStringLower(header, 0, bytes)}");
        }

        // Sample ends
    }
}
