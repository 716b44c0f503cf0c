// The WebSocket protocol of one connection, seen from one end, without I/O: bytes in, events out.
//
// The contract of Next. The caller calls it again and again, until it returns NeedMoreData or all bytes are consumed:
// - The caller owns the buffer. It begins where the last call stopped. The first `consumed` bytes are done with; the caller gives the
//   others again, in front of what has arrived since. At most 131 bytes are ever left over: a control frame that is not yet whole.
// - Next unmasks the payload bytes that it consumes, in place and once. It changes no other byte.
//   (TryReadData can be given room elsewhere for what is assembled.)
// - An event's Payload is the last Payload.Length of the consumed bytes. It belongs to the caller; nothing of it is kept here.
// - One event per call. A message that is one frame, and wholly there, is one Message event. Any other message comes as MessageChunk
//   events while it arrives; each is checked, and the caller assembles them.
// - The header of a data frame is consumed together with the first byte of its payload. A control frame is consumed when it is whole.
// - Fail comes once, at the earliest byte that proves the violation, even if the frame is not whole yet. It consumes the whole buffer.
// - After the peer's Close, and after Fail, every byte is consumed and there are no more events (§1.4, §7.1.7).
// - After our own Close (OnCloseSent) frames are read and checked as before, because the peer's Close is still to come. There are Message
//   and MessageChunk events too; the caller does not deliver them. The caller also decides whether it still answers a Ping: §5.5.2 asks
//   for it until a Close has come, and §7.1.2 ends the sending.
// TryReadData is the quick way to what most bytes are, messages and chunks of them, with the same contract and without an event. Where it
// says no it has changed nothing, and Next goes on from there. The two may be called in any order.
// What a call has learnt of a frame that is not whole yet is remembered: more bytes of it are not parsed from its first one on, but for a
// Close and for a length, in which each byte may prove a violation.
// Not thread-safe: one owner at a time. No call allocates.

using System.Buffers.Binary;
using System.Diagnostics;

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
    private long _messageBytes; // with those of the frame that are still to come
    private int _fragments;
    private long _continuations; // in messages that have ended
    private Utf8Validator _utf8;

    private ClosingState _closing;
    private Opcode? _lastOpcode;

    // How many bytes there must be, from the header's first on, before anything more can be said of the frame of which a part has come
    // and lies with the caller. Below 0, and then without its sign, for a control frame. With a data frame a message may have begun of
    // which _message does not know yet. 0 while there is no such part.
    private int _pendingBytes;

    private int _smallBytesMax;
    private int _wholeBytesMax;

    /// <summary>Makes the protocol for a connection of which no byte has been read.</summary>
    /// <param name="role">Which end this is.</param>
    /// <param name="limits">How large one message may be. The instance is shared, not copied.</param>
    /// <param name="permitted">The reserved bits that were negotiated. Only a message's first frame may carry them (§5.2).</param>
    public WebSocketProtocol(Role role, ProtocolLimits limits, ReservedBits permitted = ReservedBits.None)
    {
        ArgumentNullException.ThrowIfNull(limits);
        (_role, _limits, _permitted) = (role, limits, permitted);
        UpdateBytesMax();
    }

    /// <summary>How far the closing handshake has come.</summary>
    public ClosingState Closing => _closing;

    /// <summary>
    /// Whether a message has begun and not ended: from the first byte of its first frame's header to the last byte of its last frame.
    /// Always false once the bytes that arrive are no longer read as frames.
    /// </summary>
    public bool InMessage => ProtocolTable.Parses(_closing) && (_message != MessageState.None || _pendingBytes > 0);

    /// <summary>
    /// Whether no message is open and no Close has been sent or received. Then, except for <see cref="LastOpcode"/>, it is in the state of
    /// a new one: an idle connection need not keep it.
    /// </summary>
    public bool IsAtRest => _smallBytesMax >= 0 && _closing == ClosingState.Open && _pendingBytes <= 0;

    /// <summary>How many payload bytes of the open message the events so far have brought; 0 while no message is open.</summary>
    public long MessageBytes => _messageBytes - (long)_frameBytesLeft;

    /// <summary>How many payload bytes of the data frame being read are still to come. The next bytes that arrive are these.</summary>
    public long PayloadBytesLeft => (long)_frameBytesLeft;

    /// <summary>
    /// How many bytes there must be, from the first that is not consumed, before a call can say anything more. Fewer need not be given;
    /// it costs only time. 0 where any byte may do.
    /// </summary>
    public int BytesWanted => Math.Abs(_pendingBytes);

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
        _pendingBytes = 0;
        _continuations = 0;
    }

    /// <summary>Says that this end has sent a Close frame, as the first one or as the answer (§7.1.3).</summary>
    public void OnCloseSent() => _closing = ProtocolTable.After(_closing, ClosingEvent.CloseSent);

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
        if (buffer.Length < BytesWanted)
        {
            consumed = 0;
            return default;
        }

        if (!TryReadData(buffer, out DataChunk chunk)) return NextOnSlowPath(buffer, out consumed);
        consumed = chunk.Consumed;
        return EventOf(chunk, buffer);
    }

    /// <summary>Whether the bytes that come next are payload of a data frame whose header has been consumed.</summary>
    internal bool IsInPayload => _frameBytesLeft > 0;

    /// <summary>How many frames have gone on with a message since the last <see cref="Reset"/> (§5.4).</summary>
    internal long Continuations => _continuations + Math.Max(0, _fragments - 1);

    /// <summary>The kind of the message that has begun and goes on; null between messages.</summary>
    internal MessageKind? OpenMessage => _message == MessageState.None ? null : (MessageKind)_message;

    private ProtocolEvent NextOnSlowPath(Span<byte> buffer, out int consumed)
    {
        if (!ProtocolTable.Parses(_closing))
        {
            consumed = buffer.Length;
            return default;
        }

        consumed = 0;
        if (buffer.IsEmpty) return default;
        if (_frameBytesLeft > 0) return ReadData(buffer, 0, _header, out consumed);
        int wanted = BytesThatDecide(buffer);
        if (wanted > buffer.Length)
        {
            _pendingBytes = wanted;
            return default;
        }

        // FrameCheck names the rule of a Violation too.
        bool whole = FrameReader.TryRead(buffer, out FrameHeader header) == ReadStatus.Done;
        FrameContext context = new(_role, _permitted, _message, _limits.MessageBytesMax - _messageBytes, _limits.FragmentsMax - _fragments);
        if (FrameCheck.Check(header, buffer.Length, context) is { } broken)
        {
            return Fail(broken, header, buffer.Length, out consumed);
        }

        if (header.IsControl && whole)
        {
            ProtocolEvent found = ReadControlFrame(buffer, header, out consumed);
            if (consumed > 0)
            {
                _pendingBytes = 0;
                return found;
            }
        }
        else if (whole && (header.PayloadLength == 0 || buffer.Length > header.HeaderLength))
        {
            return ReadData(buffer, header.HeaderLength, header, out consumed);
        }

        wanted = BytesThatDecide(header, buffer.Length);
        _pendingBytes = header.IsControl ? -wanted : wanted;
        return default;
    }

    // tour: bytes-that-decide
    // How many bytes of a frame there must be before more can be said of it than the first `bytesSeen` did. They break no rule.
    private static int BytesThatDecide(in FrameHeader header, int bytesSeen)
    {
        if (bytesSeen < 2) return 2;

        // Each byte of a longer length may prove that the message is too large.
        if (bytesSeen < 2 + header.ExtendedLengthBytes) return bytesSeen + 1;

        // A data frame is read with the first byte of its payload. A Close is checked from there on as it comes; any other control frame
        // is read when it is whole.
        int begun = header.HeaderLength + Math.Sign((long)header.PayloadLength);
        if (!header.IsControl) return begun;
        return header.Opcode == Opcode.Close ? Math.Max(bytesSeen + 1, begun) : header.HeaderLength + (int)header.PayloadLength;
    }
    // tour: end

    // The same from the bytes themselves, for the beginning of a short data frame that breaks no rule so far: a frame that dribbles in is
    // this a few times, and to read its header each time and to judge it by every rule takes longer. 0 where that must be done.
    private int BytesThatDecide(ReadOnlySpan<byte> begun)
    {
        int opcode = begun[0] & ~FrameHeader.FinBit; // and the reserved bits
        bool inOrder = opcode == 0 ? _message != MessageState.None : opcode <= (int)Opcode.Binary && _message == MessageState.None;
        if (!inOrder || _fragments >= _limits.FragmentsMax) return 0;
        if (begun.Length < 2) return 2;
        bool masks = _role == Role.Server;
        if ((begun[1] & FrameHeader.MaskBit) != 0 != masks) return 0;
        long room = _limits.MessageBytesMax - _messageBytes;
        int length = begun[1] & FrameHeader.LengthMask;
        int headerLength = masks ? 6 : 2;
        if (length > FrameHeader.Length7Max)
        {
            // Two bytes of length decide together where whatever they may say is room for.
            if (length != FrameHeader.Length16Follows || room < ushort.MaxValue) return 0;
            if (begun.Length < 4) return 4;
            length = BinaryPrimitives.ReadUInt16BigEndian(begun[2..]);
            if (length <= FrameHeader.Length7Max) return 0;
            headerLength += 2;
        }

        return length <= room ? headerLength + Math.Sign(length) : 0;
    }

    // The header of a data frame is whole, and keeps the rules.
    private ProtocolEvent ReadData(Span<byte> buffer, int offset, scoped in FrameHeader header, out int consumed)
    {
        if (ReadPayload(buffer, default, offset, header, out DataChunk chunk) is { } broken)
        {
            return Fail(broken, header, buffer.Length, out consumed);
        }

        consumed = chunk.Consumed;
        return EventOf(chunk, buffer);
    }

    private ProtocolEvent EventOf(scoped in DataChunk chunk, Span<byte> buffer)
    {
        // Of a whole message nothing is kept.
        FrameHeader header = _header;
        if (chunk.IsMessage) FrameReader.TryRead(buffer, out header);
        return new ProtocolEvent
        {
            Kind = chunk.IsMessage ? ProtocolEventKind.Message : ProtocolEventKind.MessageChunk,
            MessageKind = chunk.Kind,
            StartOfMessage = chunk.StartOfMessage,
            EndOfMessage = chunk.EndOfMessage,
            MessageReserved = chunk.IsMessage ? header.Reserved : _messageReserved,
            Payload = buffer.Slice(chunk.Consumed - chunk.PayloadBytes, chunk.PayloadBytes),
            Header = header,
        };
    }

    private ProtocolEvent Fail(Rule rule, FrameHeader header, int bufferLength, out int consumed)
    {
        Debug.Assert(ProtocolTable.Parses(_closing), "A connection fails once.");
        consumed = bufferLength;
        _lastOpcode = header.Opcode;
        _closing = ProtocolTable.After(_closing, ClosingEvent.RuleBroken);
        _messageBytes -= (long)_frameBytesLeft; // the rest of the frame has not come
        (_frameBytesLeft, _pendingBytes) = (0, 0);
        UpdateBytesMax();
        return new ProtocolEvent { Kind = ProtocolEventKind.Fail, Rule = rule, Header = header };
    }
}
