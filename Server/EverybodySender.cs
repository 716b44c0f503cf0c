// Sends one message to every open connection of a server: a small one through the log of each loop (BroadcastLog), any other to one
// connection after the other. A connection whose handler sends more than can leave is held.

using System.Runtime.InteropServices;
using RawWs.Frame;
using RawWs.Server.Connections;
using RawWs.Server.Extensions;
using RawWs.Server.Loops;
using RawWs.Server.Memory;
using RawWs.Server.Sending;

namespace RawWs.Server;

/// <param name="loops">The server's loops.</param>
/// <param name="budget">Is charged for what is encoded.</param>
/// <param name="extensions">The extensions that may be agreed on; null when there are none.</param>
internal sealed class EverybodySender(ConnectionLoop[] loops, MemoryBudget budget, ExtensionSet? extensions)
{
    /// <summary>Sends a message that was encoded before.</summary>
    /// <returns>False when not everybody gets it.</returns>
    public bool Send(SharedMessage message, Action<WebSocketConnection>? refused)
    {
        message.Acquire();
        bool all = true;
        bool fitsLog = FitsLog(message.PayloadBytes);
        foreach (ConnectionLoop loop in loops)
            all &= fitsLog && loop.Broadcasts.TryAppend(message.Plain.Span, refused, out bool toAll)
                ? toAll
                : SendToEach(loop, message, refused);
        HoldSender();
        message.Release();
        return all;
    }

    /// <summary>Sends a message that has been checked. It is encoded here, once; nothing is allocated.</summary>
    /// <returns>False when not everybody gets it.</returns>
    public bool TrySend(MessageKind kind, ReadOnlySpan<byte> payload, Action<WebSocketConnection>? refused)
    {
        Span<byte> frame = stackalloc byte[FitsLog(payload.Length) ? BroadcastLog.FrameBytesMax : 0];
        int length = frame.IsEmpty ? 0 : FrameWriter.Write(frame, (Opcode)kind, payload);
        SharedMessage? message = null;
        bool all = true;
        foreach (ConnectionLoop loop in loops)
        {
            if (length > 0 && loop.Broadcasts.TryAppend(frame[..length], refused, out bool toAll))
            {
                all &= toAll;
                continue;
            }

            message ??= SharedMessage.TryRent(budget, kind, payload);
            all &= message is not null && SendToEach(loop, message, refused);
        }

        message?.Dispose();
        HoldSender();
        return all;
    }

    // A connection that sends more to everybody than can leave waits until it is sent. One message goes through in any case.
    private void HoldSender()
    {
        if (SendingLoop.Current is not { } sending)
        {
            HandlerShare.Current?.CountBroadcast(); // checked when the handler is done
            return;
        }

        if (++sending.Share.Broadcasts == 1 || sending.Share.PendingDelivery is not null) return;
        sending.Share.PendingDelivery = FindPending(sending.Share.Broadcasts > TurnShare.FreeBroadcasts);
    }

    /// <summary>What is not sent yet of the messages to everybody, if that is much. Null if it is not.</summary>
    /// <param name="isMany">Whether it also matters that receivers are behind.</param>
    public IPendingDelivery? FindPending(bool isMany)
    {
        foreach (ConnectionLoop loop in loops)
            if (loop.Broadcasts.IsLong || (isMany && loop.Congestion.IsAnyBehind)) return loop.Broadcasts;
        return null;
    }

    // A message that an extension may encode for some connections is not the same bytes for all.
    private bool FitsLog(int payloadBytes) =>
        payloadBytes <= BroadcastLog.FrameBytesMax - FrameWriter.HeaderBytesMax && extensions?.Encodes(payloadBytes) != true;

    private static bool SendToEach(ConnectionLoop loop, SharedMessage message, Action<WebSocketConnection>? refused)
    {
        bool all = true;
        ReadOnlySpan<ILoopMember?> snapshot = loop.Members.Snapshot;
        for (int i = 0; i < snapshot.Length; i++)
        {
            ILoopMember? member = Volatile.Read(ref MemoryMarshal.GetReference(snapshot[i..]));
            if (member is not WebSocketConnection { GetsBroadcasts: true } connection) continue;
            SendResult sent = connection.TrySendHeld(message);
            if (sent == SendResult.Full && refused is not null) Tell(refused, connection);
            all &= sent is SendResult.Queued or SendResult.Closed;
        }

        return all;
    }

    private static void Tell(Action<WebSocketConnection> refused, WebSocketConnection connection)
    {
        try
        {
            refused(connection);
        }
        catch (Exception exception)
        {
            connection.OnCallbackThrew(exception);
        }
    }
}
