// Runs what claims need: renews this node's lease, follows what the store tells, gives back what is not used, and looks at every claim
// again when the node was away for longer than a lease, or when the store has begun anew. Now and then it deletes what nodes have left that
// live no more: nobody needs that to claim a uid, but it would stay for ever. The lease is renewed whatever else takes its time.

namespace RawWs.Server.Nats;

internal sealed class ClaimKeeper(NatsClaimStore store, UidClaims claims, TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan TidyEvery = TimeSpan.FromHours(1);
    private static readonly TimeSpan ListSilentMax = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1.5); // for one renewal, so that another one has time
    private static readonly TimeSpan BeginsWithin = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private Task _renewing = Task.CompletedTask;
    private Task _regaining = Task.CompletedTask;
    private Task _tending = Task.CompletedTask;
    private Task _watching = Task.CompletedTask;
    private CancellationTokenSource? _watch; // under the lock, as what it has seen
    private ulong _seen;
    private DateTimeOffset _made;
    private ulong _lease; // its revision
    private bool _isDoubted;
    private bool _mustRegain;

    /// <summary>Whether this node's lease is there: without it nothing is claimed. Any thread.</summary>
    public bool HasLease => store.HasLease;

    /// <summary>Opens the store. From then on uids can be claimed.</summary>
    /// <exception cref="ClaimStoreException">It is away, or the NATS servers have no JetStream.</exception>
    public async Task StartAsync(CancellationToken cancellation)
    {
        (_made, _) = await BeginAsync(store.OpenAsync, cancellation).ConfigureAwait(false);
        _lease = await BeginAsync(store.RenewLeaseAsync, cancellation).ConfigureAwait(false);
        _renewing = RenewAsync();
        _tending = TendAsync();
        _watching = WatchAsync();
    }

    /// <summary>
    /// The server has gone. It may be back in a moment, as empty as at first, and nothing fail in between: so the store is opened anew, and
    /// each claim looked at. Any thread.
    /// </summary>
    public void Doubt()
    {
        store.DoubtLease();
        claims.Doubt();
        Volatile.Write(ref _isDoubted, true);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_renewing, _tending, _watching).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _regaining.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        using CancellationTokenSource deadline = new(Every, time);
        try
        {
            await store.EndLeaseAsync(deadline.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is ClaimStoreException or OperationCanceledException)
        {
            // Then it ends by itself.
        }

        _stop.Dispose();
    }

    // Where buckets or copies have just been made, it takes a moment until one of the servers decides.
    private async ValueTask<T> BeginAsync<T>(Func<CancellationToken, ValueTask<T>> begin, CancellationToken cancellation)
    {
        long began = time.GetTimestamp();
        while (true)
        {
            try
            {
                return await begin(cancellation).ConfigureAwait(false);
            }
            catch (ClaimStoreException exception) when (exception.MayPass && time.GetElapsedTime(began) < BeginsWithin)
            {
                await Task.Delay(Every / 4, time, cancellation).ConfigureAwait(false);
            }
        }
    }

    private async Task RenewAsync()
    {
        long renewed = time.GetTimestamp();
        bool wasAway = false;
        while (!_stop.IsCancellationRequested)
        {
            await Task.Delay(Every, time, _stop.Token).ConfigureAwait(false);
            long began = time.GetTimestamp();
            try
            {
                wasAway |= time.GetElapsedTime(renewed, began) >= OwnLease.Lasts;
                wasAway |= Interlocked.Exchange(ref _isDoubted, false);
                using CancellationTokenSource patience = new(wasAway ? OwnLease.Lasts : Patience, time);
                using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, _stop.Token);
                // Claims and leases may be kept by different servers, and one of those begin anew while this node's own goes on.
                wasAway = wasAway || IsNew(Seen, await store.LookAsync(deadline.Token).ConfigureAwait(false));
                bool isNew = wasAway && await ReopenAsync(deadline.Token).ConfigureAwait(false);
                ulong lease = await store.RenewLeaseAsync(deadline.Token).ConfigureAwait(false);
                if (lease <= _lease && !isNew)
                {
                    wasAway = true; // it has begun anew, and nothing else has shown it
                    await ReopenAsync(deadline.Token).ConfigureAwait(false);
                }

                _lease = lease;
                renewed = began;
                if (wasAway) Volatile.Write(ref _mustRegain, true);
                wasAway = false;
                if (_regaining.IsCompleted && Interlocked.Exchange(ref _mustRegain, false)) _regaining = RegainAsync();
            }
            catch (Exception exception)
            {
                TellUnexpected(exception);
                wasAway = true; // the store may be gone with all that it held
            }
        }
    }

    private async Task RegainAsync()
    {
        try
        {
            await claims.RegainAsync(_stop.Token).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            TellUnexpected(exception);
            Volatile.Write(ref _mustRegain, true); // not all were looked at
        }
    }

    private async Task TendAsync()
    {
        long tidied = time.GetTimestamp();
        while (!_stop.IsCancellationRequested)
        {
            await Task.Delay(Every, time, _stop.Token).ConfigureAwait(false);
            try
            {
                await claims.SweepAsync(_stop.Token).ConfigureAwait(false);
                if (time.GetElapsedTime(tidied) < TidyEvery) continue;
                tidied = time.GetTimestamp();
                await TidyAsync().ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                TellUnexpected(exception);
                // What is left is given back later.
            }
        }
    }

    // What is no word of the store's; it is tried again all the same.
    private void TellUnexpected(Exception exception)
    {
        if (exception is not ClaimStoreException && !NatsWire.IsEndOfConnection(exception)) claims.Undecided(exception);
    }

    // Before the lease is renewed: without it nothing of what this node has claimed counts.
    private async ValueTask<bool> ReopenAsync(CancellationToken cancellation)
    {
        ulong seen = Seen;
        (DateTimeOffset Made, ulong Last) found = await store.OpenAsync(cancellation).ConfigureAwait(false);
        bool isNew = IsNew(seen, found);
        CancellationTokenSource? watch;
        lock (_lock)
        {
            if (isNew) _seen = 0;
            (watch, _watch) = (_watch, null);
        }

        _made = found.Made;
        if (isNew) claims.BeginAnew();
        else claims.Doubt();
        if (watch is not null) await watch.CancelAsync().ConfigureAwait(false); // of a bucket that may be gone
        return isNew;
    }

    private ulong Seen
    {
        get
        {
            lock (_lock) return _seen;
        }
    }

    // Beside what was seen before it was asked: while many claim, more has been seen when the answer is there.
    private bool IsNew(ulong seen, (DateTimeOffset Made, ulong Last) found) => found.Made != _made || found.Last < seen;

    // A node that is not there may be back before all is looked at: so it is asked for again for each claim of its.
    private async Task TidyAsync()
    {
        HashSet<ClaimHolder> alive = [];
        // The list ends with the last claim that was there when it began. If that one goes meanwhile, nothing says so.
        using CancellationTokenSource patience = new(ListSilentMax, time);
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, _stop.Token);
        await foreach (Claim claim in store.ListAsync(end.Token).ConfigureAwait(false))
        {
            patience.CancelAfter(ListSilentMax);
            if (alive.Contains(claim.Holder)) continue;
            if (await store.LivesAsync(claim.Holder, _stop.Token).ConfigureAwait(false)) alive.Add(claim.Holder);
            else await store.DeleteAsync(claim.Revision, _stop.Token).ConfigureAwait(false);
        }
    }

    private async Task WatchAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            using (CancellationTokenSource watch = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token))
                await WatchAsync(watch).ConfigureAwait(false);
            await Task.Delay(Every, time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Until the store goes, or is opened anew. Then it is begun again behind what was seen.
    private async Task WatchAsync(CancellationTokenSource watch)
    {
        ulong behind;
        lock (_lock) (_watch, behind) = (watch, _seen);
        try
        {
            await foreach (Claim claim in store.WatchAsync(behind, watch.Token).ConfigureAwait(false))
            {
                lock (_lock)
                {
                    if (_watch != watch) return; // this is what a bucket tells that may be gone
                    _seen = claim.Revision;
                }

                claims.OnChanged(claim);
            }
        }
        catch (Exception exception)
        {
            TellUnexpected(exception);
            // The store is away.
        }
        finally
        {
            lock (_lock)
                if (_watch == watch) _watch = null;
        }
    }
}
