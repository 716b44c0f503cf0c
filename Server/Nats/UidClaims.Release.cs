// How claims are given back, at once or later.

namespace RawWs.Server.Nats;

internal sealed partial class UidClaims
{
    /// <summary>Gives back what was claimed and not used, and what could not be given back before. Called every second or so.</summary>
    public async Task SweepAsync(CancellationToken cancellation)
    {
        long now = time.GetTimestamp();
        List<Entry> expired = [];
        lock (_lock)
        {
            for (int left = _pending.Count; left > 0; left--)
            {
                Entry entry = _pending.Dequeue();
                bool isRecent = entry.Deciding > 0 || time.GetElapsedTime(entry.PendingSince, now) < PendingFor;
                entry.IsInLine = entry.Pending > 0 && isRecent;
                if (entry.IsInLine) _pending.Enqueue(entry);
                if (entry.IsInLine || entry.Pending == 0) continue;
                entry.Pending = 0;
                expired.Add(entry);
            }
        }

        foreach (Entry entry in expired) ReleaseUnlessUsed(entry);
        await DeleteOrphansAsync(cancellation).ConfigureAwait(false);
    }

    private async Task DeleteOrphansAsync(CancellationToken cancellation)
    {
        int stores;
        ulong[] orphans;
        lock (_lock)
        {
            (stores, orphans) = (_stores, [.. _orphans]);
            _orphans.Clear();
        }

        bool isAway = false;
        ParallelOptions options = new() { MaxDegreeOfParallelism = AtOnceMax, CancellationToken = cancellation };
        await Parallel.ForEachAsync(orphans, options, async (revision, stop) =>
        {
            if (stores != Stores) return; // the number is another claim's by now
            if (Volatile.Read(ref isAway))
            {
                DeleteLater(revision, stores);
                return;
            }

            try
            {
                await store.DeleteAsync(revision, stop).ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                DeleteLater(revision, stores);
                Volatile.Write(ref isAway, true);
                if (exception is not (OperationCanceledException or ClaimStoreException)) Undecided(exception);
            }
        }).ConfigureAwait(false);
    }

    private void ReleaseUnlessUsed(Entry entry)
    {
        lock (_lock)
            if (IsUsed(entry)) return;
        _ = ReleaseAsync(entry);
    }

    private bool IsUsed(Entry entry) => entry.Pending > 0 || hasConnections(entry.Uid);

    private int Stores
    {
        get
        {
            lock (_lock) return _stores;
        }
    }

    private void DeleteLater(ulong revision, int stores)
    {
        lock (_lock)
            if (revision != 0 && stores == _stores) _orphans.Enqueue(revision);
    }

    private async Task ReleaseAsync(Entry entry)
    {
        await _atOnce.WaitAsync().ConfigureAwait(false);
        await entry.Gate.WaitAsync().ConfigureAwait(false);
        int stores = 0;
        ulong revision = 0;
        try
        {
            lock (_lock)
            {
                if (IsUsed(entry) || IsDoubted(entry)) return; // what is doubted is looked at first, and then given back
                (stores, revision) = (_stores, Math.Max(entry.Revision, entry.OwnSeen));
                (entry.Revision, entry.OwnSeen) = (0, 0);
            }

            using CancellationTokenSource deadline = new(within, time);
            if (revision != 0) await store.DeleteAsync(revision, deadline.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is OperationCanceledException or ClaimStoreException)
        {
            DeleteLater(revision, stores);
        }
        finally
        {
            entry.Gate.Release();
            lock (_lock)
            {
                // There may be another one of this uid by now.
                bool isIn = _entries.TryGetValue(entry.Key, out Entry? present) && present == entry;
                if (isIn && entry.Revision == 0 && !IsUsed(entry))
                {
                    _entries.Remove(entry.Key);
                    DeleteLater(entry.OwnSeen, _stores); // told of since then
                }
            }

            _atOnce.Release();
        }
    }
}
