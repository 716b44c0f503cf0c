// Delivery is behind an interface, and its result may come later: one day the receiver may be connected to another node. The directory is
// the delivery within this process.

namespace RawWs.Server;

/// <summary>The result of a message that was published.</summary>
public enum DeliveryResult : byte
{
    /// <summary>
    /// The message is queued for every receiver that could take it: at least one, if it was for a connection or a uid.
    /// </summary>
    Delivered,

    /// <summary>Nobody is there: the connection is not open, or no connection has this uid.</summary>
    Offline,

    /// <summary>
    /// At least one receiver does not get the message: it has not received what was sent to it before, or the server has no memory for it.
    /// The others get it.
    /// </summary>
    TooSlow,

    /// <summary>
    /// It is not known whether all receivers get the message: other nodes may have some, and cannot be reached, or have not answered in
    /// time.
    /// </summary>
    Unreachable,
}

/// <summary>Delivers messages. Every member may be used from any thread.</summary>
public interface IDelivery
{
    /// <summary>
    /// Delivers a message to all whom the target names. The memory of both is the caller's, and must stay valid until the result is there.
    /// The two values themselves are only lent for this call: who awaits copies them first.
    /// </summary>
    ValueTask<DeliveryResult> Publish(in MessageTarget target, in WebSocketMessage message);
}
