// What others wait for: room for a message, the moment from which nothing can be sent any more, the end. What few connections need is in an
// object of its own, made when it is first asked for: a connection that nobody waits for has one field for all of it.
// Whoever waits goes on on a thread of the pool, never inside of the loop's turn.

using RawWs.Frame;
using RawWs.Server.Log;

namespace RawWs.Server;

public sealed partial class WebSocketConnection
{
    private RareParts? _rare;

    /// <summary>
    /// Is cancelled when nothing can be sent any more: a Close has been sent or received, or the connection has broken. A handler that waits
    /// for something else should stop then, because the connection's end waits for it. While a handler runs nothing is read, so a Close of
    /// the peer is found only afterwards. Callbacks are called on a thread of the pool.
    /// </summary>
    public CancellationToken ConnectionClosed
    {
        get
        {
            RareParts rare = MakeRareParts();
            CancellationTokenSource source = rare.Closed ?? Make(ref rare.Closed, new CancellationTokenSource());
            // It is made first, and the state is read then. Who ends the connection writes the state first. So one of the two sees the other.
            if (!IsOpen || _transport.Broken) Cancel(source);
            return source.Token;
        }
    }

    /// <summary>
    /// Sends a message as soon as there is room for it. What was received, or made, is not checked again. The memory is the caller's, and
    /// must not change before the returned task completes. A handler that waits for it holds up its own connection's messages.
    /// </summary>
    /// <param name="message">The message.</param>
    /// <param name="cancellationToken">Ends the waiting. Then nothing of the message is sent.</param>
    /// <returns>Queued; OutOfMemory at the server's limit; Closed when the connection is not open, or ends meanwhile. Never Full.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public ValueTask<SendResult> SendAsync(WebSocketMessage message, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<SendResult>(cancellationToken);
        SendResult sent = TrySend(message);
        return sent == SendResult.Full ? SendLaterAsync(message, cancellationToken) : new ValueTask<SendResult>(sent);
    }

    /// <summary>The same for bytes. Text is checked here (§5.6).</summary>
    /// <exception cref="ArgumentException">The text is not UTF-8: the message says at which byte. Nothing is sent.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such kind.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public ValueTask<SendResult> SendAsync(
        MessageKind kind, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken = default) =>
        SendAsync(WebSocketMessage.Create(kind, payload), cancellationToken);

    /// <summary>The same for a string.</summary>
    /// <exception cref="ArgumentException">
    /// The string has half of a surrogate pair, which cannot be UTF-8 (§5.6): the message says at which character. Nothing is sent.
    /// </exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public ValueTask<SendResult> SendAsync(string text, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<SendResult>(cancellationToken);
        SendResult sent = TrySend(text);
        return sent == SendResult.Full ? SendLaterAsync(WebSocketMessage.Text(text), cancellationToken) : new ValueTask<SendResult>(sent);
    }

    /// <summary>
    /// Waits for room: completes when at most half of the send queue's bound is used, or when the connection is not open any more.
    /// </summary>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public ValueTask WhenWritable(CancellationToken cancellationToken = default)
    {
        Task room;
        lock (_transport)
        {
            if (HasRoom) return ValueTask.CompletedTask;
            room = (_queue!.Writable ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }

        return new ValueTask(room.WaitAsync(cancellationToken));
    }

    /// <summary>
    /// Closes the connection as <see cref="Close"/> does, and waits until it has ended: the peer has answered the Close, or its time for
    /// that is over. If it is ending already, or has ended, this waits for that end.
    /// </summary>
    /// <remarks>
    /// The connection's own handlers should use <see cref="Close"/>: the end waits for a running handler, and so one that waits for the end
    /// waits until the time for the closing is over (<see cref="ServerOptions.CloseTimeout"/>). It is released then.
    /// </remarks>
    /// <param name="code">1000 to 1003, 1007 to 1009, 1011 to 1014, or 3000 to 4999 (§7.4). 1010 is for clients only.</param>
    /// <param name="reason">At most 123 bytes of UTF-8; empty for none.</param>
    /// <param name="cancellationToken">Ends the waiting. The connection is closed all the same.</param>
    /// <returns>How and why the connection ended: what <see cref="IWebSocketApplication.OnClose"/> is given too.</returns>
    /// <exception cref="ArgumentException">A server may not send this code, or the reason is too long.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public Task<CloseReport> CloseAsync(
        ushort code = CloseCodes.NormalClosure, string reason = "", CancellationToken cancellationToken = default)
    {
        Close(code, reason);
        RareParts rare = MakeRareParts();
        TaskCompletionSource<CloseReport> ended =
            rare.Ended ?? Make(ref rare.Ended, new TaskCompletionSource<CloseReport>(TaskCreationOptions.RunContinuationsAsynchronously));
        // As above: it is made first, and the report is read then.
        if (_ending?.Report is { } report) ended.TrySetResult(report);
        return ended.Task.WaitAsync(cancellationToken);
    }

    private async ValueTask<SendResult> SendLaterAsync(WebSocketMessage message, CancellationToken cancellationToken)
    {
        SendResult sent;
        do
        {
            await WhenWritable(cancellationToken).ConfigureAwait(false);
            sent = TrySend(message);
        }
        while (sent == SendResult.Full);
        return sent;
    }

    // Nothing can be sent any more.
    private void TellClosed()
    {
        Interlocked.MemoryBarrier();
        if (_rare?.Closed is { } source) Cancel(source);
    }

    // Nothing is left of the connection but perhaps a handler that has not returned.
    private void TellEnded(CloseReport report)
    {
        (_ending ??= new Ending(report.Cause, report.Code, report.Reason, report.Rule)).Report = report;
        Interlocked.MemoryBarrier();
        _rare?.Ended?.TrySetResult(report);
    }

    private RareParts MakeRareParts() => _rare ?? Make(ref _rare, new RareParts());

    private static T Make<T>(ref T? place, T made)
        where T : class => Interlocked.CompareExchange(ref place, made, null) ?? made;

    // The callbacks are an application's, and may throw.
    private void Cancel(CancellationTokenSource source)
    {
        Task told = source.CancelAsync();
        if (!told.IsCompletedSuccessfully) _ = Guard(told);

        async Task Guard(Task callbacks)
        {
            try
            {
                await callbacks.ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                _context.Log.HandlerThrew(exception, Id);
            }
        }
    }

    /// <summary>What few connections need. Each is null until somebody asks for it.</summary>
    private sealed class RareParts
    {
        /// <summary>The first Close that was asked for from elsewhere than the loop.</summary>
        public CloseRequest? CloseRequest;

        /// <summary>Cancelled when nothing can be sent any more.</summary>
        public CancellationTokenSource? Closed;

        /// <summary>Completed at the end.</summary>
        public TaskCompletionSource<CloseReport>? Ended;
    }
}
