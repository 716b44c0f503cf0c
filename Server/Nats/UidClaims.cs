// The uids that this node may use, where a uid has one connection in the whole cluster (DuplicateUid.Replace and Reject). A claim is an
// entry of a store that all nodes share. Who finds none creates one; who takes one over names its revision. So of two nodes that want a
// uid at once one wins, and both see the same winner. The store tells every node what has changed: a node whose claim has got a later
// revision has lost the uid, and closes its connections.
//
// A claim counts while its node's lease does. A node that was away may have lost claims that nobody has told it of: then it doubts all
// that it has (Doubt, BeginAnew), and when it is back it looks at each of them. What another node has taken meanwhile stays taken.
//
// What is given back is deleted by its number. A store that begins anew begins to count anew, so numbers of before mean nothing there. And
// whoever comes upon a claim of this node's that it does not know makes it a new one: its number may be on the way to be deleted.
//
// For each uid one thing happens at a time (the entry's gate). What several threads touch is under the lock. Which connections have a uid
// is not counted here: the directory knows it.

using System.Buffers.Text;

namespace RawWs.Server.Nats;

/// <param name="store">What the claims are kept in.</param>
/// <param name="hasConnections">Whether this node has connections of a uid.</param>
/// <param name="time">The clock.</param>
/// <param name="within">How long the store may take for an answer.</param>
#pragma warning disable CA1001 // The semaphores have nothing to dispose of, and whoever waits for one may do so when the node has ended.
internal sealed partial class UidClaims(IClaimStore store, Func<byte[], bool> hasConnections, TimeProvider time, TimeSpan within)
    : IUidClaims
#pragma warning restore CA1001
{
    private const int AtOnceMax = 64;
    private const int AskingMax = 256; // what cannot be answered in time is not asked: nobody would give it back soon

    private static readonly TimeSpan PendingFor = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan PendingForWhereWanted = TimeSpan.FromSeconds(1); // by another node

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Entry> _entries = [];
    private readonly Queue<Entry> _pending = []; // each once
    private readonly Queue<ulong> _orphans = []; // revisions that are to be deleted
    private readonly SemaphoreSlim _atOnce = new(AtOnceMax);
    private readonly SemaphoreSlim _asking = new(AskingMax);
    private int _doubts;
    private int _stores; // how often it has begun anew
    private long? _begunAnew; // when, the last time
    private volatile DuplicateUid _duplicates = DuplicateUid.Share; // what was claimed last: one program has one of them

    /// <summary>
    /// A uid is another node's from now on: gives what closes the connections that the uid has in this moment, and none that joins later,
    /// for which it may have been claimed again. Called on any thread, perhaps under a lock; what it gives is called outside of that.
    /// </summary>
    public Func<ReadOnlyMemory<byte>, Action> Lost { get; set; } = static _ => static () => { };

    /// <summary>
    /// The same, for connections that have joined under a uid that was not claimed for them, and whose it is could not be found out.
    /// </summary>
    public Func<ReadOnlyMemory<byte>, Action> Unclaimed { get; set; } = static _ => static () => { };

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
                result = HoldsForSure(entry)
                    ? UidClaim.Granted
                    : await AskAsync(entry, duplicates, deadline.Token).ConfigureAwait(false);
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
        finally
        {
            // Its connection has its time to join from now on, however long this has taken.
            lock (_lock)
            {
                entry.Deciding--;
                entry.PendingSince = time.GetTimestamp();
            }
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
            if (await store.FindAsync(KeyOf(uid.Span), deadline.Token).ConfigureAwait(false) is not { } claim)
                return IsFilling ? throw NotKnownYet : UidClaim.Granted;
            return await IsAnothersAsync(claim, deadline.Token).ConfigureAwait(false) ? UidClaim.Taken : UidClaim.Granted;
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
        if (Find(uid) is { } entry)
        {
            bool isOurs, isLost;
            lock (_lock) (isOurs, isLost) = (entry.Revision != 0, entry.IsLost);
            if (isOurs || isLost)
            {
                EndPending(entry);
                return isOurs;
            }
        }

        // Its claim has been given back, or is about to be: it is not one of those that the entry waits for.
        if (_duplicates != DuplicateUid.Share) _ = ClaimLateAsync(uid.ToArray());
        return true;
    }

    /// <summary>
    /// Another node wants a uid that has no connection here. If nobody has joined for some time under what was claimed, it is given back.
    /// </summary>
    public void OnWanted(ReadOnlySpan<byte> uid)
    {
        if (Find(uid) is not { } entry) return;
        lock (_lock)
        {
            if (entry.Deciding > 0 || time.GetElapsedTime(entry.PendingSince) < PendingForWhereWanted) return;
            entry.Pending = 0;
        }

        ReleaseUnlessUsed(entry);
    }

    /// <summary>A connection has left. The last one gives the claim back.</summary>
    public void OnLeft(ReadOnlySpan<byte> uid)
    {
        if (Find(uid) is { } entry) ReleaseUnlessUsed(entry);
    }

    /// <summary>The store has a new entry.</summary>
    public void OnChanged(Claim claim)
    {
        Action close;
        lock (_lock)
        {
            if (!_entries.TryGetValue(claim.Key, out Entry? entry))
            {
                // A claim of ours that nobody wants: its answer came too late, or it could not be given back.
                if (claim.Holder == store.Self) _orphans.Enqueue(claim.Revision);
                return;
            }

            entry.LastSeen = Math.Max(entry.LastSeen, claim.Revision);
            entry.OwnSeen = claim.Holder == store.Self ? claim.Revision : 0;
            if (claim.Holder == store.Self || entry.Revision == 0 || claim.Revision <= entry.Revision) return;
            (entry.Revision, entry.IsLost) = (0, true);
            close = Lost(entry.Uid);
        }

        close();
    }

    /// <summary>The uid as a key of the store: letters, digits, - and _, whatever the uid holds.</summary>
    public static string KeyOf(ReadOnlySpan<byte> uid) => Base64Url.EncodeToString(uid);

    private async Task ClaimLateAsync(byte[] uid)
    {
        Action close = Lost(uid), closeUnclaimed = Unclaimed(uid); // those for which it is claimed now
        try
        {
            UidClaim claim = await ClaimAsync(uid, _duplicates).ConfigureAwait(false);
            if (claim == UidClaim.Unreachable) closeUnclaimed();
            else if (claim == UidClaim.Taken || !OnJoined(uid)) close();
        }
        catch (Exception exception)
        {
            Undecided(exception); // nobody awaits this
            closeUnclaimed();
        }
    }

    private async ValueTask<UidClaim> AskAsync(Entry entry, DuplicateUid duplicates, CancellationToken cancellation)
    {
        await _asking.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            return await HoldsAsync(entry, cancellation).ConfigureAwait(false)
                ? UidClaim.Granted
                : await AcquireAsync(entry, duplicates, cancellation).ConfigureAwait(false);
        }
        finally
        {
            _asking.Release();
        }
    }

    private async ValueTask<UidClaim> AcquireAsync(Entry entry, DuplicateUid duplicates, CancellationToken cancellation)
    {
        int doubts = Doubts;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            bool mayBeOthers = duplicates == DuplicateUid.Reject && IsFilling; // who keeps it, and has not said so yet
            ulong revision = mayBeOthers ? 0 : await store.CreateAsync(entry.Key, cancellation).ConfigureAwait(false);
            if (revision == 0)
            {
                // It may just have been given back.
                if (await store.FindAsync(entry.Key, cancellation).ConfigureAwait(false) is not { } claim)
                {
                    if (mayBeOthers) throw NotKnownYet;
                    continue;
                }

                if (duplicates == DuplicateUid.Reject && await IsAnothersAsync(claim, cancellation).ConfigureAwait(false))
                {
                    Refused(claim.Holder.NodeId, entry.Uid);
                    return UidClaim.Taken;
                }

                // It may be this node's: its answer had been lost, or it could not be given back.
                revision = await store.TakeOverAsync(entry.Key, claim.Revision, cancellation).ConfigureAwait(false);
                if (revision == 0) continue; // somebody was faster
            }

            // If a later one has been seen already, the connection for which it was claimed is closed when it joins.
            TryTake(entry, revision, doubts);
            return UidClaim.Granted;
        }
    }

    private Entry Enter(ReadOnlyMemory<byte> uid)
    {
        string key = KeyOf(uid.Span);
        lock (_lock)
        {
            if (!_entries.TryGetValue(key, out Entry? entry)) _entries.Add(key, entry = new Entry(key, uid.ToArray()));
            entry.Pending++;
            entry.Deciding++;
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
}
