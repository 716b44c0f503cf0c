// The cork: it collects the answers to the bytes that are handled at this moment. While a loop handles a connection's bytes, what its
// handler sends back to that same connection is written here, frame after frame. It leaves in one send when the bytes are handled; a small
// cork joins the batch with other connections' (SendBatch). So there is no lock, no queue, and no memory for each connection. A loop has
// one cork, and it belongs to a connection only while the receive buffer is lent to it. What the kernel does not send of it becomes the
// head of the connection's send queue.
// A large payload that lies among the handled bytes (an echo's) is not copied. The cork has only its header, and a payload segment that
// says where the payload lies. The kernel gathers both.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using RawWs.Frame;
using RawWs.Server.Native;

namespace RawWs.Server.Sending;

internal sealed class Cork
{
    /// <summary>The most that is collected before it is sent, in bytes.</summary>
    public const int BytesMax = 64 * 1024;

    /// <summary>Up to this many bytes a copy is cheaper than a further segment for the kernel.</summary>
    public const int CopiedBytesMax = 1024;

    private const int SegmentsMax = 32;
    private const int BatchedBytesMax = 64 * 1024;

    // The array begins with frames that have joined the batch (SendBatch). Behind the corked frames there is room for one more header, of a
    // frame whose payload is sent from where it lies.
    private readonly byte[] _frames = GC.AllocateUninitializedArray<byte>(BatchedBytesMax + BytesMax + FrameWriter.HeaderBytesMax,
        pinned: true);
    private readonly PayloadSegment[] _segments = new PayloadSegment[SegmentsMax];
    private int _start;
    private int _length;
    private int _segmentCount;
    private int _segmentBytes;
    private int _messages;
    private int _binaries; // of the messages

    /// <summary>
    /// The connection to whose bytes these are the answers; null between two connections. Other threads may read it, and then see that it
    /// is not theirs.
    /// </summary>
    public IHeldSender? Owner { get; private set; }

    /// <summary>The array with the bytes that are handled, if payloads may be sent from there; else null.</summary>
    public byte[]? Source { get; set; }

    /// <summary>How many of the frames are whole messages.</summary>
    public MessageCount Messages => new(_messages, _binaries);

    /// <summary>How many bytes there are to send, including the payload segments.</summary>
    public int Bytes => _length + _segmentBytes;

    /// <summary>The frames, one after the other. A frame whose payload lies elsewhere has only its header here.</summary>
    public ReadOnlySpan<byte> Frames => _frames.AsSpan(_start, _length);

    /// <summary>The payloads in <see cref="Source"/>, in order.</summary>
    public ReadOnlySpan<PayloadSegment> Segments => _segments.AsSpan(0, _segmentCount);

    /// <summary>Writes an unfragmented message. False when there is no room for it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryAppend(Opcode opcode, ReadOnlySpan<byte> payload)
    {
        if (payload.Length > BytesMax - FrameWriter.HeaderBytesMax - _length) return false;
        Grow(FrameWriter.Write(_frames.AsSpan(_start + _length), opcode, payload), opcode);
        return true;
    }

    /// <summary>
    /// Writes the header of a message whose payload is sent from the source. False when the payload is not there, or there is no room. Also
    /// false when more would be collected than the source is long, which no echo does: a handler that sends one payload many times must
    /// learn from the kernel when it is enough.
    /// </summary>
    public bool TryAppendSegment(Opcode opcode, ReadOnlySpan<byte> payload)
    {
        if (Source is null || _segmentCount == SegmentsMax || _length > BytesMax - FrameWriter.HeaderBytesMax
            || payload.Length > Source.Length - Bytes) return false;
        nint start = Unsafe.ByteOffset(ref MemoryMarshal.GetArrayDataReference(Source), ref MemoryMarshal.GetReference(payload));
        if ((nuint)start >= (nuint)Source.Length) return false;
        AppendHeader(opcode, payload.Length);
        _segments[_segmentCount++] = new PayloadSegment(_length, (int)start, payload.Length);
        _segmentBytes += payload.Length;
        return true;
    }

    /// <summary>Copies a frame. False when there is no room for it.</summary>
    public bool TryAppend(ReadOnlySpan<byte> frame, bool isMessage)
    {
        if (frame.Length > BytesMax - _length) return false;
        frame.CopyTo(_frames.AsSpan(_start + _length));
        if (isMessage) Grow(frame.Length, (Opcode)(frame[0] & 0x0F));
        else _length += frame.Length;
        return true;
    }

    /// <summary>Writes the header of a message whose payload follows the cork, and is sent from where it lies.</summary>
    public void AppendHeader(Opcode opcode, int payloadBytes) =>
        Grow(FrameWriter.WriteHeader(_frames.AsSpan(_start + _length), opcode, (ulong)payloadBytes), opcode);

    /// <summary>The frames have been sent, or queued.</summary>
    public void Clear() => _length = _segmentCount = _segmentBytes = _messages = _binaries = 0;

    /// <summary>The frames join the batch: their bytes stay where they are, and the next frames are written behind them.</summary>
    /// <returns>Whether there is room for the frames of a further connection.</returns>
    public bool MoveToBatch()
    {
        _start += _length;
        Clear();
        return _start <= BatchedBytesMax;
    }

    /// <summary>Begins to collect for a connection.</summary>
    /// <param name="owner">The connection whose bytes are handled.</param>
    /// <param name="batchIsEmpty">Whether no frames of this cork wait in the batch, so that their memory is free.</param>
    public void Begin(IHeldSender owner, bool batchIsEmpty)
    {
        // One at a time: the bytes of one connection are never handled inside of another's.
        if (Owner is not null) throw new InvalidOperationException("Another connection's bytes are being handled.");
        Owner = owner;
        if (batchIsEmpty) _start = 0;
    }

    /// <summary>The connection's bytes are handled.</summary>
    public void End()
    {
        Owner = null;
        Source = null;
        Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Grow(int bytes, Opcode message)
    {
        _length += bytes;
        _messages++;
        if (message == Opcode.Binary) _binaries++;
    }
}
