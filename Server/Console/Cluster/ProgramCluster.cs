// This program as a node of a cluster: between the settings, the router and the admin port on one side, and RawWs.Nats on the other.
// Nothing of NATS is loaded before one of these is made: so what is short is not made a part of whoever calls it.

using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Security.Authentication;
using NATS.Client.Core;
using RawWs.Server.Listening;
using RawWs.Server.Log;
using RawWs.Server.Nats;

namespace RawWs.Server.Console.Cluster;

internal sealed class ProgramCluster : IAsyncDisposable
{
    /// <summary>The name of the meter.</summary>
    public const string MeterName = BackplaneMetrics.MeterName;

    // Nodes that are there tell their uids within a second or two. NATS' client gives up a server after two.
    private static readonly TimeSpan StartTimeMax = TimeSpan.FromSeconds(30);

    private readonly BackplaneSettings _settings;
    private readonly NatsBackplane _backplane;
    private readonly string _nodeId;

    /// <param name="settings">They have an address.</param>
    /// <param name="duplicates">What happens when a uid has a connection already.</param>
    /// <param name="time">The clock.</param>
    public ProgramCluster(BackplaneSettings settings, DuplicateUid duplicates, TimeProvider time)
    {
        _settings = settings;
        NatsBackplaneOptions options = new()
        {
            Cluster = settings.Cluster,
            ClaimsUids = duplicates != DuplicateUid.Share,
            ClaimReplicas = settings.Replicas,
            AnswerWithin = settings.AnswerWithin,
            TimeProvider = time,
        };
        if (settings.NodeId is { } id) options = options with { NodeId = id };
        _nodeId = options.NodeId;
        _backplane = new NatsBackplane(options with { Nats = NatsLogIn.Of(settings, _nodeId) });
    }

    /// <summary>Delivers to the connections of all nodes.</summary>
    public IDelivery Delivery
    {
        [MethodImpl(MethodImplOptions.NoInlining)]
        get => _backplane;
    }

    /// <summary>Decides which node has a uid; null where several may have it.</summary>
    public IUidClaims? Claims
    {
        [MethodImpl(MethodImplOptions.NoInlining)]
        get => _backplane.Claims;
    }

    /// <summary>Is complete when this node has to end, because another one has its id and goes on. The log has said so.</summary>
    public Task MustEnd
    {
        [MethodImpl(MethodImplOptions.NoInlining)]
        get => _backplane.MustEnd;
    }

    /// <summary>Joins the cluster.</summary>
    /// <param name="server">The server, which need not have been started.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="StartException">It cannot.</exception>
    public async Task StartAsync(WebSocketServer server, CancellationToken cancellation)
    {
        try
        {
            await _backplane.StartAsync(server, cancellation).WaitAsync(StartTimeMax, CancellationToken.None).ConfigureAwait(false);
        }
        catch (InvalidOperationException exception)
        {
            throw new StartException($"the node cannot join the cluster: {exception.Message}", exception);
        }
        catch (TimeoutException exception)
        {
            string[] silent = [.. _backplane.Nodes.Where(static node => !node.IsKnown).Select(static node => node.NodeId)];
            string why = silent.Length > 0
                ? $"these nodes are there and have not told their uids: {string.Join(", ", silent)}; look at their logs"
                : $"NATS at {_settings.Address} (--backplane) does not answer";
            throw new StartException(
                $"the node has not joined the cluster \"{_settings.Cluster}\" within {StartTimeMax.TotalSeconds} s: {why}", exception);
        }
        catch (Exception exception) when (exception is NatsException or SocketException or IOException or AuthenticationException
            or OperationCanceledException or ArgumentException)
        {
            // The outer exceptions say that something has failed, the innermost why.
            string reason = LogText.Escape(exception.GetBaseException().Message, 400);
            // It was reached where it says so; then another setting helps.
            string hint = exception.GetBaseException() is AuthenticationException ? " (whose certificates it may have: --backplane-ca)"
                : reason.Contains("Authorization", StringComparison.OrdinalIgnoreCase)
                    ? " (who logs in: --backplane-user and --backplane-password-file, or one of the other ways)" : "";
            throw new StartException($"NATS cannot be reached at {_settings.Address} (--backplane): {reason}{hint}", exception);
        }
    }

    /// <summary>How long other nodes' answers are waited for.</summary>
    public TimeSpan AnswerWithin => _settings.AnswerWithin;

    /// <summary>Begins to measure.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public IDisposable Measure() => new BackplaneMetrics(_backplane);

    /// <summary>Why newcomers should not be sent here; null when they should, or when the settings say that this is no reason.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public string? FindUnready()
    {
        if (!_settings.CountsForReadiness) return null;
        if (_backplane.IsReady) return _backplane.CanClaim ? null : "no uid can be claimed: JetStream of NATS does not answer";
        return _backplane.IsConnected ? "not all servers of the cluster have told which uids they have" : "the backplane is away";
    }

    /// <summary>The cluster, as this node sees it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public ClusterView Show() => new(_settings.Cluster, _nodeId, _backplane.IsConnected, _backplane.IsReady,
        [.. _backplane.Nodes.Select(node => new NodeView(node.NodeId, node.NodeId == _nodeId, node.IsKnown))]);

    /// <summary>How many connections a uid has on each node.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public async Task<NodesAnswer> FindAsync(string uid, CancellationToken cancellation) =>
        Of(await _backplane.FindAsync(uid, cancellation).ConfigureAwait(false));

    /// <summary>Closes all connections of a uid, on all nodes.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public async Task<NodesAnswer> KickAsync(string uid, ushort code, string reason, CancellationToken cancellation) =>
        Of(await _backplane.KickAsync(uid, code, reason, cancellation).ConfigureAwait(false));

    /// <summary>Who comes and goes in the whole cluster.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public PresenceWatch WatchPresence(PresenceOptions options) => _backplane.WatchPresence(options);

    /// <summary>Sends to the connections that other nodes have; this node's own are left out.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public ValueTask<DeliveryResult> SendElsewhere(in MessageTarget target, in WebSocketMessage message) =>
        _backplane.PublishElsewhere(target, message);

    [MethodImpl(MethodImplOptions.NoInlining)]
    public ValueTask DisposeAsync() => _backplane.DisposeAsync();

    private static NodesAnswer Of(ClusterAnswer answer) =>
        new([.. answer.Nodes.Select(static node => (node.NodeId, node.Connections))], answer.Silent);
}
