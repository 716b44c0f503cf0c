// Several servers as one: messages go by uid to whichever node has it, over NATS. It is a delivery, like the directory, which it uses for
// this node's own connections; a RouterApplication is given it. ClusterNode has what nodes say to each other; here is what runs it: one
// loop that takes what has come, lets the node have its turn, and sleeps until something happens.

using System.Collections.Immutable;
using System.Security.Cryptography;
using NATS.Client.Core;
using RawWs.Frame;

namespace RawWs.Server.Nats;

/// <summary>Delivers messages to the connections of all nodes of a cluster. Every member may be used from any thread.</summary>
public sealed partial class NatsBackplane : IDelivery, ILocalDelivery, IAsyncDisposable
{
    // Reasons of Closes, with 4500 and with 1013. README has them.
    internal const string Replaced = "replaced by another connection";
    internal const string Unknown = "whether the uid is taken is not known";

    private const int ClusterCharactersMax = 64;
    private const string NodesPart = "node"; // what ended so would have the subjects of another cluster's nodes

    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(100);

    private readonly NatsBackplaneOptions _options;
    private readonly NatsWire _wire;
    private readonly CancellationTokenSource _joinsNoMore = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _wake = new(0);
    private readonly ulong _incarnation = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));
    private readonly NatsConnection? _storeConnection; // its own: what waits of the messages holds up no lease
    private readonly UidClaims? _claims;
    private readonly ClaimKeeper? _keeper;
    private readonly Lock _lock = new();
    private readonly Lazy<Task> _ended;
    private readonly TaskCompletionSource _mustEnd = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ClusterNode? _node;
    private ConnectionDirectory? _directory;
    private Task _joining = Task.CompletedTask;
    private Task _loop = Task.CompletedTask;
    private int _changes; // of the connection to NATS
    private volatile int _up; // the change with which NATS came; 0 while it is away
    private int _isWoken;
    private bool _hasStarted;

    /// <summary>A node that has not been started.</summary>
    /// <exception cref="ArgumentException">The cluster's name or the node's id cannot be a part of a subject.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A time or a number is out of its range.</exception>
    public NatsBackplane(NatsBackplaneOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (!NodeId.IsValid(options.NodeId))
        {
            throw new ArgumentException(
                $"A node's id is 1 to {WireHead.IdBytesMax} letters, digits, - and _, not '{options.NodeId}'.", nameof(options));
        }

        string[] name = options.Cluster.Split('.');
        if (options.Cluster.Length > ClusterCharactersMax || !name.All(NodeId.IsValid) || name[^1] == NodesPart)
        {
            throw new ArgumentException(
                $"A cluster's name is letters, digits, - and _, with dots between, {ClusterCharactersMax} characters at most, and its last "
                + $"part is not node; it is not '{options.Cluster}'.", nameof(options));
        }

        if (options.AnswerWithin.TotalSeconds is not (>= 0.1 and <= 60))
        {
            throw new ArgumentOutOfRangeException(
                nameof(options), options.AnswerWithin, "An answer is waited for from a tenth of a second to a minute.");
        }

        if (options.ClaimReplicas is not (1 or 3 or 5))
            throw new ArgumentOutOfRangeException(nameof(options), options.ClaimReplicas, "NATS keeps 1, 3 or 5 copies of claims.");
        _options = options;
        _ended = new Lazy<Task>(EndAsync);
        _wire = new NatsWire(options.Nats, options.Cluster, options.NodeId, options.TimeProvider)
        {
            Changed = OnChanged,
            Came = Wake,
            Refused = _told.OnError,
            Failed = exception => _node?.Counts.CountFailure(exception),
        };
        if (!options.ClaimsUids) return;
        ClaimHolder self = new(options.NodeId, _incarnation);
        _storeConnection = new NatsConnection(NatsWire.OptsOf(options.Nats));
        NatsClaimStore store = new(_storeConnection, options.Cluster, options.ClaimReplicas, self, options.TimeProvider);
        _claims = new UidClaims(store, HasConnections, options.TimeProvider, options.AnswerWithin)
        {
            Lost = uid => ToClose(uid, ServerCloseCodes.Replaced, Replaced),
            Refused = (node, uid) => _node?.AskWhetherItLives(node, uid.Span),
            Unclaimed = uid => ToClose(uid, CloseCodes.TryAgainLater, Unknown),
            Undecided = exception => _node?.Counts.CountUndecided(exception),
        };
        ClaimKeeper keeper = _keeper = new ClaimKeeper(store, _claims, options.TimeProvider);
        _storeConnection.ConnectionDisconnected += (_, _) =>
        {
            keeper.Doubt();
            return ValueTask.CompletedTask;
        };
    }

    /// <summary>
    /// Decides which node has a uid (<see cref="NatsBackplaneOptions.ClaimsUids"/>); null if no node has to decide. A router is given it.
    /// </summary>
    public IUidClaims? Claims => _claims;

    /// <summary>Whether NATS is there, and the uids of all other nodes are known.</summary>
    public bool IsReady => _node is { IsComplete: true };

    /// <summary>
    /// Whether this node can claim uids now, as far as it knows: NATS has renewed its lease. True where no node has to claim any (<see
    /// cref="NatsBackplaneOptions.ClaimsUids"/>).
    /// </summary>
    public bool CanClaim => _keeper is null || _keeper.HasLease;

    /// <summary>How many other nodes are there.</summary>
    public int OtherNodes => _node?.PeersHere ?? 0;

    /// <summary>
    /// Is complete when this node has to end, because another one has its id and goes on: both were started while neither could hear the
    /// other. It has left the cluster then, and serves its own connections alone; a line of the log says so. Whoever runs the server stops
    /// it. Otherwise it is never complete.
    /// </summary>
    public Task MustEnd => _mustEnd.Task;

    /// <summary>
    /// Joins the cluster: once, and before the server starts, so that what its clients send first reaches the others too. It waits as long
    /// as NATS and the other nodes take; when it has failed, this node holds nothing any more: make another.
    /// </summary>
    /// <param name="server">The server.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="NatsException">NATS cannot be reached.</exception>
    /// <exception cref="InvalidOperationException">
    /// A node of this id is there, or NATS has told an error, as where it refuses what a node needs; or it was started before.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The backplane was disposed before it had joined.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    public async Task StartAsync(WebSocketServer server, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(server);
        if (Interlocked.Exchange(ref _hasStarted, true)) throw new InvalidOperationException("The backplane has been started before.");
        try
        {
            using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _joinsNoMore.Token);
            await (_joining = JoinAsync(server, end.Token)).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            bool wasDisposed = _joinsNoMore.IsCancellationRequested;
            await DisposeAsync().ConfigureAwait(false);
            if (wasDisposed && exception is OperationCanceledException) throw new ObjectDisposedException(GetType().FullName, exception);
            throw;
        }
    }

    private async Task JoinAsync(WebSocketServer server, CancellationToken cancellation)
    {
        _directory = server.Directory;
        _told.ListenTo(_wire.Connection);
        if (_storeConnection is not null) _told.ListenToErrorsOf(_storeConnection);
        await _wire.StartAsync().WaitAsync(cancellation).ConfigureAwait(false);
        if (_wire.PayloadBytesMax < ClusterNode.PayloadBytesMin)
        {
            throw new InvalidOperationException(
                $"NATS takes messages of {_wire.PayloadBytesMax} bytes (max_payload), and a node needs "
                + $"{ClusterNode.PayloadBytesMin} at least.");
        }

        ClusterNode node = new(
            new ClusterSettings
            {
                Id = _options.NodeId,
                Incarnation = _incarnation,
                BeganAt = _options.TimeProvider.GetUtcNow().ToUnixTimeMilliseconds(),
                ClaimsUids = _options.ClaimsUids,
                AnswerWithin = (long)_options.AnswerWithin.TotalMilliseconds,
            },
            _wire, this)
        { Wake = Wake };
        _node = node;
        _directory.Joined += OnJoined;
        _directory.Left += OnLeft;
        foreach (ReadOnlyMemory<byte> uid in _directory.GetUids()) // of who has joined before, if anybody
            foreach (WebSocketConnection _ in _directory.Find(uid.Span)) node.Join(uid.Span);
        await BeginToAnswerAsync(node, _directory).WaitAsync(cancellation).ConfigureAwait(false);
        _loop = Task.Run(RunAsync, CancellationToken.None);
        while (!node.IsComplete && !node.IsTaken)
            await Task.Delay(TimeSpan.FromMilliseconds(20), _options.TimeProvider, cancellation).ConfigureAwait(false);
        if (!node.IsTaken && _told.Errors == 0)
        {
            await OpenClaimsAsync(cancellation).ConfigureAwait(false);
            cancellation.ThrowIfCancellationRequested();
            BeginToWatch(node, server.Options.LoggerFactory);
            return;
        }

        throw new InvalidOperationException(node.IsTaken
            ? $"A node '{_options.NodeId}' is in the cluster '{_options.Cluster}' already: give each an id of its own (node-id), or "
                + "another cluster (cluster)."
            : $"NATS has told an error: {_told.Reason}; what a node needs is to publish and to subscribe \"{_options.Cluster}.>\" and "
                + $"\"{_options.Nats.InboxPrefix}.>\".");
    }

    /// <inheritdoc/>
    public ValueTask<DeliveryResult> Publish(in MessageTarget target, in WebSocketMessage message)
    {
        if (_node is not { } node) throw new InvalidOperationException("The backplane has not been started.");
        return target.Kind switch
        {
            // Most messages end here, and need no time: to ask for it takes 39 ns.
            TargetKind.Uid => node.TrySendHere(target.UidSpan, message, out DeliveryResult here)
                ? new(here) : node.SendOn(target.Uid, message, here, Now),
            TargetKind.Everybody => node.SendToEverybody(message, Now),
            _ => _directory!.Publish(target, message),
        };
    }

    /// <summary>Whether another node is known to have a uid.</summary>
    internal bool HasRemote(string uid) => _node!.HasRemote(System.Text.Encoding.UTF8.GetBytes(uid));

    /// <summary>
    /// Leaves the cluster. Stop the server first: a uid that still has a connection here may be another node's from now on. A second call
    /// waits for the same end.
    /// </summary>
    public ValueTask DisposeAsync() => new(_ended.Value);

    private async Task EndAsync()
    {
        await _joinsNoMore.CancelAsync().ConfigureAwait(false);
        await _joining.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // what it has begun is ended below
        await EndWatchAsync().ConfigureAwait(false);
        await _stop.CancelAsync().ConfigureAwait(false);
        if (_directory is not null)
        {
            _directory.Joined -= OnJoined;
            _directory.Left -= OnLeft;
        }

        if (_keeper is not null) await _keeper.DisposeAsync().ConfigureAwait(false);
        if (_storeConnection is not null) await _storeConnection.DisposeAsync().ConfigureAwait(false);
        Wake();
        await _loop.ConfigureAwait(false);
        await _wire.DisposeAsync().ConfigureAwait(false);
    }

    DeliveryResult ILocalDelivery.Send(ReadOnlySpan<byte> uid, in WebSocketMessage message) => _directory!.SendToUid(uid, message);

    void ILocalDelivery.Probe(ReadOnlySpan<byte> uid)
    {
        ImmutableArray<WebSocketConnection> connections = _directory!.Find(uid);
        foreach (WebSocketConnection connection in connections) connection.Probe();
        if (connections.IsEmpty) _claims?.OnWanted(uid);
    }

    DeliveryResult ILocalDelivery.SendToEverybody(in WebSocketMessage message) => _directory!.SendToEverybody(message);

    private void OnJoined(WebSocketConnection connection, ReadOnlyMemory<byte> uid)
    {
        _node!.Join(uid.Span);
        if (_claims is not null && !_claims.OnJoined(uid.Span)) connection.Close(ServerCloseCodes.Replaced, Replaced);
    }

    private void OnLeft(WebSocketConnection connection, ReadOnlyMemory<byte> uid)
    {
        _node!.Leave(uid.Span);
        _claims?.OnLeft(uid.Span);
    }

    private bool HasConnections(byte[] uid) => _directory is { } directory && !directory.Find(uid).IsEmpty;

    // What closes the connections that the uid has now.
    private Action ToClose(ReadOnlyMemory<byte> uid, ushort code, string reason)
    {
        ImmutableArray<WebSocketConnection> connections = _directory is { } directory ? directory.Find(uid.Span) : [];
        return () =>
        {
            foreach (WebSocketConnection connection in connections)
                if (connection.Uid.Span.SequenceEqual(uid.Span)) connection.Close(code, reason); // else it has another one meanwhile
        };
    }

    private long Now => (long)_options.TimeProvider.GetElapsedTime(0).TotalMilliseconds;

    // NATS has come or gone.
    private ValueTask OnChanged(bool isUp)
    {
        int change;
        lock (_lock)
        {
            change = ++_changes;
            _up = 0;
        }

        Wake();
        if (isUp) _ = ComeUpAsync(change);
        return ValueTask.CompletedTask;
    }

    // The node is up when the server has answered: then it knows what this node listens to. If no answer comes it is asked again, unless
    // the connection has changed meanwhile.
    private async Task ComeUpAsync(int change)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await _wire.SyncAsync().AsTask().WaitAsync(_options.AnswerWithin, _options.TimeProvider, _stop.Token).ConfigureAwait(false);
                break;
            }
            catch (Exception exception) when (exception is TimeoutException || NatsWire.IsEndOfConnection(exception))
            {
                lock (_lock)
                    if (change != _changes) return;
                await Task.Delay(Rest, _options.TimeProvider, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        lock (_lock)
            if (change == _changes) _up = change;
        Wake();
    }

    private void Wake()
    {
        if (Interlocked.Exchange(ref _isWoken, 1) == 0) _wake.Release();
    }
}
