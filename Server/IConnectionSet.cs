// What an application may do with all connections at once.

using RawWs.Frame;

namespace RawWs.Server;

/// <summary>The connections of a server, as an application needs them. Every member may be used from any thread.</summary>
public interface IConnectionSet
{
    /// <summary>How many connections there are, including those in their handshake and those that are ending.</summary>
    int Count { get; }

    /// <summary>
    /// Encodes a message once for any number of connections. The caller owns it, and disposes it. Null when the server's memory limit is
    /// reached.
    /// </summary>
    SharedMessage? TryShare(WebSocketMessage message);

    /// <summary>The same for bytes; text is checked here.</summary>
    /// <exception cref="ArgumentException">The text is not UTF-8: the message says at which byte.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such kind.</exception>
    SharedMessage? TryShare(MessageKind kind, ReadOnlySpan<byte> payload);

    /// <summary>
    /// Sends to every open connection, once each. A connection whose send queue is full does not get the message, and
    /// <paramref name="refused"/> is told of it.
    /// </summary>
    /// <returns>False when not everybody gets it: a send queue is full, or the server's memory limit is reached.</returns>
    bool Broadcast(SharedMessage message, Action<WebSocketConnection>? refused = null);

    /// <summary>
    /// The same with a message that is encoded here, once; nothing is allocated. If a connection's handler sends much to everybody, reading
    /// from that connection is paused until it is sent.
    /// </summary>
    bool TryBroadcast(WebSocketMessage message, Action<WebSocketConnection>? refused = null);

    /// <summary>The same for bytes; text is checked here.</summary>
    /// <exception cref="ArgumentException">The text is not UTF-8: the message says at which byte. Nothing is sent.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such kind.</exception>
    bool TryBroadcast(MessageKind kind, ReadOnlySpan<byte> payload, Action<WebSocketConnection>? refused = null);
}
