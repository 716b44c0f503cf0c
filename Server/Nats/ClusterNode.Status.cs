// What a node says of itself and of the others to whoever looks on: logs, metrics, the program's admin port. Any thread.

namespace RawWs.Server.Nats;

/// <summary>Another node that is here.</summary>
/// <param name="Id">Its id.</param>
/// <param name="IsKnown">Whether its uids are known.</param>
/// <param name="Uids">How many uids it has, as far as is known here.</param>
/// <param name="QueuedBytes">How many bytes wait to be sent to it.</param>
/// <param name="Unanswered">How many messages to it are unanswered.</param>
/// <param name="ClaimsOtherwise">Whether it claims uids and this node does not, or the other way round.</param>
internal readonly record struct PeerStatus(string Id, bool IsKnown, long Uids, int QueuedBytes, int Unanswered, bool ClaimsOtherwise);

internal sealed partial class ClusterNode
{
    /// <summary>
    /// Is told which node has answered, by the name under which it is counted, and after how many milliseconds: one of each batch of
    /// answers. On the node's own thread.
    /// </summary>
    public Action<string, long> AnswerTook { get; set; } = static (_, _) => { };

    /// <summary>This node's id.</summary>
    public string Id => _settings.Id;

    /// <summary>How many uids some node has, as far as is known here.</summary>
    public long UidCount => _table.Count;

    /// <summary>How many of them this node has.</summary>
    public long OwnUidCount => _table.CountOf(Self);

    /// <summary>What waits to be sent to everybody, and how many messages to everybody are unanswered.</summary>
    public (int QueuedBytes, int Unanswered) Everybody => (_everybody.QueuedBytes, _everybody.Unanswered);

    /// <summary>The other nodes that are here.</summary>
    public IReadOnlyList<PeerStatus> GetPeers()
    {
        List<PeerStatus> peers = [];
        foreach (PeerNode? peer in _numbered)
        {
            if (peer is not { IsHere: true }) continue;
            bool claimsOtherwise = peer.ClaimsUids is { } claims && claims != _settings.ClaimsUids;
            long uids = _table.CountOf(peer.Number);
            peers.Add(new PeerStatus(peer.Id, peer.IsCurrent, uids, peer.Out.QueuedBytes, peer.Out.Unanswered, claimsOtherwise));
        }

        return peers;
    }
}
