// The lines of endings, and how many of them there are. Whoever can reach the port can end connections by the thousand, each with a line:
// a disk would be full within hours. So of each kind (a cause; for HTTP a status) the first of every second are told in full, and of the
// rest how many there were of each: one line a second at most. The verdicts of faults, the peer's, the application's or our own, are told
// one by one whatever their number: each has another tale.
//
// A line that is not written costs a few additions under a lock. What is left over at a second's end is told by the next ending, or, when
// there is none, by a timer in a loop's wheel; at the server's stop by the server.

using Microsoft.Extensions.Logging;
using RawWs.Server.Loops;
using RawWs.Server.Time;

namespace RawWs.Server.Log;

/// <summary>Tells the log how connections end. Any thread.</summary>
/// <param name="log">Does not throw.</param>
/// <param name="time">For what a second is.</param>
internal sealed class EndingLog(ILogger log, TimeProvider time) : TimerEntry, ILoopWork
{
    /// <summary>How many endings of a kind are told in full, of those of one second.</summary>
    public const int FullLinesMax = 20;

    private const int SumMilliseconds = 1000;
    private const int StatusKinds = 1000;
    private const int FirstStatusKind = (int)EndCause.Http;
    private const int MemoryKind = FirstStatusKind + StatusKinds; // not an ending's: it is told beside one

    private static readonly TimeSpan Second = TimeSpan.FromMilliseconds(SumMilliseconds);

    private readonly Lock _lock = new();
    private readonly int[] _counts = new int[MemoryKind + 1]; // of this second
    private EventLoop? _loop;
    private long _began; // this second's timestamp
    private long _left; // how many of this second have not been told
    private bool _timed;

    /// <summary>Where the timer runs. Without one, what is left over waits for the next ending.</summary>
    public void RunTimerOn(EventLoop loop) => _loop = loop;

    /// <summary>A connection has ended, or its request was answered.</summary>
    public void Tell(long id, PeerAddress peer, Verdict verdict)
    {
        if (!log.IsEnabled(LogLevel.Information) || !IsToldInFull(KindOf(verdict), !IsFault(verdict.Cause))) return;
        if (verdict.Cause == EndCause.Http) log.RequestAnswered(id, peer, verdict);
        else log.ConnectionEnded(id, peer, verdict);
    }

    /// <summary>Something has thrown on a connection, which ends of it: a bug, or want of memory.</summary>
    public void TellFailure(long id, Exception exception, long budgetBytes)
    {
        if (exception is not OutOfMemoryException) log.ConnectionFailed(exception, id);
        // Its ending has a line, or is counted, with this cause: past the first ones no more need be said.
        else if (IsToldInFull(MemoryKind, mayBeSummed: true)) log.MemoryMissing(id, budgetBytes >> 20);
    }

    /// <summary>Tells what is left over, at the end.</summary>
    public void TellRest()
    {
        string? sum;
        long count;
        lock (_lock) sum = TakeSum(out count);
        Tell(sum, count);
    }

    /// <summary>The timer is set on its loop's thread.</summary>
    void ILoopWork.OnPosted() => _loop!.Wheel.Arm(this, _loop.Now + SumMilliseconds);

    internal override void OnDue(long now)
    {
        string? sum;
        long count;
        lock (_lock)
        {
            _timed = false;
            sum = TakeSum(out count);
            _began = time.GetTimestamp();
        }

        Tell(sum, count);
    }

    // Somebody has broken a rule, or could not do his part. The others end as connections end.
    private static bool IsFault(EndCause cause) => cause is not (EndCause.PeerClosed or EndCause.PeerVanished or EndCause.Heartbeat or EndCause.CloseDeadline
        or EndCause.Replaced or EndCause.Rejected or EndCause.ApplicationClosed or EndCause.Aborted or EndCause.Drain or EndCause.Http);

    private static int KindOf(Verdict verdict) => verdict.Cause == EndCause.Http
        ? FirstStatusKind + Math.Clamp(verdict.Code ?? 0, 0, StatusKinds - 1)
        : Math.Min((int)verdict.Cause, FirstStatusKind);

    private bool IsToldInFull(int kind, bool mayBeSummed)
    {
        bool full, post = false;
        string? sum = null;
        long count = 0, now = time.GetTimestamp();
        lock (_lock)
        {
            if (time.GetElapsedTime(_began, now) >= Second)
            {
                sum = TakeSum(out count);
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

    // Under the lock. Null when there is nothing to tell. A new second begins.
    private string? TakeSum(out long count)
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
