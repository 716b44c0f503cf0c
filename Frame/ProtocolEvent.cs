// What one call of WebSocketProtocol.Next found: a small value on the stack. Its Payload is a view of the caller's buffer, or of the
// caller's scratch memory. It is unmasked already, and valid for as long as the caller leaves that memory alone.

namespace RawWs.Frame;

/// <summary>What an event says.</summary>
public enum ProtocolEventKind : byte
{
    /// <summary>The bytes that are there make no further event.</summary>
    NeedMoreData,

    /// <summary>The next part of a message that did not come in one piece: a fragment, or a part of one.</summary>
    MessageChunk,

    /// <summary>A whole message that came in one frame.</summary>
    Message,

    /// <summary>A Ping. The Pong that answers it carries the same payload (§5.5.2, §5.5.3).</summary>
    Ping,

    /// <summary>A Pong (§5.5.3).</summary>
    Pong,

    /// <summary>The peer's Close. The payload is its reason (§5.5.1).</summary>
    Close,

    /// <summary>The peer broke a rule: the connection is to be failed (§7.1.7).</summary>
    Fail,
}

/// <summary>One event of a connection: a message, a part of one, a control frame, or a broken rule.</summary>
public readonly ref struct ProtocolEvent
{
    /// <summary>Which kind of event this is. The other members say for which kinds they are set.</summary>
    public ProtocolEventKind Kind { get; init; }

    /// <summary>For Message and MessageChunk: whether the message is text or binary.</summary>
    public MessageKind MessageKind { get; init; }

    /// <summary>For Message and MessageChunk: whether the message begins with this event.</summary>
    public bool StartOfMessage { get; init; }

    /// <summary>
    /// For Message and MessageChunk: whether the message ends with this event. The payload of the last chunk may be empty.
    /// </summary>
    public bool EndOfMessage { get; init; }

    /// <summary>
    /// For Message and MessageChunk: the reserved bits of the message's first frame (§5.2), the same on each of its events. Where one is
    /// set the payload is what an extension made of the message. The caller transforms it back, and then checks text for UTF-8 itself.
    /// </summary>
    public ReservedBits MessageReserved { get; init; }

    /// <summary>
    /// Unmasked bytes in the caller's memory: of the message, of the Ping or Pong, or a Close frame's reason. Empty for the other kinds.
    /// </summary>
    public Span<byte> Payload { get; init; }

    /// <summary>For Close: the status code (§7.4), or null when the frame carries none.</summary>
    public ushort? CloseCode { get; init; }

    /// <summary>For Fail: the rule that the peer broke. It names the code to close with.</summary>
    public Rule? Rule { get; init; }

    /// <summary>
    /// The header of the frame to which this event belongs. For Fail it may be incomplete: zeros stand for the bytes that are not there.
    /// For NeedMoreData it has no meaning.
    /// </summary>
    public FrameHeader Header { get; init; }
}
