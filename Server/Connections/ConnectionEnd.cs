// What is known of a connection's end, and who waits for it. A connection that goes on, and for whose end nobody waits, has none of these:
// it has one field for all of it. The first who has something to say or to ask makes it; so it may be made on any thread.
// Whoever waits goes on on a thread of the pool, never inside of the loop's turn.

using RawWs.Frame;
using RawWs.Server.Log;

namespace RawWs.Server.Connections;

internal sealed class ConnectionEnd
{
    private Ending? _request;
    private CancellationTokenSource? _closed;
    private TaskCompletionSource<CloseReport>? _ended;
    private TaskCompletionSource? _drained;
    private CloseReport? _report;
    private long _messagesDropped;
    private bool _isSet;

    public EndCause Cause { get; private set; }

    public int? Code { get; private set; }

    public string Reason { get; private set; } = "";

    public string? Rule { get; private set; }

    /// <summary>Whether both ends sent a Close (§7.1.4).</summary>
    public bool IsClean { get; private set; }

    /// <summary>How many messages have been dropped. Any thread.</summary>
    public long MessagesDropped => Volatile.Read(in _messagesDropped);

    /// <summary>The Close that somebody has asked for first, from elsewhere than the loop.</summary>
    public Ending Request => Volatile.Read(ref _request)!;

    /// <summary>Says why the connection ends. The first cause counts: what follows from it is no cause of its own. Owner only.</summary>
    public void Set(EndCause cause, int? code, string reason, string? rule)
    {
        if (_isSet) return;
        _isSet = true;
        (Cause, Code, Reason, Rule) = (cause, code, reason, rule);
    }

    /// <summary>So many messages have been dropped. Any thread.</summary>
    public void CountDropped(long messages) => Interlocked.Add(ref _messagesDropped, messages);

    /// <summary>The peer has answered our Close, or we answer its Close. Owner only.</summary>
    public void SetClean() => IsClean = true;

    /// <summary>The application closed, and the peer did not answer in time. Owner only.</summary>
    public void SetUnanswered()
    {
        if (Cause == Endings.ApplicationClosed.Cause) Cause = Endings.CloseDeadline.Cause;
    }

    /// <summary>Asks for a Close. False when another one has been asked for before. Any thread.</summary>
    public bool TryRequest(Ending request) => Interlocked.CompareExchange(ref _request, request, null) is null;

    /// <summary>Completes when everything is sent, in the call of <see cref="TellDrained"/>. Owner only.</summary>
    public Task WhenDrained() => (_drained ??= new TaskCompletionSource()).Task;

    public void TellDrained() => _drained?.TrySetResult();

    /// <summary>Is cancelled when nothing can be sent any more.</summary>
    public CancellationTokenSource Closed => _closed ?? Make(ref _closed, new CancellationTokenSource());

    /// <summary>Completes with the report. Any thread.</summary>
    public Task<CloseReport> WhenEnded()
    {
        TaskCompletionSource<CloseReport> ended =
            _ended ?? Make(ref _ended, new TaskCompletionSource<CloseReport>(TaskCreationOptions.RunContinuationsAsynchronously));
        // It is made first, and the report is read then. Who ends the connection writes the report first. So one of the two sees the other.
        if (Volatile.Read(ref _report) is { } report) ended.TrySetResult(report);
        return ended.Task;
    }

    /// <summary>Nothing is left of the connection but perhaps a handler that has not returned.</summary>
    public void TellEnded(CloseReport report)
    {
        Volatile.Write(ref _report, report);
        Interlocked.MemoryBarrier();
        _ended?.TrySetResult(report);
    }

    /// <summary>Nothing can be sent any more.</summary>
    public void TellClosed(GuardedLog log, long id)
    {
        if (_closed is { } source) Cancel(source, log, id);
    }

    /// <summary>Cancels without waiting for the callbacks, which are an application's, and may throw.</summary>
    public static void Cancel(CancellationTokenSource source, GuardedLog log, long id)
    {
        Task told = source.CancelAsync();
        if (!told.IsCompletedSuccessfully) _ = Guard(told, log, id);

        static async Task Guard(Task callbacks, GuardedLog log, long id)
        {
            try
            {
                await callbacks.ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                log.HandlerThrew(exception, id);
            }
        }
    }

    /// <summary>The report, as of now, with so many messages that still wait. Owner only.</summary>
    public CloseReport MakeReport(WebSocketConnection connection, Opcode? lastFrame, int unsent) => new()
    {
        Cause = Cause,
        Code = Code,
        Reason = Reason,
        Rule = Rule,
        LastFrame = lastFrame,
        Extensions = connection.Extensions,
        Duration = connection.Counts.Duration(connection.Loop.Uptime),
        Idle = connection.Deadlines.Silence(connection),
        MessagesIn = connection.Counts.MessagesIn,
        MessagesOut = connection.Counts.MessagesOut,
        MessagesDropped = MessagesDropped,
        MessagesUnsent = unsent,
        BytesIn = connection.Transport.BytesReceived,
        BytesOut = connection.Counts.BytesOut,
        Clean = IsClean,
    };

    private static T Make<T>(ref T? place, T made)
        where T : class => Interlocked.CompareExchange(ref place, made, null) ?? made;
}
