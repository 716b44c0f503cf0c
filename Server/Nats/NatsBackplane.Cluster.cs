// What a backplane says of the cluster, and asks it: who is there, where a uid is, that it be closed everywhere.

using Microsoft.Extensions.Logging;
using RawWs.Frame;

namespace RawWs.Server.Nats;

public sealed partial class NatsBackplane
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private readonly NatsTold _told = new();
    private ClusterQuestions? _questions;
    private ITimer? _looks;
    private volatile ClusterWatch? _watch;

    /// <summary>Whether NATS is there.</summary>
    public bool IsConnected => _node is { IsConnected: true };

    /// <summary>The nodes of the cluster that are here, this one first. A new list, as of this moment.</summary>
    public IReadOnlyList<ClusterMember> Nodes =>
    [
        new ClusterMember(_options.NodeId, true),
        .. (_node?.GetPeers() ?? []).Select(static peer => new ClusterMember(peer.Id, peer.IsKnown))
            .OrderBy(static member => member.NodeId, StringComparer.Ordinal),
    ];

    internal ClusterNode? Node => _node;

    internal long Disconnects => _told.Disconnects;

    internal long NatsErrors => _told.Errors;

    internal long Nonsense => (_node?.Counts is { } counts ? counts.Nonsense + counts.OtherVersion : 0) + NonsenseBeside;

    // What the node does not count itself.
    private long NonsenseBeside => (_questions?.Nonsense ?? 0) + (_presence?.Nonsense ?? 0);

    /// <inheritdoc cref="ClusterNode.AnswerTook"/>
    internal Action<string, long>? AnswerTook { get; set; }

    /// <summary>How many open connections a uid has on each node. Each node is asked, and waited for as long as for any answer.</summary>
    /// <param name="uid">The uid.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ArgumentException">This cannot be a uid.</exception>
    /// <exception cref="InvalidOperationException">The backplane has not been started.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    public Task<ClusterAnswer> FindAsync(string uid, CancellationToken cancellationToken = default)
    {
        CheckUid(uid);
        return Questions.FindAsync(uid, OtherIds, _options.AnswerWithin, cancellationToken);
    }

    /// <summary>Closes all open connections of a uid, on all nodes (<see cref="WebSocketConnection.Close"/>).</summary>
    /// <param name="uid">The uid.</param>
    /// <param name="code">As for <see cref="WebSocketConnection.Close"/>.</param>
    /// <param name="reason">At most 123 bytes of UTF-8; empty for none.</param>
    /// <param name="cancellationToken">Ends the wait; connections may have been closed by then.</param>
    /// <returns>How many there were on each node.</returns>
    /// <exception cref="ArgumentException">This cannot be a uid, a server may not send this code, or the reason is too long.</exception>
    /// <exception cref="InvalidOperationException">The backplane has not been started.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    public Task<ClusterAnswer> KickAsync(
        string uid, ushort code = CloseCodes.NormalClosure, string reason = "", CancellationToken cancellationToken = default)
    {
        CheckUid(uid);
        if (!CloseCodes.MaySend(Role.Server, code)) throw new ArgumentException($"A server may not send {code}.", nameof(code));
        ArgumentNullException.ThrowIfNull(reason);
        if (!ClusterQuestions.FitsClose(reason))
            throw new ArgumentException($"A reason is {ClosePayload.ReasonBytesMax} bytes of UTF-8 at most.", nameof(reason));
        return Questions.KickAsync(uid, code, reason, OtherIds, _options.AnswerWithin, cancellationToken);
    }

    /// <summary>
    /// Delivers a message to the connections of other nodes alone: for whoever deals with this node's own connections himself. As for
    /// <see cref="Publish"/>; a connection is of no other node.
    /// </summary>
    /// <exception cref="InvalidOperationException">The backplane has not been started.</exception>
    public ValueTask<DeliveryResult> PublishElsewhere(in MessageTarget target, in WebSocketMessage message)
    {
        if (_node is not { } node) throw new InvalidOperationException("The backplane has not been started.");
        return target.Kind switch
        {
            TargetKind.Uid => node.SendElsewhere(target.Uid, message, Now),
            TargetKind.Everybody => node.SendToEverybodyElsewhere(message, Now),
            _ => new(DeliveryResult.Offline),
        };
    }

    private ClusterQuestions Questions => _questions ?? throw new InvalidOperationException("The backplane has not been started.");

    private string[] OtherIds => [.. (_node?.GetPeers() ?? []).Select(static peer => peer.Id)];

    private static void CheckUid(string uid)
    {
        ArgumentNullException.ThrowIfNull(uid);
        if (ClusterQuestions.FindUid(uid) is null)
            throw new ArgumentException($"A uid is 1 to {ConnectionDirectory.UidBytesMax} bytes of UTF-8.", nameof(uid));
    }

    // NATS is there. Whether another node has this one's id is not known yet: until then nothing is answered.
    private async Task BeginToAnswerAsync(ClusterNode node, ConnectionDirectory directory)
    {
        node.AnswerTook = (name, milliseconds) => AnswerTook?.Invoke(name, milliseconds);
        _questions = new ClusterQuestions(
            _wire.Connection, _options.Cluster, _options.NodeId, directory, node.Counts.CountFailure, _options.TimeProvider)
        { MayAnswer = () => node.IsHeard };
        await _questions.StartAsync().ConfigureAwait(false);
        await BeginPresenceAsync(node, directory).ConfigureAwait(false);
    }

    private async Task OpenClaimsAsync(CancellationToken cancellation)
    {
        if (_keeper is null) return;
        try
        {
            await _keeper.StartAsync(cancellation).ConfigureAwait(false);
        }
        catch (ClaimStoreException exception)
        {
            int copies = _options.ClaimReplicas;
            string servers = copies > 1 ? $", and {copies} servers for {copies} copies (claim-replicas)" : "";
            string refused = _told.Errors > 0 ? $" (NATS has told: {_told.Reason})" : "";
            throw new InvalidOperationException(
                "NATS cannot keep which node has a uid, which duplicate-uid replace and reject ask for. It needs JetStream "
                + $"(jetstream {{ }} in its configuration){servers}, and a user that may publish \"$JS.>\" and \"$KV.>\": "
                + exception.Message + refused, exception);
        }
    }

    // It has joined.
    private void BeginToWatch(ClusterNode node, ILoggerFactory loggers)
    {
        ClusterWatch watch = new(node, _told, () => NonsenseBeside, loggers.CreateLogger(LogCategories.Server));
        Guarded(() => watch.Begin(_options.Cluster));
        _watch = watch;
        if (node.IsTaken) Guarded(() => watch.Look(Now)); // meanwhile
        _looks = _options.TimeProvider.CreateTimer(_ => Guarded(() => watch.Look(Now)), null, LookEvery, LookEvery);
    }

    // It is told before anybody ends for it.
    private void GiveWay()
    {
        if (_mustEnd.Task.IsCompleted) return;
        if (_watch is { } watch) Guarded(() => watch.Look(Now));
        _mustEnd.TrySetResult();
    }

    // A log that throws costs its line, and nothing else.
    private static void Guarded(Action tell)
    {
        try
        {
            tell();
        }
        catch (Exception)
        {
            // There is nobody to tell.
        }
    }

    private async ValueTask EndWatchAsync()
    {
        if (_looks is not null) await _looks.DisposeAsync().ConfigureAwait(false);
        // Whatever goes wrong with them, the node leaves the cluster.
        foreach (IAsyncDisposable? part in (IAsyncDisposable?[])[_presence, _questions])
            if (part is not null) await part.DisposeAsync().AsTask().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
