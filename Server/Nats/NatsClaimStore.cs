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

internal sealed partial class NatsClaimStore(NatsConnection connection, string cluster, int replicas, ClaimHolder self, TimeProvider time)
    : IClaimStore
{
    private const int NoMessageFound = 10037; // JetStream's own numbers of errors
    private const int SequenceNotFound = 10043;
    private const int ServiceUnavailable = 503; // its codes are HTTP's
    private const int ValueBytesMax = sizeof(ulong) + WireHead.IdBytesMax;

    // A bucket's name has no dots. No two clusters have one bucket.
    private readonly string _bucket =
        $"{cluster.Replace("_", "__", StringComparison.Ordinal).Replace(".", "_-", StringComparison.Ordinal)}-uids";
    private readonly byte[] _value = ValueOf(self);
    private readonly NatsJSContext _jetStream = new(connection);
    private INatsKVStore? _claims;
    private INatsKVStore? _leases;
    private readonly OwnLease _lease = new(time);

    /// <inheritdoc/>
    public ClaimHolder Self => self;

    private INatsKVStore Claims => _claims ?? throw new ClaimStoreException("The store has not been opened.");

    private INatsKVStore Leases => _leases ?? throw new ClaimStoreException("The store has not been opened.");

    /// <summary>Opens the buckets, or makes them.</summary>
    /// <returns>
    /// When the bucket of claims was made: another time than before means another bucket, which has begun anew. And its last revision.
    /// </returns>
    public async ValueTask<(DateTimeOffset Made, ulong Last)> OpenAsync(CancellationToken cancellation)
    {
        await AnswerOf(MakeBucketsAsync(cancellation)).ConfigureAwait(false);
        return await LookAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>When the bucket of claims was made, and its last revision, as for <see cref="OpenAsync"/>.</summary>
    public async ValueTask<(DateTimeOffset Made, ulong Last)> LookAsync(CancellationToken cancellation)
    {
        StreamInfo info = (await AnswerOf(Claims.GetStatusAsync(cancellation)).ConfigureAwait(false)).Info;
        return (info.Created, info.State.LastSeq);
    }

    /// <summary>This node lives.</summary>
    /// <returns>The lease's revision. One that is not higher than the last one is of another bucket, which has begun anew.</returns>
    public async ValueTask<ulong> RenewLeaseAsync(CancellationToken cancellation)
    {
        (long, int) renewal = _lease.BeginRenewal();
        ulong revision = await AnswerOf(Leases.PutAsync(LeaseKey(self), _value, cancellationToken: cancellation)).ConfigureAwait(false);
        _lease.EndRenewal(renewal);
        return revision;
    }

    /// <summary>Whether the lease is there. Any thread.</summary>
    public bool HasLease => _lease.IsThere;

    /// <summary>The server has gone, and the lease perhaps with it: nothing is claimed until it is renewed.</summary>
    public void DoubtLease() => _lease.Doubt();

    /// <inheritdoc/>
    public void CheckLease() => _lease.Check();

    /// <summary>This node ends: what it has claimed is free at once.</summary>
    public async ValueTask EndLeaseAsync(CancellationToken cancellation)
    {
        if (_leases is null) return;
        try
        {
            await _leases.PurgeAsync(LeaseKey(self), cancellationToken: cancellation).ConfigureAwait(false);
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
        if (await FindAsync(Leases, LeaseKey(holder), cancellation).ConfigureAwait(false) is not null) return true;
        _lease.CheckJudges();
        return false;
    }

    // Behind no revision. To create it, as the library has it, would look for a mark of deletion too, and there are none.
    /// <inheritdoc/>
    public ValueTask<ulong> CreateAsync(string key, CancellationToken cancellation) => TakeOverAsync(key, 0, cancellation);

    /// <inheritdoc/>
    public async ValueTask<ulong> TakeOverAsync(string key, ulong revision, CancellationToken cancellation)
    {
        CheckLease();
        return RevisionOf(
            await AnswerOf(Claims.TryUpdateAsync(key, _value, revision, cancellationToken: cancellation)).ConfigureAwait(false));
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

    private static async ValueTask<T> AnswerOf<T>(ValueTask<T> asked)
    {
        try
        {
            return await asked.ConfigureAwait(false);
        }
        catch (Exception exception) when (IsAway(exception))
        {
            throw Away(exception);
        }
    }

    private static ulong RevisionOf(NatsResult<ulong> result)
    {
        if (result.Success) return result.Value;
        return result.Error is NatsKVCreateException or NatsKVWrongLastRevisionException ? 0UL : throw Away(result.Error);
    }

    private static bool IsNotFound(NatsJSApiException exception) => exception.Error.ErrCode is NoMessageFound or SequenceNotFound;

    // The second one is what a pipe throws that has ended, and an object that was disposed.
    private static bool IsAway(Exception exception) => exception is NatsException or InvalidOperationException;

    // An answer that says more than that nobody can answer now is final.
    private static ClaimStoreException Away(Exception exception) => new($"JetStream: {exception.Message}", exception)
    {
        MayPass = exception is not NatsJSApiException { Error.Code: not ServiceUnavailable },
    };

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
