// What a node needs of the backplane, and of its own server.

namespace RawWs.Server.Nats;

/// <summary>
/// Carries a node's messages, at most once each, in the order in which they are published. Used on the node's own thread.
/// </summary>
internal interface IWire
{
    /// <summary>Whether it takes nothing at present: what is published now is dropped.</summary>
    bool IsBusy => false;

    /// <summary>The longest message that it takes at present.</summary>
    int PayloadBytesMax => int.MaxValue;

    /// <summary>To every other node.</summary>
    /// <param name="message">Is copied.</param>
    void PublishToAll(ReadOnlySpan<byte> message);

    /// <summary>To one node.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="message">Is copied.</param>
    void PublishTo(string id, ReadOnlySpan<byte> message);
}

/// <summary>Delivers to the connections of this node.</summary>
internal interface ILocalDelivery
{
    /// <summary>To all connections of a uid. What it is given is lent for this call.</summary>
    DeliveryResult Send(ReadOnlySpan<byte> uid, in WebSocketMessage message);

    /// <summary>To all connections.</summary>
    DeliveryResult SendToEverybody(in WebSocketMessage message);

    /// <summary>Asks the connections of a uid whether they live.</summary>
    void Probe(ReadOnlySpan<byte> uid);
}
