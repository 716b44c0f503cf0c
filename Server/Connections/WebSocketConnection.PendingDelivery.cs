// The server stops reading from a connection that has caused more to be sent to others than can leave, until that is sent. What it waits
// for tells it (IPendingDelivery). But a receiver that receives nothing must not hold up a sender. So the sender also checks from time to
// time whether less remains, and waits no longer if not.

using RawWs.Server.Loops;
using RawWs.Server.Transports;

namespace RawWs.Server;

public sealed partial class WebSocketConnection
{
    /// <summary>What it waits for has been sent. Any thread.</summary>
    internal void OnDelivered() => Post(Posted.Delivered);

    private void PauseForDelivery(MessageAssembler assembler, IPendingDelivery delivery)
    {
        assembler.PendingDelivery = delivery;
        assembler.LastRemaining = int.MaxValue;
        _transport.PauseReading(ReadPauseReasons.Deliveries);
        assembler.NextCheck = _loop.Now + delivery.CheckInterval;
        ArmBy(assembler.NextCheck);
    }

    private void CheckDelivery()
    {
        if (_assembler is not { PendingDelivery: { } delivery } assembler) return;
        int remaining = delivery.Remaining;
        if (remaining >= assembler.LastRemaining)
        {
            delivery.GiveUp();
            ResumeAfterDelivery();
            return;
        }

        assembler.LastRemaining = remaining;
        assembler.NextCheck = _loop.Now + delivery.CheckInterval;
        ArmBy(assembler.NextCheck);
    }

    private void ResumeAfterDelivery()
    {
        if (_assembler?.PendingDelivery is not { } delivery) return;
        delivery.Forget(this);
        (_assembler.PendingDelivery, _assembler.NextCheck) = (null, long.MaxValue);
        ResumeTime();
        _transport.ResumeReading(ReadPauseReasons.Deliveries);
        ReturnIdleAssembler();
    }
}
