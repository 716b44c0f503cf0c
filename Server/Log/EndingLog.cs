// The log lines of ended connections, and a bound for them. Whoever reaches the port can end connections by the thousand, each with a line;
// a disk would be full within hours. So of each kind (a cause, or an HTTP status) the first endings of every second have a line each. How
// many more there were of each kind is one line a second at most. Faults (of the peer, the application or this server) always have their
// line, whatever their number, because each one is different.
//
// An ending without a line costs a few additions under a lock. A second's sum is logged by the next ending or, when there is none, by a
// timer in a loop's wheel. When the server stops, the server logs it.

using Microsoft.Extensions.Logging;
using RawWs.Server.Loops;
using RawWs.Server.Native;
using RawWs.Server.Time;

namespace RawWs.Server.Log;

/// <summary>Logs how connections end. Any thread.</summary>
/// <param name="log">A log that does not throw.</param>
/// <param name="time">The clock that says what a second is.</param>
internal sealed class EndingLog(ILogger log, TimeProvider time) : TimerEntry, ILoopWork
{
    /// <summary>How many endings of one kind have their own line in one second.</summary>
    public const int FullLinesMax = 20;

    private const int SumMilliseconds = 1000;
    private const int StatusKinds = 1000;
    private const int FirstStatusKind = (int)EndCause.Http;
    private const int MemoryKind = FirstStatusKind + StatusKinds; // no ending of its own: it is logged beside one

    private static readonly TimeSpan Second = TimeSpan.FromMilliseconds(SumMilliseconds);

    private readonly Lock _lock = new();
    private readonly int[] _counts = new int[MemoryKind + 1]; // of this second, by kind
    private EventLoop? _loop;
    private long _began; // this second's timestamp
    private long _left; // how many endings of this second have no line
    private bool _timed;

    /// <summary>Names the loop on which the timer runs. Without one, a second's sum waits for the next ending.</summary>
    public void RunTimerOn(EventLoop loop) => _loop = loop;

    /// <summary>A connection has ended, or its request was answered.</summary>
    public void Tell(long id, PeerAddress peer, CloseReport report, ReadOnlySpan<byte> uid = default)
    {
        if (!log.IsEnabled(LogLevel.Information) || !IsToldInFull(KindOf(report), !IsFault(report.Cause))) return;
        if (report.Cause == EndCause.Http) log.RequestAnswered(id, peer, report);
        else log.ConnectionEnded(id, peer, report, uid);
    }

    /// <summary>An exception has ended a connection: a bug, or no memory.</summary>
    public void TellFailure(long id, Exception exception, long budgetBytes)
    {
        if (exception is not OutOfMemoryException) log.ConnectionFailed(exception, id);
        // The connection's ending is logged or counted with this cause too. After the first ones more lines would say nothing new.
        else if (IsToldInFull(MemoryKind, mayBeSummed: true)) log.MemoryMissing(id, budgetBytes >> 20);
    }

    /// <summary>Logs the last second's sum, at the end.</summary>
    public void TellRest()
    {
        string? sum;
        long count;
        lock (_lock) sum = EndSecond(out count);
        Tell(sum, count);
    }

    /// <summary>Sets the timer, on its loop's thread.</summary>
    void ILoopWork.OnPosted() => _loop!.Wheel.Arm(this, _loop.Now + SumMilliseconds);

    internal override void OnDue(long now)
    {
        string? sum;
        long count;
        lock (_lock)
        {
            _timed = false;
            sum = EndSecond(out count);
            _began = time.GetTimestamp();
        }

        Tell(sum, count);
    }

    // Whether somebody has broken a rule, or could not do what was asked. All other causes are normal ends.
    private static bool IsFault(EndCause cause) => cause is not (EndCause.PeerClosed or EndCause.PeerVanished or EndCause.TlsFailed
        or EndCause.TooFast or EndCause.ProxyFailed or EndCause.Heartbeat or EndCause.CloseDeadline
        or EndCause.Replaced or EndCause.Rejected or EndCause.ApplicationClosed or EndCause.Aborted or EndCause.Drain
        or EndCause.TokenExpired or EndCause.Http);

    private static int KindOf(CloseReport report) => report.Cause == EndCause.Http
        ? FirstStatusKind + Math.Clamp(report.Code ?? 0, 0, StatusKinds - 1)
        : Math.Min((int)report.Cause, FirstStatusKind);

    private bool IsToldInFull(int kind, bool mayBeSummed)
    {
        bool full, post = false;
        string? sum = null;
        long count = 0, now = time.GetTimestamp();
        lock (_lock)
        {
            if (time.GetElapsedTime(_began, now) >= Second)
            {
                sum = EndSecond(out count);
                _began = now;
            }

            full = ++_counts[kind] <= FullLinesMax || !mayBeSummed;
            if (!full && kind != MemoryKind)
            {
                _left++;
                post = !_timed && _loop is not null;
                _timed |= post;
            }
        }

        Tell(sum, count);
        if (post) _loop!.Post(this);
        return full;
    }

    // Under the lock. Returns the second's sum, or null when there is nothing to log, and begins a new second.
    private string? EndSecond(out long count)
    {
        count = _left;
        string? sum = _left == 0 ? null : Describe();
        Array.Clear(_counts);
        _left = 0;
        return sum;
    }

    private string Describe()
    {
        List<(int Count, int Kind)> kinds = [];
        for (int kind = 0; kind < MemoryKind; kind++)
        {
            bool isFault = kind < FirstStatusKind && IsFault((EndCause)kind);
            if (_counts[kind] > FullLinesMax && !isFault) kinds.Add((_counts[kind] - FullLinesMax, kind));
        }

        kinds.Sort(static (a, b) => b.Count != a.Count ? b.Count.CompareTo(a.Count) : a.Kind.CompareTo(b.Kind));
        return string.Join(", ", kinds.Select(static kind => kind.Kind < FirstStatusKind
            ? $"{kind.Count} {Names.Of((EndCause)kind.Kind)}"
            : $"{kind.Count} answered {kind.Kind - FirstStatusKind}"));
    }

    private void Tell(string? sum, long count)
    {
        if (sum is not null) log.EndingsSummed(count, sum);
    }
}
