// What waits to be sent to one peer. In: whole frames, appended from any thread. Out: runs of bytes, taken by the owning loop alone, in
// order. Every frame is an entry of its own, so that a frame which the kernel took in part is finished or the connection is reset, and
// Close goes between frames, never into one. Small frames lie side by side in a chunk and leave as one run; a large one has an array
// of its own, and a shared one is held by reference.
// A connection has an outbox only while something is queued: it is taken from the spares with the first frame, and given back with
// the last. Every call is made under the lock of the connection that has it.

using RawWs.Frame;
using RawWs.Server.Memory;
using RawWs.Server.Native;

namespace RawWs.Server;

internal sealed partial class Outbox
{
    private const int FirstChunkBytes = 1024;
    private const int ChunkBytesMax = 64 * 1024;
    private const int SmallFrameBytesMax = 2048;
    private const int RingLengthMin = 32;
    private const long EntryBytes = 24;
    private const long NoNumber = long.MinValue; // not -1, which is a frame's that was put in front
    private const int PongBytesMax = 2 + FrameWriter.ControlPayloadBytesMax;

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
    private long _headNumber; // the head entry's number, counted from the first that was ever queued
    private long _pongNumber = NoNumber; // the number of the Pong that is queued last

    private Outbox() => _entries = _firstRing;

    /// <summary>Bytes queued and not yet taken by the kernel, shared payloads charged in full.</summary>
    public long QueuedBytes { get; private set; }

    /// <summary>The same with what it takes to keep them: what the bound is held against, for a frame may be of two bytes.</summary>
    public long ChargedBytes => QueuedBytes + (_count * EntryBytes);

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
        (_headNumber, _pongNumber) = (0, NoNumber);
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
    /// Appends bytes that must go out whatever the bound: an HTTP answer or a control frame. With <paramref name="coalesce"/> a Pong takes the
    /// place of one that is queued and not begun (§5.5.3), so that however many Pings come, one Pong waits.
    /// </summary>
    public void Append(ReadOnlySpan<byte> bytes, EntryKind kind, bool coalesce = false)
    {
        if (coalesce && kind == EntryKind.Pong && TryReplacePong(bytes)) return;
        // A Pong has room for the longest, so that the next can lie where it lies.
        int room = kind == EntryKind.Pong ? PongBytesMax : bytes.Length;
        TryReserve(room, required: true, out byte[] array, out int offset);
        bytes.CopyTo(array.AsSpan(offset));
        if (kind == EntryKind.Pong) _pongNumber = _headNumber + _count;
        Enqueue(new Entry(array, offset, bytes.Length, kind));
    }

    /// <summary>Puts in front of all that is queued what the kernel did not take of a batch.</summary>
    /// <param name="frames">Frames of our own writing, one behind the other, those with an inset without their payload.</param>
    /// <param name="source">Where the insets lie.</param>
    /// <param name="insets">The payloads that are not among the frames.</param>
    /// <param name="taken">How many bytes of all of it the kernel has taken: less than all.</param>
    public void Prepend(ReadOnlySpan<byte> frames, ReadOnlySpan<byte> source, ReadOnlySpan<Inset> insets, int taken)
    {
        byte[] array = Join(frames, source, insets, out int total);
        int start = 0, count = 0;
        for (int at = 0, end; at < total; at = end)
        {
            end = at + OwnFrame(array.AsSpan(at), out _);
            if (end <= taken) start = end;
            else count++;
        }

        // From the last to the first, each in front of the others.
        Span<(int Offset, int Length, EntryKind Kind)> whole = count <= 128 ? stackalloc (int, int, EntryKind)[128] : new (int, int, EntryKind)[count];
        for (int i = 0, at = start; i < count; i++)
        {
            int length = OwnFrame(array.AsSpan(at), out EntryKind kind);
            whole[i] = (at, length, kind);
            at += length;
        }

        for (int i = count - 1; i >= 0; i--) EnqueueInFront(new Entry(array, whole[i].Offset, whole[i].Length, whole[i].Kind));
        _headTaken = taken - start;
        QueuedBytes -= _headTaken;
    }

    // What was in two places, as it goes over the wire.
    private byte[] Join(ReadOnlySpan<byte> frames, ReadOnlySpan<byte> source, ReadOnlySpan<Inset> insets, out int total)
    {
        total = Inset.TotalBytes(frames, insets);
        byte[] array = _budget.Rent(total);
        Span<byte> rest = array;
        int at = 0;
        foreach (Inset inset in insets)
        {
            frames[at..inset.FramesEnd].CopyTo(rest);
            rest = rest[(inset.FramesEnd - at)..];
            source.Slice(inset.Start, inset.Length).CopyTo(rest);
            rest = rest[inset.Length..];
            at = inset.FramesEnd;
        }

        frames[at..].CopyTo(rest);
        return array;
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
            if (entry.Kind is EntryKind.Void or EntryKind.Http) continue; // without its HTTP answer nothing that follows can be read
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

    private bool TryReplacePong(ReadOnlySpan<byte> pong)
    {
        long index = _pongNumber - _headNumber;
        if (index < 0 || index >= _count || (index == 0 && _headTaken > 0)) return false;
        ref Entry entry = ref At((int)index);
        if (entry.Kind != EntryKind.Pong) return false;
        pong.CopyTo(entry.Bytes.AsSpan(entry.Offset, PongBytesMax));
        QueuedBytes += pong.Length - entry.Length;
        entry.Length = pong.Length;
        return true;
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
        public int Length = length;
        public EntryKind Kind = kind;

        public readonly byte[] Bytes => Owner as byte[] ?? ((SharedFrame)Owner).Bytes;
    }
}
