// What a sender is told at once.

namespace RawWs.Server;

/// <summary>What became of a message given to a connection.</summary>
public enum SendResult : byte
{
    /// <summary>It is queued, and goes out in order unless the connection ends first.</summary>
    Queued,

    /// <summary>The outbox is at its bound: not queued. Its peer takes less than it is sent, or nothing (<see cref="WebSocketConnection.CloseIfTooSlow"/>).</summary>
    Full,

    /// <summary>The server's memory limit is reached: not queued. It is not the peer's fault.</summary>
    OutOfMemory,

    /// <summary>The connection is not open (yet, or any more): not queued.</summary>
    Closed,
}
