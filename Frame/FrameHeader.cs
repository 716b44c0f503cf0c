// One frame's header as it stands on the wire. A value of 16 bytes, made by FrameReader; it owns nothing and refers to no buffer.
// It keeps the first two bytes as they came and answers questions about them, so that reading a header costs no unpacking.

namespace RawWs.Frame;

/// <summary>
/// A frame's header (§5.2). A header made from a prefix that ends inside it (<see cref="ReadStatus.NeedMoreData"/>) has zeros for the
/// bytes that are not there yet, so its <see cref="PayloadLength"/> is the least length those bytes can still mean.
/// </summary>
/// <param name="First">The first byte: FIN, RSV1 to RSV3, opcode.</param>
/// <param name="Second">The second byte: MASK and the seven-bit length.</param>
/// <param name="MaskingKey">The four key bytes read as little-endian, so that key byte i is <c>(byte)(key >> 8 * i)</c>; 0 where there is none.</param>
/// <param name="PayloadLength">The payload's length in bytes, from whichever of the three forms carried it.</param>
public readonly record struct FrameHeader(byte First, byte Second, uint MaskingKey, ulong PayloadLength)
{
    internal const byte FinBit = 0x80;
    internal const byte ReservedMask = 0x70;
    internal const byte OpcodeMask = 0x0F;
    internal const byte MaskBit = 0x80;
    internal const byte LengthMask = 0x7F;

    // §5.2: the seven-bit length counts up to 125 itself; its two highest values announce a longer form.
    internal const int Length7Max = 125;
    internal const int Length16Follows = 126;
    internal const int Length64Follows = 127;

    /// <summary>FIN: this is the last frame of its message (§5.2).</summary>
    public bool Fin => (First & FinBit) != 0;

    /// <summary>The reserved bits that are set (§5.2).</summary>
    public ReservedBits Reserved => (ReservedBits)(First & ReservedMask);

    /// <summary>What the frame is; possibly a reserved value (§5.2).</summary>
    public Opcode Opcode => (Opcode)(First & OpcodeMask);

    /// <summary>MASK: a masking key is in the header and the payload is masked with it (§5.3).</summary>
    public bool Masked => (Second & MaskBit) != 0;

    /// <summary>The highest bit of the opcode is set: Close, Ping, Pong, or a reserved control opcode (§5.5).</summary>
    public bool IsControl => (First & 0x08) != 0;

    /// <summary>The opcode is one of the ten that have no meaning yet (§5.2).</summary>
    public bool OpcodeIsReserved => (First & 0x07) > 2;

    /// <summary>The bytes of the extended length field: 0, 2 or 8 (§5.2).</summary>
    public int ExtendedLengthBytes => (Second & LengthMask) switch { Length16Follows => 2, Length64Follows => 8, _ => 0 };

    /// <summary>The header's own length on the wire: 2 to 14 bytes.</summary>
    public int HeaderLength => 2 + ExtendedLengthBytes + (Masked ? 4 : 0);

    /// <summary>The payload length is written in the shortest of the three forms that can hold it (§5.2).</summary>
    public bool LengthIsMinimal => (Second & LengthMask) switch
    {
        Length16Follows => PayloadLength > Length7Max,
        Length64Follows => PayloadLength > ushort.MaxValue,
        _ => true,
    };

    /// <summary>The most significant bit of the 64-bit length is 0, as it must be (§5.2).</summary>
    public bool LengthTopBitIsClear => PayloadLength <= long.MaxValue;
}
