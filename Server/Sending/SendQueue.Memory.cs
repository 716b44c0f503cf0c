// Where a send queue's frames lie: entries in a ring, bytes in chunks and arrays of the budget's. The shortest ring and the first chunk
// belong to the queue and are charged with it. Longer rings come from pools that all queues share, and are charged while they are rented.

using System.Numerics;

namespace RawWs.Server.Sending;

internal sealed partial class SendQueue
{
    private bool TryReserve(int length, bool required, out byte[] array, out int offset)
    {
        offset = 0;
        if (length > SmallFrameBytesMax) return TryRent(length, required, out array);
        if (_chunk is null || _chunk.Length - _chunkEnd < length)
        {
            // A chunk to which no entry refers would be lost here, but there is none: the last Dequeue returns it.
            if (!TryRent(Math.Max(_nextChunkBytes, length), required: false, out array))
            {
                if (!required) return false;
                array = _budget.Rent(length); // past the limit, and so no more than it needs
            }

            _chunk = array;
            _chunkEnd = 0;
            _nextChunkBytes = Math.Min(_nextChunkBytes * 4, ChunkBytesMax);
        }

        array = _chunk;
        offset = _chunkEnd;
        _chunkEnd += length;
        return true;
    }

    private bool TryRent(int bytes, bool required, out byte[] array)
    {
        array = _firstChunk;
        if (bytes == FirstChunkBytes) return true;
        byte[]? rented = required ? _budget.Rent(bytes) : _budget.TryRentToWait(bytes);
        array = rented!;
        return rented is not null;
    }

    private void ReturnArray(byte[] array)
    {
        if (array != _firstChunk) _budget.Return(array);
    }

    // False when the ring is full and the memory limit is reached. Then the entry's owner is released.
    private bool TryEnqueue(in Entry entry, bool required)
    {
        bool extends = entry.Kind == EntryKind.Data && _count > 0 && At(_count - 1).IsFollowedBy(entry);
        if (extends)
        {
            At(_count - 1).Length += entry.Length;
            At(_count - 1).Messages += entry.Messages;
        }
        else
        {
            if (_count == _entries.Length && !TryGrow(required))
            {
                Release(entry.Owner);
                return false;
            }

            _entries[(_head + _count) & (_entries.Length - 1)] = entry;
            _count++;
        }

        QueuedBytes += entry.Length;
        QueuedMessages += entry.Messages;
        FollowLevel();
        return true;
    }

    private void EnqueueInFront(in Entry entry)
    {
        if (_count == _entries.Length) TryGrow(required: true);
        _head = (_head - 1) & (_entries.Length - 1);
        _headNumber--;
        _entries[_head] = entry;
        _count++;
        QueuedBytes += entry.Length;
        QueuedMessages += entry.Messages;
    }

    private void FollowLevel()
    {
        Congestion.Level level = _congestion.LevelOf(QueuedBytes);
        if (level == _level) return;
        _congestion.Move(_level, level);
        _level = level;
    }

    private bool TryGrow(bool required)
    {
        int length = _entries.Length * 2, bytes = length * EntryBytes, ringClass = RingClass(length);
        if (required) _budget.Charge(bytes);
        else if (!_budget.TryChargeToWait(bytes)) return false;
        Entry[] larger = (ringClass < RingPools.Length ? RingPools[ringClass].TryRent() : null) ?? new Entry[length];
        for (int i = 0; i < _count; i++) larger[i] = At(i);
        Array.Clear(_entries);
        ReturnRing();
        _entries = larger;
        _head = 0;
        return true;
    }

    private void ReturnRing()
    {
        if (_entries == _firstRing) return;
        _budget.Discharge(_entries.Length * EntryBytes);
        int ringClass = RingClass(_entries.Length);
        if (ringClass < RingPools.Length) RingPools[ringClass].Return(_entries);
    }

    private static int RingClass(int length) => BitOperations.Log2((uint)length / RingLengthMin) - 1;

    private ref Entry At(int index) => ref _entries[(_head + index) & (_entries.Length - 1)];

    private void Dequeue()
    {
        ref Entry head = ref At(0);
        object owner = head.Owner;
        QueuedMessages -= head.Messages;
        head = default;
        _head = (_head + 1) & (_entries.Length - 1);
        _headNumber++;
        _count--;
        _headSent = 0;
        Release(owner);
    }

    // An entry is gone: one reference less, or an array that no other entry uses.
    private void Release(object owner)
    {
        if (owner is SharedFrame shared) shared.Message.Release();
        else if (_count == 0 || !ReferenceEquals(At(0).Owner, owner)) ReleaseArray((byte[])owner);
    }

    // Entries leave in order, so mostly the last entry that uses an array is the last in the queue. But a large frame may lie between two
    // entries of one chunk. And while anything is queued, the chunk that is being filled stays.
    private void ReleaseArray(byte[] array)
    {
        for (int i = 0; i < _count; i++)
            if (ReferenceEquals(At(i).Owner, array)) return;
        if (ReferenceEquals(array, _chunk))
        {
            _chunk = null;
            _chunkEnd = 0;
        }

        ReturnArray(array);
    }
}
