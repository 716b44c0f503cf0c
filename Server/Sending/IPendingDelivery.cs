// Who sends more than can leave waits until it has left: what he waits for, and how he is told.

namespace RawWs.Server.Sending;

/// <summary>
/// Something that a connection has caused to be sent to others, and that is not all sent yet. Until it is, reading from that connection is
/// paused.
/// </summary>
internal interface IPendingDelivery
{
    /// <summary>
    /// How much remains to be sent. If that does not shrink from one check to the next, the sender waits no longer: a receiver that
    /// receives nothing must not hold it up.
    /// </summary>
    int Remaining { get; }

    /// <summary>Milliseconds from one check to the next.</summary>
    long CheckInterval { get; }

    /// <summary>
    /// Makes sure that the sender is told (<see cref="IHeldSender.OnDelivered"/>) when everything is sent. False when it is sent
    /// already: nobody need wait. Any thread.
    /// </summary>
    bool TryWait(IHeldSender sender);

    /// <summary>The sender waits no longer, and must not be told. Any thread.</summary>
    void Forget(IHeldSender sender);

    /// <summary>
    /// A sender has checked, and less does not remain. The receivers that caused this hold up no further sender. Any thread.
    /// </summary>
    void GiveUp();
}
