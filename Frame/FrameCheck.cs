// A frame's header in, the rule that it breaks out, or null. Judging only: nothing is read here and nothing is changed.
// The header may be a prefix. Each rule is asked as soon as the bytes that decide it are there and in the order of those bytes, so the
// verdict is the same whether a frame comes whole or byte by byte, and comes at the earliest byte that proves it.

namespace RawWs.Frame;

/// <summary>What a header is judged against: who reads, what was negotiated, and where in a message we are.</summary>
/// <param name="Role">Who reads.</param>
/// <param name="Permitted">The reserved bits that were negotiated.</param>
/// <param name="Message">The message that is open.</param>
/// <param name="MessageBytesLeft">How many payload bytes the message may still bring.</param>
/// <param name="FragmentsLeft">How many frames the message may still bring.</param>
internal readonly record struct FrameContext(
    Role Role, ReservedBits Permitted, MessageState Message, long MessageBytesLeft, int FragmentsLeft);

/// <summary>Judges headers.</summary>
internal static class FrameCheck
{
    /// <summary>The first rule that the header breaks.</summary>
    /// <param name="header">The header; zeros for the bytes that are not there yet.</param>
    /// <param name="bytesSeen">How many bytes of it are there.</param>
    /// <param name="context">Where it stands.</param>
    internal static Rule? Judge(in FrameHeader header, int bytesSeen, in FrameContext context)
    {
        if (bytesSeen < 1)
        {
            return null;
        }

        Rule? broken = JudgeFirstByte(header, context);
        if (broken is not null || bytesSeen < 2)
        {
            return broken;
        }

        return JudgeSecondByte(header, context) ?? JudgeLength(header, bytesSeen, context);
    }

    private static Rule? JudgeFirstByte(in FrameHeader header, in FrameContext context)
    {
        if (header.Reserved != ReservedBits.None)
        {
            // §5.2: a bit that no negotiated extension defines fails the connection.
            if ((header.Reserved & ~context.Permitted) != 0 && FrameRules.Broken(FrameRules.ReservedBitsNotNegotiated) is { } unknown)
            {
                return unknown;
            }

            // The extensions there are mark a message by its first frame; on any other frame they give the bits no meaning.
            if ((header.IsControl || header.Opcode == Opcode.Continuation) && FrameRules.Broken(FrameRules.ReservedBitsMisplaced) is { } misplaced)
            {
                return misplaced;
            }
        }

        if (header.OpcodeIsReserved && FrameRules.Broken(FrameRules.ReservedOpcode) is { } reserved)
        {
            return reserved;
        }

        if (header.IsControl)
        {
            // §5.5: control frames are not fragmented.
            return header.Fin ? null : FrameRules.Broken(FrameRules.FragmentedControlFrame);
        }

        if (ConversationTable.After(context.Message, ConversationTable.EventOf(header.Opcode)).Refused is { } outOfOrder
            && FrameRules.Broken(outOfOrder) is { } order)
        {
            return order;
        }

        // §10.4 leaves limits to us. A frame past the limit is refused at its first byte, whatever it would carry.
        return context.FragmentsLeft > 0 ? null : FrameRules.Broken(FrameRules.TooManyFragments);
    }

    private static Rule? JudgeSecondByte(in FrameHeader header, in FrameContext context)
    {
        // §5.1: what a client sends is masked, what a server sends is not.
        if (header.Masked != (context.Role == Role.Server)
            && FrameRules.Broken(header.Masked ? FrameRules.MaskedServerFrame : FrameRules.UnmaskedClientFrame) is { } mask)
        {
            return mask;
        }

        if (!header.IsControl)
        {
            return null;
        }

        // §5.5: at most 125 bytes, so a longer form of the length is already too much, whatever it says.
        int length7 = header.Second & FrameHeader.LengthMask;
        if (length7 > FrameWriter.ControlPayloadBytesMax)
        {
            return FrameRules.Broken(FrameRules.ControlFrameTooLong);
        }

        // §5.5.1: the body of a Close begins with two bytes, if there is one.
        return header.Opcode == Opcode.Close && length7 == 1 ? FrameRules.Broken(FrameRules.ClosePayloadOneByte) : null;
    }

    private static Rule? JudgeLength(in FrameHeader header, int bytesSeen, in FrameContext context)
    {
        // §5.2: the most significant bit of the 64-bit form must be 0. A prefix has zeros where bytes are missing.
        if (!header.LengthTopBitIsClear && FrameRules.Broken(FrameRules.LengthTopBitSet) is { } topBit)
        {
            return topBit;
        }

        if (FrameReader.LengthIsProvenNotMinimal(header, bytesSeen) && FrameRules.Broken(FrameRules.NonMinimalLength) is { } nonMinimal)
        {
            return nonMinimal;
        }

        // The least that the length can still become is already more than the message may bring.
        return !header.IsControl && header.PayloadLength > (ulong)context.MessageBytesLeft
            ? FrameRules.Broken(FrameRules.MessageTooBig)
            : null;
    }
}
