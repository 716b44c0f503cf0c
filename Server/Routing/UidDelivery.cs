// Delivery stands behind an interface, and its result may come later: one day the receiver may be connected to another node.

using RawWs.Frame;

namespace RawWs.Server.Routing;

/// <summary>What became of a message to a uid.</summary>
public enum DeliveryResult : byte
{
    /// <summary>It is queued for at least one connection, and for all that take it.</summary>
    Delivered,

    /// <summary>Nobody has this uid.</summary>
    Offline,

    /// <summary>
    /// At least one connection of the uid does not have it: it is too slow, and is closed, or the server has no memory to keep it. The others have it.
    /// </summary>
    TooSlow,
}

/// <summary>Brings a body to all connections of a uid.</summary>
public interface IUidDelivery
{
    /// <summary>Delivers. <paramref name="uid"/> and <paramref name="body"/> are valid until the result is there.</summary>
    ValueTask<DeliveryResult> Deliver(ReadOnlyMemory<byte> uid, MessageKind kind, ReadOnlyMemory<byte> body);
}

/// <summary>Delivery within this process.</summary>
internal sealed class LocalDelivery(UidRegistry registry) : IUidDelivery
{
    public ValueTask<DeliveryResult> Deliver(ReadOnlyMemory<byte> uid, MessageKind kind, ReadOnlyMemory<byte> body)
    {
        WebSocketConnection[] receivers = registry.Find(uid.Span);
        DeliveryResult result = DeliveryResult.Offline;
        foreach (WebSocketConnection receiver in receivers)
        {
            SendResult sent = receiver.TrySend(kind, body.Span);
            if (sent == SendResult.Queued && result == DeliveryResult.Offline) result = DeliveryResult.Delivered;
            if (sent == SendResult.Full) receiver.CloseTooSlow();
            if (sent is SendResult.Full or SendResult.OutOfMemory) result = DeliveryResult.TooSlow;
        }

        return new ValueTask<DeliveryResult>(result);
    }
}
