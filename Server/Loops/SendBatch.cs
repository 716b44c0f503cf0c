// The answers to the bytes that are being taken at this moment. While a loop takes a connection's bytes, what its handler sends back
// to that same connection is written here, frame behind frame, and leaves in one send when the bytes are through, a small batch together with other
// connections' (DeferredSends): no lock, no queue, no memory of the connection's own. One per loop; it is somebody's only for the synchronous stretch in which
// the receive buffer is lent. What the kernel does not take of it becomes the head of the connection's outbox.
// A payload that lies among the bytes that are being taken (an echo's) stays there for as long, so a large one is not copied: the frames
// have an inset at its place, and the kernel gathers it from where it lies.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using RawWs.Frame;
using RawWs.Server.Native;

namespace RawWs.Server.Loops;

internal sealed class SendBatch
{
    /// <summary>The most that is gathered before it is sent, in bytes.</summary>
    public const int BytesMax = 64 * 1024;

    /// <summary>Up to here a copy is cheaper than a further stretch for the kernel.</summary>
    public const int CopiedBytesMax = 1024;

    private const int InsetsMax = 32;
    private const int DeferredBytesMax = 64 * 1024;

    // In front of the batch lie those that are put off (DeferredSends); behind it there is room for the header of a frame whose payload goes out from where
    // it lies.
    private readonly byte[] _frames = GC.AllocateUninitializedArray<byte>(DeferredBytesMax + BytesMax + FrameWriter.HeaderBytesMax, pinned: true);
    private readonly Inset[] _insets = new Inset[InsetsMax];
    private int _start;
    private int _length;
    private int _insetCount;

    /// <summary>Whose answers these are; null between two connections. Others than the loop's thread may look at it, and find it is not theirs.</summary>
    public WebSocketConnection? Owner { get; private set; }

    /// <summary>The array with the bytes that are being taken, if payloads may be sent from there.</summary>
    public byte[]? Source { get; set; }

    /// <summary>How many of the frames are whole messages.</summary>
    public int Messages { get; private set; }

    /// <summary>How many bytes there are to send, the insets' included.</summary>
    public int Bytes { get; private set; }

    /// <summary>Frames, one behind the other; of those whose payload is an inset, and of one whose payload lies elsewhere, the header alone.</summary>
    public ReadOnlySpan<byte> Frames => _frames.AsSpan(_start, _length);

    /// <summary>The payloads in <see cref="Source"/>, in order.</summary>
    public ReadOnlySpan<Inset> Insets => _insets.AsSpan(0, _insetCount);

    /// <summary>Writes an unfragmented message. False when there is no room for it.</summary>
    public bool TryAppend(Opcode opcode, ReadOnlySpan<byte> payload)
    {
        if (payload.Length > BytesMax - FrameWriter.HeaderBytesMax - _length) return false;
        Grow(FrameWriter.Write(_frames.AsSpan(_start + _length), opcode, payload), isMessage: true);
        return true;
    }

    /// <summary>
    /// Writes the header of a message whose payload is sent from the source. False when it is not there, or there is no room; nor is there when more would be
    /// gathered than the source is long, as no echo's answers are: whoever sends a payload many times learns from the kernel when it is enough.
    /// </summary>
    public bool TryAppendInset(Opcode opcode, ReadOnlySpan<byte> payload)
    {
        if (Source is null || _insetCount == InsetsMax || _length > BytesMax - FrameWriter.HeaderBytesMax || payload.Length > Source.Length - Bytes) return false;
        nint start = Unsafe.ByteOffset(ref MemoryMarshal.GetArrayDataReference(Source), ref MemoryMarshal.GetReference(payload));
        if ((nuint)start >= (nuint)Source.Length) return false;
        AppendHeader(opcode, payload.Length);
        _insets[_insetCount++] = new Inset(_length, (int)start, payload.Length);
        Bytes += payload.Length;
        return true;
    }

    /// <summary>Copies a frame. False when there is no room for it.</summary>
    public bool TryAppend(ReadOnlySpan<byte> frame, bool isMessage)
    {
        if (frame.Length > BytesMax - _length) return false;
        frame.CopyTo(_frames.AsSpan(_start + _length));
        Grow(frame.Length, isMessage);
        return true;
    }

    /// <summary>Writes the header of a message whose payload is sent from where it lies, right behind the batch.</summary>
    public void AppendHeader(Opcode opcode, int payloadBytes) =>
        Grow(FrameWriter.WriteHeader(_frames.AsSpan(_start + _length), opcode, (ulong)payloadBytes), isMessage: true);

    /// <summary>It has been sent, or queued.</summary>
    public void Clear() => _length = _insetCount = Messages = Bytes = 0;

    /// <summary>Its sending has been put off: its bytes stay where they are, and the next batch is written behind them.</summary>
    /// <returns>Whether there is room for a further batch then.</returns>
    public bool Defer()
    {
        _start += _length;
        Clear();
        return _start <= DeferredBytesMax;
    }

    /// <summary>Begins with a connection's bytes.</summary>
    /// <param name="owner">Whose they are.</param>
    /// <param name="noneDeferred">Whether no batch's sending is put off: their room is free.</param>
    public void Begin(WebSocketConnection owner, bool noneDeferred)
    {
        // One at a time: what takes frames never runs inside of another that does.
        if (Owner is not null) throw new InvalidOperationException("Another connection's bytes are being taken.");
        Owner = owner;
        if (noneDeferred) _start = 0;
    }

    /// <summary>Its connection's bytes are through.</summary>
    public void End()
    {
        Owner = null;
        Source = null;
        Clear();
    }

    private void Grow(int bytes, bool isMessage)
    {
        _length += bytes;
        Bytes += bytes;
        if (isMessage) Messages++;
    }
}
