// What becomes of claims when the store was away: they are doubted, and looked at again.

namespace RawWs.Server.Nats;

internal sealed partial class UidClaims
{
    /// <summary>
    /// What this node has claimed may have been lost: it counts when it was looked at again. Whoever says so has all of it looked at, when
    /// the store is there (<see cref="RegainAsync(CancellationToken)"/>).
    /// </summary>
    public void Doubt()
    {
        lock (_lock) _doubts++;
    }

    /// <summary>The store has begun anew, and to count anew: the same, and no number of before means anything.</summary>
    public void BeginAnew()
    {
        lock (_lock)
        {
            _doubts++;
            _stores++;
            _begunAnew = time.GetTimestamp();
            _orphans.Clear();
            foreach (Entry entry in _entries.Values) (entry.LastSeen, entry.OwnSeen) = (0, 0);
        }
    }

    /// <summary>
    /// This node was away for longer than its lease, or the store has begun anew: each claim is looked at, and made again where nobody has
    /// the uid.
    /// </summary>
    public async Task RegainAsync(CancellationToken cancellation)
    {
        Entry[] entries;
        lock (_lock) entries = [.. _entries.Values];
        await Parallel.ForEachAsync(
            entries,
            new ParallelOptions { MaxDegreeOfParallelism = AtOnceMax, CancellationToken = cancellation },
            async (entry, stop) => await RegainAsync(entry, stop).ConfigureAwait(false)).ConfigureAwait(false);
    }

    // What was claimed before counts while this node's lease is there, and while nothing has happened by which it may have been lost.
    private bool HoldsForSure(Entry entry)
    {
        if (!IsOurs(entry)) return false;
        store.CheckLease();
        return !IsDoubted(entry) && IsOurs(entry);
    }

    private async ValueTask<bool> HoldsAsync(Entry entry, CancellationToken cancellation)
    {
        if (IsDoubted(entry)) await LookAgainAsync(entry, cancellation).ConfigureAwait(false);
        return HoldsForSure(entry);
    }

    private async ValueTask RegainAsync(Entry entry, CancellationToken cancellation)
    {
        await entry.Gate.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            await LookAgainAsync(entry, cancellation).ConfigureAwait(false);
        }
        finally
        {
            entry.Gate.Release();
        }

        ReleaseUnlessUsed(entry); // what was doubted could not be given back
    }

    // Behind the gate.
    private async ValueTask LookAgainAsync(Entry entry, CancellationToken cancellation)
    {
        int doubts;
        lock (_lock)
        {
            if (entry.Revision == 0) return; // nothing to regain
            (entry.LastSeen, entry.OwnSeen) = (0, 0); // a store that begins anew begins to count anew
            doubts = _doubts;
        }

        ulong revision = 0;
        while (revision == 0)
        {
            cancellation.ThrowIfCancellationRequested();
            if (await store.FindAsync(entry.Key, cancellation).ConfigureAwait(false) is not { } claim)
            {
                revision = await store.CreateAsync(entry.Key, cancellation).ConfigureAwait(false);
            }
            else if (await IsAnothersAsync(claim, cancellation).ConfigureAwait(false))
            {
                Lose(entry);
                return;
            }
            else
            {
                // This node's own too: whoever took it for a dead node's may be about to delete it by its number.
                revision = await store.TakeOverAsync(entry.Key, claim.Revision, cancellation).ConfigureAwait(false);
            }
        }

        if (!TryTake(entry, revision, doubts)) Lose(entry);
    }

    private void Lose(Entry entry)
    {
        Action close;
        lock (_lock)
        {
            (entry.Revision, entry.IsLost) = (0, true);
            close = Lost(entry.Uid);
        }

        close();
    }

    private async ValueTask<bool> IsAnothersAsync(Claim claim, CancellationToken cancellation) =>
        claim.Holder != store.Self && await store.LivesAsync(claim.Holder, cancellation).ConfigureAwait(false);

    private bool IsOurs(Entry entry)
    {
        lock (_lock) return entry.Revision != 0;
    }

    private bool IsDoubted(Entry entry)
    {
        lock (_lock) return entry.Revision != 0 && entry.Doubts != _doubts;
    }

    // Whether the store begins anew: other nodes may not have told it yet what they have.
    private bool IsFilling
    {
        get
        {
            lock (_lock) return _begunAnew is { } at && time.GetElapsedTime(at) < OwnLease.JudgesAfter;
        }
    }

    private static ClaimStoreException NotKnownYet => new(
        "NATS has begun anew a moment ago: whether another node has the uid is not known yet.");

    private int Doubts
    {
        get
        {
            lock (_lock) return _doubts;
        }
    }

    // Not, if a later revision has been seen already.
    private bool TryTake(Entry entry, ulong revision, int doubts)
    {
        lock (_lock)
        {
            // It was claimed before, and the answer has come behind: the claim may have gone with the store.
            if (doubts != _doubts) throw new ClaimStoreException("The store went away meanwhile.");
            entry.IsLost = entry.LastSeen > revision;
            entry.Revision = entry.IsLost ? 0 : revision;
            entry.Doubts = doubts;
            return !entry.IsLost;
        }
    }
}
