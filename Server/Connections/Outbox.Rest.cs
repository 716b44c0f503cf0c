// What the kernel did not take of a batch goes in front of all that is queued. Only that is kept: frames that are through are left out, and
// of the Pongs that were not begun all but the last (§5.5.3), so that answers which nobody reads take no more room than one.

using RawWs.Frame;
using RawWs.Server.Native;

namespace RawWs.Server;

internal sealed partial class Outbox
{
    /// <summary>Puts in front of all that is queued what the kernel did not take of a batch. False when the memory limit is reached: nothing is kept then.</summary>
    /// <param name="frames">Frames of our own writing, one behind the other, those with an inset without their payload.</param>
    /// <param name="source">Where the insets lie.</param>
    /// <param name="insets">The payloads that are not among the frames.</param>
    /// <param name="taken">How many bytes of all of it the kernel has taken: less than all.</param>
    public bool TryPrepend(ReadOnlySpan<byte> frames, ReadOnlySpan<byte> source, ReadOnlySpan<Inset> insets, int taken)
    {
        BatchReader all = new(frames, source, insets);
        int begun = taken, kept = 0, lastPong = -1;
        while (all.TryRead())
        {
            if (all.End <= taken) continue;
            bool isBegun = all.Start < taken;
            if (isBegun) begun = all.Start;
            if (all.IsPong && !isBegun) lastPong = all.Start;
            else kept += all.Length;
        }

        int room = kept + (lastPong < 0 ? 0 : PongBytesMax);
        if (_budget.TryRentToWait(room) is not { } array) return false;

        // Frames, the last Pong, frames: three entries at the most, from the last to the first.
        int at = 0, pongAt = -1, pongLength = 0;
        for (all = new BatchReader(frames, source, insets); all.TryRead();)
        {
            bool isPong = all.IsPong && all.Start >= taken;
            if (all.End <= taken || (isPong && all.Start != lastPong)) continue;
            all.CopyTo(array.AsSpan(at));
            if (isPong) (pongAt, pongLength) = (at, all.Length);
            at += isPong ? PongBytesMax : all.Length;
        }

        bool isLatest = FindPong() < 0;
        int behind = pongAt < 0 ? 0 : pongAt + PongBytesMax, front = pongAt < 0 ? at : pongAt;
        if (pongAt >= 0 && at > behind) EnqueueInFront(new Entry(array, behind, at - behind, EntryKind.Data));
        if (pongAt >= 0)
        {
            EnqueueInFront(new Entry(array, pongAt, pongLength, EntryKind.Pong));
            if (isLatest) _pongNumber = _headNumber;
        }

        if (front > 0) EnqueueInFront(new Entry(array, 0, front, EntryKind.Data));
        _headTaken = taken - begun;
        QueuedBytes -= _headTaken;
        FollowLevel();
        return true;
    }

    /// <summary>Goes through the frames of a batch, wherever their payloads lie.</summary>
    private ref struct BatchReader(ReadOnlySpan<byte> frames, ReadOnlySpan<byte> source, ReadOnlySpan<Inset> insets)
    {
        private readonly ReadOnlySpan<byte> _frames = frames;
        private readonly ReadOnlySpan<byte> _source = source;
        private readonly ReadOnlySpan<Inset> _insets = insets;
        private ReadOnlySpan<byte> _inline;
        private ReadOnlySpan<byte> _inset;
        private int _at;
        private int _insetIndex;

        /// <summary>Where the frame begins, in bytes of the whole batch as it goes over the wire.</summary>
        public int Start { get; private set; }

        public readonly int Length => _inline.Length + _inset.Length;

        public readonly int End => Start + Length;

        public bool IsPong { get; private set; }

        public bool TryRead()
        {
            Start = End;
            if (_at == _frames.Length) return false;
            FrameReader.TryRead(_frames[_at..], out FrameHeader header);
            int length = header.HeaderLength;
            bool isInset = _insetIndex < _insets.Length && _insets[_insetIndex].FramesEnd == _at + length;
            _inset = isInset ? _source.Slice(_insets[_insetIndex].Start, _insets[_insetIndex].Length) : default;
            if (isInset) _insetIndex++;
            else length += (int)header.PayloadLength;
            _inline = _frames.Slice(_at, length);
            _at += length;
            IsPong = header.Opcode == Opcode.Pong;
            return true;
        }

        public readonly void CopyTo(Span<byte> destination)
        {
            _inline.CopyTo(destination);
            _inset.CopyTo(destination[_inline.Length..]);
        }
    }
}
