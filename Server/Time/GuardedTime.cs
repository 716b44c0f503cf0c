// The embedder's clock, made harmless. The loops read it in every turn, and a clock that throws would end them. While it throws, time
// stands still for the deadlines, and its timers are replaced by the system's, so that nobody waits for ever. The system's own clock does
// not throw, and is used directly.

namespace RawWs.Server.Time;

/// <summary>A <see cref="TimeProvider"/> that never throws.</summary>
internal sealed class GuardedTime : TimeProvider
{
    private readonly TimeProvider _inner;
    private readonly long _frequency;
    private long _last;

    private GuardedTime(TimeProvider inner) => (_inner, _frequency) = (inner, inner.TimestampFrequency);

    public override long TimestampFrequency => _frequency;

    /// <summary>Wraps a clock that is not the system's.</summary>
    public static TimeProvider Around(TimeProvider time) => time == System || time is GuardedTime ? time : new GuardedTime(time);

    public override long GetTimestamp()
    {
        try
        {
            long now = _inner.GetTimestamp();
            Volatile.Write(ref _last, now);
            return now;
        }
        catch (Exception)
        {
            return Volatile.Read(ref _last);
        }
    }

    public override DateTimeOffset GetUtcNow()
    {
        try
        {
            return _inner.GetUtcNow();
        }
        catch (Exception)
        {
            return System.GetUtcNow();
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        new GuardedTimer(_inner, callback, state, dueTime, period);

    private sealed class GuardedTimer : ITimer
    {
        private readonly TimerCallback _callback;
        private readonly object? _state;
        private readonly ITimer? _timer;
        private ITimer? _standIn;

        public GuardedTimer(TimeProvider time, TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            (_callback, _state) = (callback, state);
            try
            {
                _timer = time.CreateTimer(callback, state, dueTime, period);
            }
            catch (Exception)
            {
                StandIn(dueTime, period);
            }
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            try
            {
                if (_timer is not null)
                {
                    _standIn?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
                    return _timer.Change(dueTime, period);
                }
            }
            catch (Exception)
            {
                // The system's timer is used instead.
            }

            return StandIn(dueTime, period);
        }

        public void Dispose()
        {
            _standIn?.Dispose();
            try
            {
                _timer?.Dispose();
            }
            catch (Exception)
            {
                // The timer belongs to its clock: nothing can be done.
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private bool StandIn(TimeSpan dueTime, TimeSpan period)
        {
            if (_standIn is not null) return _standIn.Change(dueTime, period);
            _standIn = System.CreateTimer(_callback, _state, dueTime, period);
            return true;
        }
    }
}
