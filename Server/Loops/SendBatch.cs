// The answers to the bytes that are being taken at this moment. While a loop takes a connection's bytes, what its handler sends back
// to that same connection is written here, frame behind frame, and leaves in one send as soon as the bytes are through: no
// lock, no queue, no memory of the connection's own. One per loop; it is somebody's only for the synchronous stretch in which
// the receive buffer is lent. What the kernel does not take of it becomes the head of the connection's outbox.

using RawWs.Frame;

namespace RawWs.Server.Loops;

internal sealed class SendBatch
{
    /// <summary>The most that is gathered before it is sent, in bytes.</summary>
    public const int BytesMax = 64 * 1024;

    // Behind the batch there is room for the header of a frame whose payload goes out from where it lies.
    private readonly byte[] _frames = GC.AllocateUninitializedArray<byte>(BytesMax + FrameWriter.HeaderBytesMax, pinned: true);
    private int _length;

    /// <summary>Whose answers these are; null between two connections. Others than the loop's thread may look at it, and find it is not theirs.</summary>
    public WebSocketConnection? Owner { get; set; }

    /// <summary>How many of the frames are whole messages.</summary>
    public int Messages { get; private set; }

    /// <summary>Whole frames, one behind the other; the last may be a header alone, for a payload that lies elsewhere.</summary>
    public ReadOnlySpan<byte> Frames => _frames.AsSpan(0, _length);

    /// <summary>Writes an unfragmented message. False when there is no room for it.</summary>
    public bool TryAppend(Opcode opcode, ReadOnlySpan<byte> payload)
    {
        if (payload.Length > BytesMax - FrameWriter.HeaderBytesMax - _length) return false;
        _length += FrameWriter.Write(_frames.AsSpan(_length), opcode, payload);
        Messages++;
        return true;
    }

    /// <summary>Copies a frame. False when there is no room for it.</summary>
    public bool TryAppend(ReadOnlySpan<byte> frame, bool isMessage)
    {
        if (frame.Length > BytesMax - _length) return false;
        frame.CopyTo(_frames.AsSpan(_length));
        _length += frame.Length;
        if (isMessage) Messages++;
        return true;
    }

    /// <summary>Writes the header of a message whose payload is sent from where it lies, right behind the batch.</summary>
    public void AppendHeader(Opcode opcode, int payloadBytes)
    {
        _length += FrameWriter.WriteHeader(_frames.AsSpan(_length), opcode, (ulong)payloadBytes);
        Messages++;
    }

    /// <summary>It has been sent, or queued.</summary>
    public void Clear() => _length = Messages = 0;
}
