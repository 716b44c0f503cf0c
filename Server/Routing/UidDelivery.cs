// Delivery is behind an interface, and its result may come later: one day the receiver may be connected to another node.

namespace RawWs.Server.Routing;

/// <summary>The result of a message to a uid.</summary>
public enum DeliveryResult : byte
{
    /// <summary>The message is queued for at least one connection, and for all that could receive it.</summary>
    Delivered,

    /// <summary>No connection has this uid.</summary>
    Offline,

    /// <summary>
    /// At least one connection of the uid does not get the message: it has not received what was sent to it before, or the server has no
    /// memory for it. The others get it.
    /// </summary>
    TooSlow,
}

/// <summary>Delivers a body to all connections of a uid.</summary>
public interface IUidDelivery
{
    /// <summary>
    /// Delivers. The caller owns <paramref name="uid"/> and <paramref name="body"/>; they stay valid until the result is there.
    /// </summary>
    ValueTask<DeliveryResult> Deliver(ReadOnlyMemory<byte> uid, WebSocketMessage body);
}

/// <summary>Delivery within this process.</summary>
/// <param name="registry">The registry of uids.</param>
/// <param name="connections">Gives the server; null as long as there is none.</param>
internal sealed class LocalDelivery(UidRegistry registry, Func<IConnectionSet?> connections) : IUidDelivery
{
    // From this size on, one shared copy for many receivers is worth an object of its own.
    private const int SharedBytesMin = 2048;

    public ValueTask<DeliveryResult> Deliver(ReadOnlyMemory<byte> uid, WebSocketMessage body)
    {
        WebSocketConnection[] receivers = registry.Find(uid.Span);
        using SharedMessage? shared = receivers.Length > 1 && body.Length >= SharedBytesMin
            ? connections()?.TryShare(body)
            : null;
        DeliveryResult result = DeliveryResult.Offline;
        foreach (WebSocketConnection receiver in receivers)
        {
            SendResult sent = shared is null ? receiver.TrySend(body) : receiver.TrySend(shared);
            if (sent == SendResult.Queued && result == DeliveryResult.Offline) result = DeliveryResult.Delivered;
            if (sent == SendResult.Full) receiver.CloseIfTooSlow();
            if (sent is SendResult.Full or SendResult.OutOfMemory) result = DeliveryResult.TooSlow;
        }

        return new ValueTask<DeliveryResult>(result);
    }
}
