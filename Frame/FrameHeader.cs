// One frame's header as it is on the wire. A value of 16 bytes, made by FrameReader; it owns nothing and refers to no buffer.
// It keeps the first two bytes as they came. The properties read their bits on demand, so that making a header costs no unpacking.

namespace RawWs.Frame;

/// <summary>
/// A frame's header (§5.2). It may be made from bytes that end inside it (<see cref="ReadStatus.NeedMoreData"/>). Then it has zeros for the
/// bytes that are not there yet, and <see cref="PayloadLength"/> is the least that the length can become.
/// </summary>
/// <param name="First">The first byte: FIN, RSV1 to RSV3, opcode.</param>
/// <param name="Second">The second byte: MASK and the seven-bit length.</param>
/// <param name="MaskingKey">
/// The four key bytes read as little-endian, so that key byte i is <c>(byte)(key >> 8 * i)</c>; 0 where there is none.
/// </param>
/// <param name="PayloadLength">The payload's length in bytes, whichever of the three forms of the length the frame has.</param>
public readonly record struct FrameHeader(byte First, byte Second, uint MaskingKey, ulong PayloadLength)
{
    internal const byte FinBit = 0x80;
    internal const byte ReservedMask = 0x70;
    internal const byte OpcodeMask = 0x0F;
    internal const byte MaskBit = 0x80;
    internal const byte LengthMask = 0x7F;

    // §5.2: the seven-bit length holds up to 125 itself. Its two highest values announce a longer form.
    internal const int Length7Max = 125;
    internal const int Length16Follows = 126;
    internal const int Length64Follows = 127;

    // tour: header-bits
    /// <summary>FIN: whether this is the last frame of its message (§5.2).</summary>
    public bool Fin => (First & FinBit) != 0;

    /// <summary>The reserved bits that are set (§5.2).</summary>
    public ReservedBits Reserved => (ReservedBits)(First & ReservedMask);

    /// <summary>What the frame is (§5.2). The value may be a reserved one.</summary>
    public Opcode Opcode => (Opcode)(First & OpcodeMask);

    /// <summary>MASK: whether the header has a masking key, with which the payload is masked (§5.3).</summary>
    public bool Masked => (Second & MaskBit) != 0;

    /// <summary>Whether it is a control frame: Close, Ping, Pong, or a reserved control opcode (§5.5).</summary>
    public bool IsControl => (First & 0x08) != 0;
    // tour: end

    /// <summary>Whether the opcode is one of the ten that have no meaning yet (§5.2).</summary>
    public bool OpcodeIsReserved => (First & 0x07) > 2;

    /// <summary>The size of the extended length field in bytes: 0, 2 or 8 (§5.2).</summary>
    public int ExtendedLengthBytes => (Second & LengthMask) switch { Length16Follows => 2, Length64Follows => 8, _ => 0 };

    /// <summary>The header's own length on the wire in bytes: 2 to 14.</summary>
    public int HeaderLength => 2 + ExtendedLengthBytes + (Masked ? 4 : 0);

    /// <summary>Whether the payload length is in the shortest of the three forms that can hold it (§5.2).</summary>
    public bool LengthIsMinimal => (Second & LengthMask) switch
    {
        Length16Follows => PayloadLength > Length7Max,
        Length64Follows => PayloadLength > ushort.MaxValue,
        _ => true,
    };

    /// <summary>Whether the most significant bit of the 64-bit length is 0, as it must be (§5.2).</summary>
    public bool LengthTopBitIsClear => PayloadLength <= long.MaxValue;
}
