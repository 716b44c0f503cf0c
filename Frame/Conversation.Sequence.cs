// Conversation.Next for bytes that lie in several segments. It is not a second parser: it finds a contiguous stretch that the one in
// Conversation.cs can make a step of, the first segment as it is or, where a frame straddles segments, a small joined copy.

using System.Buffers;
using System.Runtime.InteropServices;

namespace RawWs.Frame;

public sealed partial class Conversation
{
    /// <summary>
    /// The least scratch memory in bytes for <see cref="Next(ref ReadOnlySequence{byte}, Span{byte})"/>: it holds the longest control frame,
    /// 131 bytes, and any header with a first byte of payload.
    /// </summary>
    public const int ScratchBytesMin = 140;

    /// <summary>Takes one step from bytes in any segmentation.</summary>
    /// <param name="buffer">
    /// What has arrived and is not consumed; moved past what the step consumed. Its memory is written to (payload is unmasked in place),
    /// so it must be the caller's own, writable memory.
    /// </param>
    /// <param name="scratch">
    /// At least <see cref="ScratchBytesMin"/> bytes of the caller's. A control frame, or the beginning of a data frame, that straddles segments
    /// is joined there, and the step's payload then lies there; otherwise it lies in its segment.
    /// </param>
    /// <returns>What was found. Its payload is valid until the caller reuses the memory in which it lies.</returns>
    /// <exception cref="ArgumentException">The scratch memory is too small.</exception>
    public Step Next(ref ReadOnlySequence<byte> buffer, Span<byte> scratch)
    {
        if (scratch.Length < ScratchBytesMin)
        {
            throw new ArgumentException($"At least {ScratchBytesMin} bytes are needed.", nameof(scratch));
        }

        if (!ConversationTable.Parses(_closing))
        {
            buffer = buffer.Slice(buffer.End);
            return default;
        }

        SkipEmptySegments(ref buffer);
        Step step = Next(MemoryMarshal.AsMemory(buffer.First).Span, out int consumed);
        if (step.Kind == StepKind.NeedMoreData && consumed == 0 && !buffer.IsSingleSegment)
        {
            // The first segment ends inside a header or a control frame. Nothing of it was changed, so a joined copy can be tried.
            int length = (int)Math.Min(buffer.Length, scratch.Length);
            buffer.Slice(0, length).CopyTo(scratch);
            step = Next(scratch[..length], out consumed);
        }

        // A failed conversation is done with all segments, not only with the one that proved it.
        buffer = step.Kind == StepKind.Fail ? buffer.Slice(buffer.End) : buffer.Slice(consumed);
        return step;
    }

    private static void SkipEmptySegments(ref ReadOnlySequence<byte> buffer)
    {
        while (buffer.FirstSpan.IsEmpty && !buffer.IsEmpty)
        {
            SequencePosition next = buffer.Start;
            buffer.TryGet(ref next, out _);
            buffer = buffer.Slice(next);
        }
    }
}
