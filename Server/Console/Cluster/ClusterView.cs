// What the admin port shows of a cluster. These types are the program's own: nothing of NATS is loaded for them.

namespace RawWs.Server.Console.Cluster;

/// <summary>A node.</summary>
/// <param name="Id">Its id.</param>
/// <param name="IsSelf">Whether it is this one.</param>
/// <param name="IsKnown">Whether it has told which uids it has.</param>
internal sealed record NodeView(string Id, bool IsSelf, bool IsKnown);

/// <summary>The cluster, as this node sees it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="NodeId">This node.</param>
/// <param name="IsConnected">Whether NATS is there.</param>
/// <param name="IsComplete">Whether all nodes that are there have told which uids they have.</param>
/// <param name="Nodes">The nodes that are there.</param>
internal sealed record ClusterView(string Name, string NodeId, bool IsConnected, bool IsComplete, IReadOnlyList<NodeView> Nodes);

/// <summary>What the nodes have answered.</summary>
/// <param name="Counts">Each node, and how many connections it was about.</param>
/// <param name="Silent">Nodes that are there and have not answered in time.</param>
internal sealed record NodesAnswer(IReadOnlyList<(string NodeId, int Connections)> Counts, IReadOnlyList<string> Silent);
