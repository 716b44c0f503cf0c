// Who waits for a delivery (IPendingDelivery).

namespace RawWs.Server.Sending;

/// <summary>A connection that is not read from until something that it caused has been sent.</summary>
internal interface IHeldSender
{
    /// <summary>It has been sent. Any thread.</summary>
    void OnDelivered();
}
