// What is dropped of what waits for a peer that takes less than it is sent. Dropped is a whole message, never a part of one: what the
// kernel has begun to send, or is being given at this moment, stays. So does every control frame, and an HTTP answer.

namespace RawWs.Server.Sending;

internal sealed partial class SendQueue
{
    /// <summary>Drops messages, the oldest first, until the queue is not full or has none that may be dropped.</summary>
    /// <returns>How many.</returns>
    public int DropOldest()
    {
        int dropped = 0, i = _given;
        while (IsFull && i < _count)
        {
            if (At(i).Messages == 0)
            {
                i++;
                continue;
            }

            int length = FirstFrameLength(At(i), out bool isMessage);
            if (isMessage && (i > 0 || _headSent == 0))
            {
                DropFirstFrame(i, length);
                dropped++;
                continue;
            }

            if (length < At(i).Length) Split(i, length, isMessage ? 1 : 0);
            i++;
        }

        return dropped;
    }

    /// <summary>Drops every frame, also control frames, that the kernel has not begun to send: a Close follows.</summary>
    /// <returns>How many of them were messages.</returns>
    public int DropUnsent()
    {
        int before = QueuedMessages;
        for (int i = 0; i < _count; i++)
        {
            ref Entry entry = ref At(i);
            // Without its HTTP answer the peer could read nothing that follows.
            if (entry.Kind is EntryKind.Void or EntryKind.Http) continue;
            bool isMessage = false;
            int kept = i == 0 && _headSent > 0 ? FirstFrameLength(entry, out isMessage) : 0;
            int messages = isMessage ? 1 : 0;
            QueuedBytes -= entry.Length - kept;
            QueuedMessages -= entry.Messages - messages;
            entry.Messages = messages;
            if (kept == 0) entry.Kind = EntryKind.Void;
            else entry.Length = kept;
        }

        FollowLevel();
        return before - QueuedMessages;
    }

    private void DropFirstFrame(int index, int length)
    {
        ref Entry entry = ref At(index);
        QueuedBytes -= length;
        CutFirstFrame(ref entry, length, isMessage: true);
        if (entry.Length == 0) Remove(index);
        FollowLevel();
    }

    // The few entries before it move up, and not the many behind it.
    private void Remove(int index)
    {
        object owner = At(index).Owner;
        bool isPongBefore = IsPongBefore(index);
        for (int i = index; i > 0; i--) At(i) = At(i - 1);
        At(0) = default;
        _head = (_head + 1) & (_entries.Length - 1);
        _headNumber++;
        _count--;
        if (isPongBefore) _pongNumber++;
        if (owner is SharedFrame shared) shared.Message.Release();
        else ReleaseArray((byte[])owner);
    }

    // Makes two entries of one: its first frame, and the others.
    private void Split(int index, int length, int messages)
    {
        if (_count == _entries.Length) TryGrow(required: true);
        bool isPongBefore = IsPongBefore(index);
        _head = (_head - 1) & (_entries.Length - 1);
        _headNumber--;
        _count++;
        if (isPongBefore) _pongNumber--;
        for (int i = 0; i <= index; i++) At(i) = At(i + 1);
        (At(index).Length, At(index).Messages) = (length, messages);
        ref Entry others = ref At(index + 1);
        (others.Offset, others.Length, others.Messages) = (others.Offset + length, others.Length - length, others.Messages - messages);
    }

    private bool IsPongBefore(int index) => _pongNumber >= _headNumber && _pongNumber - _headNumber < index;
}
