// Messages on their way to the application, and what the connection waits for meanwhile. A message that came in one piece lies in the read
// buffer. It must stay there while its handler runs, but the buffer goes to the next connection as soon as the read has been handled. So an
// application whose handlers await needs a copy of each message. Whether they do is learned from the first handler that awaits; that one
// time the handler keeps the whole buffer.

using System.Runtime.CompilerServices;
using RawWs.Frame;
using RawWs.Server.Channels;
using RawWs.Server.Sending;

namespace RawWs.Server.Connections;

/// <summary>A part of a connection: the handler that has gone on after an await, if there is one. On the owner's thread.</summary>
internal struct Handling
{
    /// <summary>What must end before the next read: a handler that awaits, or the application's decision. Null for nothing.</summary>
    public Task? Pending { get; private set; }

    /// <summary>Whether something must end before the next read.</summary>
    public readonly bool IsPending => Pending is not null;

    /// <summary>The next read waits for this.</summary>
    public void WaitFor(Task task) => Pending = task;

    /// <summary>It has ended.</summary>
    public void OnDone(WebSocketConnection connection)
    {
        Pending = null;
        connection.Incoming.ReturnIdleAssembler(connection);
    }

    /// <summary>A message has come that lies in this array.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Deliver(WebSocketConnection connection, MessageKind kind, byte[] array, int offset, int length)
    {
        connection.CountReceived(kind);
        if (!connection.Life.IsOpen) return; // §1.4: after our Close, data is not delivered
        WebSocketMessage message = WebSocketMessage.Received(kind, array, offset, length);
        if (connection.Context.LooksAtMessages) DeliverChecked(connection, message);
        else DeliverInPlace(connection, message);
    }

    /// <summary>The assembled message is whole.</summary>
    public void DeliverAssembled(WebSocketConnection connection, MessageAssembler assembler, MessageKind kind)
    {
        bool isRefused = connection.Limits is { } limits && !limits.TryTakeMessage(connection);
        if (isRefused || Call(connection, WebSocketMessage.Received(kind, assembler.Message), copy: null))
            assembler.Release(connection.Loop.Budget);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void DeliverChecked(WebSocketConnection connection, WebSocketMessage message)
    {
        if (connection.Limits is { } limits && !limits.TryTakeMessage(connection)) return;
        if (connection.Context.HandlersAwait && message.Length > 0) DeliverCopy(connection, message);
        else DeliverInPlace(connection, message);
    }

    // Another loop may have set HandlersAwait while this handler ran. This message still lies in our buffer.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void DeliverInPlace(WebSocketConnection connection, WebSocketMessage message)
    {
        if (!Call(connection, message, copy: null) && message.Length > 0) connection.Transport.KeepView();
    }

    private void DeliverCopy(WebSocketConnection connection, WebSocketMessage message)
    {
        byte[]? copy = connection.Loop.Budget.TryRent(message.Length);
        if (copy is null)
        {
            connection.Life.Close(connection, Endings.OutOfMemory);
            return;
        }

        message.Span.CopyTo(copy);
        if (Call(connection, WebSocketMessage.Received(message.Kind, copy, 0, message.Length), copy)) connection.Loop.Budget.Return(copy);
    }

    // False when the handler goes on after an await: then the message is its own, and the next read waits for it.
    private bool Call(WebSocketConnection connection, WebSocketMessage message, byte[]? copy)
    {
        HandlerShare? share = connection.Context.HandlersAwait ? BeginShare(connection) : null;
        try
        {
            ValueTask task = connection.Application.OnMessage(connection, message);
            if (!task.IsCompleted)
            {
                Pending = Suspend(connection, task, copy, share);
                return false;
            }

            task.GetAwaiter().GetResult();
        }
        catch (Exception exception)
        {
            connection.Life.FailHandler(connection, exception);
        }

        share?.Rest();
        return true;
    }

    // Apart, for the room on the stack that it takes is cleared at each call.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Task Suspend(WebSocketConnection connection, ValueTask task, byte[]? copy, HandlerShare? share)
    {
        connection.Context.HandlersAwait = true;
        connection.Transport.PauseReading(ReadPauseReasons.Handler);
        if (share is not null) connection.Loop.HandlerShare = null; // it is this handler's to its end
        return FinishAsync(connection, task, copy, share);
    }

    private static async Task FinishAsync(WebSocketConnection connection, ValueTask task, byte[]? copy, HandlerShare? share)
    {
        Exception? thrown = null;
        try
        {
            await task.ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            thrown = exception;
        }

        await new LoopSwitch(connection.Loop);
        if (copy is not null) connection.Loop.Budget.Return(copy);
        connection.Incoming.ReleaseMessage(connection);
        if (thrown is not null) connection.Life.FailHandler(connection, thrown);
        if (share is not null) EndShare(connection, share);
        connection.Deadlines.RestartSilence(connection);
        connection.Transport.ResumeReading(ReadPauseReasons.Handler);
    }

    // What the handler sends after an await then counts for this connection.
    private static HandlerShare BeginShare(WebSocketConnection connection)
    {
        ConnectionLoop loop = connection.Loop;
        if (loop.HandlerShare is null)
        {
            loop.RestoreContext(); // which the share keeps
            loop.HandlerShare = new HandlerShare();
        }

        loop.HandlerShare.Begin(connection);
        return loop.HandlerShare;
    }

    // The handler continued after an await, and is done now. The connection waits for what it has sent to many and is not all sent yet. For
    // messages to everybody it waits if there is much of them, or if the peer has sent more while receivers are behind.
    private static void EndShare(WebSocketConnection connection, HandlerShare share)
    {
        IPendingDelivery? delivery = share.End(out int broadcasts);
        if (delivery is null && broadcasts > 0)
        {
            bool isMany = broadcasts > TurnShare.FreeBroadcasts || connection.Transport.HasUnexamined;
            delivery = connection.Context.FindPendingDelivery(isMany);
            if (delivery?.TryWait(connection) == false) delivery = null;
        }

        if (delivery is null) return;
        if (!connection.Life.IsOpen || connection.Transport.Broken) delivery.Forget(connection);
        else DeliveryPause.Begin(connection, connection.Incoming.GetAssembler(connection), delivery);
    }
}
