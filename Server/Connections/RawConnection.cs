// A connection that an application has taken over (UpgradeDecision.TakeOver): its bytes, as they come and as they are sent. To the phases
// it stays in its handshake, whose answer the application sends. Then it ends in order, like every answered request; or it is reset, by
// the application, at the end of its time, or when the server stops.

using System.IO.Pipelines;
using System.Net;
using RawWs.Server.Log;
using RawWs.Server.Loops;

namespace RawWs.Server;

/// <summary>
/// Handles the bytes of a connection that was taken over. Every call comes on the connection's loop, one at a time. If one throws, the
/// connection is reset, and nothing more comes but the end.
/// </summary>
public interface IRawHandler
{
    /// <summary>The connection is the handler's: bytes can be sent. This call must not block.</summary>
    void OnBegin(RawConnection connection);

    /// <summary>Bytes have come, one or more. They are valid during this call. This call must not block.</summary>
    void OnBytes(RawConnection connection, ReadOnlySpan<byte> bytes);

    /// <summary>The connection has ended, whoever has ended it. Called once.</summary>
    void OnEnd(RawConnection connection);
}

/// <summary>
/// The bytes of a connection, without a protocol. When the peer's stream ends, what is queued is still sent, and then the connection ends.
/// Every member may be used from any thread.
/// </summary>
public sealed class RawConnection : ILoopWork
{
    private readonly WebSocketConnection _connection;
    private readonly IRawHandler _handler;
    private bool _hasFailed;

    internal RawConnection(WebSocketConnection connection, IRawHandler handler) => (_connection, _handler) = (connection, handler);

    /// <summary>The connection's number (<see cref="WebSocketConnection.Id"/>).</summary>
    public long Id => _connection.Id;

    /// <summary>The peer's address and port.</summary>
    public IPEndPoint RemoteEndPoint => _connection.RemoteEndPoint;

    /// <summary>Sends bytes as they are. They are copied.</summary>
    /// <returns>
    /// Queued; Full when the send queue is at its bound; OutOfMemory at the server's limit; Closed when nothing can be sent any more.
    /// </returns>
    public SendResult TrySend(ReadOnlySpan<byte> bytes) => _connection.Queue.TryAppendRaw(_connection, bytes);

    /// <summary>Ends the connection in order: what is queued is sent, then the stream ends, and the peer's end is awaited.</summary>
    public void End() => _connection.Loop.Post(this);

    /// <summary>Resets the connection. What the kernel has taken by now is sent before.</summary>
    public void Abort() => _connection.Abort();

    /// <summary>It begins. On the owner's thread.</summary>
    internal void Begin() => Call(static (handler, connection, _) => handler.OnBegin(connection), default);

    /// <summary>Bytes have come, or the end of them. On the owner's thread.</summary>
    internal void Handle(in ReadResult read)
    {
        foreach (ReadOnlyMemory<byte> piece in read.Buffer)
        {
            if (_hasFailed || piece.IsEmpty) continue; // the end of the stream is an empty piece
            Call(static (handler, connection, bytes) => handler.OnBytes(connection, bytes.Span), piece);
        }

        _connection.Transport.AdvanceTo(read.Buffer.End);
        if (read.IsCompleted && _connection.Life.IsHandshake) _connection.Life.OnStreamEnd(_connection);
    }

    /// <summary>It has ended. On the owner's thread.</summary>
    internal void OnEnded() => Call(static (handler, connection, _) => handler.OnEnd(connection), default);

    void ILoopWork.OnPosted()
    {
        if (!_connection.Life.IsHandshake) return;
        _connection.Life.OnAnswer(_connection, 101, "", null);
        _connection.Transport.CancelPendingRead();
    }

    private void Call(Action<IRawHandler, RawConnection, ReadOnlyMemory<byte>> call, ReadOnlyMemory<byte> bytes)
    {
        try
        {
            call(_handler, this, bytes);
        }
        catch (Exception exception)
        {
            _hasFailed = true;
            _connection.Context.Log.HandlerThrew(exception, Id);
            _connection.Abort();
        }
    }
}
