// The server stops reading from a connection that has caused more to be sent to others than can leave, until that is sent. What it waits
// for tells it (IPendingDelivery). But a receiver that receives nothing must not hold up a sender. So the sender also checks from time to
// time whether less remains, and waits no longer if not.

using RawWs.Server.Channels;
using RawWs.Server.Sending;

namespace RawWs.Server.Connections;

/// <summary>On the owner's thread. Nothing is kept here: a connection that waits has an assembler, which has it.</summary>
internal static class DeliveryPause
{
    /// <summary>Nothing is read until this is delivered.</summary>
    public static void Begin(WebSocketConnection connection, MessageAssembler assembler, IPendingDelivery delivery)
    {
        assembler.PendingDelivery = delivery;
        assembler.LastRemaining = int.MaxValue;
        connection.Transport.PauseReading(ReadPauseReasons.Deliveries);
        assembler.NextCheck = connection.Loop.Now + delivery.CheckInterval;
        connection.Deadlines.Arm(connection, assembler.NextCheck);
    }

    /// <summary>It is time to check whether less remains than before.</summary>
    public static void Check(WebSocketConnection connection)
    {
        if (connection.Incoming.WaitingForDelivery is not { PendingDelivery: { } delivery } assembler) return;
        int remaining = delivery.Remaining;
        if (remaining >= assembler.LastRemaining)
        {
            delivery.GiveUp();
            End(connection);
            return;
        }

        assembler.LastRemaining = remaining;
        assembler.NextCheck = connection.Loop.Now + delivery.CheckInterval;
        connection.Deadlines.Arm(connection, assembler.NextCheck);
    }

    /// <summary>It waits no longer, if it does.</summary>
    public static void End(WebSocketConnection connection)
    {
        if (connection.Incoming.WaitingForDelivery is not { PendingDelivery: { } delivery } assembler) return;
        delivery.Forget(connection);
        (assembler.PendingDelivery, assembler.NextCheck) = (null, long.MaxValue);
        connection.Deadlines.ResumeTime(connection);
        connection.Transport.ResumeReading(ReadPauseReasons.Deliveries);
        connection.Incoming.ReturnIdleAssembler(connection);
    }
}
