// What the kernel did not send of a cork or a batch is put in front of everything that is queued. Only the rest is kept. Frames that were
// sent whole are left out, and so are all but the last of the Pongs that were not begun (§5.5.3). So answers that nobody reads take no more
// space than one.

using RawWs.Frame;
using RawWs.Server.Native;

namespace RawWs.Server.Sending;

internal sealed partial class SendQueue
{
    /// <summary>
    /// Puts what the kernel did not send in front of everything that is queued. False when the memory limit is reached: then nothing is
    /// kept.
    /// </summary>
    /// <param name="frames">
    /// Frames that this server wrote, one after the other. A frame with a payload segment has only its header here.
    /// </param>
    /// <param name="source">The array in which the payload segments lie.</param>
    /// <param name="segments">The payloads that are not among the frames.</param>
    /// <param name="sent">How many bytes of all this the kernel has sent: less than all.</param>
    /// <param name="required">They are kept whatever the limit: for control frames alone, which are a few bytes at most.</param>
    public bool TryPrepend(
        ReadOnlySpan<byte> frames, ReadOnlySpan<byte> source, ReadOnlySpan<PayloadSegment> segments, int sent, bool required)
    {
        CorkReader all = new(frames, source, segments);
        int begun = sent, kept = 0, lastPong = -1;
        while (all.TryRead())
        {
            if (all.End <= sent) continue;
            bool isBegun = all.Start < sent;
            if (isBegun) begun = all.Start;
            if (all.IsPong && !isBegun) lastPong = all.Start;
            else kept += all.Length;
        }

        int room = kept + (lastPong < 0 ? 0 : PongBytesMax);
        byte[]? array = required ? _budget.Rent(room) : _budget.TryRentToWait(room);
        if (array is null) return false;

        // Frames, the last Pong, frames: at most three entries. They are enqueued from the last to the first.
        int at = 0, pongAt = -1, pongLength = 0, frontMessages = 0, behindMessages = 0;
        for (all = new CorkReader(frames, source, segments); all.TryRead();)
        {
            bool isPong = all.IsPong && all.Start >= sent;
            if (all.End <= sent || (isPong && all.Start != lastPong)) continue;
            all.CopyTo(array.AsSpan(at));
            if (isPong) (pongAt, pongLength) = (at, all.Length);
            else if (!all.IsControl && pongAt < 0) frontMessages++;
            else if (!all.IsControl) behindMessages++;
            at += isPong ? PongBytesMax : all.Length;
        }

        bool isLatest = FindPong() < 0;
        int behind = pongAt < 0 ? 0 : pongAt + PongBytesMax, front = pongAt < 0 ? at : pongAt;
        if (pongAt >= 0 && at > behind) EnqueueInFront(new Entry(array, behind, at - behind, EntryKind.Data, behindMessages));
        if (pongAt >= 0)
        {
            EnqueueInFront(new Entry(array, pongAt, pongLength, EntryKind.Pong));
            if (isLatest) _pongNumber = _headNumber;
        }

        if (front > 0) EnqueueInFront(new Entry(array, 0, front, EntryKind.Data, frontMessages));
        _headSent = sent - begun;
        QueuedBytes -= _headSent;
        FollowLevel();
        return true;
    }

    /// <summary>Whether what the kernel did not send consists of control frames only.</summary>
    public static bool IsControl(ReadOnlySpan<byte> frames, ReadOnlySpan<byte> source, ReadOnlySpan<PayloadSegment> segments, int sent) =>
        CountMessages(frames, source, segments, sent).All == 0;

    /// <summary>How many messages the kernel did not send whole.</summary>
    public static MessageCount CountMessages(
        ReadOnlySpan<byte> frames, ReadOnlySpan<byte> source, ReadOnlySpan<PayloadSegment> segments, int sent)
    {
        int count = 0, binaries = 0;
        for (CorkReader all = new(frames, source, segments); all.TryRead();)
        {
            if (all.End <= sent || all.IsControl) continue;
            count++;
            if (all.Header.Opcode == Opcode.Binary) binaries++;
        }

        return new MessageCount(count, binaries);
    }
}
