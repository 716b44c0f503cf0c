// WebSocketProtocol.Next for bytes that lie in several segments. It is not a second parser: it finds contiguous bytes for the one in
// WebSocketProtocol.cs. These are the first segment as it is or, where a frame straddles segments, a small joined copy.

using System.Buffers;
using System.Runtime.InteropServices;

namespace RawWs.Frame;

public sealed partial class WebSocketProtocol
{
    /// <summary>
    /// The least scratch memory, in bytes, for <see cref="Next(ref ReadOnlySequence{byte}, Span{byte})"/>. It has room for the longest
    /// control frame, 131 bytes, and for any header with a first byte of payload.
    /// </summary>
    public const int ScratchBytesMin = 140;

    /// <summary>Reads the next event from bytes in any segmentation.</summary>
    /// <param name="buffer">
    /// The bytes that have arrived and are not consumed; afterwards without those that this call consumed. It must be the caller's own,
    /// writable memory, because payload is unmasked in place.
    /// </param>
    /// <param name="scratch">
    /// At least <see cref="ScratchBytesMin"/> bytes of the caller's memory. A control frame that straddles segments is joined there, and so
    /// is the beginning of such a data frame. Then the event's payload lies in the scratch memory; otherwise it lies in its segment.
    /// </param>
    /// <returns>The event. Its payload is valid until the caller reuses the memory in which it lies.</returns>
    /// <exception cref="ArgumentException">The scratch memory is smaller than <see cref="ScratchBytesMin"/>.</exception>
    public ProtocolEvent Next(ref ReadOnlySequence<byte> buffer, Span<byte> scratch)
    {
        if (scratch.Length < ScratchBytesMin)
        {
            throw new ArgumentException($"At least {ScratchBytesMin} bytes are needed.", nameof(scratch));
        }

        if (!ProtocolTable.Parses(_closing))
        {
            buffer = buffer.Slice(buffer.End);
            return default;
        }

        SkipEmptySegments(ref buffer);
        ProtocolEvent found = Next(MemoryMarshal.AsMemory(buffer.First).Span, out int consumed);
        if (found.Kind == ProtocolEventKind.NeedMoreData && !buffer.IsSingleSegment)
        {
            // The first segment ends inside a header or a control frame. No byte of it was changed, so a joined copy can be tried.
            int length = (int)Math.Min(buffer.Length, ScratchBytesMin); // more would be copied for each such frame
            buffer.Slice(0, length).CopyTo(scratch);
            found = Next(scratch[..length], out consumed);
        }

        // After Fail all segments are consumed, not only the one that proved the violation.
        buffer = found.Kind == ProtocolEventKind.Fail ? buffer.Slice(buffer.End) : buffer.Slice(consumed);
        return found;
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
