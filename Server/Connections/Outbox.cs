// What waits to be sent to one peer. In: whole frames, appended from any thread under the outbox's small lock. Out: runs of
// bytes, taken by the owning loop alone, in order. Every frame is an entry of its own, so that a frame which the kernel took
// in part is finished or the connection is reset, and Close goes between frames, never into one. Small frames lie
// side by side in a chunk and leave as one run; a large one has an array of its own, and a shared one is held by reference.

using System.Numerics;
using RawWs.Frame;
using RawWs.Server.Memory;

namespace RawWs.Server;

/// <summary>What became of a message given to a connection.</summary>
public enum SendResult : byte
{
    /// <summary>It is queued, and goes out in order unless the connection ends first.</summary>
    Queued,

    /// <summary>The outbox is at its bound (or the server's memory limit is reached): not queued.</summary>
    Full,

    /// <summary>The connection is not open (yet, or any more): not queued.</summary>
    Closed,
}

internal sealed class Outbox(MemoryBudget budget, long boundBytes)
{
    private const int FirstChunkBytes = 1024;
    private const int ChunkBytesMax = 64 * 1024;
    private const int SmallFrameBytesMax = 2048;

    private const int RingLengthMin = 32;

    // An outbox has a ring only while something is queued. Spares by length: 32, 64 ... 4,096 entries.
    private static readonly Spares<Entry[]>[] SpareRings =
        [new(4096), new(2048), new(1024), new(512), new(256), new(128), new(64), new(32)];

    private Entry[]? _entries; // a ring; its length is a power of two
    private int _head;
    private int _count;
    private byte[]? _chunk;
    private int _chunkEnd;
    private int _nextChunkBytes = FirstChunkBytes;
    private int _headTaken; // bytes of the head entry that the kernel has taken
    private bool _accepting;
    private bool _flushRequested;
    private long _queuedBytes;
    private long _messages;

    /// <summary>Messages accepted in all.</summary>
    public long Messages => Volatile.Read(ref _messages);

    /// <summary>Bytes queued and not yet taken by the kernel, shared payloads charged in full.</summary>
    public long QueuedBytes => Volatile.Read(ref _queuedBytes);

    /// <summary>Whether messages are accepted: from the upgrade's answer to the first Close.</summary>
    public bool Accepting
    {
        get => Volatile.Read(ref _accepting);
        set
        {
            lock (this) _accepting = value;
        }
    }

    /// <summary>Appends one unfragmented message. <paramref name="requestFlush"/>: the caller must see that the loop flushes.</summary>
    public SendResult TryAppend(Opcode opcode, ReadOnlySpan<byte> payload, out bool requestFlush)
    {
        requestFlush = false;
        lock (this)
        {
            if (!_accepting) return SendResult.Closed;
            if (_queuedBytes >= boundBytes) return SendResult.Full;
            int length = FrameWriter.HeaderLength((ulong)payload.Length, masked: false) + payload.Length;
            if (!TryReserve(length, required: false, out byte[] array, out int offset)) return SendResult.Full;
            FrameWriter.Write(array.AsSpan(offset), opcode, payload);
            Enqueue(new Entry(array, offset, length, EntryKind.Data));
            _messages++;
            requestFlush = RequestFlush();
            return SendResult.Queued;
        }
    }

    /// <summary>Appends a shared frame: a small one by copy, a large one by reference.</summary>
    public SendResult TryAppend(SharedMessage message, out bool requestFlush)
    {
        requestFlush = false;
        lock (this)
        {
            if (!_accepting) return SendResult.Closed;
            if (_queuedBytes >= boundBytes) return SendResult.Full;
            int length = message.FrameBytes;
            if (length <= SmallFrameBytesMax)
            {
                if (!TryReserve(length, required: false, out byte[] array, out int offset)) return SendResult.Full;
                message.Frame.CopyTo(array.AsSpan(offset));
                Enqueue(new Entry(array, offset, length, EntryKind.Data));
            }
            else
            {
                message.Acquire();
                Enqueue(new Entry(message, 0, length, EntryKind.Data));
            }

            _messages++;
            requestFlush = RequestFlush();
            return SendResult.Queued;
        }
    }

    /// <summary>
    /// Appends bytes that must go out whatever the bound: an HTTP answer or a control frame. With
    /// <paramref name="replacePong"/> an unsent Pong in the queue gives way to this one (§5.5.3).
    /// </summary>
    public bool Append(ReadOnlySpan<byte> bytes, EntryKind kind, bool replacePong = false)
    {
        lock (this)
        {
            if (replacePong) VoidUnsentPong();
            if (!TryReserve(bytes.Length, required: true, out byte[] array, out int offset)) return false;
            bytes.CopyTo(array.AsSpan(offset));
            Enqueue(new Entry(array, offset, bytes.Length, kind));
            return RequestFlush();
        }
    }

    /// <summary>
    /// The next run to send: the longest stretch of adjoining bytes at the head. It stays valid until
    /// <see cref="Taken"/>, which only the same thread calls. False when nothing is queued. Who appends from here on asks for a flush again.
    /// </summary>
    public bool TryPeek(out ReadOnlySpan<byte> run, out bool more)
    {
        lock (this)
        {
            _flushRequested = false;
            while (_count > 0 && At(0).Kind == EntryKind.Void) Dequeue();
            run = default;
            more = false;
            if (_count == 0) return false;
            ref Entry head = ref At(0);
            int start = head.Offset + _headTaken, end = head.Offset + head.Length;
            int i = 1;
            for (; i < _count; i++)
            {
                ref Entry next = ref At(i);
                if (next.Kind == EntryKind.Void || !ReferenceEquals(next.Owner, head.Owner) || next.Offset != end) break;
                end += next.Length;
            }

            run = head.Bytes.AsSpan(start, end - start);
            more = i < _count;
            return true;
        }
    }

    /// <summary>The kernel took this many bytes of the run. True when the queue is empty now.</summary>
    public bool Taken(int bytes)
    {
        lock (this)
        {
            _queuedBytes -= bytes;
            while (_count > 0)
            {
                ref Entry head = ref At(0);
                int left = head.Length - _headTaken;
                if (bytes < left)
                {
                    _headTaken += bytes;
                    return false;
                }

                bytes -= left;
                Dequeue();
            }

            return true;
        }
    }

    /// <summary>Drops what the kernel has not begun to take (the slow-consumer policy): the begun frame stays, to be finished.</summary>
    public void DropUnsent()
    {
        lock (this)
        {
            for (int i = _headTaken > 0 ? 1 : 0; i < _count; i++)
            {
                ref Entry entry = ref At(i);
                if (entry.Kind == EntryKind.Void) continue;
                _queuedBytes -= entry.Length;
                entry.Kind = EntryKind.Void;
            }
        }
    }

    /// <summary>Whether a frame has been taken in part: what may follow it is its rest, or a reset.</summary>
    public bool InsideFrame
    {
        get
        {
            lock (this) return _headTaken > 0;
        }
    }

    /// <summary>The end: nothing is accepted any more and everything held goes back.</summary>
    public void Release()
    {
        lock (this)
        {
            _accepting = false;
            while (_count > 0) Dequeue();
            _queuedBytes = 0;
        }
    }

    private bool RequestFlush()
    {
        if (_flushRequested) return false;
        _flushRequested = true;
        return true;
    }

    private bool TryReserve(int length, bool required, out byte[] array, out int offset)
    {
        if (length > SmallFrameBytesMax)
        {
            offset = 0;
            byte[]? own = required ? budget.Rent(length) : budget.TryRent(length);
            array = own!;
            return own is not null;
        }

        if (_chunk is null || _chunk.Length - _chunkEnd < length)
        {
            int wanted = Math.Max(_nextChunkBytes, length);
            byte[]? fresh = required ? budget.Rent(wanted) : budget.TryRent(wanted);
            if (fresh is null)
            {
                array = null!;
                offset = 0;
                return false;
            }

            // A chunk that no entry refers to would be lost here, but there is none: the last Dequeue gives it back.
            _chunk = fresh;
            _chunkEnd = 0;
            _nextChunkBytes = Math.Min(_nextChunkBytes * 4, ChunkBytesMax);
        }

        array = _chunk;
        offset = _chunkEnd;
        _chunkEnd += length;
        return true;
    }

    private void Enqueue(in Entry entry)
    {
        if (_entries is null) _entries = TakeRing(RingLengthMin);
        else if (_count == _entries.Length) Grow();
        _entries[(_head + _count) & (_entries.Length - 1)] = entry;
        _count++;
        _queuedBytes += entry.Length;
    }

    private void Grow()
    {
        Entry[] larger = TakeRing(_entries!.Length * 2);
        for (int i = 0; i < _count; i++) larger[i] = At(i);
        Array.Clear(_entries);
        ReturnRing();
        _entries = larger;
        _head = 0;
    }

    private static Entry[] TakeRing(int length) =>
        (RingClass(length) is var spares && spares < SpareRings.Length ? SpareRings[spares].TryTake() : null) ?? new Entry[length];

    private void ReturnRing()
    {
        int spares = RingClass(_entries!.Length);
        if (spares < SpareRings.Length) SpareRings[spares].Give(_entries);
    }

    private static int RingClass(int length) => BitOperations.Log2((uint)length / RingLengthMin);

    private ref Entry At(int index) => ref _entries![(_head + index) & (_entries.Length - 1)];

    private void Dequeue()
    {
        ref Entry head = ref At(0);
        object owner = head.Owner;
        head = default;
        _head = (_head + 1) & (_entries!.Length - 1);
        _count--;
        _headTaken = 0;
        if (owner is SharedMessage shared) shared.Release();
        else if (_count == 0 || !ReferenceEquals(At(0).Owner, owner)) ReleaseArray((byte[])owner);
        if (_count > 0) return;
        ReturnRing();
        _entries = null;
        _head = 0;
        _nextChunkBytes = FirstChunkBytes;
    }

    // Entries leave in order, so the last one that names an array is mostly the last that needs it: but a large frame may lie
    // between two entries of one chunk, and while anything is queued the chunk that is being filled stays.
    private void ReleaseArray(byte[] array)
    {
        for (int i = 0; i < _count; i++)
            if (ReferenceEquals(At(i).Owner, array)) return;
        if (ReferenceEquals(array, _chunk))
        {
            _chunk = null;
            _chunkEnd = 0;
        }

        budget.Return(array);
    }

    private void VoidUnsentPong()
    {
        for (int i = _headTaken > 0 ? 1 : 0; i < _count; i++)
        {
            ref Entry entry = ref At(i);
            if (entry.Kind != EntryKind.Pong) continue;
            _queuedBytes -= entry.Length;
            entry.Kind = EntryKind.Void;
            return;
        }
    }

    internal enum EntryKind : byte
    {
        Void,
        Data,
        Ping,
        Pong,
        Close,
        Http,
    }

    internal struct Entry(object owner, int offset, int length, EntryKind kind)
    {
        public readonly object Owner = owner; // a byte[] of the budget's, or a SharedMessage
        public readonly int Offset = offset;
        public readonly int Length = length;
        public EntryKind Kind = kind;

        public readonly byte[] Bytes => Owner as byte[] ?? ((SharedMessage)Owner).Array;
    }
}
