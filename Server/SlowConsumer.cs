// What happens to messages for a peer that takes less than it is sent. docs/ops/limits.md says when to choose what.

namespace RawWs.Server;

/// <summary>
/// What happens when a connection's send queue is full (<see cref="ServerOptions.SendBufferBytesMax"/>). A control frame is never dropped,
/// and a message that has begun to be sent is never cut. What is dropped is counted (<see cref="CloseReport.MessagesDropped"/>).
/// </summary>
public enum SlowConsumer : byte
{
    /// <summary>
    /// Further messages are refused (<see cref="SendResult.Full"/>), and a connection that takes nothing may be closed
    /// (<see cref="WebSocketConnection.CloseIfTooSlow"/>).
    /// </summary>
    Close,

    /// <summary>
    /// The oldest messages that wait are dropped, and the new one is queued. A connection whose messages refer to earlier ones (compression
    /// with takeover) drops the new one.
    /// </summary>
    DropOldest,

    /// <summary>The new message is dropped (<see cref="SendResult.Dropped"/>).</summary>
    DropNewest,
}
