// What one gathering send is made of besides the frames: payloads that stay where they are.

namespace RawWs.Server.Native;

/// <summary>A payload that is sent from where it lies in a source, behind the frames up to <paramref name="FramesEnd"/>.</summary>
/// <param name="FramesEnd">Where among the frames it belongs: right behind its header.</param>
/// <param name="Start">Where in the source it begins.</param>
/// <param name="Length">Its length in bytes.</param>
internal readonly record struct Inset(int FramesEnd, int Start, int Length)
{
    /// <summary>How many bytes frames and insets are together.</summary>
    public static int TotalBytes(ReadOnlySpan<byte> frames, ReadOnlySpan<Inset> insets)
    {
        int total = frames.Length;
        foreach (Inset inset in insets) total += inset.Length;
        return total;
    }
}
