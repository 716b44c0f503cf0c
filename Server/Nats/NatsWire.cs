// The wire over NATS: two subjects to listen to, one for all nodes and one for this node. What is published while NATS is away is
// dropped: the other side sees from the numbers that it is missing.

using System.Threading.Channels;
using NATS.Client.Core;

namespace RawWs.Server.Nats;

internal sealed class NatsWire : IWire, IAsyncDisposable
{
    // What has come and waits, here and in NATS' client for each subject: each is as long as a node's longest message at most.
    private const int WaitingMessagesMax = 256;
    private const int SubjectsKeptMax = 2_000;

    private static readonly NatsBytes Kept = new(ClusterSettings.LongestPieceBytes);

    private readonly NatsConnection _connection;
    private readonly string _toAll;
    private readonly string _toNode;
    private readonly Channel<NatsMemoryOwner<byte>> _come = Channel.CreateBounded<NatsMemoryOwner<byte>>(
        new BoundedChannelOptions(WaitingMessagesMax) { SingleReader = true });
    private readonly List<ValueTask> _unfinished = [];
    private readonly TimeProvider _time;
    private readonly List<Task> _pumps = [];
    private readonly Dictionary<string, string> _subjects = [];
    private Task _writing = Task.CompletedTask;

    public NatsWire(NatsOpts opts, string cluster, string id, TimeProvider time)
    {
        _time = time;
        // A full channel makes the pump of NATS wait, and then the server tells us slow: nothing is dropped here without a word.
        // And what the node says comes back to it, which shows that it is heard.
        _connection = new NatsConnection(OptsOf(opts) with { Echo = true });
        _toAll = $"{cluster}.all";
        _toNode = $"{cluster}.node.";
        Own = _toNode + id;
        _connection.ConnectionOpened += (_, _) => Changed(true);
        _connection.ConnectionDisconnected += (_, _) => Changed(false);
    }

    /// <summary>The options with what a node needs, whatever an application has set for itself.</summary>
    public static NatsOpts OptsOf(NatsOpts opts) => opts with
    {
        SubPendingChannelFullMode = BoundedChannelFullMode.Wait,
        SerializerRegistry = NatsOpts.Default.SerializerRegistry,
    };

    /// <summary>The backplane has come or gone.</summary>
    public Func<bool, ValueTask> Changed { get; set; } = static _ => default;

    /// <summary>Something has come. Called on any thread.</summary>
    public Action Came { get; set; } = static () => { };

    /// <summary>What has come. The reader disposes it.</summary>
    public ChannelReader<NatsMemoryOwner<byte>> Come => _come.Reader;

    /// <summary>Is told why a message was not sent that might have been. On the node's own thread.</summary>
    public Action<string> Refused { get; set; } = static _ => { };

    /// <summary>Is told of an exception that nobody has expected. Called on any thread.</summary>
    public Action<Exception> Failed { get; set; } = static _ => { };

    /// <summary>The longest message that the server takes: the one that it is connected to, or was last.</summary>
    public int PayloadBytesMax => NatsMessages.PayloadBytesMaxOf(_connection);

    /// <summary>What the wire goes over.</summary>
    public NatsConnection Connection => _connection;

    /// <inheritdoc/>
    public bool IsBusy => !_writing.IsCompleted;

    private string Own { get; }

    private static NatsSubOpts Bounded { get; } = new()
    {
        ChannelOpts = new NatsSubChannelOpts { Capacity = WaitingMessagesMax, FullMode = BoundedChannelFullMode.Wait },
    };

    /// <summary>Connects and listens. When this is done, the server knows what this node listens to.</summary>
    public async Task StartAsync()
    {
        await _connection.ConnectAsync().ConfigureAwait(false);
        foreach (string subject in new[] { _toAll, Own })
        {
            INatsSub<NatsMemoryOwner<byte>> subscription =
                await _connection.SubscribeCoreAsync(subject, serializer: Kept, opts: Bounded).ConfigureAwait(false);
            _pumps.Add(PumpAsync(subscription));
        }

        await SyncAsync().ConfigureAwait(false);
    }

    /// <summary>Waits until the server has dealt with everything that it was sent.</summary>
    public async ValueTask SyncAsync() => await _connection.PingAsync().ConfigureAwait(false);

    public void PublishToAll(ReadOnlySpan<byte> message) => Publish(_toAll, message);

    public void PublishTo(string id, ReadOnlySpan<byte> message)
    {
        if (_subjects.Count > SubjectsKeptMax) _subjects.Clear(); // nodes that were, and names that were none
        if (!_subjects.TryGetValue(id, out string? subject)) _subjects[id] = subject = _toNode + id;
        Publish(subject, message);
    }

    /// <summary>
    /// Waits until what was published is written, so that no more is published than leaves. If that takes longer, the wire is busy until
    /// it is written: a line that takes nothing does not hold up what the node does besides.
    /// </summary>
    public async ValueTask FlushAsync(TimeSpan atMost)
    {
        if (!IsBusy && _unfinished.Count > 0) _writing = FinishAsync();
        if (IsBusy) await _writing.WaitAsync(atMost, _time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public async ValueTask DisposeAsync()
    {
        _come.Writer.TryComplete(); // nobody reads any more: no pump waits for room
        await _connection.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAll(_pumps).ConfigureAwait(false);
        while (_come.Reader.TryRead(out NatsMemoryOwner<byte> left)) left.Dispose();
    }

    private void Publish(string subject, ReadOnlySpan<byte> message)
    {
        if (IsBusy || _connection.ConnectionState != NatsConnectionState.Open) return;
        if (PayloadBytesMax is var most && message.Length > most)
        {
            // The server has changed in this moment. The other side sees from the numbers that it is missing.
            Refused($"a message of {message.Length} bytes is too large, and the server takes {most} (max_payload)");
            return;
        }

        NatsMemoryOwner<byte> copy = NatsMemoryOwner<byte>.Allocate(message.Length);
        message.CopyTo(copy.Span);
        try
        {
            ValueTask publication = _connection.PublishAsync(subject, copy);
            if (!publication.IsCompletedSuccessfully) _unfinished.Add(publication);
        }
        catch (Exception exception) when (IsEndOfConnection(exception))
        {
            // NATS has gone in this moment.
        }
    }

    private async Task FinishAsync()
    {
        foreach (ValueTask publication in _unfinished)
        {
            try
            {
                await publication.ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                // NATS has gone meanwhile, or has taken nothing for too long.
                if (!IsEndOfConnection(exception)) Refused(exception.Message);
            }
        }

        _unfinished.Clear();
    }

    // The last one is what a pipe throws that has ended, and an object that was disposed.
    public static bool IsEndOfConnection(Exception exception) =>
        exception is NatsException or OperationCanceledException or InvalidOperationException;

    // What goes wrong with one message is told, and is not the end of what comes behind it.
    private async Task PumpAsync(INatsSub<NatsMemoryOwner<byte>> subscription)
    {
        await foreach (NatsMsg<NatsMemoryOwner<byte>> message in subscription.Msgs.ReadAllAsync().ConfigureAwait(false))
        {
            try
            {
                await _come.Writer.WriteAsync(message.Data).ConfigureAwait(false);
                Came();
            }
            catch (ChannelClosedException)
            {
                message.Data.Dispose(); // the node ends
            }
            catch (Exception exception)
            {
                Failed(exception);
            }
        }
    }
}
