// The protocol of one connection, seen from one end, without any I/O: bytes in, steps out.
//
// The contract of Next, which the caller calls until it says NeedMoreData:
// - The caller owns the buffer. What it holds begins where the last call stopped: `consumed` bytes are done with, the others are given
//   again, in front of what has arrived since. At most 131 bytes are ever left over (a control frame not yet whole).
// - Consumed payload bytes are unmasked in place, once, and no other byte is changed. A step's Payload is always the last
//   Payload.Length bytes of those consumed. It is the caller's: nothing is kept here.
// - One step per call. A message that is one frame and all there is one Message step; any other is handed out in Payload steps as it
//   arrives, checked so far, for the caller to assemble. A data frame's header is taken together with the first byte of its payload.
// - A control frame is taken when it is whole. What it breaks is told before that, as soon as the byte that proves it is there.
// - Fail comes once, at the earliest byte that proves the violation, and all of the buffer is consumed with it.
// - After the peer's Close, or after Fail, everything is consumed and nothing is said (§1.4, §7.1.7).
// - After our own Close (OnCloseSent) frames are read and judged as before, for the peer's Close is among them. Message and Payload steps go on
//   coming; the caller does not deliver them. Whether to answer a Ping then is the caller's choice too (§5.5.2 asks for it, §7.1.2 ends it).
// Not thread-safe: one owner at a time. Calls allocate nothing.

using System.Buffers.Binary;
using System.Diagnostics;
using System.Text.Unicode;

namespace RawWs.Frame;

/// <summary>Turns one connection's bytes into messages, control frames and verdicts (§5, §6.2, §7).</summary>
public sealed partial class Conversation
{
    private readonly ConversationLimits _limits;
    private readonly Role _role;
    private ReservedBits _permitted;

    // The message and the frame that are under way. While no message is open, the counts are 0.
    private MessageState _message;
    private ReservedBits _messageReserved;
    private FrameHeader _header;
    private ulong _frameBytesLeft;
    private uint _maskingKey;
    private long _messageBytes;
    private int _fragments;
    private Utf8Validator _utf8;

    private ClosingState _closing;
    private Opcode? _lastOpcode;

    // The beginning of a data frame's header is with the caller, so a message may have begun that _message does not know of yet.
    private bool _headerIsPending;

    // The longest payload that TryTakeSmallMessage may take: min(125, limit) while no message is open, else -1.
    private int _quickBytesMax;

    /// <summary>A conversation whose first byte is still to come.</summary>
    /// <param name="role">Which end this is.</param>
    /// <param name="limits">How much one message may bring; shared, not copied.</param>
    /// <param name="permitted">The reserved bits that were negotiated. Only a message's first frame may carry them.</param>
    public Conversation(Role role, ConversationLimits limits, ReservedBits permitted = ReservedBits.None)
    {
        ArgumentNullException.ThrowIfNull(limits);
        (_role, _limits, _permitted) = (role, limits, permitted);
        RefreshQuickPath();
    }

    /// <summary>How far the closing handshake has come.</summary>
    public ClosingState Closing => _closing;

    /// <summary>
    /// A message has begun and not ended: from the first byte of its first frame's header to the last byte of its last frame. Always
    /// false once nothing is parsed any more.
    /// </summary>
    public bool InMessage => ConversationTable.Parses(_closing) && (_message != MessageState.None || _headerIsPending);

    /// <summary>
    /// No message is under way and no Close has gone either way: but for what <see cref="LastOpcode"/> says, it is as good as a new one.
    /// Its owner need not keep it then; a connection that is idle can do without.
    /// </summary>
    public bool IsAtRest => _quickBytesMax >= 0 && _closing == ClosingState.Open && !_headerIsPending;

    /// <summary>The payload bytes of the unfinished message that have been handed out.</summary>
    public long MessageBytes => _messageBytes;

    /// <summary>How many bytes of the data frame under way have not come yet. Until they have, all that comes is its payload.</summary>
    public long PayloadBytesLeft => ConversationTable.Parses(_closing) ? (long)_frameBytesLeft : 0;

    /// <summary>The opcode of the last frame taken or refused, or null before the first since it was made or restarted.</summary>
    public Opcode? LastOpcode => _lastOpcode;

    /// <summary>Goes on with another connection of the same role and limits, which is between two messages or new.</summary>
    /// <param name="permitted">The reserved bits that were negotiated there.</param>
    /// <exception cref="InvalidOperationException">It is not at rest.</exception>
    public void Restart(ReservedBits permitted)
    {
        if (!IsAtRest)
        {
            throw new InvalidOperationException("A message is under way, or the conversation is closing.");
        }

        _permitted = permitted;
        _lastOpcode = null;
    }

    /// <summary>To be called when we have written a Close frame, of our own or as an answer (§7.1.3).</summary>
    public void OnCloseSent()
    {
        _closing = ConversationTable.After(_closing, ClosingEvent.CloseSent);
        RefreshQuickPath();
    }

    /// <summary>Takes one step. The contract stands at the head of the file.</summary>
    /// <param name="buffer">What has arrived and is not consumed, contiguous; it is written to.</param>
    /// <param name="consumed">How many of its first bytes are done with, the step's payload at their end.</param>
    /// <returns>What was found.</returns>
    public Step Next(Span<byte> buffer, out int consumed)
    {
        if (!TryTakeSmallMessage(buffer, out int length)) return NextByTheLongWay(buffer, out consumed);
        consumed = SmallHeaderBytes + length;
        FrameReader.TryRead(buffer, out FrameHeader header);
        return new Step
        {
            Kind = StepKind.Message,
            MessageKind = (MessageKind)header.Opcode,
            StartOfMessage = true,
            EndOfMessage = true,
            Payload = buffer.Slice(SmallHeaderBytes, length),
            Header = header,
        };
    }

    /// <summary>The length of a small message's header: two bytes, and the key of a client's.</summary>
    internal int SmallHeaderBytes => _role == Role.Server ? 6 : 2;

    /// <summary>
    /// Takes the next message, if it is what nearly all are: a frame of its own, of at most 125 bytes, that is all there, and right. The quickest way to it:
    /// opcode and kind are the low bits of the buffer's first byte, the payload stands behind the header.
    /// </summary>
    /// <param name="buffer">As for <see cref="Next(Span{byte}, out int)"/>.</param>
    /// <param name="payloadBytes">The length of its payload, which is unmasked.</param>
    /// <returns>False when it is anything else: nothing has happened then, and Next says what it is.</returns>
    internal bool TryTakeSmallMessage(Span<byte> buffer, out int payloadBytes)
    {
        // It satisfies every rule by the shape of its first two bytes: FIN set, no reserved bit, text or binary, the mask bit of the
        // peer's role, the short form of the length.
        payloadBytes = 0;
        int headerLength = SmallHeaderBytes;
        if (buffer.Length < headerLength) return false;
        byte first = buffer[0];
        int length = buffer[1] ^ (_role == Role.Server ? FrameHeader.MaskBit : 0);
        if ((uint)(first - 0x81) > 1 || length > _quickBytesMax || buffer.Length < headerLength + length) return false;

        Span<byte> payload = buffer.Slice(headerLength, length);
        uint key = 0;
        bool ascii = false;
        if (_role == Role.Server)
        {
            key = BinaryPrimitives.ReadUInt32LittleEndian(buffer[2..]);
            uint turning = key;
            ascii = Masking.ApplyToText(payload, ref turning);
        }

        if (!ascii && first == (FrameHeader.FinBit | (byte)Opcode.Text) && !Utf8.IsValid(payload))
        {
            Masking.Apply(payload, key); // as it was
            return false;
        }

        _lastOpcode = (Opcode)(first & FrameHeader.OpcodeMask);
        _headerIsPending = false;
        payloadBytes = length;
        return true;
    }

    private Step NextByTheLongWay(Span<byte> buffer, out int consumed)
    {
        if (!ConversationTable.Parses(_closing))
        {
            consumed = buffer.Length;
            return default;
        }

        if (_frameBytesLeft > 0)
        {
            return Stretch(buffer, 0, startOfMessage: false, out consumed);
        }

        consumed = 0;
        if (buffer.IsEmpty)
        {
            return default;
        }

        // What TryRead calls a violation is one for the rules to name, and not one if a test has switched the rule off.
        bool whole = FrameReader.TryRead(buffer, out FrameHeader header) != ReadStatus.NeedMoreData && buffer.Length >= header.HeaderLength;
        FrameContext context = new(_role, _permitted, _message, _limits.MessageBytesMax - _messageBytes, _limits.FragmentsMax - _fragments);
        if (FrameCheck.Judge(header, buffer.Length, context) is { } broken)
        {
            return Fail(broken, header, buffer.Length, out consumed);
        }

        if (header.IsControl)
        {
            return whole ? Control(buffer, header, out consumed) : default;
        }

        if (!whole || (header.PayloadLength > 0 && buffer.Length == header.HeaderLength))
        {
            _headerIsPending = true;
            return default;
        }

        return Data(buffer, header, out consumed);
    }

    // A data frame begins.
    private Step Data(Span<byte> buffer, FrameHeader header, out int consumed)
    {
        bool startOfMessage = _message == MessageState.None;
        if (startOfMessage)
        {
            _messageReserved = header.Reserved;
            _utf8.Reset();
        }

        _message = ConversationTable.After(_message, ConversationTable.EventOf(header.Opcode)).Next;
        _header = header;
        _lastOpcode = header.Opcode;
        _headerIsPending = false;
        _frameBytesLeft = header.PayloadLength;
        _maskingKey = header.MaskingKey;
        _fragments++;
        RefreshQuickPath();
        return Stretch(buffer, header.HeaderLength, startOfMessage, out consumed);
    }

    // Payload of the frame under way, as much of it as there is from `offset` on.
    private Step Stretch(Span<byte> buffer, int offset, bool startOfMessage, out int consumed)
    {
        int length = (int)Math.Min(_frameBytesLeft, (ulong)(buffer.Length - offset));
        consumed = offset + length;
        if (length == 0 && _frameBytesLeft > 0)
        {
            return default;
        }

        Span<byte> payload = buffer.Slice(offset, length);
        bool ascii = _header.Masked && Masking.ApplyToText(payload, ref _maskingKey);

        _frameBytesLeft -= (ulong)length;
        _messageBytes += length;
        bool endOfMessage = _frameBytesLeft == 0 && _header.Fin;
        MessageKind kind = _message == MessageState.Text ? MessageKind.Text : MessageKind.Binary;
        if (JudgeText(payload, ascii, startOfMessage && endOfMessage, endOfMessage) is { } broken)
        {
            return Fail(broken, _header, buffer.Length, out consumed);
        }

        if (endOfMessage)
        {
            _message = ConversationTable.After(_message, MessageEvent.MessageEnds).Next;
            (_messageBytes, _fragments) = (0, 0);
            RefreshQuickPath();
        }

        return new Step
        {
            Kind = startOfMessage && endOfMessage ? StepKind.Message : StepKind.Payload,
            MessageKind = kind,
            StartOfMessage = startOfMessage,
            EndOfMessage = endOfMessage,
            MessageReserved = _messageReserved,
            Payload = payload,
            Header = _header,
        };
    }

    // §8.1, §5.6: text is UTF-8, as a whole; a fragment may end inside a character. A message that an extension has marked is not text yet.
    private Rule? JudgeText(ReadOnlySpan<byte> payload, bool ascii, bool wholeMessage, bool endOfMessage)
    {
        if (_message != MessageState.Text || _messageReserved != ReservedBits.None || (ascii && _utf8.IsComplete) || (wholeMessage && Utf8.IsValid(payload)))
        {
            return null;
        }

        if (!_utf8.Append(payload))
        {
            if (FrameRules.Broken(FrameRules.TextNotUtf8) is { } notUtf8)
            {
                return notUtf8;
            }

            _utf8.Reset();
        }

        return endOfMessage && !_utf8.IsComplete ? FrameRules.Broken(FrameRules.TextEndsInsideCharacter) : null;
    }

    private Step Fail(Rule rule, FrameHeader header, int bufferLength, out int consumed)
    {
        Debug.Assert(ConversationTable.Parses(_closing), "A connection fails once.");
        consumed = bufferLength;
        _lastOpcode = header.Opcode;
        _closing = ConversationTable.After(_closing, ClosingEvent.RuleBroken);
        RefreshQuickPath();
        return new Step { Kind = StepKind.Fail, Rule = rule, Header = header };
    }

    private void RefreshQuickPath() => _quickBytesMax = _message == MessageState.None && ConversationTable.Parses(_closing)
        ? (int)Math.Min(FrameHeader.Length7Max, _limits.MessageBytesMax)
        : -1;
}
