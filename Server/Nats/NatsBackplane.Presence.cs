// Who comes and goes in the whole cluster, for those who watch.

namespace RawWs.Server.Nats;

public sealed partial class NatsBackplane
{
    private NatsPresence? _presence;

    /// <summary>
    /// Begins to watch which uids are online in the whole cluster, as <see cref="ConnectionDirectory.WatchPresence"/> does for one
    /// server. A uid comes with its first connection on any node, and goes when the last one has ended, or its node is gone; each event
    /// names the node. As long as some node cannot be heard, the watch says so (<see cref="PresenceKind.NotWhole"/>). Every node tells
    /// this one of the uids that are asked for; of nobody else is anything sent.
    /// </summary>
    /// <param name="options">Which uids. Default: all.</param>
    /// <exception cref="ArgumentException">An option is wrong; the message names it (<see cref="PresenceOptions.FindError"/>).</exception>
    /// <exception cref="InvalidOperationException">
    /// The backplane has not been started or has ended, or this node has 64 watches already, or to name so many uids takes a longer message
    /// than NATS allows (max_payload).
    /// </exception>
    public PresenceWatch WatchPresence(PresenceOptions? options = null) =>
        (_presence ?? throw new InvalidOperationException("The backplane has not been started.")).Watch(options ?? new PresenceOptions());

    private Task BeginPresenceAsync(ClusterNode node, ConnectionDirectory directory)
    {
        _presence = new NatsPresence(
            _wire.Connection, _options.Cluster, _options.NodeId, directory.WatchPresence, () => MembersOf(node), _told.OnError,
            node.Counts.CountFailure, _options.TimeProvider);
        return _presence.StartAsync();
    }

    private static ClusterMembers MembersOf(ClusterNode node) =>
        new(node.IsHeard, node.IsComplete, [.. node.GetPeers().Select(static peer => peer.Id)]);
}
