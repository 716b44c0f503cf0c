// What a node says of itself and of the others to whoever looks on: logs, metrics, the program's admin port. Any thread.

using RawWs.Frame;

namespace RawWs.Server.Nats;

/// <summary>Another node that is here.</summary>
/// <param name="Id">Its id.</param>
/// <param name="IsKnown">Whether its uids are known.</param>
/// <param name="QueuedBytes">How many bytes wait to be sent to it.</param>
/// <param name="Unanswered">How many messages to it are unanswered.</param>
internal readonly record struct PeerStatus(string Id, bool IsKnown, int QueuedBytes, int Unanswered);

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
        foreach (Peer? peer in _numbered)
            if (peer is { IsHere: true }) peers.Add(new PeerStatus(peer.Id, peer.IsCurrent, peer.Out.QueuedBytes, peer.Out.Unanswered));
        return peers;
    }

    /// <summary>Sends a message to the connections that a uid has on other nodes, and not to this node's own.</summary>
    public ValueTask<DeliveryResult> SendElsewhere(ReadOnlySpan<byte> uid, in WebSocketMessage message, long now)
    {
        NodeSet nodes = _table.Find(UidHash.Of(uid));
        Peer?[] numbered = _numbered;
        PendingPublish? publish = null;
        bool wake = false;
        for (int i = 0; i < nodes.Count; i++)
        {
            if (nodes[i] == Self || nodes[i] >= numbered.Length || numbered[nodes[i]] is not { IsHere: true } peer) continue;
            publish ??= PendingPublish.Rent();
            DeliveryResult sent = Forward(peer.Out, uid, message, publish, now, ref wake);
            if (sent != DeliveryResult.Delivered) publish.Complete(sent, 0);
        }

        if (publish is null) return new(_isConnected ? DeliveryResult.Offline : DeliveryResult.Unreachable);
        return Finish(publish, wake);
    }

    /// <summary>Sends a message to all connections of the other nodes, and not to this node's own.</summary>
    public ValueTask<DeliveryResult> SendToEverybodyElsewhere(in WebSocketMessage message, long now)
    {
        if (!_isConnected) return new(DeliveryResult.Unreachable);
        PendingPublish publish = PendingPublish.Rent();
        bool wake = false;
        DeliveryResult sent = Forward(_everybody, default, message, publish, now, ref wake);
        if (sent != DeliveryResult.Delivered) publish.Complete(sent, 0);
        return Finish(publish, wake);
    }

    private ValueTask<DeliveryResult> Finish(PendingPublish publish, bool wake)
    {
        if (wake) Wake();
        ValueTask<DeliveryResult> task = publish.Task;
        publish.Complete(DeliveryResult.Offline); // the caller's own part
        return task;
    }
}
