// The uids that this node may use, where a uid has one connection in the whole cluster (DuplicateUid.Replace and Reject). A claim is an
// entry of a store that all nodes share. Who finds none creates one; who takes one over names its revision. So of two nodes that want a
// uid at once one wins, and both see the same winner. The store tells every node what has changed: a node whose claim has got a later
// revision has lost the uid, and closes its connections.
//
// A claim counts while its node's lease does. A node that was away for longer than a lease may have lost claims that nobody has told it
// of. When it is back it looks at each of them: what another node has taken meanwhile stays taken.
//
// For each uid one thing happens at a time (the entry's gate). What several threads touch is under the lock. Which connections have a uid
// is not counted here: the directory knows it.

using System.Buffers.Text;
using System.Collections.Concurrent;

namespace RawWs.Server.Nats;

/// <param name="store">What the claims are kept in.</param>
/// <param name="hasConnections">Whether this node has connections of a uid.</param>
/// <param name="time">The clock.</param>
/// <param name="within">How long the store may take for an answer.</param>
internal sealed partial class UidClaims(IClaimStore store, Func<byte[], bool> hasConnections, TimeProvider time, TimeSpan within)
    : IUidClaims, IDisposable
{
    private const int AtOnceMax = 64;

    private static readonly TimeSpan PendingFor = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Entry> _entries = [];
    private readonly Queue<Entry> _pending = []; // each once
    private readonly ConcurrentQueue<ulong> _orphans = new(); // revisions that are to be deleted
    private readonly SemaphoreSlim _atOnce = new(AtOnceMax);
    private volatile DuplicateUid _duplicates = DuplicateUid.Share; // what was claimed last: one program has one of them

    /// <summary>A uid is another node's from now on. Called on any thread.</summary>
    public Action<ReadOnlyMemory<byte>> Lost { get; set; } = static _ => { };

    /// <summary>
    /// Connections have joined under a uid that was not claimed for them, and whose it is could not be found out. Called on any thread.
    /// </summary>
    public Action<ReadOnlyMemory<byte>> Unclaimed { get; set; } = static _ => { };

    /// <summary>Another node has the uid and keeps it: it may want to know whether its connection lives. Called on any thread.</summary>
    public Action<string, ReadOnlyMemory<byte>> Refused { get; set; } = static (_, _) => { };

    /// <summary>Is told why a claim could not be decided. Called on any thread.</summary>
    public Action<Exception> Undecided { get; set; } = static _ => { };

    /// <summary>How many uids this node has claimed, or is about to.</summary>
    public int Count
    {
        get
        {
            lock (_lock) return _entries.Count;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<UidClaim> ClaimAsync(ReadOnlyMemory<byte> uid, DuplicateUid duplicates)
    {
        if (duplicates == DuplicateUid.Share) return UidClaim.Granted;
        _duplicates = duplicates;
        Entry entry = Enter(uid);
        UidClaim result = UidClaim.Unreachable;
        using CancellationTokenSource deadline = new(within, time);
        try
        {
            await entry.Gate.WaitAsync(deadline.Token).ConfigureAwait(false);
            try
            {
                result = IsOurs(entry) ? UidClaim.Granted : await AcquireAsync(entry, duplicates, deadline.Token).ConfigureAwait(false);
            }
            finally
            {
                entry.Gate.Release();
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or ClaimStoreException)
        {
            // What the store has done is not known. If it has an entry of ours that nobody wants, it will tell.
            Undecided(exception);
        }

        if (result != UidClaim.Granted) EndPending(entry);
        return result;
    }

    /// <inheritdoc/>
    public async ValueTask<UidClaim> LookAsync(ReadOnlyMemory<byte> uid, DuplicateUid duplicates)
    {
        if (duplicates != DuplicateUid.Reject) return UidClaim.Granted; // whoever has it
        using CancellationTokenSource deadline = new(within, time);
        try
        {
            return await store.FindAsync(KeyOf(uid.Span), deadline.Token).ConfigureAwait(false) is { } claim && claim.Holder != store.Self
                && await store.LivesAsync(claim.Holder, deadline.Token).ConfigureAwait(false) ? UidClaim.Taken : UidClaim.Granted;
        }
        catch (Exception exception) when (exception is OperationCanceledException or ClaimStoreException)
        {
            Undecided(exception);
            return UidClaim.Unreachable;
        }
    }

    /// <summary>
    /// A connection has joined. If that was so long after its claim that it has been given back, it is claimed anew, and who does not get
    /// it is told later (<see cref="Lost"/>, <see cref="Unclaimed"/>).
    /// </summary>
    /// <returns>False when the uid has become another node's in the meantime.</returns>
    public bool OnJoined(ReadOnlySpan<byte> uid)
    {
        if (Find(uid) is not { } entry)
        {
            if (_duplicates != DuplicateUid.Share) _ = ClaimLateAsync(uid.ToArray());
            return true;
        }

        bool isOurs = IsOurs(entry);
        EndPending(entry);
        return isOurs;
    }

    /// <summary>A connection has left. The last one gives the claim back.</summary>
    public void OnLeft(ReadOnlySpan<byte> uid)
    {
        if (Find(uid) is { } entry) ReleaseUnlessUsed(entry);
    }

    /// <summary>The store has a new entry.</summary>
    public void OnChanged(Claim claim)
    {
        byte[]? lost = null;
        lock (_lock)
        {
            if (!_entries.TryGetValue(claim.Key, out Entry? entry))
            {
                // A claim of ours that nobody wants: its answer came too late, or it could not be given back.
                if (claim.Holder == store.Self) _orphans.Enqueue(claim.Revision);
                return;
            }

            entry.LastSeen = Math.Max(entry.LastSeen, claim.Revision);
            if (claim.Holder == store.Self || entry.Revision == 0 || claim.Revision <= entry.Revision) return;
            entry.Revision = 0;
            lost = entry.Uid;
        }

        Lost(lost);
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
                entry.IsInLine = entry.Pending > 0 && time.GetElapsedTime(entry.PendingSince, now) < PendingFor;
                if (entry.IsInLine) _pending.Enqueue(entry);
                if (entry.IsInLine || entry.Pending == 0) continue;
                entry.Pending = 0;
                expired.Add(entry);
            }
        }

        foreach (Entry entry in expired) ReleaseUnlessUsed(entry);
        for (int left = _orphans.Count; left > 0 && _orphans.TryDequeue(out ulong revision); left--)
        {
            try
            {
                await store.DeleteAsync(revision, cancellation).ConfigureAwait(false);
            }
            catch (ClaimStoreException)
            {
                _orphans.Enqueue(revision);
                return;
            }
        }
    }

    /// <summary>Gives nothing back: the node's lease ends.</summary>
    public void Dispose() => _atOnce.Dispose();

    /// <summary>The uid as a key of the store: letters, digits, - and _, whatever the uid holds.</summary>
    public static string KeyOf(ReadOnlySpan<byte> uid) => Base64Url.EncodeToString(uid);

    private async Task ClaimLateAsync(byte[] uid)
    {
        try
        {
            UidClaim claim = await ClaimAsync(uid, _duplicates).ConfigureAwait(false);
            if (claim == UidClaim.Unreachable) Unclaimed(uid);
            else if (claim == UidClaim.Taken || !OnJoined(uid)) Lost(uid);
        }
        catch (Exception exception)
        {
            Undecided(exception); // nobody awaits this
            Unclaimed(uid);
        }
    }

    private async ValueTask<UidClaim> AcquireAsync(Entry entry, DuplicateUid duplicates, CancellationToken cancellation)
    {
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            ulong revision = await store.CreateAsync(entry.Key, cancellation).ConfigureAwait(false);
            if (revision == 0)
            {
                // It may just have been given back.
                if (await store.FindAsync(entry.Key, cancellation).ConfigureAwait(false) is not { } claim) continue;
                if (claim.Holder == store.Self)
                {
                    revision = claim.Revision; // its answer had been lost
                }
                else if (duplicates == DuplicateUid.Reject && await store.LivesAsync(claim.Holder, cancellation).ConfigureAwait(false))
                {
                    Refused(claim.Holder.NodeId, entry.Uid);
                    return UidClaim.Taken;
                }
                else
                {
                    revision = await store.TakeOverAsync(entry.Key, claim.Revision, cancellation).ConfigureAwait(false);
                    if (revision == 0) continue; // somebody was faster
                }
            }

            Take(entry, revision);
            return UidClaim.Granted;
        }
    }

    private async ValueTask RegainAsync(Entry entry, CancellationToken cancellation)
    {
        await entry.Gate.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            bool isOurs = true;
            lock (_lock)
            {
                if (entry.Revision == 0) return; // nothing to regain
                entry.LastSeen = 0; // a store that begins anew begins to count anew
            }

            ulong revision = 0;
            while (revision == 0 && isOurs)
            {
                revision = await store.CreateAsync(entry.Key, cancellation).ConfigureAwait(false);
                if (revision != 0) break;
                if (await store.FindAsync(entry.Key, cancellation).ConfigureAwait(false) is not { } claim) continue;
                if (claim.Holder == store.Self) revision = claim.Revision;
                else if (await store.LivesAsync(claim.Holder, cancellation).ConfigureAwait(false)) isOurs = false;
                else revision = await store.TakeOverAsync(entry.Key, claim.Revision, cancellation).ConfigureAwait(false);
            }

            if (isOurs) Take(entry, revision);
            else Lose(entry);
        }
        finally
        {
            entry.Gate.Release();
        }
    }

    private Entry Enter(ReadOnlyMemory<byte> uid)
    {
        string key = KeyOf(uid.Span);
        lock (_lock)
        {
            if (!_entries.TryGetValue(key, out Entry? entry)) _entries.Add(key, entry = new Entry(key, uid.ToArray()));
            entry.Pending++;
            entry.PendingSince = time.GetTimestamp();
            if (!entry.IsInLine) _pending.Enqueue(entry);
            entry.IsInLine = true;
            return entry;
        }
    }

    private Entry? Find(ReadOnlySpan<byte> uid)
    {
        string key = KeyOf(uid);
        lock (_lock) return _entries.GetValueOrDefault(key);
    }

    private void EndPending(Entry entry)
    {
        lock (_lock)
            if (entry.Pending > 0) entry.Pending--;
        ReleaseUnlessUsed(entry);
    }

    private void ReleaseUnlessUsed(Entry entry)
    {
        lock (_lock)
            if (IsUsed(entry)) return;
        _ = ReleaseAsync(entry);
    }

    private bool IsUsed(Entry entry) => entry.Pending > 0 || hasConnections(entry.Uid);

    private bool IsOurs(Entry entry)
    {
        lock (_lock) return entry.Revision != 0;
    }

    // Unless a later revision has been seen already: then the connection for which it was claimed is closed when it joins.
    private void Take(Entry entry, ulong revision)
    {
        lock (_lock) entry.Revision = entry.LastSeen > revision ? 0 : revision;
    }

    private void Lose(Entry entry)
    {
        lock (_lock) entry.Revision = 0;
        Lost(entry.Uid);
    }

    private async Task ReleaseAsync(Entry entry)
    {
        await _atOnce.WaitAsync().ConfigureAwait(false);
        await entry.Gate.WaitAsync().ConfigureAwait(false);
        ulong revision = 0;
        try
        {
            lock (_lock)
            {
                if (IsUsed(entry)) return;
                (revision, entry.Revision) = (entry.Revision, 0);
            }

            using CancellationTokenSource deadline = new(within, time);
            if (revision != 0) await store.DeleteAsync(revision, deadline.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is OperationCanceledException or ClaimStoreException)
        {
            _orphans.Enqueue(revision);
        }
        finally
        {
            entry.Gate.Release();
            lock (_lock)
                if (!IsUsed(entry)) _entries.Remove(entry.Key);
            _atOnce.Release();
        }
    }
}
