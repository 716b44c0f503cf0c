// The server stops reading from a connection that has caused more to be sent to others than can leave, until that is sent. What it waits
// for tells it (IPendingDelivery). But a receiver that receives nothing must not hold up a sender. So the sender also checks from time to
// time whether less remains, and waits no longer if not.

using RawWs.Server.Channels;
using RawWs.Server.Connections;
using RawWs.Server.Sending;

namespace RawWs.Server;

public sealed partial class WebSocketConnection
{
    void IHeldSender.OnDelivered() => Post(Posted.Delivered);

    // What the handler sends after an await then counts for this connection.
    private HandlerShare BeginHandlerShare()
    {
        if (_loop.HandlerShare is null)
        {
            _loop.RestoreContext(); // which the share keeps
            _loop.HandlerShare = new HandlerShare();
        }

        _loop.HandlerShare.Begin(this);
        return _loop.HandlerShare;
    }

    // The handler continued after an await, and is done now. The connection waits for what it has sent to many and is not all sent yet. For
    // messages to everybody it waits if there is much of them, or if the peer has sent more while receivers are behind.
    private void EndHandlerShare(HandlerShare share)
    {
        IPendingDelivery? delivery = share.End(out int broadcasts);
        if (delivery is null && broadcasts > 0)
        {
            delivery = _context.FindPendingDelivery(isMany: broadcasts > TurnShare.FreeBroadcasts || _transport.HasUnexamined);
            if (delivery?.TryWait(this) == false) delivery = null;
        }

        if (delivery is null) return;
        if (_phase != Phase.Open || _transport.Broken) delivery.Forget(this);
        else PauseForDelivery(_assembler ??= RentAssembler(), delivery);
    }

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
