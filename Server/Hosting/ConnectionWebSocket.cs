// A connection as the framework's WebSocket, for libraries that want one. It stands beside the path of a byte: the connection goes on as
// ever, and its application is this adapter, from the moment it is made. A message stays with its handler until it has been read here, and
// nothing more is read from the peer meanwhile: whoever reads slowly holds up his own peer, and no queue grows.

using System.Buffers;
using System.Net.WebSockets;
using RawWs.Frame;

namespace RawWs.Server.Hosting;

/// <summary>Makes a <see cref="WebSocket"/> of a connection.</summary>
public static class WebSocketAdapter
{
    /// <summary>The longest message that is put together of what is sent in parts, in bytes, unless another is named.</summary>
    public const int SentBytesMaxDefault = 16 * 1024 * 1024;

    /// <summary>
    /// The connection as a <see cref="WebSocket"/>. From now on its messages go there, and not to the application any more, which is still
    /// told of the connection's end. (A receive tells of the peer's Close when the connection has ended, not before.) Call it in <see
    /// cref="IWebSocketApplication.OnOpen"/>, before the first message; a further call returns the same object. Read it, and close or
    /// dispose it, elsewhere than in a handler.
    /// </summary>
    /// <param name="connection">A connection that has not ended.</param>
    /// <param name="sentBytesMax">The longest message that is put together of what is sent in parts, in bytes.</param>
    /// <exception cref="InvalidOperationException">The connection has ended: it would never be told.</exception>
    public static WebSocket AsWebSocket(this WebSocketConnection connection, int sentBytesMax = SentBytesMaxDefault)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(sentBytesMax);
        if (connection.Application is ConnectionWebSocket made) return made;
        ConnectionWebSocket socket = new(connection, connection.Application, sentBytesMax);
        connection.Application = socket;
        // An end that comes between these two lines is told to the socket.
        if (connection.HasEnded) throw new InvalidOperationException("The connection has ended.");
        socket.FollowEnd();
        return socket;
    }
}

internal sealed class ConnectionWebSocket(WebSocketConnection connection, IWebSocketApplication inner, int sentBytesMax)
    : WebSocket, IWebSocketApplication
{
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _sending = new(1);
    private readonly ArrayBufferWriter<byte> _begun = new(); // a message of which not all parts have come
    private ReadOnlyMemory<byte> _unread; // of the message that was handed over
    private WebSocketMessageType _begunType; // its first part's
    private bool _hasBegun;
    private bool _isLost; // a part of it was not taken, so no other is
    private bool _isText;
    private bool _hasMessage;
    private bool _receiving;
    private bool _isClosing; // what still comes is not wanted
    private bool _aborted;
    private bool _closeSent;
    private TaskCompletionSource? _taken; // the handler's: completed when its message has been read
    private TaskCompletionSource? _changed; // a reader's: completed when there is something to read, or nothing will come
    private CloseReport? _report;

    public override WebSocketCloseStatus? CloseStatus =>
        _report is { Clean: true } report ? (WebSocketCloseStatus)(report.Code ?? (int)WebSocketCloseStatus.Empty) : null;

    public override string? CloseStatusDescription => _report is { Clean: true } report ? report.Reason : null;

    public override string? SubProtocol => connection.Subprotocol;

    public override WebSocketState State
    {
        get
        {
            if (_report is not null) return _report.Clean ? WebSocketState.Closed : WebSocketState.Aborted;
            if (_aborted) return WebSocketState.Aborted;
            if (_closeSent) return WebSocketState.CloseSent;
            return connection.IsOpen ? WebSocketState.Open : WebSocketState.CloseReceived;
        }
    }

    /// <summary>If the connection ends while a message is unread, its handler is not held up: the rest of the message is copied.</summary>
    public void FollowEnd() =>
        connection.ConnectionClosed.UnsafeRegister(static socket => ((ConnectionWebSocket)socket!).KeepUnread(), this);

    public override async Task<WebSocketReceiveResult> ReceiveAsync(ArraySegment<byte> buffer, CancellationToken cancellationToken)
    {
        ValueWebSocketReceiveResult result = await ReceiveAsync(buffer.AsMemory(), cancellationToken).ConfigureAwait(false);
        return result.MessageType == WebSocketMessageType.Close
            ? new WebSocketReceiveResult(0, WebSocketMessageType.Close, endOfMessage: true, CloseStatus, CloseStatusDescription)
            : new WebSocketReceiveResult(result.Count, result.MessageType, result.EndOfMessage);
    }

    /// <summary>Cancelling ends the waiting, and costs nothing else. (The framework's own sockets are aborted by it.)</summary>
    public override async ValueTask<ValueWebSocketReceiveResult> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            if (_receiving) throw new InvalidOperationException("Another receive is waiting: there is one at a time.");
            _receiving = true;
        }

        try
        {
            while (true)
            {
                Task changed;
                lock (_lock)
                {
                    if (_hasMessage) return Read(buffer.Span);
                    if (_aborted || _report is { Clean: false }) throw new WebSocketException(WebSocketError.ConnectionClosedPrematurely);
                    if (_report is not null) return new ValueWebSocketReceiveResult(0, WebSocketMessageType.Close, endOfMessage: true);
                    changed = (_changed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
                }

                await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            lock (_lock) _receiving = false;
        }
    }

    public override Task SendAsync(
        ArraySegment<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken) =>
        SendAsync(buffer.AsMemory(), messageType, endOfMessage, cancellationToken).AsTask();

    /// <summary>
    /// A message in parts leaves as one frame, when its last part is here; it is of the first part's type. If a later part cannot be taken,
    /// or is cancelled, the whole message is lost: each further part throws, up to the last one. One send at a time.
    /// </summary>
    public override async ValueTask SendAsync(
        ReadOnlyMemory<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken)
    {
        if (messageType is not (WebSocketMessageType.Text or WebSocketMessageType.Binary))
            throw new ArgumentException("A message is text or binary (RFC 6455 §5.6).", nameof(messageType));
        await _sending.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            await SendPartAsync(buffer, messageType, endOfMessage, cancellationToken).ConfigureAwait(false);
            _hasBegun = !endOfMessage;
        }
        catch
        {
            _hasBegun &= !endOfMessage;
            _isLost = _hasBegun;
            throw;
        }
        finally
        {
            if (!_hasBegun || _isLost) _begun.ResetWrittenCount();
            _sending.Release();
        }
    }

    /// <summary>What is unread is dropped, and what still comes.</summary>
    public override async Task CloseAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken)
    {
        SendClose(closeStatus, statusDescription);
        Discard();
        await connection.CloseAsync(CodeOf(closeStatus), statusDescription ?? "", cancellationToken).ConfigureAwait(false);
    }

    public override Task CloseOutputAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested) return Task.FromCanceled(cancellationToken);
        SendClose(closeStatus, statusDescription);
        return Task.CompletedTask;
    }

    public override void Abort()
    {
        lock (_lock) _aborted |= _report is null;
        connection.Abort();
        Discard();
    }

    /// <summary>If it has not ended, it is aborted.</summary>
    public override void Dispose()
    {
        if (_report is null) Abort();
    }

    ValueTask<UpgradeDecision> IWebSocketApplication.OnUpgrade(UpgradeContext context) => inner.OnUpgrade(context);

    ValueTask IWebSocketApplication.OnMessage(WebSocketConnection connection, WebSocketMessage message)
    {
        lock (_lock)
        {
            if (_isClosing) return ValueTask.CompletedTask;
            (_unread, _isText, _hasMessage) = (message.Memory, message.IsText, true);
            _taken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            TellReader();
            return new ValueTask(_taken.Task);
        }
    }

    void IWebSocketApplication.OnClose(WebSocketConnection connection, CloseReport report)
    {
        lock (_lock)
        {
            _report = report;
            TellReader();
        }

        inner.OnClose(connection, report);
    }

    void IWebSocketApplication.OnHeartbeatMissed(WebSocketConnection connection) => inner.OnHeartbeatMissed(connection);

    private static ushort CodeOf(WebSocketCloseStatus status) =>
        status == WebSocketCloseStatus.Empty ? CloseCodes.NormalClosure : (ushort)status;

    private void SendClose(WebSocketCloseStatus status, string? description)
    {
        connection.Close(CodeOf(status), description ?? "");
        _closeSent = true;
    }

    private async Task SendPartAsync(
        ReadOnlyMemory<byte> buffer, WebSocketMessageType type, bool isLast, CancellationToken cancellationToken)
    {
        if (_isLost) throw new WebSocketException("An earlier part of this message was not sent: the message is lost.");
        cancellationToken.ThrowIfCancellationRequested();
        if (!_hasBegun) _begunType = type;
        if (buffer.Length > sentBytesMax - _begun.WrittenCount)
            throw new WebSocketException($"A message is longer than {sentBytesMax} bytes, which AsWebSocket allows.");
        bool isWhole = isLast && !_hasBegun;
        if (!isWhole) _begun.Write(buffer.Span);
        if (!isLast) return;
        MessageKind kind = _begunType == WebSocketMessageType.Text ? MessageKind.Text : MessageKind.Binary;
        ReadOnlyMemory<byte> whole = isWhole ? buffer : _begun.WrittenMemory;
        SendResult sent = await connection.SendAsync(kind, whole, cancellationToken).ConfigureAwait(false);
        if (sent == SendResult.OutOfMemory) throw new WebSocketException("The server's memory limit is reached.");
        if (sent is SendResult.Queued or SendResult.Dropped) return;
        throw new WebSocketException(WebSocketError.InvalidState, "The connection is not open.");
    }

    // Under the lock.
    private ValueWebSocketReceiveResult Read(Span<byte> buffer)
    {
        int count = Math.Min(buffer.Length, _unread.Length);
        _unread.Span[..count].CopyTo(buffer);
        bool all = count == _unread.Length;
        WebSocketMessageType type = _isText ? WebSocketMessageType.Text : WebSocketMessageType.Binary;
        if (all) Release();
        else _unread = _unread[count..];
        return new ValueWebSocketReceiveResult(count, type, all);
    }

    private void KeepUnread()
    {
        lock (_lock)
        {
            if (_taken is null) return;
            _unread = _unread.ToArray();
            _taken.TrySetResult();
            _taken = null;
        }
    }

    private void Discard()
    {
        lock (_lock)
        {
            _isClosing = true;
            Release();
            TellReader();
        }
    }

    // Under the lock.
    private void Release()
    {
        (_unread, _hasMessage) = (default, false);
        _taken?.TrySetResult();
        _taken = null;
    }

    // Under the lock.
    private void TellReader()
    {
        _changed?.TrySetResult();
        _changed = null;
    }
}
