// Cuts that the fuzzer chooses: eight bytes of the input say how long the pieces are in which the rest of it arrives.

using System.Buffers;

namespace RawWs.Fuzz;

internal static class Cuts
{
    /// <summary>How many bytes of an input choose its cuts.</summary>
    public const int PlanBytes = 8;

    private const int PiecesMax = 64;

    /// <summary>
    /// The ends of the pieces, ascending, the last one being <paramref name="length"/>. Piece i is as long as byte i mod 8 of the plan
    /// says, so there may be empty ones; after 64 pieces all that is left is one.
    /// </summary>
    public static int[] Of(ReadOnlySpan<byte> plan, int length)
    {
        List<int> ends = [];
        int end = 0;
        while (ends.Count < PiecesMax && end + plan[ends.Count % PlanBytes] < length)
        {
            end += plan[ends.Count % PlanBytes];
            ends.Add(end);
        }

        ends.Add(length);
        return [.. ends];
    }

    /// <summary>Every byte a piece of its own.</summary>
    public static int[] EveryByte(int length) => length == 0 ? [0] : [.. Enumerable.Range(1, length)];

    /// <summary>The bytes as a sequence with one segment for each piece; they are copied, so that a target may write to them.</summary>
    public static ReadOnlySequence<byte> Segments(ReadOnlySpan<byte> bytes, int[] ends)
    {
        Segment first = new(bytes[..ends[0]].ToArray(), 0);
        Segment last = first;
        for (int i = 1; i < ends.Length; i++) last = last.Append(bytes[ends[i - 1]..ends[i]].ToArray());
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(byte[] bytes, long start) => (Memory, RunningIndex) = (bytes, start);

        public Segment Append(byte[] bytes)
        {
            Segment next = new(bytes, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
