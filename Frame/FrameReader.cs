// Bytes in, one frame's header out. This file only parses; FrameCheck says whether the frame is allowed here and now.
// The buffer stays the caller's and is not changed. Nothing is kept between calls: a header that is not whole yet is read again, from its
// first byte, when more has come.

using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace RawWs.Frame;

/// <summary>What reading a header came to.</summary>
public enum ReadStatus : byte
{
    /// <summary>The header is not whole yet. Call again with the same bytes and those that follow.</summary>
    NeedMoreData,

    /// <summary>The header is whole.</summary>
    Done,

    /// <summary>The length field is invalid for every reader: not in the shortest form, or with its top bit set (§5.2).</summary>
    Violation,
}

/// <summary>Reads frame headers (§5.2).</summary>
public static class FrameReader
{
    // A frame on the wire, one bit per column (§5.2):
    //
    //   byte 0             byte 1
    //   7 6 5 4 3 2 1 0    7 6 5 4 3 2 1 0
    //  +-+-+-+-+-------+  +-+-------------+
    //  |F|R|R|R| opcode|  |M|   length    |   length 0–125: this is the length
    //  |I|S|S|S|       |  |A|             |          126:   it is in the next 2 bytes, big-endian
    //  |N|V|V|V|       |  |S|             |          127:   it is in the next 8 bytes, big-endian, top bit 0
    //  | |1|2|3|       |  |K|             |
    //  +-+-+-+-+-------+  +-+-------------+
    //
    //  then   0, 2 or 8 bytes   extended length
    //         0 or 4 bytes      masking key, present when MASK is 1
    //         length bytes      payload, byte i XORed with key byte (i mod 4) when MASK is 1

    /// <summary>Reads the frame header at the beginning of <paramref name="buffer"/> (§5.2).</summary>
    /// <param name="buffer">Bytes that begin at a frame's first byte. Any length, also none.</param>
    /// <param name="header">
    /// The header. With <see cref="ReadStatus.NeedMoreData"/> it has what is known so far, and zeros for the bytes that are still to come.
    /// With <see cref="ReadStatus.Violation"/> it is the same, for a log: the fields as they are on the wire, as far as they are there.
    /// </param>
    /// <returns>The status. A violation is reported as soon as the byte that proves it is there.</returns>
    public static ReadStatus TryRead(ReadOnlySpan<byte> buffer, out FrameHeader header)
    {
        if (!IsWhole(buffer, out header)) return ReadPrefix(buffer, out header);
        return header.LengthIsMinimal && header.LengthTopBitIsClear ? ReadStatus.Done : ReadStatus.Violation;
    }

    /// <summary>Whether all bytes of a header are there; whether its length is valid is not asked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool IsWhole(ReadOnlySpan<byte> buffer, out FrameHeader header)
    {
        header = default;
        if (buffer.Length < 2) return false;
        // tour: read-header
        byte first = buffer[0];
        byte second = buffer[1];
        int length7 = second & FrameHeader.LengthMask;
        int keyAt = 2 + (length7 < FrameHeader.Length16Follows ? 0 : length7 == FrameHeader.Length16Follows ? 2 : 8);
        bool masked = (second & FrameHeader.MaskBit) != 0;
        if (buffer.Length < keyAt + (masked ? 4 : 0)) return false;

        ulong payloadLength = keyAt switch
        {
            2 => (ulong)length7,
            4 => BinaryPrimitives.ReadUInt16BigEndian(buffer[2..]),
            _ => BinaryPrimitives.ReadUInt64BigEndian(buffer[2..]),
        };
        header = new FrameHeader(first, second, masked ? BinaryPrimitives.ReadUInt32LittleEndian(buffer[keyAt..]) : 0, payloadLength);
        // tour: end
        return true;
    }

    /// <summary>Reads the frame header at the beginning of bytes that lie in several segments (§5.2).</summary>
    /// <param name="buffer">
    /// Bytes that begin at a frame's first byte. With <see cref="ReadStatus.Done"/> the header is taken off; otherwise nothing changes.
    /// </param>
    /// <param name="header">The header; with <see cref="ReadStatus.NeedMoreData"/> and Violation as far as it is there, else zeros.</param>
    /// <returns>The status. A violation is reported as soon as the byte that proves it is there.</returns>
    public static ReadStatus TryRead(ref ReadOnlySequence<byte> buffer, out FrameHeader header)
    {
        ReadStatus status = TryRead(buffer.FirstSpan, out header);
        if (status != ReadStatus.Done && !buffer.IsSingleSegment)
        {
            // The header straddles segments. It has at most 14 bytes, so joining them is simpler than a second parser. A violation that the
            // first segment proves is read again too. Otherwise the header's fields would depend on where the segments end.
            Span<byte> joined = stackalloc byte[FrameWriter.HeaderBytesMax];
            int length = (int)Math.Min(buffer.Length, joined.Length);
            buffer.Slice(0, length).CopyTo(joined);
            status = TryRead(joined[..length], out header);
        }

        if (status == ReadStatus.Done)
        {
            buffer = buffer.Slice(header.HeaderLength);
        }

        return status;
    }

    // Zeros stand for the bytes that have not come. What is there may prove a wrong length already. The top bit is in the first length
    // byte. A 64-bit form is too long for its value once six length bytes are zero: then the length is at most 65,535, whatever follows.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ReadStatus ReadPrefix(ReadOnlySpan<byte> buffer, out FrameHeader header)
    {
        if (buffer.Length < 2)
        {
            header = new FrameHeader(buffer.IsEmpty ? (byte)0 : buffer[0], 0, 0, 0);
            return ReadStatus.NeedMoreData;
        }

        Span<byte> padded = stackalloc byte[FrameWriter.HeaderBytesMax];
        padded.Clear();
        buffer.CopyTo(padded);
        _ = TryRead(padded, out header);
        return LengthIsProvenWrong(header, buffer.Length) ? ReadStatus.Violation : ReadStatus.NeedMoreData;
    }

    /// <summary>Whether the bytes that are there prove that the length field is invalid, whatever follows.</summary>
    internal static bool LengthIsProvenWrong(in FrameHeader header, int bytesSeen) =>
        !header.LengthTopBitIsClear || LengthIsProvenNotMinimal(header, bytesSeen);

    /// <summary>Whether the bytes that are there prove that a shorter form could hold the length.</summary>
    internal static bool LengthIsProvenNotMinimal(in FrameHeader header, int bytesSeen) =>
        !header.LengthIsMinimal && bytesSeen >= (header.ExtendedLengthBytes == 2 ? 4 : 8);
}
