// What RFC 6455 says of a frame's header, written once more and as plainly as can be: no code of the product's is used, only the rows'
// identities. A length that is not all there is an interval, from the rest being zeros to the rest being ones; a rule is broken
// when no value of the interval keeps it.

using RawWs.Frame;

namespace RawWs.Fuzz;

internal static class FrameOracle
{
    /// <summary>How long the header is, or 0 while that is not known.</summary>
    public static int HeaderLength(ReadOnlySpan<byte> seen)
    {
        if (seen.Length < 2) return 0;
        int length7 = seen[1] % 128;
        return 2 + (length7 == 127 ? 8 : length7 == 126 ? 2 : 0) + (seen[1] >= 128 ? 4 : 0);
    }

    /// <summary>The least and the greatest payload length that the bytes can still mean.</summary>
    public static (ulong Least, ulong Greatest) Lengths(ReadOnlySpan<byte> seen)
    {
        if (seen.Length < 2) return (0, ulong.MaxValue);
        int length7 = seen[1] % 128;
        if (length7 < 126) return ((ulong)length7, (ulong)length7);
        int bytes = length7 == 126 ? 2 : 8;
        ulong least = 0, greatest = 0;
        for (int i = 2; i < 2 + bytes; i++)
        {
            least = (least * 256) + (i < seen.Length ? seen[i] : 0ul);
            greatest = (greatest * 256) + (i < seen.Length ? seen[i] : 255ul);
        }

        return (least, greatest);
    }

    /// <summary>Byte i of the masking key of a header that is all there (§5.3).</summary>
    public static byte KeyByte(ReadOnlySpan<byte> header, int i) => header[1] >= 128 ? header[HeaderLength(header) - 4 + (i % 4)] : (byte)0;

    /// <summary>The rule about the length that nobody may break, or null.</summary>
    public static Rule? BrokenByLength(ReadOnlySpan<byte> seen)
    {
        if (seen.Length < 2) return null;
        int length7 = seen[1] % 128;
        if (length7 == 127 && seen.Length > 2 && seen[2] >= 128) return FrameRules.LengthTopBitSet;
        ulong shortest = length7 == 127 ? 65536ul : length7 == 126 ? 126ul : 0ul;
        return Lengths(seen).Greatest < shortest ? FrameRules.NonMinimalLength : null;
    }

    /// <summary>The first rule that the header breaks, or that the bytes of it that are there already prove broken.</summary>
    /// <param name="seen">The header's first bytes.</param>
    /// <param name="role">Who reads.</param>
    /// <param name="permitted">The reserved bits that were negotiated, at their places in the first byte.</param>
    /// <param name="openOpcode">The opcode of the message that is open, or 0.</param>
    /// <param name="bytesLeft">How many bytes the message may still bring.</param>
    /// <param name="fragmentsLeft">How many frames it may still bring.</param>
    public static Rule? Broken(ReadOnlySpan<byte> seen, Role role, int permitted, int openOpcode, long bytesLeft, int fragmentsLeft)
    {
        if (seen.IsEmpty) return null;
        int opcode = seen[0] % 16;
        int reserved = seen[0] & 0x70;
        bool control = opcode >= 8;
        if ((reserved & ~permitted) != 0) return FrameRules.ReservedBitsNotNegotiated;
        if (reserved != 0 && (control || opcode == 0)) return FrameRules.ReservedBitsMisplaced;
        if (opcode is not (0 or 1 or 2 or 8 or 9 or 10)) return FrameRules.ReservedOpcode;
        if (control && seen[0] < 128) return FrameRules.FragmentedControlFrame;
        if (opcode == 0 && openOpcode == 0) return FrameRules.ContinuationWithoutMessage;
        if (opcode is 1 or 2 && openOpcode != 0) return FrameRules.DataFrameInsideMessage;
        if (!control && fragmentsLeft <= 0) return FrameRules.TooManyFragments;
        if (seen.Length < 2) return null;

        bool masked = seen[1] >= 128;
        int length7 = seen[1] % 128;
        if (role == Role.Server && !masked) return FrameRules.UnmaskedClientFrame;
        if (role == Role.Client && masked) return FrameRules.MaskedServerFrame;
        if (control && length7 > 125) return FrameRules.ControlFrameTooLong;
        if (opcode == 8 && length7 == 1) return FrameRules.ClosePayloadOneByte;
        if (BrokenByLength(seen) is { } length) return length;
        return !control && Lengths(seen).Least > (ulong)bytesLeft ? FrameRules.MessageTooBig : null;
    }
}
