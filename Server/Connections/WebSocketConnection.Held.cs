// Who sends more to others than can leave is not read from until it has left. What it waits for tells it (IUnderWay); and so that a
// receiver that takes nothing does not hold up a sender, the sender looks by itself every now and then whether it still becomes less.

using RawWs.Server.Loops;
using RawWs.Server.Transports;

namespace RawWs.Server;

public sealed partial class WebSocketConnection
{
    /// <summary>What it waits for has left. Any thread.</summary>
    internal void OnLeft() => Post(Posted.Left);

    private void Hold(Inbox inbox, IUnderWay awaited)
    {
        inbox.Awaited = awaited;
        inbox.AwaitedLeft = int.MaxValue;
        _transport.CloseGate(GateReasons.Deliveries);
        inbox.LookTime = _loop.Now + awaited.LookInterval;
        ArmBy(inbox.LookTime);
    }

    private void LookWhatIsLeft()
    {
        if (_inbox is not { Awaited: { } awaited } inbox) return;
        int left = awaited.Left;
        if (left >= inbox.AwaitedLeft)
        {
            awaited.GiveUp();
            Release();
            return;
        }

        inbox.AwaitedLeft = left;
        inbox.LookTime = _loop.Now + awaited.LookInterval;
        ArmBy(inbox.LookTime);
    }

    private void Release()
    {
        if (_inbox?.Awaited is not { } awaited) return;
        awaited.Forget(this);
        (_inbox.Awaited, _inbox.LookTime) = (null, long.MaxValue);
        ResumeTime();
        _transport.OpenGate(GateReasons.Deliveries);
        RestInbox();
    }
}
