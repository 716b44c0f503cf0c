// What the admin port answers of connections, uids and the server.

using System.ComponentModel;
using RawWs.Server.Console.Cluster;

namespace RawWs.Server.Console.Admin;

/// <summary>A connection.</summary>
internal sealed record ConnectionAnswer
{
    [Description("Its number, as in the log.")]
    public required long Id { get; init; }

    [Description("The uid; empty for none.")]
    public required string Uid { get; init; }

    [Description("The peer's address.")]
    public required string Address { get; init; }

    [Description("The peer's port.")]
    public required int Port { get; init; }

    [Description("The path of its request, or the name that the application gave.")]
    public required string Endpoint { get; init; }

    [Description("The subprotocol, if one was agreed on.")]
    public string? Subprotocol { get; init; }

    [Description("The extensions, if any were agreed on.")]
    public string? Extensions { get; init; }

    [Description("The time since the accept.")]
    public required double AgeSeconds { get; init; }

    [Description("What waits for the peer and the kernel has not accepted.")]
    public required long QueuedBytes { get; init; }

    [Description("Its report so far. Only where one connection is asked for.")]
    public ReportAnswer? Report { get; init; }
}

/// <summary>What a connection has done so far.</summary>
internal sealed record ReportAnswer
{
    [Description("The time since bytes last came from the peer.")]
    public required double IdleSeconds { get; init; }

    [Description("The way to the peer and back, as the kernel estimates it.")]
    public double? RoundTripMilliseconds { get; init; }

    [Description("Messages received whole.")]
    public required long MessagesIn { get; init; }

    [Description("Messages accepted for sending.")]
    public required long MessagesOut { get; init; }

    [Description("Those of them that were dropped, because the peer takes less than it is sent (--slow-consumer).")]
    public required long MessagesDropped { get; init; }

    [Description("Those of them that wait for the peer.")]
    public required long MessagesQueued { get; init; }

    [Description("Frames received, by opcode.")]
    public required FramesAnswer FramesIn { get; init; }

    [Description("Frames accepted for sending, by opcode.")]
    public required FramesAnswer FramesOut { get; init; }

    [Description("Bytes received, with the handshake.")]
    public required long BytesIn { get; init; }

    [Description("Bytes that the kernel has accepted, with the handshake.")]
    public required long BytesOut { get; init; }
}

/// <summary>How many frames there were of each opcode.</summary>
internal sealed record FramesAnswer(long Text, long Binary, long Continuation, long Ping, long Pong, long Close)
{
    public static FramesAnswer Of(OpcodeCounts counts) =>
        new(counts.Text, counts.Binary, counts.Continuation, counts.Ping, counts.Pong, counts.Close);
}

/// <summary>Some of the connections that were asked for.</summary>
/// <param name="Total">How many there are in all.</param>
/// <param name="Connections">The next ones, in the order of their numbers.</param>
/// <param name="Next">What to give as after for the page that follows; nothing when this was the last.</param>
internal sealed record ConnectionPage(int Total, IReadOnlyList<ConnectionAnswer> Connections, long? Next);

/// <summary>A uid.</summary>
/// <param name="Uid">The uid.</param>
/// <param name="Online">Whether it has an open connection.</param>
/// <param name="Connections">How many it has on this server.</param>
/// <param name="Cluster">With a backplane, and where one uid is asked for: how many it has on each.</param>
internal sealed record UidAnswer(string Uid, bool Online, int Connections, NodesCounts? Cluster = null);

/// <summary>What the servers of a cluster have answered.</summary>
/// <param name="Nodes">Each that has answered.</param>
/// <param name="Silent">Those that are there and have not answered in time: nothing is known of theirs.</param>
internal sealed record NodesCounts(IReadOnlyList<NodeCount> Nodes, IReadOnlyList<string> Silent)
{
    public static NodesCounts Of(NodesAnswer answer) =>
        new([.. answer.Counts.Select(static node => new NodeCount(node.NodeId, node.Connections))], answer.Silent);
}

/// <summary>How many connections one server has.</summary>
/// <param name="Node">Its id (--node-id).</param>
/// <param name="Connections">How many.</param>
internal sealed record NodeCount(string Node, int Connections);

/// <summary>The cluster that this server is a node of.</summary>
internal sealed record ClusterAnswer
{
    [Description("The name of the cluster (--cluster).")]
    public required string Cluster { get; init; }

    [Description("The id of this node (--node-id).")]
    public required string Node { get; init; }

    [Description("Whether NATS is there.")]
    public required bool Connected { get; init; }

    [Description("Whether all nodes that are there have told which uids they have.")]
    public required bool Complete { get; init; }

    [Description("The nodes that are there, this one first.")]
    public required IReadOnlyList<ClusterNodeAnswer> Nodes { get; init; }
}

/// <summary>A node of the cluster.</summary>
/// <param name="Node">Its id.</param>
/// <param name="Self">Whether it is this one.</param>
/// <param name="Known">Whether it has told which uids it has.</param>
internal sealed record ClusterNodeAnswer(string Node, bool Self, bool Known);

/// <summary>Some of the uids.</summary>
/// <param name="Total">How many there are in all.</param>
/// <param name="Uids">The next ones, in the order of their characters.</param>
/// <param name="Next">What to give as after for the page that follows; nothing when this was the last.</param>
internal sealed record UidPage(int Total, IReadOnlyList<UidAnswer> Uids, string? Next);

/// <summary>A uid that is online in the cluster.</summary>
/// <param name="Uid">The uid.</param>
/// <param name="Node">A server that has it.</param>
internal sealed record ClusterUid(string Uid, string Node);

/// <summary>Some of the uids of the cluster.</summary>
/// <param name="Total">How many there are in all.</param>
/// <param name="Whole">Whether all servers have told theirs. If not, some may be missing.</param>
/// <param name="Uids">The next ones, in the order of their characters.</param>
/// <param name="Next">What to give as after for the page that follows; nothing when this was the last.</param>
internal sealed record ClusterUidPage(int Total, bool Whole, IReadOnlyList<ClusterUid> Uids, string? Next);

/// <summary>What was closed.</summary>
/// <param name="Closed">How many connections are being closed.</param>
/// <param name="Cluster">With a backplane, and where a uid was closed: how many of them each server has.</param>
internal sealed record ClosedAnswer(int Closed, NodesCounts? Cluster = null);

/// <summary>The server.</summary>
internal sealed record ServerAnswer
{
    [Description("The program's version.")]
    public required string Version { get; init; }

    [Description("The time since the start.")]
    public required double UptimeSeconds { get; init; }

    [Description("Whether newcomers are let in; why not, if not.")]
    public required string State { get; init; }

    [Description("The addresses on which clients are awaited.")]
    public required IReadOnlyList<string> Addresses { get; init; }

    [Description("Connections, with those in their handshake and those that are ending.")]
    public required int Connections { get; init; }

    [Description("How many are let in at once.")]
    public required int ConnectionsMax { get; init; }

    [Description("Open connections.")]
    public required int Open { get; init; }

    [Description("Uids that have a connection.")]
    public required int Uids { get; init; }

    [Description("Bytes that are held for connections: what waits, unfinished messages, contexts.")]
    public required long HeldBytes { get; init; }

    [Description("How many may be held.")]
    public required long HeldBytesMax { get; init; }

    [Description("Event loops.")]
    public required int Loops { get; init; }
}
