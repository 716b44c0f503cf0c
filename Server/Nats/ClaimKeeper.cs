// Runs what claims need: renews this node's lease, follows what the store tells, gives back what is not used, and looks at every claim
// again when the node was away for longer than a lease, or when the store has begun anew. Now and then it deletes what nodes have left that
// live no more: nobody needs that to claim a uid, but it would stay for ever. The lease is renewed whatever else takes its time.

using NATS.Client.Core;

namespace RawWs.Server.Nats;

internal sealed class ClaimKeeper(NatsClaimStore store, UidClaims claims, TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan TidyEvery = TimeSpan.FromHours(1);

    private readonly CancellationTokenSource _stop = new();
    private Task _renewing = Task.CompletedTask;
    private Task _regaining = Task.CompletedTask;
    private Task _tending = Task.CompletedTask;
    private Task _watching = Task.CompletedTask;
    private CancellationTokenSource _watch = new();
    private DateTimeOffset _made;
    private ulong _seen;
    private bool _mustRegain;

    /// <summary>Opens the store. From then on uids can be claimed.</summary>
    /// <exception cref="ClaimStoreException">It is away, or the NATS servers have no JetStream.</exception>
    public async Task StartAsync(CancellationToken cancellation)
    {
        _made = await store.OpenAsync(cancellation).ConfigureAwait(false);
        await store.RenewLeaseAsync(cancellation).ConfigureAwait(false);
        _renewing = RenewAsync();
        _tending = TendAsync();
        _watching = WatchAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _watch.CancelAsync().ConfigureAwait(false);
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
                using CancellationTokenSource patience = new(NatsClaimStore.LeaseTime, time);
                using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, _stop.Token);
                wasAway |= time.GetElapsedTime(renewed, began) >= NatsClaimStore.LeaseTime;
                if (wasAway) await ReopenAsync(deadline.Token).ConfigureAwait(false);
                await store.RenewLeaseAsync(deadline.Token).ConfigureAwait(false);
                renewed = began;
                if (wasAway) Volatile.Write(ref _mustRegain, true);
                wasAway = false;
                if (_regaining.IsCompleted && Interlocked.Exchange(ref _mustRegain, false)) _regaining = RegainAsync();
            }
            catch (Exception exception) when (IsOfStore(exception))
            {
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
        catch (Exception exception) when (IsOfStore(exception))
        {
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
            catch (Exception exception) when (IsOfStore(exception))
            {
                // What is left is given back later.
            }
        }
    }

    private static bool IsOfStore(Exception exception) => exception is ClaimStoreException or NatsException or OperationCanceledException;

    private async ValueTask ReopenAsync(CancellationToken cancellation)
    {
        DateTimeOffset made = await store.OpenAsync(cancellation).ConfigureAwait(false);
        if (made != _made) Volatile.Write(ref _seen, 0);
        _made = made;
        await _watch.CancelAsync().ConfigureAwait(false); // of a bucket that may be gone
    }

    private async Task TidyAsync()
    {
        Dictionary<ClaimHolder, bool> lives = [];
        await foreach (Claim claim in store.ListAsync(_stop.Token).ConfigureAwait(false))
        {
            if (!lives.TryGetValue(claim.Holder, out bool isAlive))
                lives[claim.Holder] = isAlive = await store.LivesAsync(claim.Holder, _stop.Token).ConfigureAwait(false);
            if (!isAlive) await store.DeleteAsync(claim.Revision, _stop.Token).ConfigureAwait(false);
        }
    }

    private async Task WatchAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                _watch = new CancellationTokenSource();
                await foreach (Claim claim in store.WatchAsync(Volatile.Read(ref _seen), _watch.Token).ConfigureAwait(false))
                {
                    Volatile.Write(ref _seen, claim.Revision);
                    claims.OnChanged(claim);
                }
            }
            catch (Exception exception) when (IsOfStore(exception))
            {
                // It is begun again behind what was seen.
            }

            await Task.Delay(Every, time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
