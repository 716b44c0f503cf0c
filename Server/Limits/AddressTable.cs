// How many connections each address has, and how fast it opens them. IPv6 counts by /64, because whoever has one address there has all
// of its network. An address is here while it has a connection, or while its bucket is not full again; and of those without a connection
// only so many are remembered. So what strangers can make this hold has a bound.

using System.Runtime.InteropServices;
using RawWs.Handshake;
using RawWs.Server.Native;

namespace RawWs.Server.Limits;

/// <summary>The addresses of a server's clients. Any thread.</summary>
internal sealed class AddressTable : IDisposable
{
    /// <summary>How many addresses without a connection are remembered.</summary>
    public const int IdleMax = 65_536;

    /// <summary>
    /// How many of an address's connections that are not let in are told why, at a time. Further ones are closed unanswered.
    /// </summary>
    public const int ToldMax = 4;

    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(5);

    private readonly TimeProvider _time;
    private readonly long _started;
    private readonly ITimer _sweep;
    private readonly Lock _lock = new();
    private readonly Dictionary<NetworkAddress, Entry> _entries = [];
    private int? _connectionsMax;
    private RateLimit? _handshakes;
    private long _waitMax;
    private int _busy; // how many of the entries have a connection

    /// <summary>A table without limits, which only counts.</summary>
    /// <param name="time">The clock.</param>
    public AddressTable(TimeProvider time)
    {
        (_time, _started) = (time, time.GetTimestamp());
        _sweep = time.CreateTimer(static table => ((AddressTable)table!).Sweep(), this, SweepInterval, SweepInterval);
    }

    /// <summary>How many addresses are here.</summary>
    public int Count
    {
        get
        {
            lock (_lock) return _entries.Count;
        }
    }

    // Read under the lock, so that no bucket sees it go back.
    private long Now => (long)_time.GetElapsedTime(_started).TotalMilliseconds;

    /// <summary>From now on these limits hold. Nobody who is here has to leave. With another rate every bucket is full.</summary>
    /// <param name="connectionsMax">The most connections of one address; null for no limit.</param>
    /// <param name="handshakes">How fast an address may open connections; null for no limit.</param>
    /// <param name="waitMax">How many milliseconds a connection may be made to wait for that.</param>
    public void Change(int? connectionsMax, RateLimit? handshakes, long waitMax)
    {
        lock (_lock)
        {
            (_connectionsMax, _waitMax) = (connectionsMax, waitMax);
            if (handshakes == _handshakes) return;
            _handshakes = handshakes;
            foreach (NetworkAddress address in _entries.Keys)
            {
                ref Entry entry = ref CollectionsMarshal.GetValueRefOrNullRef(_entries, address);
                if (entry.IsBusy) entry.Handshakes = default;
                else _entries.Remove(address);
            }
        }
    }

    /// <summary>A connection comes.</summary>
    /// <param name="address">Where it comes from.</param>
    /// <param name="wait">For one that is let in: how many milliseconds it should not be read from.</param>
    /// <param name="hasPlace">Whether it is counted here, and must <see cref="Leave"/>: it is let in, or is told why not.</param>
    /// <returns>The rule by which it is not let in; null when it is.</returns>
    public HandshakeRule? Enter(NetworkAddress address, out long wait, out bool hasPlace)
    {
        lock (_lock)
        {
            long now = Now;
            ref Entry entry = ref CollectionsMarshal.GetValueRefOrAddDefault(_entries, address, out _);
            bool wasBusy = entry.IsBusy;
            HandshakeRule? refusal = Judge(ref entry, now, out wait);
            hasPlace = refusal is null || entry.Told < ToldMax;
            if (refusal is null) entry.Connections++;
            else if (hasPlace) entry.Told++;
            if (entry.IsBusy && !wasBusy) _busy++;
            if (!entry.IsBusy) Rest(address, ref entry, now);
            return refusal;
        }
    }

    /// <summary>A connection that has a place here has ended.</summary>
    /// <param name="address">Where it came from.</param>
    /// <param name="wasAdmitted">Whether it was let in.</param>
    public void Leave(NetworkAddress address, bool wasAdmitted)
    {
        lock (_lock)
        {
            ref Entry entry = ref CollectionsMarshal.GetValueRefOrNullRef(_entries, address);
            if (wasAdmitted) entry.Connections--;
            else entry.Told--;
            if (entry.IsBusy) return;
            _busy--;
            Rest(address, ref entry, Now);
        }
    }

    /// <summary>Ends the timer.</summary>
    public void Dispose() => _sweep.Dispose();

    private HandshakeRule? Judge(ref Entry entry, long now, out long wait)
    {
        wait = 0;
        if (entry.Connections >= _connectionsMax) return HandshakeRules.TooManyFromAddress;
        if (_handshakes is not { } limit) return null;
        long due = entry.Handshakes.WaitMilliseconds(limit, now);
        if (due > _waitMax) return HandshakeRules.TooManyHandshakes;
        wait = due;
        entry.Handshakes.Take(limit, 1, now);
        return null;
    }

    // Under the lock: the address has no connection.
    private void Rest(NetworkAddress address, ref Entry entry, long now)
    {
        if (IsSpare(ref entry, now)) _entries.Remove(address);
        else if (_entries.Count - _busy > IdleMax) Remove(static (_, _) => true);
    }

    private bool IsSpare(ref Entry entry, long now) => _handshakes is not { } limit || entry.Handshakes.IsFull(limit, now);

    private void Sweep()
    {
        lock (_lock)
        {
            long now = Now;
            Remove((table, entry) => table.IsSpare(ref entry, now));
        }
    }

    private void Remove(Func<AddressTable, Entry, bool> isSpare)
    {
        foreach ((NetworkAddress address, Entry entry) in _entries)
            if (!entry.IsBusy && isSpare(this, entry)) _entries.Remove(address);
    }

    private struct Entry
    {
        public int Connections;
        public int Told;
        public TokenBucket Handshakes;

        public readonly bool IsBusy => Connections > 0 || Told > 0;
    }
}
