// Every rule for which a connection is failed after the handshake. A rule has a name, the section of the RFC, the code to close with, and
// the sentence that goes into the log and into the Close frame's reason. The rules are data. FrameCheck checks headers against them,
// ProtocolTable the order of frames, ClosePayload and WebSocketProtocol the payloads.

namespace RawWs.Frame;

/// <summary>Something that a peer may not do, and what it is told when it does.</summary>
public sealed class Rule
{
    internal Rule(string name, string section, ushort closeCode, string text)
    {
        (Name, Section, CloseCode, Text) = (name, section, closeCode, text);
        Reason = System.Text.Encoding.UTF8.GetBytes(text);
    }

    /// <summary>The rule's name: the name of its field in <see cref="FrameRules"/>.</summary>
    public string Name { get; }

    /// <summary>The section of RFC 6455, without the sign: "5.2".</summary>
    public string Section { get; }

    /// <summary>The code to close with: 1002, 1007 or 1009.</summary>
    public ushort CloseCode { get; }

    /// <summary>One English sentence, at most <see cref="ClosePayload.ReasonBytesMax"/> bytes.</summary>
    public string Text { get; }

    /// <summary>
    /// <see cref="Text"/> in UTF-8, for a Close frame's reason. All readers share these bytes; they must not change them.
    /// </summary>
    public ReadOnlyMemory<byte> Reason { get; }

    /// <summary>Name, section and text, for a log line.</summary>
    public override string ToString() => $"{Name} (§{Section}): {Text}";
}

/// <summary>The rules, in the order in which a frame's bytes can break them.</summary>
public static class FrameRules
{
    private static readonly List<Rule> Rules = [];

    /// <summary>A reserved bit is set that no negotiated extension defines.</summary>
    public static readonly Rule ReservedBitsNotNegotiated = Add(nameof(ReservedBitsNotNegotiated), "5.2", CloseCodes.ProtocolError,
        "A reserved bit is set, and no extension was negotiated that defines it.");

    /// <summary>A negotiated reserved bit is set on a continuation or control frame.</summary>
    public static readonly Rule ReservedBitsMisplaced = Add(nameof(ReservedBitsMisplaced), "5.2", CloseCodes.ProtocolError,
        "A reserved bit is set on a frame that is not the first of a message.");

    /// <summary>An opcode of 3 to 7 or 11 to 15.</summary>
    public static readonly Rule ReservedOpcode = Add(nameof(ReservedOpcode), "5.2", CloseCodes.ProtocolError,
        "The opcode is reserved.");

    /// <summary>A control frame without FIN.</summary>
    public static readonly Rule FragmentedControlFrame = Add(nameof(FragmentedControlFrame), "5.5", CloseCodes.ProtocolError,
        "A control frame is fragmented.");

    /// <summary>A continuation frame while no message is open.</summary>
    public static readonly Rule ContinuationWithoutMessage = Add(nameof(ContinuationWithoutMessage), "5.4", CloseCodes.ProtocolError,
        "A continuation frame came with no message to continue.");

    /// <summary>A text or binary frame before the open message has ended.</summary>
    public static readonly Rule DataFrameInsideMessage = Add(nameof(DataFrameInsideMessage), "5.4", CloseCodes.ProtocolError,
        "A new message began before the fragmented one had ended.");

    /// <summary>More fragments than <see cref="ProtocolLimits.FragmentsMax"/>.</summary>
    public static readonly Rule TooManyFragments = Add(nameof(TooManyFragments), "10.4", CloseCodes.MessageTooBig,
        "The message has too many fragments.");

    /// <summary>A frame from a client without a mask.</summary>
    public static readonly Rule UnmaskedClientFrame = Add(nameof(UnmaskedClientFrame), "5.1", CloseCodes.ProtocolError,
        "A frame from the client is not masked.");

    /// <summary>A frame from a server with a mask.</summary>
    public static readonly Rule MaskedServerFrame = Add(nameof(MaskedServerFrame), "5.1", CloseCodes.ProtocolError,
        "A frame from the server is masked.");

    /// <summary>A control frame that declares more than 125 bytes.</summary>
    public static readonly Rule ControlFrameTooLong = Add(nameof(ControlFrameTooLong), "5.5", CloseCodes.ProtocolError,
        "A control frame is longer than 125 bytes.");

    /// <summary>A Close frame with one byte of payload: half a code.</summary>
    public static readonly Rule ClosePayloadOneByte = Add(nameof(ClosePayloadOneByte), "5.5.1", CloseCodes.ProtocolError,
        "A Close frame carries one byte, and a code has two.");

    /// <summary>A 64-bit length with its most significant bit set.</summary>
    public static readonly Rule LengthTopBitSet = Add(nameof(LengthTopBitSet), "5.2", CloseCodes.ProtocolError,
        "The top bit of the 64-bit payload length is set.");

    /// <summary>A payload length in a longer form than it needs.</summary>
    public static readonly Rule NonMinimalLength = Add(nameof(NonMinimalLength), "5.2", CloseCodes.ProtocolError,
        "The payload length is not written in its shortest form.");

    /// <summary>A message of more than <see cref="ProtocolLimits.MessageBytesMax"/> bytes.</summary>
    public static readonly Rule MessageTooBig = Add(nameof(MessageTooBig), "10.4", CloseCodes.MessageTooBig,
        "The message is too big.");

    /// <summary>A status code that may not stand in a Close frame.</summary>
    public static readonly Rule CloseCodeInvalid = Add(nameof(CloseCodeInvalid), "7.4", CloseCodes.ProtocolError,
        "A Close frame carries a status code that may not be sent.");

    /// <summary>A Close reason that is not UTF-8.</summary>
    public static readonly Rule CloseReasonNotUtf8 = Add(nameof(CloseReasonNotUtf8), "5.5.1", CloseCodes.InvalidPayload,
        "The reason of a Close frame is not UTF-8.");

    /// <summary>A byte of a text message that cannot be part of UTF-8.</summary>
    public static readonly Rule TextNotUtf8 = Add(nameof(TextNotUtf8), "8.1", CloseCodes.InvalidPayload,
        "A text message is not UTF-8.");

    /// <summary>A text message that ends inside a character.</summary>
    public static readonly Rule TextEndsInsideCharacter = Add(nameof(TextEndsInsideCharacter), "5.6", CloseCodes.InvalidPayload,
        "A text message ends inside a UTF-8 character.");

    /// <summary>A compressed message that cannot be decompressed (RFC 7692 §7.2). The one who decompresses it checks this.</summary>
    public static readonly Rule CompressedDataMalformed = Add(nameof(CompressedDataMalformed), "5.8", CloseCodes.InvalidPayload,
        "A compressed message cannot be decompressed (RFC 7692 section 7.2).");

    /// <summary>Every rule, in that order.</summary>
    public static IReadOnlyList<Rule> All { get; } = Rules.AsReadOnly();

    private static Rule Add(string name, string section, ushort closeCode, string text)
    {
        Rule rule = new(name, section, closeCode, text);
        Rules.Add(rule);
        return rule;
    }
}
