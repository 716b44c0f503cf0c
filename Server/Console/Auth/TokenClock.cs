// Looks once a second whose time has come: a client's permission ends soon, or has ended. One timer serves all connections. They lie in
// buckets by the second for which they wait, so that adding, removing and looking cost the same however many there are.

namespace RawWs.Server.Console.Auth;

/// <summary>Any thread.</summary>
internal sealed class TokenClock
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();
    private readonly SortedDictionary<long, HashSet<GrantedConnection>> _waiting = [];

    public TokenClock(TimeProvider time)
    {
        _time = time;
        _timer = time.CreateTimer(static clock => ((TokenClock)clock!).Look(), this, Tick, Tick);
    }

    /// <summary>The time now.</summary>
    public DateTimeOffset Now => _time.GetUtcNow();

    /// <summary>Calls <see cref="GrantedConnection.OnDue"/> on a thread of the pool, at this time or within two seconds after it.</summary>
    public void Add(GrantedConnection connection, DateTimeOffset due)
    {
        long second = SecondOf(due);
        lock (_lock)
        {
            if (!_waiting.TryGetValue(second, out HashSet<GrantedConnection>? bucket)) _waiting.Add(second, bucket = []);
            bucket.Add(connection);
        }
    }

    /// <summary>Does not call it any more, unless it is being called.</summary>
    public void Remove(GrantedConnection connection, DateTimeOffset due)
    {
        long second = SecondOf(due);
        lock (_lock)
        {
            if (!_waiting.TryGetValue(second, out HashSet<GrantedConnection>? bucket)) return;
            bucket.Remove(connection);
            if (bucket.Count == 0) _waiting.Remove(second);
        }
    }

    /// <summary>Calls nobody any more.</summary>
    public void Stop() => _timer.Dispose();

    // A fraction counts as the next second: nobody's time is over before it is.
    private static long SecondOf(DateTimeOffset due) => (due.UtcTicks + TimeSpan.TicksPerSecond - 1) / TimeSpan.TicksPerSecond;

    private void Look()
    {
        long now = Now.UtcTicks / TimeSpan.TicksPerSecond;
        while (TakeFirst(now) is { } due)
            foreach (GrantedConnection connection in due) connection.OnDue();
    }

    private HashSet<GrantedConnection>? TakeFirst(long now)
    {
        lock (_lock)
        {
            foreach ((long second, HashSet<GrantedConnection> bucket) in _waiting)
            {
                if (second > now) return null;
                _waiting.Remove(second);
                return bucket;
            }
        }

        return null;
    }
}
