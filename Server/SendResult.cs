// What a sender is told at once.

namespace RawWs.Server;

/// <summary>The result of sending a message to a connection.</summary>
public enum SendResult : byte
{
    /// <summary>The message is queued. It is sent in order, unless the connection ends first.</summary>
    Queued,

    /// <summary>
    /// The message is not queued: the send queue is at its bound. The peer receives less than it is sent, or nothing
    /// (<see cref="WebSocketConnection.CloseIfTooSlow"/>).
    /// </summary>
    Full,

    /// <summary>
    /// The message is not queued: the server's memory limit is reached. That is not this peer's fault
    /// (<see cref="WebSocketConnection.CloseOutOfMemory"/>).
    /// </summary>
    OutOfMemory,

    /// <summary>The message is not queued: the connection is not open yet, or not open any more.</summary>
    Closed,

    /// <summary>
    /// The message is dropped, and counted as dropped: the send queue is at its bound, and that is the server's policy
    /// (<see cref="ServerOptions.SlowConsumer"/>).
    /// </summary>
    Dropped,
}
