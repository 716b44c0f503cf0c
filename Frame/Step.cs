// What one call of Conversation.Next found: a small value on the stack. Its Payload is a view of the caller's buffer (or of the
// caller's scratch memory), already unmasked, and is valid for as long as the caller leaves that memory alone.

using System.Diagnostics.CodeAnalysis;

namespace RawWs.Frame;

/// <summary>What a step is.</summary>
public enum StepKind : byte
{
    /// <summary>Nothing more can be said with the bytes that are there.</summary>
    NeedMoreData,

    /// <summary>A stretch of a message that did not come in one piece.</summary>
    Payload,

    /// <summary>A whole message: one frame, all of it there.</summary>
    Message,

    /// <summary>A Ping; its payload is the Pong's (§5.5.3).</summary>
    Ping,

    /// <summary>A Pong.</summary>
    Pong,

    /// <summary>The peer's Close; its payload is the reason (§5.5.1).</summary>
    Close,

    /// <summary>The peer broke a rule: fail the connection (§7.1.7).</summary>
    Fail,
}

/// <summary>One step of a conversation.</summary>
[SuppressMessage("Naming", "CA1716", Justification = "A word of Visual Basic's For loop; the escaped name works there.")]
public readonly ref struct Step
{
    /// <summary>What it is.</summary>
    public StepKind Kind { get; init; }

    /// <summary>For Payload and Message: what the message is.</summary>
    public MessageKind MessageKind { get; init; }

    /// <summary>For Payload and Message: the message begins with this step.</summary>
    public bool StartOfMessage { get; init; }

    /// <summary>For Payload and Message: the message ends with this step, whose payload may be empty.</summary>
    public bool EndOfMessage { get; init; }

    /// <summary>
    /// For Payload and Message: the reserved bits of the message's first frame (§5.2), on each of its steps. Where one is set the payload is
    /// what an extension made of it: the caller transforms it, and checks text for UTF-8 itself after that.
    /// </summary>
    public ReservedBits MessageReserved { get; init; }

    /// <summary>Unmasked bytes: of the message, of the Ping or Pong, or a Close frame's reason.</summary>
    public Span<byte> Payload { get; init; }

    /// <summary>For Close: the status code, or null when it carries none.</summary>
    public ushort? CloseCode { get; init; }

    /// <summary>For Fail: the rule that was broken.</summary>
    public Rule? Rule { get; init; }

    /// <summary>
    /// The header of the frame that this step belongs to. For Fail it may be a prefix with zeros for the bytes that are not there;
    /// for NeedMoreData it says nothing.
    /// </summary>
    public FrameHeader Header { get; init; }
}
