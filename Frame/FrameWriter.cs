// A payload in, a frame's bytes out, into memory that the caller owns and has made large enough (HeaderLength says how large).
// The length is always written in its shortest form, and a control frame whole and small: to ask for anything else is a bug of the caller
// and throws. Which opcode, reserved bits and payload a frame may have is the caller's affair.

using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace RawWs.Frame;

/// <summary>Writes frames: unmasked as a server does, or masked as a client must (§5.1).</summary>
public static class FrameWriter
{
    /// <summary>The longest header in bytes: two, an eight-byte length and a four-byte key (§5.2).</summary>
    public const int HeaderBytesMax = 14;

    /// <summary>The longest payload of a control frame in bytes (§5.5).</summary>
    public const int ControlPayloadBytesMax = 125;

    /// <summary>Says how long the header of a frame is (§5.2).</summary>
    /// <param name="payloadLength">The payload's length in bytes.</param>
    /// <param name="masked">Whether the header has a masking key.</param>
    /// <returns>The header's length in bytes: 2 to 14.</returns>
    public static int HeaderLength(ulong payloadLength, bool masked) =>
        (masked ? 6 : 2) + (payloadLength <= FrameHeader.Length7Max ? 0 : payloadLength <= ushort.MaxValue ? 2 : 8);

    /// <summary>Writes the header of an unmasked frame, as a server sends it (§5.2).</summary>
    /// <param name="destination">The caller's memory; at least <see cref="HeaderLength"/> bytes.</param>
    /// <param name="opcode">What the frame is.</param>
    /// <param name="payloadLength">The payload's length in bytes, below 2^63; at most 125 for a control frame.</param>
    /// <param name="fin">Whether the frame is the last of its message; true for a control frame.</param>
    /// <param name="reserved">Reserved bits to set, if an extension was negotiated that defines them.</param>
    /// <returns>How many bytes were written.</returns>
    /// <exception cref="ArgumentException">
    /// A control frame that is too long or not final, a length of 2^63 or more; or the destination is too short.
    /// </exception>
    public static int WriteHeader(
        Span<byte> destination, Opcode opcode, ulong payloadLength, bool fin = true, ReservedBits reserved = 0) =>
        WriteHeaderWithoutKey(destination, opcode, payloadLength, maskBit: 0, fin, reserved);

    /// <summary>Writes the header of a masked frame, as a client sends it (§5.2, §5.3). The caller masks the payload.</summary>
    /// <param name="destination">The caller's memory; at least <see cref="HeaderLength"/> bytes.</param>
    /// <param name="opcode">What the frame is.</param>
    /// <param name="payloadLength">The payload's length in bytes, below 2^63; at most 125 for a control frame.</param>
    /// <param name="maskingKey">The key: a new, unpredictable one for each frame (§5.3), its first byte lowest.</param>
    /// <param name="fin">Whether the frame is the last of its message; true for a control frame.</param>
    /// <param name="reserved">Reserved bits to set, if an extension was negotiated that defines them.</param>
    /// <returns>How many bytes were written.</returns>
    /// <exception cref="ArgumentException">
    /// A control frame that is too long or not final, a length of 2^63 or more; or the destination is too short.
    /// </exception>
    public static int WriteHeader(
        Span<byte> destination, Opcode opcode, ulong payloadLength, uint maskingKey, bool fin = true, ReservedBits reserved = 0)
    {
        int keyAt = WriteHeaderWithoutKey(destination, opcode, payloadLength, FrameHeader.MaskBit, fin, reserved);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[keyAt..], maskingKey);
        return keyAt + 4;
    }

    /// <summary>Writes a whole unmasked frame, as a server sends it (§5.2).</summary>
    /// <param name="destination">The caller's memory; header and payload must fit.</param>
    /// <param name="opcode">What the frame is.</param>
    /// <param name="payload">The payload. It is copied, and must not overlap the place of the header.</param>
    /// <param name="fin">Whether the frame is the last of its message; true for a control frame.</param>
    /// <param name="reserved">Reserved bits to set, if an extension was negotiated that defines them.</param>
    /// <returns>How many bytes were written.</returns>
    /// <exception cref="ArgumentException">
    /// A control frame that is too long or not final, a length of 2^63 or more; or the destination is too short.
    /// </exception>
    public static int Write(
        Span<byte> destination, Opcode opcode, ReadOnlySpan<byte> payload, bool fin = true, ReservedBits reserved = 0)
    {
        int headerLength = WriteHeader(destination, opcode, (ulong)payload.Length, fin, reserved);
        payload.CopyTo(destination[headerLength..]);
        return headerLength + payload.Length;
    }

    /// <summary>Writes a whole masked frame, as a client sends it (§5.2, §5.3).</summary>
    /// <param name="destination">The caller's memory; header and payload must fit.</param>
    /// <param name="opcode">What the frame is.</param>
    /// <param name="payload">The payload, not masked. It is not changed; a masked copy of it is written.</param>
    /// <param name="maskingKey">The key: a new, unpredictable one for each frame (§5.3), its first byte lowest.</param>
    /// <param name="fin">Whether the frame is the last of its message; true for a control frame.</param>
    /// <param name="reserved">Reserved bits to set, if an extension was negotiated that defines them.</param>
    /// <returns>How many bytes were written.</returns>
    /// <exception cref="ArgumentException">
    /// A control frame that is too long or not final, a length of 2^63 or more; or the destination is too short.
    /// </exception>
    public static int WriteMasked(
        Span<byte> destination, Opcode opcode, ReadOnlySpan<byte> payload, uint maskingKey, bool fin = true, ReservedBits reserved = 0)
    {
        int headerLength = WriteHeader(destination, opcode, (ulong)payload.Length, maskingKey, fin, reserved);
        Masking.Apply(payload, destination.Slice(headerLength, payload.Length), maskingKey);
        return headerLength + payload.Length;
    }

    /// <summary>Writes a whole unmasked frame and advances <paramref name="destination"/> past it.</summary>
    /// <inheritdoc cref="Write(Span{byte}, Opcode, ReadOnlySpan{byte}, bool, ReservedBits)"/>
    public static int Write(
        IBufferWriter<byte> destination, Opcode opcode, ReadOnlySpan<byte> payload, bool fin = true, ReservedBits reserved = 0)
    {
        ArgumentNullException.ThrowIfNull(destination);
        Span<byte> room = destination.GetSpan(HeaderLength((ulong)payload.Length, masked: false) + payload.Length);
        int written = Write(room, opcode, payload, fin, reserved);
        destination.Advance(written);
        return written;
    }

    /// <summary>Writes a whole masked frame and advances <paramref name="destination"/> past it.</summary>
    /// <inheritdoc cref="WriteMasked(Span{byte}, Opcode, ReadOnlySpan{byte}, uint, bool, ReservedBits)"/>
    public static int WriteMasked(
        IBufferWriter<byte> destination, Opcode opcode, ReadOnlySpan<byte> payload, uint maskingKey, bool fin = true,
        ReservedBits reserved = 0)
    {
        ArgumentNullException.ThrowIfNull(destination);
        Span<byte> room = destination.GetSpan(HeaderLength((ulong)payload.Length, masked: true) + payload.Length);
        int written = WriteMasked(room, opcode, payload, maskingKey, fin, reserved);
        destination.Advance(written);
        return written;
    }

    /// <summary>Writes a whole unmasked Close frame, at most 127 bytes, as a server sends it (§5.5.1).</summary>
    /// <param name="destination">The caller's memory; 127 bytes are always enough.</param>
    /// <param name="code">The status code, or null for a Close without a payload.</param>
    /// <param name="reason">UTF-8, at most <see cref="ClosePayload.ReasonBytesMax"/> bytes; empty if there is no code.</param>
    /// <returns>How many bytes were written.</returns>
    /// <exception cref="ArgumentException">
    /// A server may not send this code, or the reason has no code, is too long, or is not UTF-8.
    /// </exception>
    public static int WriteClose(Span<byte> destination, ushort? code, ReadOnlySpan<byte> reason)
    {
        Span<byte> payload = stackalloc byte[ControlPayloadBytesMax];
        int length = ClosePayload.Write(payload, Role.Server, code, reason);
        return Write(destination, Opcode.Close, payload[..length]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int WriteHeaderWithoutKey(
        Span<byte> destination, Opcode opcode, ulong payloadLength, byte maskBit, bool fin, ReservedBits reserved)
    {
        if ((opcode >= Opcode.Close && (payloadLength > ControlPayloadBytesMax || !fin)) || payloadLength > long.MaxValue)
        {
            ThrowUnwritable(opcode, payloadLength, fin);
        }

        if (destination.Length < 2) ThrowTooShort();

        // tour: write-header
        destination[0] = (byte)((fin ? FrameHeader.FinBit : 0) | (byte)reserved | (byte)opcode);
        if (payloadLength <= FrameHeader.Length7Max)
        {
            destination[1] = (byte)(maskBit | (byte)payloadLength);
            return 2;
        }

        if (payloadLength <= ushort.MaxValue)
        {
            destination[1] = (byte)(maskBit | FrameHeader.Length16Follows);
            BinaryPrimitives.WriteUInt16BigEndian(destination[2..], (ushort)payloadLength);
            return 4;
        }

        destination[1] = (byte)(maskBit | FrameHeader.Length64Follows);
        BinaryPrimitives.WriteUInt64BigEndian(destination[2..], payloadLength);
        return 10;
        // tour: end
    }

    [DoesNotReturn]
    private static void ThrowTooShort() => throw new ArgumentException("A header has two bytes at least.", "destination");

    [DoesNotReturn]
    private static void ThrowUnwritable(Opcode opcode, ulong payloadLength, bool fin) => throw new ArgumentException(
        $"No frame can be written with opcode {(byte)opcode}, FIN {(fin ? 1 : 0)} and a payload of {payloadLength} bytes (§5.2, §5.5).");
}
