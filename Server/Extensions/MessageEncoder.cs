// Encodes a message's payload (§5.8), and makes the frame of it. What it cannot or need not encode goes as it is, without a mark: that is
// always allowed, and so want of memory is never an error here.

using RawWs.Frame;

namespace RawWs.Server.Extensions;

/// <summary>
/// Encodes messages. One that stands by itself (<see cref="ConnectionExtension.ForMany"/>) may be used from any thread. Two that encode
/// alike are equal: their receivers get the same frame.
/// </summary>
internal abstract class MessageEncoder
{
    /// <summary>How much output a message of so many bytes needs. It may be more than what is written.</summary>
    public abstract int RoomBytes(int payloadBytes);

    /// <summary>Encodes a message.</summary>
    /// <param name="payload">The message.</param>
    /// <param name="output">The caller's memory: at least <see cref="RoomBytes"/>. It does not overlap the payload.</param>
    /// <param name="written">The encoded payload's length.</param>
    /// <returns>The reserved bits that mark the message; none when it is to be sent as it is, and then nothing has been written.</returns>
    public abstract ReservedBits Encode(ReadOnlySpan<byte> payload, Span<byte> output, out int written);

    /// <summary>How long an array must be for <see cref="TryWriteFrame"/>.</summary>
    public int FrameRoomBytes(int payloadBytes) => checked(FrameWriter.HeaderBytesMax + RoomBytes(payloadBytes));

    /// <summary>Encodes a message, and writes its frame.</summary>
    /// <param name="frame">At least <see cref="FrameRoomBytes"/>.</param>
    /// <param name="kind">Text or binary.</param>
    /// <param name="payload">The message.</param>
    /// <returns>The frame's length in bytes; 0 when the message is to be sent as it is.</returns>
    public int TryWriteFrame(Span<byte> frame, MessageKind kind, ReadOnlySpan<byte> payload)
    {
        ReservedBits marks = Encode(payload, frame[FrameWriter.HeaderBytesMax..], out int length);
        if (marks == ReservedBits.None) return 0;
        // The payload lies behind the space for the longest header, and is moved to its own.
        int header = FrameWriter.WriteHeader(frame, (Opcode)kind, (ulong)length, reserved: marks);
        frame.Slice(FrameWriter.HeaderBytesMax, length).CopyTo(frame[header..]);
        return header + length;
    }
}
