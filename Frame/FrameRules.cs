// Everything for which a connection is failed once frames flow, one row for each: what it is called, where the RFC says so, with
// which code the connection then closes, and the sentence that goes into the log and into the Close frame's reason.
// The rows are data. FrameCheck judges headers by them, ConversationTable sequences, ClosePayload and Conversation payloads.

namespace RawWs.Frame;

/// <summary>A row: something that a peer may not do, and what it is told when it does.</summary>
public sealed class Rule
{
    internal Rule(int index, string name, string section, ushort closeCode, string text)
    {
        (Bit, Name, Section, CloseCode, Text) = (1UL << index, name, section, closeCode, text);
        Reason = System.Text.Encoding.UTF8.GetBytes(text);
    }

    /// <summary>The row's name, as its field in <see cref="FrameRules"/>.</summary>
    public string Name { get; }

    /// <summary>The section of RFC 6455 that says so, without the sign: "5.2".</summary>
    public string Section { get; }

    /// <summary>The code to close with: 1002, 1007 or 1009.</summary>
    public ushort CloseCode { get; }

    /// <summary>One English sentence, at most <see cref="ClosePayload.ReasonBytesMax"/> bytes.</summary>
    public string Text { get; }

    /// <summary><see cref="Text"/> in UTF-8, ready to be a Close frame's reason. Not to be changed.</summary>
    public ReadOnlyMemory<byte> Reason { get; }

    /// <summary>The row's place in <see cref="FrameRules.Off"/>.</summary>
    internal ulong Bit { get; }

    /// <summary>Name, section and text, for a log line.</summary>
    public override string ToString() => $"{Name} (§{Section}): {Text}";
}

/// <summary>The rows, in the order in which a frame's bytes can break them.</summary>
public static class FrameRules
{
    private static readonly List<Rule> Rows = [];

    /// <summary>A reserved bit is set that no negotiated extension defines.</summary>
    public static readonly Rule ReservedBitsNotNegotiated = Row(nameof(ReservedBitsNotNegotiated), "5.2", CloseCodes.ProtocolError,
        "A reserved bit is set, and no extension was negotiated that defines it.");

    /// <summary>A negotiated reserved bit is set on a continuation or control frame.</summary>
    public static readonly Rule ReservedBitsMisplaced = Row(nameof(ReservedBitsMisplaced), "5.2", CloseCodes.ProtocolError,
        "A reserved bit is set on a frame that is not the first of a message.");

    /// <summary>An opcode of 3 to 7 or 11 to 15.</summary>
    public static readonly Rule ReservedOpcode = Row(nameof(ReservedOpcode), "5.2", CloseCodes.ProtocolError,
        "The opcode is reserved.");

    /// <summary>A control frame without FIN.</summary>
    public static readonly Rule FragmentedControlFrame = Row(nameof(FragmentedControlFrame), "5.5", CloseCodes.ProtocolError,
        "A control frame is fragmented.");

    /// <summary>A continuation frame where no fragmented message is under way.</summary>
    public static readonly Rule ContinuationWithoutMessage = Row(nameof(ContinuationWithoutMessage), "5.4", CloseCodes.ProtocolError,
        "A continuation frame came with no message to continue.");

    /// <summary>A text or binary frame before the fragmented message under way has ended.</summary>
    public static readonly Rule DataFrameInsideMessage = Row(nameof(DataFrameInsideMessage), "5.4", CloseCodes.ProtocolError,
        "A new message began before the fragmented one had ended.");

    /// <summary>More fragments than <see cref="ConversationLimits.FragmentsMax"/>.</summary>
    public static readonly Rule TooManyFragments = Row(nameof(TooManyFragments), "10.4", CloseCodes.MessageTooBig,
        "The message has too many fragments.");

    /// <summary>A frame from a client without a mask.</summary>
    public static readonly Rule UnmaskedClientFrame = Row(nameof(UnmaskedClientFrame), "5.1", CloseCodes.ProtocolError,
        "A frame from the client is not masked.");

    /// <summary>A frame from a server with a mask.</summary>
    public static readonly Rule MaskedServerFrame = Row(nameof(MaskedServerFrame), "5.1", CloseCodes.ProtocolError,
        "A frame from the server is masked.");

    /// <summary>A control frame that declares more than 125 bytes.</summary>
    public static readonly Rule ControlFrameTooLong = Row(nameof(ControlFrameTooLong), "5.5", CloseCodes.ProtocolError,
        "A control frame is longer than 125 bytes.");

    /// <summary>A Close frame with half a code.</summary>
    public static readonly Rule ClosePayloadOneByte = Row(nameof(ClosePayloadOneByte), "5.5.1", CloseCodes.ProtocolError,
        "A Close frame carries one byte, and a code has two.");

    /// <summary>A 64-bit length with its most significant bit set.</summary>
    public static readonly Rule LengthTopBitSet = Row(nameof(LengthTopBitSet), "5.2", CloseCodes.ProtocolError,
        "The top bit of the 64-bit payload length is set.");

    /// <summary>A payload length in a longer form than it needs.</summary>
    public static readonly Rule NonMinimalLength = Row(nameof(NonMinimalLength), "5.2", CloseCodes.ProtocolError,
        "The payload length is not written in its shortest form.");

    /// <summary>A message of more than <see cref="ConversationLimits.MessageBytesMax"/> bytes.</summary>
    public static readonly Rule MessageTooBig = Row(nameof(MessageTooBig), "10.4", CloseCodes.MessageTooBig,
        "The message is too big.");

    /// <summary>A status code that may not stand in a Close frame.</summary>
    public static readonly Rule CloseCodeInvalid = Row(nameof(CloseCodeInvalid), "7.4", CloseCodes.ProtocolError,
        "A Close frame carries a status code that may not be sent.");

    /// <summary>A Close reason that is not UTF-8.</summary>
    public static readonly Rule CloseReasonNotUtf8 = Row(nameof(CloseReasonNotUtf8), "5.5.1", CloseCodes.InvalidPayload,
        "The reason of a Close frame is not UTF-8.");

    /// <summary>A byte of a text message that cannot be part of UTF-8.</summary>
    public static readonly Rule TextNotUtf8 = Row(nameof(TextNotUtf8), "8.1", CloseCodes.InvalidPayload,
        "A text message is not UTF-8.");

    /// <summary>A text message that ends inside a character.</summary>
    public static readonly Rule TextEndsInsideCharacter = Row(nameof(TextEndsInsideCharacter), "5.6", CloseCodes.InvalidPayload,
        "A text message ends inside a UTF-8 character.");

    /// <summary>A compressed message that is none (RFC 7692 §7.2.1). Whoever decompresses judges it.</summary>
    public static readonly Rule CompressedDataMalformed = Row(nameof(CompressedDataMalformed), "5.8", CloseCodes.InvalidPayload,
        "A compressed message cannot be decompressed (RFC 7692 section 7.2).");

    /// <summary>Every row.</summary>
    public static IReadOnlyList<Rule> All { get; } = Rows.AsReadOnly();

    /// <summary>
    /// Rows that are ignored, by <see cref="Rule.Bit"/>: always none outside the tests, which show with it that each row's absence is
    /// noticed. It is looked at only when a rule has been found broken, so it costs nothing.
    /// </summary>
    internal static ulong Off { get; set; }

    /// <summary>The one place through which a broken rule becomes a verdict.</summary>
    internal static Rule? Broken(Rule rule) => (Off & rule.Bit) == 0 ? rule : null;

    private static Rule Row(string name, string section, ushort closeCode, string text)
    {
        Rule row = new(Rows.Count, name, section, closeCode, text);
        Rows.Add(row);
        return row;
    }
}
