// Changes an input a little, in the ways in which a fuzzer does: bits, bytes, blocks, and pieces of another input. The same random
// numbers make the same changes.

namespace RawWs.Tests.Support;

internal static class Mutation
{
    // Bytes at which something changes: ends of ranges in UTF-8, lengths, opcodes and in HTTP's grammar.
    private static ReadOnlySpan<byte> Telling =>
        [0, 1, 9, 10, 13, 32, 34, 44, 59, 61, 92, 125, 126, 127, 128, 129, 191, 192, 194, 223, 224, 237, 240, 244, 254, 255];

    /// <summary>One to eight changes.</summary>
    public static byte[] Of(byte[] input, byte[] other, int bytesMax, Random random)
    {
        List<byte> bytes = [.. input];
        for (int i = random.Next(1, 9); i > 0; i--) Change(bytes, other, random);
        return [.. bytes.Take(bytesMax)];
    }

    private static void Change(List<byte> bytes, byte[] other, Random random)
    {
        int at = random.Next(bytes.Count + 1);
        int length = Math.Min(random.Next(1, 9), bytes.Count - at);
        if (length == 0)
        {
            bytes.Add(Telling[random.Next(Telling.Length)]);
            return;
        }

        switch (random.Next(7))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                bytes[at] = (byte)random.Next(256);
                break;
            case 2:
                bytes[at] = Telling[random.Next(Telling.Length)];
                break;
            case 3:
                bytes.Insert(at, Telling[random.Next(Telling.Length)]);
                break;
            case 4:
                bytes.RemoveRange(at, length);
                break;
            case 5:
                bytes.InsertRange(random.Next(bytes.Count + 1), bytes.GetRange(at, length));
                break;
            default:
                int from = random.Next(other.Length + 1);
                bytes.InsertRange(at, other[from..Math.Min(other.Length, from + random.Next(1, 40))]);
                break;
        }
    }
}
