// The wire over NATS: two subjects to listen to, one for all nodes and one for this node. What is published while NATS is away is dropped: the
// other side sees from the numbers that it is missing.

using System.Threading.Channels;
using NATS.Client.Core;

namespace RawWs.Server.Nats;

internal sealed class NatsWire : IWire, IAsyncDisposable
{
    private const int WaitingMessagesMax = 16 * 1024;

    private readonly NatsConnection _connection;
    private readonly string _toAll;
    private readonly string _toNode;
    private readonly Channel<NatsMemoryOwner<byte>> _come = Channel.CreateBounded<NatsMemoryOwner<byte>>(
        new BoundedChannelOptions(WaitingMessagesMax) { SingleReader = true });
    private readonly List<ValueTask> _unfinished = [];
    private readonly List<Task> _pumps = [];
    private readonly Dictionary<string, string> _subjects = [];

    public NatsWire(NatsOpts opts, string cluster, string id)
    {
        // A full channel makes the pump of NATS wait, and then the server tells us slow: nothing is dropped here without a word.
        _connection = new NatsConnection(opts with { SubPendingChannelFullMode = BoundedChannelFullMode.Wait });
        _toAll = $"{cluster}.all";
        _toNode = $"{cluster}.node.";
        Own = _toNode + id;
        _connection.ConnectionOpened += (_, _) => Changed(true);
        _connection.ConnectionDisconnected += (_, _) => Changed(false);
    }

    /// <summary>The backplane has come or gone.</summary>
    public Func<bool, ValueTask> Changed { get; set; } = static _ => default;

    /// <summary>What has come. The reader disposes it.</summary>
    public ChannelReader<NatsMemoryOwner<byte>> Come => _come.Reader;

    /// <summary>The longest message that the server takes.</summary>
    public int PayloadBytesMax => _connection.ServerInfo?.MaxPayload ?? 1024 * 1024;

    /// <summary>What the wire goes over.</summary>
    public NatsConnection Connection => _connection;

    private string Own { get; }

    /// <summary>Connects and listens. When this is done, the server knows what this node listens to.</summary>
    public async Task StartAsync()
    {
        await _connection.ConnectAsync().ConfigureAwait(false);
        foreach (string subject in new[] { _toAll, Own })
        {
            INatsSub<NatsMemoryOwner<byte>> subscription =
                await _connection.SubscribeCoreAsync<NatsMemoryOwner<byte>>(subject).ConfigureAwait(false);
            _pumps.Add(PumpAsync(subscription));
        }

        await SyncAsync().ConfigureAwait(false);
    }

    /// <summary>Waits until the server has dealt with everything that it was sent.</summary>
    public async ValueTask SyncAsync() => await _connection.PingAsync().ConfigureAwait(false);

    public void PublishToAll(ReadOnlySpan<byte> message) => Publish(_toAll, message);

    public void PublishTo(string id, ReadOnlySpan<byte> message)
    {
        if (!_subjects.TryGetValue(id, out string? subject)) _subjects[id] = subject = _toNode + id;
        Publish(subject, message);
    }

    /// <summary>Waits until what was published is written, so that no more is published than leaves.</summary>
    public async ValueTask FlushAsync()
    {
        foreach (ValueTask publication in _unfinished)
        {
            try
            {
                await publication.ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is NatsException or OperationCanceledException)
            {
                // NATS has gone meanwhile.
            }
        }

        _unfinished.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        await _connection.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAll(_pumps).ConfigureAwait(false);
        _come.Writer.TryComplete();
        while (_come.Reader.TryRead(out NatsMemoryOwner<byte> left)) left.Dispose();
    }

    private void Publish(string subject, ReadOnlySpan<byte> message)
    {
        if (_connection.ConnectionState != NatsConnectionState.Open) return;
        NatsMemoryOwner<byte> copy = NatsMemoryOwner<byte>.Allocate(message.Length);
        message.CopyTo(copy.Span);
        ValueTask publication = _connection.PublishAsync(subject, copy);
        if (!publication.IsCompletedSuccessfully) _unfinished.Add(publication);
    }

    private async Task PumpAsync(INatsSub<NatsMemoryOwner<byte>> subscription)
    {
        await foreach (NatsMsg<NatsMemoryOwner<byte>> message in subscription.Msgs.ReadAllAsync().ConfigureAwait(false))
            await _come.Writer.WriteAsync(message.Data).ConfigureAwait(false);
    }
}
