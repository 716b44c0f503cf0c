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
        await MakeClaimsAsync(cancellation).ConfigureAwait(false);
        _claims = await context.GetStoreAsync(_bucket, cancellation).ConfigureAwait(false);
        return _leases = await MakeLeasesAsync(context, cancellation).ConfigureAwait(false);
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
            MaxAge = OwnLease.Lasts,
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
}
