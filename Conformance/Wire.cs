// The few lines of framing that the suite needs: client frames out, right or deliberately wrong, and server frames in.
//
//      first byte    FIN RSV1 RSV2 RSV3 opcode(4)
//      second byte   MASK length(7), then 2 or 8 further bytes of length, then 4 bytes of key when MASK is set      RFC 6455 §5.2

using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace RawWs.Conformance;

/// <summary>A frame that a server sent.</summary>
internal sealed record Frame(bool Fin, int Reserved, int Opcode, byte[] Payload)
{
    public bool IsControl => (Opcode & 8) != 0;

    /// <summary>The status code of a Close frame, or null without one.</summary>
    public int? CloseCode => Payload.Length >= 2 ? BinaryPrimitives.ReadUInt16BigEndian(Payload) : null;

    public override string ToString() => Opcode == Wire.Close
        ? $"Close {(CloseCode is { } code ? code.ToString(CultureInfo.InvariantCulture) : "without code")}"
        : $"{Wire.NameOf(Opcode)} of {Payload.Length} "
        + $"bytes{(Payload.Length is > 0 and <= 32 ? " " + Convert.ToHexStringLower(Payload) : "")}";
}

/// <summary>Builds frames.</summary>
internal static class Wire
{
    public const int Continuation = 0, Text = 1, Binary = 2, Close = 8, Ping = 9, Pong = 10;
    public const int Rsv1 = 4, Rsv2 = 2, Rsv3 = 1;
    public const uint UsualKey = 0x37FA213D;

    /// <summary>How the length is written.</summary>
    public enum LengthForm
    {
        /// <summary>The shortest.</summary>
        Shortest,

        /// <summary>In 16 bits, whatever it is.</summary>
        In16Bits,

        /// <summary>In 64 bits, whatever it is.</summary>
        In64Bits,
    }

    /// <summary>A frame as a client sends it, unless the arguments say otherwise.</summary>
    /// <param name="opcode">Four bits.</param>
    /// <param name="payload">The payload before masking.</param>
    /// <param name="fin">The FIN bit.</param>
    /// <param name="reserved">RSV1 to RSV3 as the three bits of a number.</param>
    /// <param name="key">The masking key, or null for an unmasked frame.</param>
    /// <param name="form">How the length is written.</param>
    /// <param name="declared">The length that is written, when it is not the payload's.</param>
    public static byte[] FrameOf(int opcode, ReadOnlySpan<byte> payload, bool fin = true, int reserved = 0, uint? key = UsualKey,
        LengthForm form = LengthForm.Shortest, ulong? declared = null)
    {
        ulong length = declared ?? (ulong)payload.Length;
        int lengthBytes = form switch
        {
            LengthForm.In16Bits => 2,
            LengthForm.In64Bits => 8,
            _ => length > ushort.MaxValue ? 8 : length > 125 ? 2 : 0,
        };
        byte[] frame = new byte[2 + lengthBytes + (key is null ? 0 : 4) + payload.Length];
        frame[0] = (byte)((fin ? 0x80 : 0) | (reserved << 4) | opcode);
        frame[1] = (byte)((key is null ? 0 : 0x80) | (lengthBytes switch { 0 => (int)length, 2 => 126, _ => 127 }));
        if (lengthBytes == 2) BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(2), (ushort)length);
        if (lengthBytes == 8) BinaryPrimitives.WriteUInt64BigEndian(frame.AsSpan(2), length);
        Span<byte> body = frame.AsSpan(frame.Length - payload.Length);
        payload.CopyTo(body);
        if (key is not { } mask) return frame;
        Span<byte> keyBytes = frame.AsSpan(2 + lengthBytes, 4);
        BinaryPrimitives.WriteUInt32BigEndian(keyBytes, mask);
        for (int i = 0; i < body.Length; i++) body[i] ^= keyBytes[i & 3];
        return frame;
    }

    public static byte[] FrameOf(int opcode, string text, bool fin = true, int reserved = 0) =>
        FrameOf(opcode, Encoding.UTF8.GetBytes(text), fin, reserved);

    /// <summary>A Close frame's body.</summary>
    public static byte[] CloseBody(int code, ReadOnlySpan<byte> reason = default) => [(byte)(code >> 8), (byte)code, .. reason];

    /// <summary>One after the other.</summary>
    public static byte[] Join(params IEnumerable<byte[]> frames) => [.. frames.SelectMany(static frame => frame)];

    public static byte[] Hex(string hex) =>
        Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal).Replace("|", "", StringComparison.Ordinal));

    public static string NameOf(int opcode) => opcode switch
    {
        Continuation => "continuation",
        Text => "text",
        Binary => "binary",
        Close => "Close",
        Ping => "Ping",
        Pong => "Pong",
        _ => $"opcode {opcode}",
    };

    /// <summary>Takes one server frame off the front, and finds fault with it where a server may not send it so.</summary>
    /// <param name="bytes">What has arrived.</param>
    /// <param name="permitted">The reserved bits that an extension gives a meaning, on the first frame of a message.</param>
    /// <param name="length">How many bytes the frame takes.</param>
    /// <returns>Null while it is not whole.</returns>
    public static Frame? TryTake(ReadOnlySpan<byte> bytes, int permitted, out int length)
    {
        length = 0;
        if (bytes.Length < 2) return null;
        bool fin = (bytes[0] & 0x80) != 0;
        int reserved = (bytes[0] >> 4) & 7, opcode = bytes[0] & 15, length7 = bytes[1] & 0x7F;
        bool mayCarry = opcode is Text or Binary;
        if ((reserved & ~(mayCarry ? permitted : 0)) != 0)
            throw new NotAsExpectedException("the server set a reserved bit that was not negotiated for such a frame (§5.2)");
        if (opcode is (> Binary and < Close) or > Pong)
            throw new NotAsExpectedException($"the server sent the reserved opcode {opcode} (§5.2)");
        if ((bytes[1] & 0x80) != 0) throw new NotAsExpectedException("the server masked a frame (§5.1)");
        if (opcode >= Close && (!fin || length7 > 125))
            throw new NotAsExpectedException("the server sent a control frame that is fragmented or longer than 125 bytes (§5.5)");
        int header = length7 switch { 126 => 4, 127 => 10, _ => 2 };
        if (bytes.Length < header) return null;
        ulong declared = length7 switch
        {
            126 => BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]),
            127 => BinaryPrimitives.ReadUInt64BigEndian(bytes[2..]),
            _ => (ulong)length7,
        };
        if ((length7 == 126 && declared < 126) || (length7 == 127 && declared <= ushort.MaxValue))
            throw new NotAsExpectedException("the server wrote a length in more bytes than it needs (§5.2)");
        if (declared > 64 * 1024 * 1024) throw new NotAsExpectedException($"the server declared a frame of {declared} bytes");
        if ((ulong)(bytes.Length - header) < declared) return null;
        length = header + (int)declared;
        return new Frame(fin, reserved, opcode, bytes[header..length].ToArray());
    }
}
