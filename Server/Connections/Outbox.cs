// What waits to be sent to one peer. In: whole frames, appended from any thread. Out: runs of bytes, taken by the owning loop alone, in
// order. Every frame is an entry of its own, so that a frame which the kernel took in part is finished or the connection is reset, and
// Close goes between frames, never into one. Small frames lie side by side in a chunk and leave as one run; a large one has an array
// of its own, and a shared one is held by reference.
// A connection has an outbox only while something is queued: it is taken from the spares with the first frame, and given back with
// the last. Every call is made under the lock of the connection that has it.

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

internal sealed class Outbox
{
    private const int FirstChunkBytes = 1024;
    private const int ChunkBytesMax = 64 * 1024;
    private const int SmallFrameBytesMax = 2048;
    private const int RingLengthMin = 32;

    private static readonly Spares<Outbox> SpareOutboxes = new(4096);

    // Longer rings by length: 64, 128 ... 4,096 entries.
    private static readonly Spares<Entry[]>[] SpareRings = [new(2048), new(1024), new(512), new(256), new(128), new(64), new(32)];

    // A spare outbox keeps its shortest ring and its first chunk.
    private readonly Entry[] _firstRing = new Entry[RingLengthMin];
    private readonly byte[] _firstChunk = GC.AllocateUninitializedArray<byte>(FirstChunkBytes);

    private MemoryBudget _budget = null!;
    private Entry[] _entries; // a ring; its length is a power of two
    private int _head;
    private int _count;
    private byte[]? _chunk;
    private int _chunkEnd;
    private int _nextChunkBytes = FirstChunkBytes;
    private int _headTaken; // bytes of the head entry that the kernel has taken
    private bool _flushRequested;

    private Outbox() => _entries = _firstRing;

    /// <summary>Bytes queued and not yet taken by the kernel, shared payloads charged in full.</summary>
    public long QueuedBytes { get; private set; }

    /// <summary>Whether nothing is queued: it can be given back.</summary>
    public bool IsEmpty => _count == 0;

    /// <summary>Whether a frame has been taken in part: what may follow it is its rest, or a reset.</summary>
    public bool InsideFrame => _headTaken > 0;

    /// <summary>By when the kernel must have taken something, once it has refused to; the owner's.</summary>
    public long SendDeadline { get; set; } = long.MaxValue;

    /// <summary>Completed when there is room again; null while nobody waits for it.</summary>
    public TaskCompletionSource? Writable { get; set; }

    /// <summary>An empty one.</summary>
    public static Outbox Take(MemoryBudget budget)
    {
        Outbox outbox = SpareOutboxes.TryTake() ?? new Outbox();
        outbox._budget = budget;
        return outbox;
    }

    /// <summary>Drops what is queued, if anything is, and goes back to the spares.</summary>
    public void GiveBack()
    {
        while (_count > 0) Dequeue();
        ReturnRing();
        Writable?.TrySetResult();
        (_entries, _head, _chunk, _chunkEnd, _nextChunkBytes) = (_firstRing, 0, null, 0, FirstChunkBytes);
        (_headTaken, _flushRequested, QueuedBytes, SendDeadline, Writable) = (0, false, 0, long.MaxValue, null);
        _budget = null!;
        SpareOutboxes.Give(this);
    }

    /// <summary>True for the first who asks since the last flush began: the loop has to be told.</summary>
    public bool RequestFlush()
    {
        if (_flushRequested) return false;
        _flushRequested = true;
        return true;
    }

    /// <summary>Appends one unfragmented message. False when the server's memory limit is reached.</summary>
    public bool TryAppend(Opcode opcode, ReadOnlySpan<byte> payload)
    {
        int length = FrameWriter.HeaderLength((ulong)payload.Length, masked: false) + payload.Length;
        if (!TryReserve(length, required: false, out byte[] array, out int offset)) return false;
        FrameWriter.Write(array.AsSpan(offset), opcode, payload);
        Enqueue(new Entry(array, offset, length, EntryKind.Data));
        return true;
    }

    /// <summary>Appends a message's one frame by copy. False when the memory limit is reached.</summary>
    public bool TryAppend(ReadOnlySpan<byte> frame)
    {
        if (!TryReserve(frame.Length, required: false, out byte[] array, out int offset)) return false;
        frame.CopyTo(array.AsSpan(offset));
        Enqueue(new Entry(array, offset, frame.Length, EntryKind.Data));
        return true;
    }

    /// <summary>Appends a shared frame: a small one by copy, a large one by reference. False when the memory limit is reached.</summary>
    public bool TryAppend(SharedFrame frame)
    {
        if (frame.Length <= SmallFrameBytesMax) return TryAppend(frame.Span);
        frame.Message.Acquire();
        Enqueue(new Entry(frame, 0, frame.Length, EntryKind.Data));
        return true;
    }

    /// <summary>
    /// Appends bytes that must go out whatever the bound: an HTTP answer or a control frame. With
    /// <paramref name="replacePong"/> an unsent Pong at the end of the queue gives way to this one (§5.5.3).
    /// </summary>
    public void Append(ReadOnlySpan<byte> bytes, EntryKind kind, bool replacePong = false)
    {
        if (replacePong) RemoveUnsentPong();
        TryReserve(bytes.Length, required: true, out byte[] array, out int offset);
        bytes.CopyTo(array.AsSpan(offset));
        Enqueue(new Entry(array, offset, bytes.Length, kind));
    }

    /// <summary>
    /// Puts in front of all that is queued what the kernel did not take of a batch: whole frames in <paramref name="frames"/>, of which
    /// the last may go on in <paramref name="payload"/>.
    /// </summary>
    /// <param name="frames">Frames of our own writing, one behind the other.</param>
    /// <param name="payload">The rest of the last frame, or nothing.</param>
    /// <param name="taken">How many bytes of all of it the kernel has taken: less than all.</param>
    public void Prepend(ReadOnlySpan<byte> frames, ReadOnlySpan<byte> payload, int taken)
    {
        int start = 0, count = 0;
        for (int at = 0; at < frames.Length;)
        {
            int end = at + OwnFrame(frames[at..], out _);
            if (end <= taken) start = end;
            else count++;
            at = end;
        }

        int total = frames.Length + payload.Length - start;
        byte[] array = _budget.Rent(total);
        frames[start..].CopyTo(array);
        payload.CopyTo(array.AsSpan(frames.Length - start));

        // From the last to the first, each in front of the others.
        Span<(int Offset, int Length, EntryKind Kind)> whole = count <= 128 ? stackalloc (int, int, EntryKind)[128] : new (int, int, EntryKind)[count];
        for (int i = 0, at = 0; i < count; i++)
        {
            int length = OwnFrame(array.AsSpan(at), out EntryKind kind);
            whole[i] = (at, length, kind);
            at += length;
        }

        for (int i = count - 1; i >= 0; i--) EnqueueInFront(new Entry(array, whole[i].Offset, whole[i].Length, whole[i].Kind));
        _headTaken = taken - start;
        QueuedBytes -= _headTaken;
    }

    /// <summary>
    /// The next run to send: the longest stretch of adjoining bytes at the head. It stays valid until
    /// <see cref="Taken"/>. False when nothing is queued. Who appends from here on asks for a flush again.
    /// </summary>
    public bool TryPeek(out ReadOnlySpan<byte> run, out bool more)
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

    /// <summary>The kernel took this many bytes of the run.</summary>
    public void Taken(int bytes)
    {
        QueuedBytes -= bytes;
        while (_count > 0)
        {
            int left = At(0).Length - _headTaken;
            if (bytes < left)
            {
                _headTaken += bytes;
                return;
            }

            bytes -= left;
            Dequeue();
        }
    }

    /// <summary>Drops what the kernel has not begun to take (the slow-consumer policy): the begun frame stays, to be finished.</summary>
    public void DropUnsent()
    {
        for (int i = _headTaken > 0 ? 1 : 0; i < _count; i++)
        {
            ref Entry entry = ref At(i);
            if (entry.Kind == EntryKind.Void) continue;
            QueuedBytes -= entry.Length;
            entry.Kind = EntryKind.Void;
        }
    }

    // The length and kind of a frame that we have written ourselves.
    private static int OwnFrame(ReadOnlySpan<byte> frame, out EntryKind kind)
    {
        FrameReader.TryRead(frame, out FrameHeader header);
        kind = header.Opcode switch
        {
            Opcode.Close => EntryKind.Close,
            Opcode.Ping => EntryKind.Ping,
            Opcode.Pong => EntryKind.Pong,
            _ => EntryKind.Data,
        };
        return header.HeaderLength + (int)header.PayloadLength;
    }

    private bool TryReserve(int length, bool required, out byte[] array, out int offset)
    {
        offset = 0;
        if (length > SmallFrameBytesMax) return TryRent(length, required, out array);
        if (_chunk is null || _chunk.Length - _chunkEnd < length)
        {
            // A chunk that no entry refers to would be lost here, but there is none: the last Dequeue gives it back.
            if (!TryRent(Math.Max(_nextChunkBytes, length), required, out array)) return false;
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
        if (bytes == FirstChunkBytes)
        {
            array = _firstChunk;
            if (!required) return _budget.TryCharge(bytes);
            _budget.Charge(bytes);
            return true;
        }

        byte[]? rented = required ? _budget.Rent(bytes) : _budget.TryRent(bytes);
        array = rented!;
        return rented is not null;
    }

    private void ReturnArray(byte[] array)
    {
        if (array == _firstChunk) _budget.Discharge(FirstChunkBytes);
        else _budget.Return(array);
    }

    private void Enqueue(in Entry entry)
    {
        if (_count == _entries.Length) Grow();
        _entries[(_head + _count) & (_entries.Length - 1)] = entry;
        _count++;
        QueuedBytes += entry.Length;
    }

    private void EnqueueInFront(in Entry entry)
    {
        if (_count == _entries.Length) Grow();
        _head = (_head - 1) & (_entries.Length - 1);
        _entries[_head] = entry;
        _count++;
        QueuedBytes += entry.Length;
    }

    private void Grow()
    {
        int length = _entries.Length * 2, spares = RingClass(length);
        Entry[] larger = (spares < SpareRings.Length ? SpareRings[spares].TryTake() : null) ?? new Entry[length];
        for (int i = 0; i < _count; i++) larger[i] = At(i);
        Array.Clear(_entries);
        ReturnRing();
        _entries = larger;
        _head = 0;
    }

    private void ReturnRing()
    {
        if (_entries == _firstRing) return;
        int spares = RingClass(_entries.Length);
        if (spares < SpareRings.Length) SpareRings[spares].Give(_entries);
    }

    private static int RingClass(int length) => BitOperations.Log2((uint)length / RingLengthMin) - 1;

    private ref Entry At(int index) => ref _entries[(_head + index) & (_entries.Length - 1)];

    private void Dequeue()
    {
        ref Entry head = ref At(0);
        object owner = head.Owner;
        head = default;
        _head = (_head + 1) & (_entries.Length - 1);
        _count--;
        _headTaken = 0;
        if (owner is SharedFrame shared) shared.Message.Release();
        else if (_count == 0 || !ReferenceEquals(At(0).Owner, owner)) ReleaseArray((byte[])owner);
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

        ReturnArray(array);
    }

    // The last entry alone can be taken out with its bytes. A Pong that something else was queued behind stays, and counts as queued, so
    // that the gate closes on a peer that goes on like this: what is taken out of the middle would be held and not be counted.
    private void RemoveUnsentPong()
    {
        int last = _count - 1;
        if (last < 0 || At(last).Kind != EntryKind.Pong || (last == 0 && _headTaken > 0)) return;
        Entry pong = At(last);
        At(last) = default;
        _count--;
        QueuedBytes -= pong.Length;
        byte[] array = (byte[])pong.Owner;
        if (ReferenceEquals(array, _chunk) && pong.Offset + pong.Length == _chunkEnd) _chunkEnd = pong.Offset;
        if (_count == 0 || !ReferenceEquals(At(_count - 1).Owner, array)) ReleaseArray(array);
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
        public readonly object Owner = owner; // a byte[] of the budget's, or a SharedFrame
        public readonly int Offset = offset;
        public readonly int Length = length;
        public EntryKind Kind = kind;

        public readonly byte[] Bytes => Owner as byte[] ?? ((SharedFrame)Owner).Bytes;
    }
}
