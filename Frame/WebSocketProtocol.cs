// The WebSocket protocol of one connection, seen from one end, without I/O: bytes in, events out.
//
// The contract of Next. The caller calls it again and again, until it returns NeedMoreData:
// - The caller owns the buffer. It begins where the last call stopped. The first `consumed` bytes are done with; the caller gives the
//   others again, in front of what has arrived since. At most 131 bytes are ever left over: a control frame that is not yet whole.
// - Next unmasks the payload bytes that it consumes, in place and once. It changes no other byte.
// - An event's Payload is the last Payload.Length of the consumed bytes. It belongs to the caller; nothing of it is kept here.
// - One event per call. A message that is one frame, and wholly there, is one Message event. Any other message comes as MessageChunk
//   events while it arrives; each is checked, and the caller assembles them.
// - The header of a data frame is consumed together with the first byte of its payload. A control frame is consumed when it is whole.
// - Fail comes once, at the earliest byte that proves the violation, even if the frame is not whole yet. It consumes the whole buffer.
// - After the peer's Close, and after Fail, every byte is consumed and there are no more events (§1.4, §7.1.7).
// - After our own Close (OnCloseSent) frames are read and checked as before, because the peer's Close is still to come. There are Message
//   and MessageChunk events too; the caller does not deliver them. The caller also decides whether it still answers a Ping: §5.5.2 asks
//   for it until a Close has come, and §7.1.2 ends the sending.
// Not thread-safe: one owner at a time. No call allocates.

using System.Buffers.Binary;
using System.Diagnostics;
using System.Text.Unicode;

namespace RawWs.Frame;

/// <summary>Reads one connection's bytes and returns what they mean: messages, control frames, broken rules (§5, §6.2, §7).</summary>
public sealed partial class WebSocketProtocol
{
    private readonly ProtocolLimits _limits;
    private readonly Role _role;
    private ReservedBits _permitted;

    // The message and the frame that are being read. While no message is open, the counts are 0.
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

    // Part of a data frame's header has come and lies with the caller. So a message may have begun of which _message does not know yet.
    private bool _headerIsPending;

    // The longest payload in bytes that TryReadSmallMessage may read: min(125, limit) while no message is open, else -1.
    private int _fastPathBytesMax;

    /// <summary>Makes the protocol for a connection of which no byte has been read.</summary>
    /// <param name="role">Which end this is.</param>
    /// <param name="limits">How large one message may be. The instance is shared, not copied.</param>
    /// <param name="permitted">The reserved bits that were negotiated. Only a message's first frame may carry them (§5.2).</param>
    public WebSocketProtocol(Role role, ProtocolLimits limits, ReservedBits permitted = ReservedBits.None)
    {
        ArgumentNullException.ThrowIfNull(limits);
        (_role, _limits, _permitted) = (role, limits, permitted);
        UpdateFastPath();
    }

    /// <summary>How far the closing handshake has come.</summary>
    public ClosingState Closing => _closing;

    /// <summary>
    /// Whether a message has begun and not ended: from the first byte of its first frame's header to the last byte of its last frame.
    /// Always false once the bytes that arrive are no longer read as frames.
    /// </summary>
    public bool InMessage => ProtocolTable.Parses(_closing) && (_message != MessageState.None || _headerIsPending);

    /// <summary>
    /// Whether no message is open and no Close has been sent or received. Then, except for <see cref="LastOpcode"/>, it is in the state of
    /// a new one: an idle connection need not keep it.
    /// </summary>
    public bool IsAtRest => _fastPathBytesMax >= 0 && _closing == ClosingState.Open && !_headerIsPending;

    /// <summary>How many payload bytes of the open message the events so far have brought; 0 while no message is open.</summary>
    public long MessageBytes => _messageBytes;

    /// <summary>How many payload bytes of the data frame being read are still to come. The next bytes that arrive are these.</summary>
    public long PayloadBytesLeft => ProtocolTable.Parses(_closing) ? (long)_frameBytesLeft : 0;

    /// <summary>The opcode of the last frame that was read or refused; null before the first one, and after <see cref="Reset"/>.</summary>
    public Opcode? LastOpcode => _lastOpcode;

    /// <summary>Makes it ready for another connection of the same role and limits, which is new or between two messages.</summary>
    /// <param name="permitted">The reserved bits that were negotiated on that connection.</param>
    /// <exception cref="InvalidOperationException">It is not at rest (<see cref="IsAtRest"/>).</exception>
    public void Reset(ReservedBits permitted)
    {
        if (!IsAtRest)
        {
            throw new InvalidOperationException("A message is open, or the connection is closing.");
        }

        _permitted = permitted;
        _lastOpcode = null;
    }

    /// <summary>Says that this end has sent a Close frame, as the first one or as the answer (§7.1.3).</summary>
    public void OnCloseSent()
    {
        _closing = ProtocolTable.After(_closing, ClosingEvent.CloseSent);
        UpdateFastPath();
    }

    /// <summary>Reads the next event from contiguous bytes.</summary>
    /// <param name="buffer">
    /// The bytes that have arrived and are not consumed: the caller's own memory, of any length. Consumed payload is unmasked in place, and
    /// after <see cref="ProtocolEventKind.Fail"/> what the buffer holds has no meaning.
    /// </param>
    /// <param name="consumed">How many of the first bytes are done with. The event's payload is the last of them.</param>
    /// <returns>
    /// The event; <see cref="ProtocolEventKind.NeedMoreData"/> when these bytes do not make one. Its payload is valid until the caller
    /// reuses the buffer. A broken rule is a value (<see cref="ProtocolEventKind.Fail"/>), never an exception.
    /// </returns>
    public ProtocolEvent Next(Span<byte> buffer, out int consumed)
    {
        if (!TryReadSmallMessage(buffer, out int length)) return NextOnSlowPath(buffer, out consumed);
        consumed = SmallHeaderBytes + length;
        FrameReader.TryRead(buffer, out FrameHeader header);
        return new ProtocolEvent
        {
            Kind = ProtocolEventKind.Message,
            MessageKind = (MessageKind)header.Opcode,
            StartOfMessage = true,
            EndOfMessage = true,
            Payload = buffer.Slice(SmallHeaderBytes, length),
            Header = header,
        };
    }

    /// <summary>Whether the bytes that come next are payload of a data frame whose header has been consumed.</summary>
    internal bool IsInPayload => _frameBytesLeft > 0;

    /// <summary>The header's length of a small message, in bytes: 2, and 4 more for the masking key that a client's frame has.</summary>
    internal int SmallHeaderBytes => _role == Role.Server ? 6 : 2;

    /// <summary>
    /// The fast path, for what nearly all messages are: one valid frame of at most 125 bytes, wholly there. It makes no event. The caller
    /// finds the opcode, which is the message's kind, in the low four bits of the buffer's first byte, and the payload behind
    /// <see cref="SmallHeaderBytes"/>.
    /// </summary>
    /// <param name="buffer">As for <see cref="Next(Span{byte}, out int)"/>.</param>
    /// <param name="payloadBytes">The payload's length in bytes. The payload has been unmasked in place.</param>
    /// <returns>False when the next bytes are anything else. Then nothing has changed, and Next says what they are.</returns>
    internal bool TryReadSmallMessage(Span<byte> buffer, out int payloadBytes)
    {
        // The first two bytes prove that every header rule is kept: FIN set, no reserved bit, text or binary, the mask bit that the peer's
        // role asks for, the short form of the length.
        payloadBytes = 0;
        int headerLength = SmallHeaderBytes;
        if (buffer.Length < headerLength) return false;
        byte first = buffer[0];
        int length = buffer[1] ^ (_role == Role.Server ? FrameHeader.MaskBit : 0);
        if ((uint)(first - 0x81) > 1 || length > _fastPathBytesMax || buffer.Length < headerLength + length) return false;

        Span<byte> payload = buffer.Slice(headerLength, length);
        uint key = 0;
        bool ascii = false;
        if (_role == Role.Server)
        {
            key = BinaryPrimitives.ReadUInt32LittleEndian(buffer[2..]);
            uint rotated = key;
            ascii = Masking.ApplyToText(payload, ref rotated);
        }

        if (!ascii && first == (FrameHeader.FinBit | (byte)Opcode.Text) && !Utf8.IsValid(payload))
        {
            Masking.Apply(payload, key); // masked again, as it came
            return false;
        }

        _lastOpcode = (Opcode)(first & FrameHeader.OpcodeMask);
        _headerIsPending = false;
        payloadBytes = length;
        return true;
    }

    private ProtocolEvent NextOnSlowPath(Span<byte> buffer, out int consumed)
    {
        if (!ProtocolTable.Parses(_closing))
        {
            consumed = buffer.Length;
            return default;
        }

        if (_frameBytesLeft > 0)
        {
            return ReadPayload(buffer, 0, startOfMessage: false, out consumed);
        }

        consumed = 0;
        if (buffer.IsEmpty)
        {
            return default;
        }

        // FrameCheck names the rule of a Violation too.
        bool whole = FrameReader.TryRead(buffer, out FrameHeader header) == ReadStatus.Done;
        FrameContext context = new(_role, _permitted, _message, _limits.MessageBytesMax - _messageBytes, _limits.FragmentsMax - _fragments);
        if (FrameCheck.Check(header, buffer.Length, context) is { } broken)
        {
            return Fail(broken, header, buffer.Length, out consumed);
        }

        if (header.IsControl)
        {
            return whole ? ReadControlFrame(buffer, header, out consumed) : default;
        }

        if (!whole || (header.PayloadLength > 0 && buffer.Length == header.HeaderLength))
        {
            _headerIsPending = true;
            return default;
        }

        return BeginDataFrame(buffer, header, out consumed);
    }

    // The header of a data frame is whole, and keeps the rules.
    private ProtocolEvent BeginDataFrame(Span<byte> buffer, FrameHeader header, out int consumed)
    {
        bool startOfMessage = _message == MessageState.None;
        if (startOfMessage)
        {
            _messageReserved = header.Reserved;
            _utf8.Reset();
            _decodedBytes = 0;
        }

        _message = ProtocolTable.After(_message, ProtocolTable.EventOf(header.Opcode)).Next;
        _header = header;
        _lastOpcode = header.Opcode;
        _headerIsPending = false;
        _frameBytesLeft = header.PayloadLength;
        _maskingKey = header.MaskingKey;
        _fragments++;
        UpdateFastPath();
        return ReadPayload(buffer, header.HeaderLength, startOfMessage, out consumed);
    }

    // Payload of the current data frame: as much as the buffer holds from `offset` on.
    private ProtocolEvent ReadPayload(Span<byte> buffer, int offset, bool startOfMessage, out int consumed)
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
        // A message that an extension has marked (a compressed one) is not text before it is decoded: see CheckDecoded.
        if (_messageReserved == ReservedBits.None
            && CheckText(kind, payload, ascii, startOfMessage && endOfMessage, endOfMessage) is { } broken)
        {
            return Fail(broken, _header, buffer.Length, out consumed);
        }

        if (endOfMessage)
        {
            _message = ProtocolTable.After(_message, MessageEvent.MessageEnds).Next;
            (_messageBytes, _fragments) = (0, 0);
            UpdateFastPath();
        }

        return new ProtocolEvent
        {
            Kind = startOfMessage && endOfMessage ? ProtocolEventKind.Message : ProtocolEventKind.MessageChunk,
            MessageKind = kind,
            StartOfMessage = startOfMessage,
            EndOfMessage = endOfMessage,
            MessageReserved = _messageReserved,
            Payload = payload,
            Header = _header,
        };
    }

    // §8.1, §5.6: the whole message is UTF-8; a fragment may end inside a character.
    private Rule? CheckText(MessageKind kind, ReadOnlySpan<byte> payload, bool ascii, bool wholeMessage, bool endOfMessage)
    {
        if (kind != MessageKind.Text || (ascii && _utf8.IsComplete) || (wholeMessage && Utf8.IsValid(payload)))
        {
            return null;
        }

        if (!_utf8.Append(payload)) return FrameRules.TextNotUtf8;
        return endOfMessage && !_utf8.IsComplete ? FrameRules.TextEndsInsideCharacter : null;
    }

    private ProtocolEvent Fail(Rule rule, FrameHeader header, int bufferLength, out int consumed)
    {
        Debug.Assert(ProtocolTable.Parses(_closing), "A connection fails once.");
        consumed = bufferLength;
        _lastOpcode = header.Opcode;
        _closing = ProtocolTable.After(_closing, ClosingEvent.RuleBroken);
        UpdateFastPath();
        return new ProtocolEvent { Kind = ProtocolEventKind.Fail, Rule = rule, Header = header };
    }

    private void UpdateFastPath() => _fastPathBytesMax = _message == MessageState.None && ProtocolTable.Parses(_closing)
        ? (int)Math.Min(FrameHeader.Length7Max, _limits.MessageBytesMax)
        : -1;
}
