// What a node says of itself and of the others to whoever looks on: logs, metrics, the program's admin port. Any thread.

namespace RawWs.Server.Nats;

/// <summary>Another node that is here.</summary>
/// <param name="Id">Its id.</param>
/// <param name="IsKnown">Whether its uids are known.</param>
/// <param name="QueuedBytes">How many bytes wait to be sent to it.</param>
/// <param name="Unanswered">How many messages to it are unanswered.</param>
/// <param name="ClaimsOtherwise">Whether it claims uids and this node does not, or the other way round.</param>
internal readonly record struct PeerStatus(string Id, bool IsKnown, int QueuedBytes, int Unanswered, bool ClaimsOtherwise);

internal sealed partial class ClusterNode
{
    /// <summary>Is told how many milliseconds an answer took: one of each batch of answers. On the node's own thread.</summary>
    public Action<long> AnswerTook { get; set; } = static _ => { };

    /// <summary>This node's id.</summary>
    public string Id => _settings.Id;

    /// <summary>How many uids some node has, as far as is known here.</summary>
    public long UidCount => _table.Count;

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
            peers.Add(new PeerStatus(peer.Id, peer.IsCurrent, peer.Out.QueuedBytes, peer.Out.Unanswered, claimsOtherwise));
        }

        return peers;
    }
}
