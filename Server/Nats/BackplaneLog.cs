// The lines about a cluster. Their numbers are not used elsewhere: docs/ops/logs.md has all of them.

using Microsoft.Extensions.Logging;

namespace RawWs.Server.Nats;

internal static partial class BackplaneLog
{
    [LoggerMessage(80, LogLevel.Information, "node {node} is in the cluster {cluster}, with {others} others")]
    public static partial void ClusterJoined(this ILogger log, string node, string cluster, int others);

    [LoggerMessage(81, LogLevel.Error, "the backplane is away: messages go to this node's own connections alone until it is back")]
    public static partial void BackplaneLost(this ILogger log);

    [LoggerMessage(82, LogLevel.Error, "the backplane has been away for {seconds} s: {reason}")]
    public static partial void BackplaneAway(this ILogger log, long seconds, string reason);

    [LoggerMessage(83, LogLevel.Information, "the backplane is back after {seconds} s")]
    public static partial void BackplaneBack(this ILogger log, long seconds);

    [LoggerMessage(84, LogLevel.Information, "the uids of all {nodes} nodes of the cluster are known")]
    public static partial void ClusterComplete(this ILogger log, int nodes);

    [LoggerMessage(85, LogLevel.Information, "{count} nodes have come: {nodes}")]
    public static partial void NodesCame(this ILogger log, int count, string nodes);

    [LoggerMessage(86, LogLevel.Warning, "{count} nodes have gone, or say nothing any more: {nodes}; their uids are offline")]
    public static partial void NodesWent(this ILogger log, int count, string nodes);

    [LoggerMessage(87, LogLevel.Warning,
        "{count} messages of other nodes were lost on the way here; their senders are told, but for those to all that had left this node "
        + "out")]
    public static partial void MessagesLost(this ILogger log, long count);

    [LoggerMessage(88, LogLevel.Warning, "{count} messages to other nodes were not answered in time; their senders are told")]
    public static partial void MessagesUnanswered(this ILogger log, long count);

    [LoggerMessage(89, LogLevel.Warning,
        "{count} messages to other nodes were refused, because too much waits for those; their senders are told")]
    public static partial void MessagesRefused(this ILogger log, long count);

    [LoggerMessage(90, LogLevel.Warning, "{count} messages that came over the backplane made no sense and were dropped")]
    public static partial void NonsenseDropped(this ILogger log, long count);

    [LoggerMessage(91, LogLevel.Warning, "NATS has told {count} errors, the last one is: {error}")]
    public static partial void NatsTold(this ILogger log, long count, string error);

    [LoggerMessage(92, LogLevel.Warning,
        "{count} messages did not go to other nodes: the backplane was away, or it was not known in time who is there; "
        + "their senders are told")]
    public static partial void MessagesUnknown(this ILogger log, long count);

    [LoggerMessage(93, LogLevel.Error, "the node of the cluster has failed {count} times, and goes on; the last time: {reason}")]
    public static partial void NodeFailed(this ILogger log, long count, string reason);

    [LoggerMessage(94, LogLevel.Warning,
        "whether a uid is taken could not be found out {count} times, and nobody was let in with it; the last time: {reason}")]
    public static partial void ClaimsUndecided(this ILogger log, long count, string reason);

    [LoggerMessage(95, LogLevel.Error,
        "another node of the cluster has the id {node} too, and goes on: this one has left the cluster and must end; give each node an id "
        + "of its own (node-id), and start it again")]
    public static partial void NodeTaken(this ILogger log, string node);

    [LoggerMessage(96, LogLevel.Error,
        "NATS takes messages of {bytes} bytes (max_payload), and a node needs {needed} at least: messages go to this node's own "
        + "connections alone until it takes longer ones")]
    public static partial void PayloadTooSmall(this ILogger log, int bytes, int needed);

    [LoggerMessage(97, LogLevel.Error,
        "node {node} speaks version {version} of what nodes say to each other, and this one speaks version {own}: neither hears the "
        + "other, and uids of the other are told as offline; bring all nodes of the cluster to one version, or give those of each "
        + "version a name of their own (cluster)")]
    public static partial void OtherVersion(this ILogger log, string node, byte version, byte own);

    [LoggerMessage(98, LogLevel.Warning,
        "{count} messages for everybody, or for uids that other nodes have too, did not go to nodes that say nothing: those were killed, "
        + "stand still or are cut off; the senders are not told")]
    public static partial void MessagesLeftOut(this ILogger log, long count);

    [LoggerMessage(99, LogLevel.Error,
        "{count} nodes have share for duplicate-uid where this one has replace or reject, or the other way round: {nodes}; so a uid can "
        + "have connections on those and on this one; give all nodes of the cluster the same")]
    public static partial void NodesClaimOtherwise(this ILogger log, int count, string nodes);
}
