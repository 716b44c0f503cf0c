// Claims in two buckets of JetStream's key-value store: one has an entry for each uid that is claimed, the other one for each node that
// lives, which vanishes when it is not renewed. Both are in the servers' memory: what they hold is true only while the nodes run.
//
// A claim that is given back is deleted by the number of its message, and not by a mark of deletion, as the library would do it: such marks
// stay, one for each uid that there ever was. The number is also what makes it safe: a later claim has another one.

using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;
using NATS.Client.KeyValueStore;

namespace RawWs.Server.Nats;

internal sealed class NatsClaimStore(NatsConnection connection, string cluster, int replicas, ClaimHolder self, TimeProvider time)
    : IClaimStore
{
    /// <summary>After this time without a renewal a node is taken to be dead, and what it has claimed is free.</summary>
    public static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(4);

    // Another node may come back to the store later: it connects anew, and renews its lease with its next second.
    private static readonly TimeSpan JudgesAfter = 2 * LeaseTime;

    private const int NoMessageFound = 10037; // JetStream's own numbers of errors
    private const int SequenceNotFound = 10043;
    private const int NameIsUsed = 10058;
    private const int SubjectsOverlap = 10065;
    private const int ValueBytesMax = sizeof(ulong) + WireHead.IdBytesMax;
    private const int HeadersBytesMax = 256; // NATS counts them as a part of the message: the revision that is named, with its field's name

    // A bucket's name has no dots. No two clusters have one bucket.
    private readonly string _bucket =
        $"{cluster.Replace("_", "__", StringComparison.Ordinal).Replace(".", "_-", StringComparison.Ordinal)}-uids";
    private readonly byte[] _value = ValueOf(self);
    private readonly NatsJSContext _jetStream = new(connection);
    private INatsKVStore? _claims;
    private INatsKVStore? _leases;
    private readonly Lock _lock = new();
    private long? _renewed; // when the lease was renewed; null while it is not known to be there
    private long _backSince; // when it was renewed for the first time, or after a while in which it was not
    private int _doubts;

    /// <inheritdoc/>
    public ClaimHolder Self => self;

    private INatsKVStore Claims => _claims ?? throw new ClaimStoreException("The store has not been opened.");

    /// <summary>Opens the buckets, or makes them.</summary>
    /// <returns>
    /// When the bucket of claims was made: another time than before means another bucket, which has begun anew. And its last revision.
    /// </returns>
    public async ValueTask<(DateTimeOffset Made, ulong Last)> OpenAsync(CancellationToken cancellation)
    {
        try
        {
            NatsKVContext context = new(_jetStream);
            await MakeClaimsAsync(cancellation).ConfigureAwait(false);
            _claims = await context.GetStoreAsync(_bucket, cancellation).ConfigureAwait(false);
            _leases = await MakeLeasesAsync(context, cancellation).ConfigureAwait(false);
            return await LookAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception exception) when (IsAway(exception))
        {
            throw Away(exception);
        }
    }

    /// <summary>When the bucket of claims was made, and its last revision, as for <see cref="OpenAsync"/>.</summary>
    public async ValueTask<(DateTimeOffset Made, ulong Last)> LookAsync(CancellationToken cancellation)
    {
        try
        {
            StreamInfo info = (await Claims.GetStatusAsync(cancellation).ConfigureAwait(false)).Info;
            return (info.Created, info.State.LastSeq);
        }
        catch (Exception exception) when (IsAway(exception))
        {
            throw Away(exception);
        }
    }

    /// <summary>This node lives.</summary>
    /// <returns>The lease's revision. One that is not higher than the last one is of another bucket, which has begun anew.</returns>
    public async ValueTask<ulong> RenewLeaseAsync(CancellationToken cancellation)
    {
        long began = time.GetTimestamp();
        int doubts;
        lock (_lock) doubts = _doubts;
        try
        {
            INatsKVStore leases = _leases ?? throw new ClaimStoreException("The store has not been opened.");
            ulong revision = await leases.PutAsync(LeaseKey(self), _value, cancellationToken: cancellation).ConfigureAwait(false);
            lock (_lock)
            {
                if (doubts != _doubts) return revision; // the answer may be an earlier server's
                // Nodes renew at different times: where this one's was near its end, another's has ended.
                if (_renewed is not { } before || time.GetElapsedTime(before, began) >= LeaseTime / 2) _backSince = began;
                _renewed = began;
            }

            return revision;
        }
        catch (Exception exception) when (IsAway(exception))
        {
            throw Away(exception);
        }
    }

    /// <summary>The server has gone, and the lease perhaps with it: nothing is claimed until it is renewed.</summary>
    public void DoubtLease()
    {
        lock (_lock)
        {
            _doubts++;
            _renewed = null;
        }
    }

    /// <inheritdoc/>
    public void CheckLease()
    {
        long? renewed;
        lock (_lock) renewed = _renewed;
        if (renewed is not { } at || time.GetElapsedTime(at) >= LeaseTime)
            throw new ClaimStoreException("This node's lease is not known to be there.");
    }

    /// <summary>This node ends: what it has claimed is free at once.</summary>
    public async ValueTask EndLeaseAsync(CancellationToken cancellation)
    {
        try
        {
            if (_leases is not null) await _leases.PurgeAsync(LeaseKey(self), cancellationToken: cancellation).ConfigureAwait(false);
        }
        catch (Exception exception) when (IsAway(exception))
        {
            throw Away(exception);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<bool> LivesAsync(ClaimHolder holder, CancellationToken cancellation)
    {
        if (holder.NodeId == self.NodeId) return holder == self; // an earlier life of this node is over
        INatsKVStore leases = _leases ?? throw new ClaimStoreException("The store has not been opened.");
        if (await FindAsync(leases, LeaseKey(holder), cancellation).ConfigureAwait(false) is not null) return true;
        CheckLease();
        lock (_lock)
        {
            // Perhaps the store was away from all nodes, and that one has only not renewed its lease yet.
            if (time.GetElapsedTime(_backSince) < JudgesAfter)
                throw new ClaimStoreException("The store was away, and whether the other node lives is not known yet.");
        }

        return false;
    }

    /// <inheritdoc/>
    public async ValueTask<ulong> CreateAsync(string key, CancellationToken cancellation)
    {
        CheckLease();
        NatsResult<ulong> created;
        try
        {
            // Behind no revision. To create it, as the library has it, would look for a mark of deletion too, and there are none.
            created = await Claims.TryUpdateAsync(key, _value, 0, cancellationToken: cancellation).ConfigureAwait(false);
        }
        catch (Exception exception) when (IsAway(exception))
        {
            throw Away(exception);
        }

        return RevisionOf(created);
    }

    /// <inheritdoc/>
    public async ValueTask<ulong> TakeOverAsync(string key, ulong revision, CancellationToken cancellation)
    {
        CheckLease();
        NatsResult<ulong> updated;
        try
        {
            updated = await Claims.TryUpdateAsync(key, _value, revision, cancellationToken: cancellation).ConfigureAwait(false);
        }
        catch (Exception exception) when (IsAway(exception))
        {
            throw Away(exception);
        }

        return RevisionOf(updated);
    }

    /// <inheritdoc/>
    public async ValueTask<Claim?> FindAsync(string key, CancellationToken cancellation) =>
        await FindAsync(Claims, key, cancellation).ConfigureAwait(false) is { } entry ? ClaimOf(entry) : null;

    /// <inheritdoc/>
    public async ValueTask DeleteAsync(ulong revision, CancellationToken cancellation)
    {
        CheckLease(); // without it the store may have begun anew, and the number be another one's
        try
        {
            await _jetStream.DeleteMessageAsync(
                $"KV_{_bucket}", new StreamMsgDeleteRequest { Seq = revision, NoErase = true }, cancellation).ConfigureAwait(false);
        }
        catch (NatsJSApiException exception) when (IsNotFound(exception))
        {
            // There is no such message any more: another claim has taken its place.
        }
        catch (Exception exception) when (IsAway(exception))
        {
            throw Away(exception);
        }
    }

    /// <summary>Every claim that is there, if asked for, and each one that comes, in order.</summary>
    /// <param name="behind">Only those after this revision; 0 for all.</param>
    /// <param name="cancellation">Ends it.</param>
    public async IAsyncEnumerable<Claim> WatchAsync(ulong behind, [EnumeratorCancellation] CancellationToken cancellation)
    {
        // The watch is on one server, whatever the copies: where that fails, it is begun anew after two of its heartbeats.
        NatsKVWatchOpts options = new()
        {
            IgnoreDeletes = true,
            ResumeAtRevision = behind == 0 ? 0 : behind + 1,
            IdleHeartbeat = TimeSpan.FromSeconds(1),
        };
        await foreach (NatsKVEntry<byte[]> entry in
            Claims.WatchAsync<byte[]>(opts: options, cancellationToken: cancellation).ConfigureAwait(false))
        {
            if (ClaimOf(entry) is { } claim) yield return claim;
        }
    }

    /// <summary>Every claim that is there now.</summary>
    public async IAsyncEnumerable<Claim> ListAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        NatsKVWatchOpts options = new() { IgnoreDeletes = true, OnNoData = static _ => ValueTask.FromResult(true) };
        await foreach (NatsKVEntry<byte[]> entry in
            Claims.WatchAsync<byte[]>(opts: options, cancellationToken: cancellation).ConfigureAwait(false))
        {
            if (ClaimOf(entry) is { } claim) yield return claim;
            if (entry.Delta == 0) yield break;
        }
    }

    // As the library makes a bucket, but for one thing: it forbids to delete by number, and for ever.
    private async ValueTask MakeClaimsAsync(CancellationToken cancellation)
    {
        try
        {
            await _jetStream.CreateStreamAsync(
                new StreamConfig($"KV_{_bucket}", [$"$KV.{_bucket}.>"])
                {
                    Description = "Which node has a uid",
                    MaxMsgSize = ValueBytesMax + HeadersBytesMax,
                    MaxMsgsPerSubject = 1,
                    NumReplicas = replicas,
                    Storage = StreamConfigStorage.Memory,
                    Discard = StreamConfigDiscard.New,
                    AllowRollupHdrs = true,
                    DenyDelete = false,
                },
                cancellation).ConfigureAwait(false);
        }
        catch (NatsJSApiException exception) when (exception.Error.ErrCode == SubjectsOverlap)
        {
            // Another node makes the same in this moment.
        }
        catch (NatsJSApiException exception) when (exception.Error.ErrCode == NameIsUsed)
        {
            await AskForCopiesAsync($"KV_{_bucket}", cancellation).ConfigureAwait(false);
        }
    }

    // It is there, and another number of copies was asked for. More may be made, and there are never less: else two nodes that ask for
    // different numbers would go on for ever.
    private async ValueTask AskForCopiesAsync(string stream, CancellationToken cancellation)
    {
        INatsJSStream found = await _jetStream.GetStreamAsync(stream, cancellationToken: cancellation).ConfigureAwait(false);
        StreamConfig config = found.Info.Config;
        if (config.NumReplicas >= replicas) return;
        config.NumReplicas = replicas;
        try
        {
            await _jetStream.UpdateStreamAsync(config, cancellation).ConfigureAwait(false);
        }
        catch (NatsJSApiException) when (_leases is not null)
        {
            // Not all servers are back, say. This node goes on with the copies that there are.
        }
    }

    private async ValueTask<INatsKVStore> MakeLeasesAsync(NatsKVContext context, CancellationToken cancellation)
    {
        NatsKVConfig config = new($"{_bucket}-nodes")
        {
            Description = "Which nodes live",
            MaxAge = LeaseTime,
            MaxValueSize = ValueBytesMax + HeadersBytesMax,
            NumberOfReplicas = replicas,
            Storage = NatsKVStorageType.Memory,
        };
        try
        {
            return await context.CreateStoreAsync(config, cancellation).ConfigureAwait(false);
        }
        catch (NatsJSApiException exception) when (exception.Error.ErrCode is SubjectsOverlap or NameIsUsed)
        {
            if (exception.Error.ErrCode == NameIsUsed) await AskForCopiesAsync($"KV_{config.Bucket}", cancellation).ConfigureAwait(false);
            return await context.GetStoreAsync(config.Bucket, cancellation).ConfigureAwait(false);
        }
    }

    private static async ValueTask<NatsKVEntry<byte[]>?> FindAsync(INatsKVStore bucket, string key, CancellationToken cancellation)
    {
        NatsResult<NatsKVEntry<byte[]>> found;
        try
        {
            found = await bucket.TryGetEntryAsync<byte[]>(key, cancellationToken: cancellation).ConfigureAwait(false);
        }
        catch (NatsJSApiException exception) when (IsNotFound(exception))
        {
            return null; // so it is told by a bucket that answers through JetStream's leader
        }
        catch (Exception exception) when (IsAway(exception))
        {
            throw Away(exception);
        }

        if (found.Success) return found.Value;
        return found.Error is NatsKVKeyNotFoundException or NatsKVKeyDeletedException ? null : throw Away(found.Error);
    }

    private static ulong RevisionOf(NatsResult<ulong> result)
    {
        if (result.Success) return result.Value;
        return result.Error is NatsKVCreateException or NatsKVWrongLastRevisionException ? 0UL : throw Away(result.Error);
    }

    private static bool IsNotFound(NatsJSApiException exception) => exception.Error.ErrCode is NoMessageFound or SequenceNotFound;

    // The second one is what a pipe throws that has ended, and an object that was disposed.
    private static bool IsAway(Exception exception) => exception is NatsException or InvalidOperationException;

    private static ClaimStoreException Away(Exception exception) => new($"JetStream: {exception.Message}", exception);

    private static string LeaseKey(ClaimHolder holder) => $"{holder.NodeId}.{holder.Incarnation:x16}";

    private static byte[] ValueOf(ClaimHolder holder)
    {
        byte[] value = new byte[sizeof(ulong) + holder.NodeId.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(value, holder.Incarnation);
        Encoding.ASCII.GetBytes(holder.NodeId, value.AsSpan(sizeof(ulong)));
        return value;
    }

    // Null for what no node of ours writes.
    private static Claim? ClaimOf(in NatsKVEntry<byte[]> entry)
    {
        if (entry.Value is not { Length: > sizeof(ulong) and <= ValueBytesMax } value) return null;
        if (!NodeId.IsValid(value.AsSpan(sizeof(ulong)))) return null;
        ClaimHolder holder = new(Encoding.ASCII.GetString(value.AsSpan(sizeof(ulong))), BinaryPrimitives.ReadUInt64LittleEndian(value));
        return new Claim(entry.Key, holder, entry.Revision);
    }
}
