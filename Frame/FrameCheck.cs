// A frame's header in, the first rule that it breaks out, or null. This file only checks: it reads no bytes and changes nothing.
// The header may be incomplete. Each rule is checked as soon as the bytes that decide it are there, and in the order of those bytes. So the
// result is the same whether a frame comes whole or byte by byte, and it comes at the earliest byte that proves it.

namespace RawWs.Frame;

/// <summary>What a header is checked against: which end reads, what was negotiated, and what the open message may still bring.</summary>
/// <param name="Role">The end that reads.</param>
/// <param name="Permitted">The reserved bits that were negotiated.</param>
/// <param name="Message">Which message is open, if any.</param>
/// <param name="MessageBytesLeft">How many payload bytes the message may still bring.</param>
/// <param name="FragmentsLeft">How many frames the message may still bring.</param>
internal readonly record struct FrameContext(
    Role Role, ReservedBits Permitted, MessageState Message, long MessageBytesLeft, int FragmentsLeft);

/// <summary>Checks frame headers against <see cref="FrameRules"/>.</summary>
internal static class FrameCheck
{
    /// <summary>The first rule that the header breaks.</summary>
    /// <param name="header">The header, with zeros for the bytes that are not there yet.</param>
    /// <param name="bytesSeen">How many bytes of it are there.</param>
    /// <param name="context">What it is checked against.</param>
    /// <returns>The rule, or null when what is there breaks none.</returns>
    internal static Rule? Check(in FrameHeader header, int bytesSeen, in FrameContext context)
    {
        if (bytesSeen < 1) return null;
        Rule? broken = CheckFirstByte(header, context);
        if (broken is not null || bytesSeen < 2) return broken;
        return CheckSecondByte(header, context) ?? CheckLength(header, bytesSeen, context);
    }

    // tour: first-byte
    private static Rule? CheckFirstByte(in FrameHeader header, in FrameContext context)
    {
        if (header.Reserved != ReservedBits.None)
        {
            // §5.2: a bit that no negotiated extension defines fails the connection.
            if ((header.Reserved & ~context.Permitted) != 0) return FrameRules.ReservedBitsNotNegotiated;

            // RFC 7692 §6: an extension marks a message on its first frame. On any other frame the bits have no meaning.
            if (header.IsControl || header.Opcode == Opcode.Continuation) return FrameRules.ReservedBitsMisplaced;
        }

        if (header.OpcodeIsReserved) return FrameRules.ReservedOpcode;

        // §5.5: control frames are not fragmented.
        if (header.IsControl) return header.Fin ? null : FrameRules.FragmentedControlFrame;

        if (ProtocolTable.After(context.Message, ProtocolTable.EventOf(header.Opcode)).Refused is { } outOfOrder) return outOfOrder;

        // §10.4: the limits are ours to set. A frame past the limit is refused at its first byte, whatever it would carry.
        return context.FragmentsLeft > 0 ? null : FrameRules.TooManyFragments;
    }
    // tour: end

    private static Rule? CheckSecondByte(in FrameHeader header, in FrameContext context)
    {
        // tour: mask-bit
        // §5.1: a client masks what it sends, a server does not.
        bool masks = context.Role == Role.Server;
        if (header.Masked != masks) return masks ? FrameRules.UnmaskedClientFrame : FrameRules.MaskedServerFrame;
        // tour: end
        if (!header.IsControl) return null;

        // §5.5: at most 125 bytes. A longer form of the length is too much already, whatever number follows.
        int length7 = header.Second & FrameHeader.LengthMask;
        if (length7 > FrameWriter.ControlPayloadBytesMax) return FrameRules.ControlFrameTooLong;

        // §5.5.1: if a Close has a body, its first two bytes are the code.
        return header.Opcode == Opcode.Close && length7 == 1 ? FrameRules.ClosePayloadOneByte : null;
    }

    // tour: check-length
    private static Rule? CheckLength(in FrameHeader header, int bytesSeen, in FrameContext context)
    {
        // §5.2: the most significant bit of the 64-bit form must be 0, and the shortest form must be used.
        if (!header.LengthTopBitIsClear) return FrameRules.LengthTopBitSet;
        if (FrameReader.LengthIsProvenNotMinimal(header, bytesSeen)) return FrameRules.NonMinimalLength;

        // Missing bytes are zeros, so PayloadLength is the least that the length can become. That is more already than the message may
        // bring.
        return !header.IsControl && header.PayloadLength > (ulong)context.MessageBytesLeft ? FrameRules.MessageTooBig : null;
    }
    // tour: end
}
