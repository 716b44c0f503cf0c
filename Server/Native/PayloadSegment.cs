// The payloads of a gathering send: they stay where they are, and the kernel puts them between the frames' other bytes.

namespace RawWs.Server.Native;

/// <summary>A payload that is sent from where it lies in a source array, after the frames up to <paramref name="FramesEnd"/>.</summary>
/// <param name="FramesEnd">How many bytes of the frames come before it: its header is the last of them.</param>
/// <param name="Start">Where it begins in the source array.</param>
/// <param name="Length">Its length in bytes.</param>
internal readonly record struct PayloadSegment(int FramesEnd, int Start, int Length)
{
    /// <summary>How many bytes frames and segments have together.</summary>
    public static int TotalBytes(ReadOnlySpan<byte> frames, ReadOnlySpan<PayloadSegment> segments)
    {
        int total = frames.Length;
        foreach (PayloadSegment segment in segments) total += segment.Length;
        return total;
    }
}
