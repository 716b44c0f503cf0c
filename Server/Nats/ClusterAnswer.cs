// What is told of a cluster: its nodes, and what they answer.

namespace RawWs.Server.Nats;

/// <summary>A node of the cluster that is here.</summary>
/// <param name="NodeId">Its id.</param>
/// <param name="IsKnown">Whether the uids that it has are known to this node.</param>
public sealed record ClusterMember(string NodeId, bool IsKnown);

/// <summary>A node, and how many of its connections an answer is about.</summary>
/// <param name="NodeId">Its id.</param>
/// <param name="Connections">How many.</param>
public sealed record NodeConnections(string NodeId, int Connections);

/// <summary>What the nodes have answered.</summary>
/// <param name="Nodes">Those that have answered; the node that has asked is the first.</param>
/// <param name="Silent">The ids of those that are here, and have not answered in time.</param>
public sealed record ClusterAnswer(IReadOnlyList<NodeConnections> Nodes, IReadOnlyList<string> Silent)
{
    /// <summary>The sum of all connections that were told.</summary>
    public int Connections => Nodes.Sum(static node => node.Connections);
}
