// A client in this process, whose connection has no socket: for tests, and for tools that send bytes which no client library would send.
// All that is above the bytes is what every connection has: the same loops, rules, limits, deadlines and log.

using RawWs.Server.Channels;

namespace RawWs.Server;

/// <summary>
/// The client's end of a connection over memory (<see cref="WebSocketServer.ConnectOverMemory"/>). Every member may be used from any
/// thread, but one call of <see cref="ReceiveAsync"/> at a time. Its owner disposes it.
/// </summary>
public sealed class MemoryClient : IDisposable
{
    private readonly MemoryPeerChannel _channel;

    internal MemoryClient(long connectionId, MemoryPeerChannel channel) => (ConnectionId, _channel) = (connectionId, channel);

    /// <summary>The number of the connection (<see cref="WebSocketConnection.Id"/>).</summary>
    public long ConnectionId { get; }

    /// <summary>Whether the server has reset the connection. Known when <see cref="ReceiveAsync"/> has told the end.</summary>
    public bool WasReset => _channel.WasReset;

    /// <summary>Sends bytes. The server receives them in one piece, if its buffer has room for them; they are copied.</summary>
    /// <returns>False if the connection has ended, or if more than 1 MiB would wait for the server.</returns>
    public bool TrySend(ReadOnlySpan<byte> bytes) => _channel.TryArrive(bytes.ToArray());

    /// <summary>Ends the client's direction, as FIN does: nothing more is sent.</summary>
    public void End() => _channel.EndArriving(reset: false);

    /// <summary>
    /// Takes what the server has sent, as far as it is there. While 64 KiB are not taken, the server's bytes wait in its send queue.
    /// </summary>
    /// <returns>The bytes, which are the caller's; empty at the end of the server's direction.</returns>
    /// <exception cref="OperationCanceledException">The token says so.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> ReceiveAsync(CancellationToken cancellationToken = default)
    {
        if (!await _channel.Leaving.WaitToReadAsync(cancellationToken).ConfigureAwait(false)) return default;
        if (!_channel.Leaving.TryRead(out byte[]? bytes)) return default;
        _channel.OnTaken(bytes.Length);
        return bytes;
    }

    /// <summary>Resets the connection, unless it has ended.</summary>
    public void Dispose() => _channel.EndArriving(reset: true);
}
