// How the two buckets are made, and by whom: every node asks for them when it opens the store, and they are there or are made.

using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;
using NATS.Client.KeyValueStore;

namespace RawWs.Server.Nats;

internal sealed partial class NatsClaimStore
{
    private const int NameIsUsed = 10058;
    private const int SubjectsOverlap = 10065;
    private const int HeadersBytesMax = 256; // NATS counts them as a part of the message: the revision that is named, with its field's name

    private async ValueTask<INatsKVStore> MakeBucketsAsync(CancellationToken cancellation)
    {
        NatsKVContext context = new(_jetStream);
        _claims = await MakeBucketAsync(context, _bucket, "Which node has a uid", TimeSpan.Zero, cancellation).ConfigureAwait(false);
        return _leases = await MakeBucketAsync(context, $"{_bucket}-nodes", "Which nodes live", OwnLease.Lasts, cancellation)
            .ConfigureAwait(false);
    }

    // As the library makes a bucket, but for two things. It forbids to delete by number, and for ever. And it lets any copy answer, which
    // may be behind the others: here that would take a node for dead, or a uid for free.
    private async ValueTask<INatsKVStore> MakeBucketAsync(
        NatsKVContext context, string bucket, string what, TimeSpan lasts, CancellationToken cancellation)
    {
        string stream = $"KV_{bucket}";
        try
        {
            await _jetStream.CreateStreamAsync(
                new StreamConfig(stream, [$"$KV.{bucket}.>"])
                {
                    Description = what,
                    MaxAge = lasts,
                    MaxMsgSize = ValueBytesMax + HeadersBytesMax,
                    MaxMsgsPerSubject = 1,
                    NumReplicas = replicas,
                    Storage = StreamConfigStorage.Memory,
                    Discard = StreamConfigDiscard.New,
                    AllowDirect = false,
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
            await AskForCopiesAsync(stream, cancellation).ConfigureAwait(false);
        }

        return await context.GetStoreAsync(bucket, cancellation).ConfigureAwait(false);
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
}
