// What waits to be sent to one peer. In: whole frames, appended from any thread. Out: runs of bytes, taken by the owning loop alone, in
// order. An entry is one frame, or several messages' frames that lie side by side in a chunk: a million tiny messages are a few entries.
// Where a frame ends is read from its own header, and only when the kernel has taken a part of an entry: so a frame that was begun is
// finished or the connection is reset, and Close goes between frames, never into one. A large frame has an array of its own, and a shared
// one is held by reference. A connection has an outbox only while something is queued: it is taken from the spares with the first frame,
// and given back with the last. Every call is made under the lock of the connection that has it. All that it holds is charged to the memory
// budget at what it costs, and, but for what must go out whatever happens (a control frame, an HTTP answer), asked for before.

using RawWs.Frame;
using RawWs.Server.Memory;

namespace RawWs.Server;

internal sealed partial class Outbox
{
    private const int FirstChunkBytes = 1024;
    private const int ChunkBytesMax = 64 * 1024;
    private const int SmallFrameBytesMax = 2048;
    private const int RingLengthMin = 8;
    private const int EntryBytes = 24;

    /// <summary>What an outbox costs by itself: the object, its shortest ring, its first chunk.</summary>
    public const int OwnBytes = 1536;

    private const long NoNumber = long.MinValue; // not -1, which is a frame's that was put in front
    private const int PongBytesMax = 2 + FrameWriter.ControlPayloadBytesMax;

    private static readonly Spares<Outbox> SpareOutboxes = new(2048);

    // Longer rings by length: 16, 32 ... 128 entries. Few need more than the shortest.
    private static readonly Spares<Entry[]>[] SpareRings = [new(512), new(256), new(128), new(64)];

    // A spare outbox keeps its shortest ring and its first chunk.
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
    private int _headTaken; // bytes that the kernel has taken of the first frame of the head entry
    private bool _flushRequested;
    private Congestion.Level _level;
    private long _headNumber; // the head entry's number, counted from the first that was ever queued
    private long _pongNumber = NoNumber; // the number of the Pong that is queued last

    private Outbox() => _entries = _firstRing;

    /// <summary>Bytes queued and not yet taken by the kernel, shared payloads counted in full: what the bound is held against.</summary>
    public long QueuedBytes { get; private set; }

    /// <summary>Whether nothing is queued: it can be given back.</summary>
    public bool IsEmpty => _count == 0;

    /// <summary>Whether its bound is reached: no message more is accepted.</summary>
    public bool IsFull => _level == Congestion.Level.Full;

    /// <summary>Whether so many entries are queued that one more is worth avoiding.</summary>
    public bool IsLong => _count >= RingLengthMin - 2;

    /// <summary>Whether a frame has been taken in part: what may follow it is its rest, or a reset.</summary>
    public bool InsideFrame => _headTaken > 0;

    /// <summary>By when the kernel must have taken something, once it has refused to; the owner's.</summary>
    public long SendDeadline { get; set; } = long.MaxValue;

    /// <summary>When the kernel took something last, or when it was made, in the loop's milliseconds.</summary>
    public long LastTaken { get; private set; }

    /// <summary>Completed when there is room again; null while nobody waits for it.</summary>
    public TaskCompletionSource? Writable { get; set; }

    /// <summary>An empty one, whatever the memory limit: for what must go out.</summary>
    public static Outbox Take(MemoryBudget budget, Congestion congestion, long now)
    {
        budget.Charge(OwnBytes);
        return Make(budget, congestion, now);
    }

    /// <summary>An empty one, or null when the memory limit is reached.</summary>
    public static Outbox? TryTake(MemoryBudget budget, Congestion congestion, long now) =>
        budget.TryChargeToWait(OwnBytes) ? Make(budget, congestion, now) : null;

    private static Outbox Make(MemoryBudget budget, Congestion congestion, long now)
    {
        Outbox outbox = SpareOutboxes.TryTake() ?? new Outbox();
        (outbox._budget, outbox._congestion, outbox.LastTaken) = (budget, congestion, now);
        return outbox;
    }

    /// <summary>Drops what is queued, if anything is, and goes back to the spares.</summary>
    public void GiveBack()
    {
        while (_count > 0) Dequeue();
        ReturnRing();
        QueuedBytes = 0;
        FollowLevel();
        Writable?.TrySetResult();
        (_entries, _head, _chunk, _chunkEnd, _nextChunkBytes) = (_firstRing, 0, null, 0, FirstChunkBytes);
        (_headTaken, _flushRequested, SendDeadline, Writable) = (0, false, long.MaxValue, null);
        (_headNumber, _pongNumber) = (0, NoNumber);
        _budget.Discharge(OwnBytes);
        (_budget, _congestion) = (null!, null!);
        SpareOutboxes.Give(this);
    }

    /// <summary>Leaves what is kept for the next taker to the collector.</summary>
    public static void DropSpares()
    {
        while (SpareOutboxes.TryTake() is not null)
        {
        }

        foreach (Spares<Entry[]> rings in SpareRings)
        {
            while (rings.TryTake() is not null)
            {
            }
        }
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
        return TryEnqueue(new Entry(array, offset, length, EntryKind.Data), required: false);
    }

    /// <summary>Appends whole frames by copy. False when the memory limit is reached.</summary>
    public bool TryAppend(ReadOnlySpan<byte> frames)
    {
        if (!TryReserve(frames.Length, required: false, out byte[] array, out int offset)) return false;
        frames.CopyTo(array.AsSpan(offset));
        return TryEnqueue(new Entry(array, offset, frames.Length, EntryKind.Data), required: false);
    }

    /// <summary>Appends a shared frame: a small one by copy, a large one by reference. False when the memory limit is reached.</summary>
    public bool TryAppend(SharedFrame frame)
    {
        if (frame.Length <= SmallFrameBytesMax) return TryAppend(frame.Span);
        frame.Message.Acquire();
        return TryEnqueue(new Entry(frame, 0, frame.Length, EntryKind.Data), required: false);
    }

    /// <summary>
    /// Appends bytes that must go out whatever the bound: an HTTP answer or a control frame. With <paramref name="coalesce"/> a Pong takes the
    /// place of one that is queued and not begun (§5.5.3), so that however many Pings come, one Pong waits.
    /// </summary>
    public void Append(ReadOnlySpan<byte> bytes, EntryKind kind, bool coalesce = false)
    {
        coalesce &= kind == EntryKind.Pong;
        if (coalesce && TryReplacePong(bytes)) return;
        // A Pong that others may replace has room for the longest, so that the next can lie where it lies.
        int room = coalesce ? PongBytesMax : bytes.Length;
        TryReserve(room, required: true, out byte[] array, out int offset);
        bytes.CopyTo(array.AsSpan(offset));
        if (coalesce) _pongNumber = _headNumber + _count;
        TryEnqueue(new Entry(array, offset, bytes.Length, kind), required: true);
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

    /// <summary>The kernel took this many bytes of the run, at this time in the loop's milliseconds.</summary>
    public void Taken(int bytes, long now)
    {
        QueuedBytes -= bytes;
        if (bytes > 0) LastTaken = now;
        while (_count > 0)
        {
            int left = At(0).Length - _headTaken;
            if (bytes < left)
            {
                _headTaken += bytes;
                SkipWholeFrames(ref At(0));
                break;
            }

            bytes -= left;
            Dequeue();
        }

        FollowLevel();
    }

    /// <summary>Drops what the kernel has not begun to take (the slow-consumer policy): the begun frame stays, to be finished.</summary>
    public void DropUnsent()
    {
        for (int i = 0; i < _count; i++)
        {
            ref Entry entry = ref At(i);
            if (entry.Kind is EntryKind.Void or EntryKind.Http) continue; // without its HTTP answer nothing that follows can be read
            int kept = i == 0 && _headTaken > 0 ? FirstFrameLength(entry) : 0;
            QueuedBytes -= entry.Length - kept;
            if (kept == 0) entry.Kind = EntryKind.Void;
            else entry.Length = kept;
        }

        FollowLevel();
    }

    // An entry begins with a frame that is not through.
    private void SkipWholeFrames(ref Entry head)
    {
        if (head.Kind != EntryKind.Data) return;
        for (int frame = FirstFrameLength(head); frame <= _headTaken; frame = FirstFrameLength(head))
        {
            head.Offset += frame;
            head.Length -= frame;
            _headTaken -= frame;
        }
    }

    // Frames of our own writing; a header is never cut.
    private static int FirstFrameLength(in Entry entry)
    {
        if (entry.Kind != EntryKind.Data) return entry.Length;
        FrameReader.TryRead(entry.Bytes.AsSpan(entry.Offset, entry.Length), out FrameHeader header);
        return header.HeaderLength + (int)header.PayloadLength;
    }

    // A Pong that waits and has not begun, with room for any other; its index, or -1.
    private int FindPong()
    {
        long index = _pongNumber - _headNumber;
        if (index < 0 || index >= _count || (index == 0 && _headTaken > 0)) return -1;
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

    internal struct Entry(object owner, int offset, int length, EntryKind kind)
    {
        public readonly object Owner = owner; // a byte[] of the budget's, the first chunk, or a SharedFrame
        public int Offset = offset;
        public int Length = length;
        public EntryKind Kind = kind;

        public readonly byte[] Bytes => Owner as byte[] ?? ((SharedFrame)Owner).Bytes;

        /// <summary>Whether the other lies right behind it, so that both can be one.</summary>
        public readonly bool IsFollowedBy(in Entry other) =>
            Kind == EntryKind.Data && ReferenceEquals(Owner, other.Owner) && Offset + Length == other.Offset;
    }
}
