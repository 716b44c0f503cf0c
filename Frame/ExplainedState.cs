// What a WebSocketProtocol knows when it has read some bytes: FrameWalk asks it at their end.

namespace RawWs.Frame;

/// <summary>What is open, and how much of it is missing, when the bytes have been read.</summary>
public sealed class ExplainedState
{
    /// <summary>The kind of the message that has begun and not ended; null when there is none, and when nothing more is read.</summary>
    public MessageKind? Message { get; init; }

    /// <summary>How many payload bytes of that message have come, in all its fragments.</summary>
    public long MessageBytes { get; init; }

    /// <summary>The opcode of the frame that has begun and is not whole; null when there is none, and when nothing more is read.</summary>
    public Opcode? Frame { get; init; }

    /// <summary>
    /// How many bytes of that frame's header are missing. Null when one byte of it has come: the second one says how long it is (§5.2).
    /// </summary>
    public int? HeaderBytesLeft { get; init; }

    /// <summary>How many bytes of that frame's payload are missing; null while its length is not known.</summary>
    public ulong? PayloadBytesLeft { get; init; }

    /// <summary>How far the closing handshake has come.</summary>
    public ClosingState Closing { get; init; }
}
