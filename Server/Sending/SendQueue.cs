// What waits to be sent to one peer. In: whole frames, appended from any thread. Out: runs of bytes, in order, for the owning loop alone.
// An entry is one frame, or the frames of several messages that lie side by side in a chunk; so a million tiny messages are a few entries.
// Where a frame ends is read from its own header, and only when the kernel has sent a part of an entry. So a frame that was begun is
// finished or the connection is reset, and a Close goes between frames, never into one. A large frame has an array of its own. A shared
// frame is held by reference.
// A connection has a send queue only while something is queued: it rents one from the pool for the first frame, and returns it after the
// last. Every call is made under the connection's lock. Everything that the queue holds is charged to the memory budget at its real cost.
// The budget is asked before, except for what must be sent in any case: a control frame, an HTTP answer.

using RawWs.Frame;
using RawWs.Server.Memory;

namespace RawWs.Server.Sending;

internal sealed partial class SendQueue
{
    private const int FirstChunkBytes = 1024;
    private const int ChunkBytesMax = 64 * 1024;
    private const int SmallFrameBytesMax = 2048;
    private const int RingLengthMin = 8;
    private const int EntryBytes = 24;

    /// <summary>What a queue itself costs in bytes: the object, its shortest ring, its first chunk.</summary>
    public const int OwnBytes = 1536;

    private const long NoNumber = long.MinValue; // not -1: that is the number of a frame that was put in front
    private const int PongBytesMax = 2 + FrameWriter.ControlPayloadBytesMax;

    private static readonly Pool<SendQueue> QueuePool = new(2048);

    // Pools of longer rings, by length: 16, 32, 64 and 128 entries. Few queues need more than the shortest ring.
    private static readonly Pool<Entry[]>[] RingPools = [new(512), new(256), new(128), new(64)];

    // A queue in the pool keeps its shortest ring and its first chunk.
    private readonly Entry[] _firstRing = new Entry[RingLengthMin];
    private readonly byte[] _firstChunk = GC.AllocateUninitializedArray<byte>(FirstChunkBytes);

    private MemoryBudget _budget = null!;
    private Congestion _congestion = null!;
    private Entry[] _entries; // a ring; its length is a power of two
    private int _head;
    private int _count;
    private byte[]? _chunk;
    private int _chunkEnd;
    private int _nextChunkBytes = FirstChunkBytes;
    private int _headSent; // how many bytes the kernel has sent of the head entry's first frame
    private int _given; // how many entries, from the head on, the kernel is being given at this moment
    private bool _flushRequested;
    private uint _acknowledged;
    private Congestion.Level _level;
    private long _headNumber; // the head entry's number, counted from the first entry of this queue
    private long _pongNumber = NoNumber; // the number of the Pong that was queued last

    private SendQueue() => _entries = _firstRing;

    /// <summary>Bytes that are queued and not yet sent, with shared payloads counted in full. The bound is compared with this.</summary>
    public long QueuedBytes { get; private set; }

    /// <summary>How many messages are queued, with the one that has begun to be sent.</summary>
    public int QueuedMessages { get; private set; }

    /// <summary>Whether nothing is queued. Then it can be returned to the pool.</summary>
    public bool IsEmpty => _count == 0;

    /// <summary>Whether its bound is reached. Then no further message is accepted.</summary>
    public bool IsFull => _level == Congestion.Level.Full;

    /// <summary>Whether so many entries are queued that it is worth avoiding another one.</summary>
    public bool IsLong => _count >= RingLengthMin - 2;

    /// <summary>Whether a part of a frame has been sent. Then only the rest of the frame may follow, or a reset.</summary>
    public bool InsideFrame => _headSent > 0;

    /// <summary>
    /// The time by which the kernel must send something after it has refused to; the owner uses it. In the loop's milliseconds.
    /// </summary>
    public long SendDeadline { get; set; } = long.MaxValue;

    /// <summary>
    /// When the kernel last took something, or the peer was last seen to acknowledge something, or when the queue was rented. In the loop's
    /// milliseconds.
    /// </summary>
    public long LastSent { get; private set; }

    /// <summary>How much the peer had acknowledged when it was last looked at: the lowest 32 bits. The owner's.</summary>
    public ref uint Acknowledged => ref _acknowledged;

    /// <summary>Completed when there is room again; null while nobody waits for that.</summary>
    public TaskCompletionSource? Writable { get; set; }

    /// <summary>Rents an empty queue, whatever the memory limit: for what must be sent in any case.</summary>
    public static SendQueue Rent(MemoryBudget budget, Congestion congestion, long now)
    {
        budget.Charge(OwnBytes);
        return RentFromPool(budget, congestion, now);
    }

    /// <summary>Rents an empty queue; null when the memory limit is reached.</summary>
    public static SendQueue? TryRent(MemoryBudget budget, Congestion congestion, long now) =>
        budget.TryChargeToWait(OwnBytes) ? RentFromPool(budget, congestion, now) : null;

    private static SendQueue RentFromPool(MemoryBudget budget, Congestion congestion, long now)
    {
        SendQueue queue = QueuePool.TryRent() ?? new SendQueue();
        (queue._budget, queue._congestion, queue.LastSent) = (budget, congestion, now);
        return queue;
    }

    /// <summary>Drops what is still queued, and returns the queue to the pool.</summary>
    public void Return()
    {
        while (_count > 0) Dequeue();
        ReturnRing();
        QueuedBytes = 0;
        _given = 0;
        FollowLevel();
        Writable?.TrySetResult();
        (_entries, _head, _chunk, _chunkEnd, _nextChunkBytes) = (_firstRing, 0, null, 0, FirstChunkBytes);
        (_headSent, _flushRequested, SendDeadline, Writable) = (0, false, long.MaxValue, null);
        (_headNumber, _pongNumber) = (0, NoNumber);
        _budget.Discharge(OwnBytes);
        (_budget, _congestion) = (null!, null!);
        QueuePool.Return(this);
    }

    /// <summary>Empties the pools; the garbage collector takes what was in them.</summary>
    public static void DropPooled()
    {
        while (QueuePool.TryRent() is not null)
        {
        }

        foreach (Pool<Entry[]> rings in RingPools)
        {
            while (rings.TryRent() is not null)
            {
            }
        }
    }

    /// <summary>True for the first caller since the last flush began: that caller must tell the loop.</summary>
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
        return TryEnqueue(new Entry(array, offset, length, EntryKind.Data, messages: 1), required: false);
    }

    /// <summary>
    /// Appends bytes by copy: whole frames, with so many messages, or, of the kind Http, anything. False when the memory limit is reached.
    /// </summary>
    public bool TryAppend(ReadOnlySpan<byte> bytes, int messages = 1, EntryKind kind = EntryKind.Data)
    {
        if (!TryReserve(bytes.Length, required: false, out byte[] array, out int offset)) return false;
        bytes.CopyTo(array.AsSpan(offset));
        return TryEnqueue(new Entry(array, offset, bytes.Length, kind, messages), required: false);
    }

    /// <summary>Appends a shared frame: a small one by copy, a large one by reference. False when the memory limit is reached.</summary>
    public bool TryAppend(SharedFrame frame)
    {
        if (frame.Length <= SmallFrameBytesMax) return TryAppend(frame.Span);
        frame.Message.Acquire();
        return TryEnqueue(new Entry(frame, 0, frame.Length, EntryKind.Data, messages: 1), required: false);
    }

    /// <summary>
    /// Appends bytes that must be sent whatever the bound: an HTTP answer or a control frame. With <paramref name="coalesce"/> a Pong
    /// replaces a queued one that was not begun (§5.5.3). So one Pong waits, however many Pings come.
    /// </summary>
    public void Append(ReadOnlySpan<byte> bytes, EntryKind kind, bool coalesce = false)
    {
        coalesce &= kind == EntryKind.Pong;
        if (coalesce && TryReplacePong(bytes)) return;
        // A Pong that others may replace has room for the longest Pong, so that the next one fits into the same place.
        int room = coalesce ? PongBytesMax : bytes.Length;
        TryReserve(room, required: true, out byte[] array, out int offset);
        bytes.CopyTo(array.AsSpan(offset));
        if (coalesce) _pongNumber = _headNumber + _count;
        TryEnqueue(new Entry(array, offset, bytes.Length, kind), required: true);
    }

    /// <summary>
    /// The next run to send: the longest run of adjoining bytes at the head. It stays valid until <see cref="OnSent"/>. False when nothing
    /// is queued. Whoever appends after this asks for a flush again.
    /// </summary>
    public bool TryPeek(out ReadOnlySpan<byte> run, out bool more)
    {
        _flushRequested = false;
        while (_count > 0 && At(0).Kind == EntryKind.Void) Dequeue();
        run = default;
        more = false;
        if (_count == 0) return false;
        ref Entry head = ref At(0);
        int start = head.Offset + _headSent, end = head.Offset + head.Length;
        int i = 1;
        for (; i < _count; i++)
        {
            ref Entry next = ref At(i);
            if (next.Kind == EntryKind.Void || !ReferenceEquals(next.Owner, head.Owner) || next.Offset != end) break;
            end += next.Length;
        }

        run = head.Bytes.AsSpan(start, end - start);
        more = i < _count;
        _given = i;
        return true;
    }

    /// <summary>The kernel has sent so many bytes of the run, at this time in the loop's milliseconds.</summary>
    public void OnSent(int bytes, long now)
    {
        _given = 0;
        QueuedBytes -= bytes;
        if (bytes > 0) LastSent = now;
        while (_count > 0)
        {
            int left = At(0).Length - _headSent;
            if (bytes < left)
            {
                _headSent += bytes;
                SkipWholeFrames(ref At(0));
                break;
            }

            bytes -= left;
            Dequeue();
        }

        FollowLevel();
    }

    /// <summary>The peer has acknowledged bytes.</summary>
    public void OnTaken(long now) => LastSent = now;

    // An entry begins with a frame that is not yet sent whole: frames that are sent are cut off.
    private void SkipWholeFrames(ref Entry head)
    {
        if (head.Kind != EntryKind.Data) return;
        for (int frame = FirstFrameLength(head, out bool isMessage); frame <= _headSent; frame = FirstFrameLength(head, out isMessage))
        {
            CutFirstFrame(ref head, frame, isMessage);
            _headSent -= frame;
        }
    }

    private void CutFirstFrame(ref Entry entry, int length, bool isMessage)
    {
        entry.Offset += length;
        entry.Length -= length;
        if (!isMessage) return;
        entry.Messages--;
        QueuedMessages--;
    }

    // This server wrote the frames, none of them a fragment, and no header is cut.
    private static int FirstFrameLength(in Entry entry, out bool isMessage)
    {
        isMessage = false;
        if (entry.Kind != EntryKind.Data) return entry.Length;
        FrameReader.TryRead(entry.Bytes.AsSpan(entry.Offset, entry.Length), out FrameHeader header);
        isMessage = !header.IsControl;
        return header.HeaderLength + (int)header.PayloadLength;
    }

    // The index of a waiting Pong that was not begun and has room for any other; or -1.
    private int FindPong()
    {
        long index = _pongNumber - _headNumber;
        if (index < 0 || index >= _count || (index == 0 && _headSent > 0)) return -1;
        return At((int)index).Kind == EntryKind.Pong ? (int)index : -1;
    }

    private bool TryReplacePong(ReadOnlySpan<byte> pong)
    {
        int index = FindPong();
        if (index < 0) return false;
        ref Entry entry = ref At(index);
        pong.CopyTo(entry.Bytes.AsSpan(entry.Offset, PongBytesMax));
        QueuedBytes += pong.Length - entry.Length;
        entry.Length = pong.Length;
        FollowLevel();
        return true;
    }

    internal enum EntryKind : byte
    {
        Void,

        /// <summary>One frame, or several that lie side by side.</summary>
        Data,

        Ping,
        Pong,
        Close,
        Http,
    }

    internal struct Entry(object owner, int offset, int length, EntryKind kind, int messages = 0)
    {
        public readonly object Owner = owner; // a byte[] of the budget's, the first chunk, or a SharedFrame
        public int Offset = offset;
        public int Length = length;
        public int Messages = messages; // how many of its frames are messages
        public EntryKind Kind = kind;

        public readonly byte[] Bytes => Owner as byte[] ?? ((SharedFrame)Owner).Bytes;

        /// <summary>Whether the other entry lies directly behind this one, so that both can be one entry.</summary>
        public readonly bool IsFollowedBy(in Entry other) =>
            Kind == EntryKind.Data && ReferenceEquals(Owner, other.Owner) && Offset + Length == other.Offset;
    }
}
