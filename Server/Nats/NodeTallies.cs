// Which nodes are told apart in what is counted. Whoever may publish in NATS may name nodes, so there are so many: a new one takes the
// place of one that has gone and has nothing to show, and if there is none it is counted with the rest.

namespace RawWs.Server.Nats;

/// <summary>The tallies of all nodes. The node's own thread changes which there are; any thread reads.</summary>
internal sealed class NodeTallies
{
    /// <summary>So many nodes are told apart.</summary>
    public const int NodesMax = 100;

    /// <summary>The name of what is for everybody, and of no node.</summary>
    public const string Everybody = "*";

    /// <summary>The name of all nodes that are not told apart.</summary>
    public const string Rest = "+";

    private const int NamesKept = 2; // of those two

    private volatile NodeTally[] _all = [new(Everybody) { IsUsed = true }, new(Rest) { IsUsed = true }];

    public IReadOnlyList<NodeTally> All => _all;

    /// <summary>Messages to everybody, where it is no single node's doing: the backplane went away, or too many wait.</summary>
    public NodeTally OfEverybody => _all[0];

    /// <summary>The tally of a node that has come.</summary>
    public NodeTally Use(string node)
    {
        NodeTally[] all = _all;
        int at = Array.FindIndex(all, tally => tally.Name == node);
        if (at < 0 && all.Length == NodesMax + NamesKept) at = Array.FindIndex(all, static tally => !tally.IsUsed && tally.IsEmpty);
        else if (at < 0) (at, all) = (all.Length, [.. all, new NodeTally(node)]);
        if (at < 0) return all[1];
        if (all[at].Name != node) (all = [.. all])[at] = new NodeTally(node);
        all[at].IsUsed = true;
        _all = all;
        return all[at];
    }

    /// <summary>A node is forgotten.</summary>
    public static void Release(NodeTally tally) => tally.IsUsed = tally.Name is Everybody or Rest;
}
