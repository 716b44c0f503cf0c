// From the application to the transport. There are two ways. While the loop handles this connection's bytes, its handler's answers go into
// the loop's cork. The cork is sent when those bytes are handled; a small one joins the batch, and leaves when the turn's events are
// handled. Everything else, from any thread, goes into the send queue (OutgoingQueue), which is flushed at the end of the owner's turn. The
// cork is older than anything in the queue and goes first. Once something is queued, everything that follows is queued behind it.
//
// Every byte of the connection is given to its transport here: in Write, or in TryAddToBatch. What the kernel does not send waits until the
// socket is writable. Meanwhile there is a deadline, and past 64 KiB reading from the peer is paused.

using System.Runtime.CompilerServices;
using RawWs.Frame;
using RawWs.Server.Channels;
using RawWs.Server.Extensions;
using RawWs.Server.Native;
using RawWs.Server.Sending;

namespace RawWs.Server.Connections;

/// <summary>A part of a connection. On the owner's thread, but for the three TrySend: those are for any thread.</summary>
internal struct Outgoing
{
    private const long TooSlowMilliseconds = 5000;

    private bool _isStalled; // the kernel has sent less than it was given

    /// <summary>Whether the kernel is full.</summary>
    public readonly bool IsStalled => _isStalled;

    /// <summary>Sends what has been checked: text is UTF-8. Any thread.</summary>
    public SendResult TrySend(WebSocketConnection connection, MessageKind kind, ReadOnlySpan<byte> payload)
    {
        if (connection.Extension is { } extension && extension.Encodes(payload.Length))
            return TrySendEncoded(connection, extension, kind, payload);
        return MaySendNow(connection) && TrySendSmall(connection, (Opcode)kind, payload)
            ? SendResult.Queued
            : TrySendPlain(connection, kind, payload);
    }

    /// <summary>Sends a message to which the caller holds a reference for as long as this call takes. Any thread.</summary>
    public SendResult TrySend(WebSocketConnection connection, SharedMessage message)
    {
        SharedFrame frame = message.Plain;
        bool inOrder = false;
        if (connection.Extension is { } extension && extension.Encodes(message.PayloadBytes))
        {
            frame = message.Encoded(extension.ForMany);
            inOrder = extension.EncodesInOrder;
        }

        if (!inOrder && MaySendNow(connection) && connection.Loop.Cork.TryAppend(frame.Span, isMessage: true)) return SendResult.Queued;
        SendResult result = connection.Queue.TryAppend(connection, frame, inOrder && frame != message.Plain);
        if (result != SendResult.OutOfMemory || inOrder || !TrySendWhatIsBefore(connection)) return result;
        return connection.Loop.Cork.TryAppend(frame.Span, isMessage: true) ? SendResult.Queued : result;
    }

    /// <summary>Sends a control frame, whatever the bound.</summary>
    public readonly void SendControl(WebSocketConnection connection, ReadOnlySpan<byte> frame, SendQueue.EntryKind kind)
    {
        connection.Counts.CountControlOut((Opcode)(frame[0] & 0x0F));
        Cork cork = connection.Loop.Cork;
        if (cork.Owner == connection && !_isStalled && connection.Queue.LetsControlPass(connection.Loop.Broadcasts.End)
            && cork.TryAppend(frame, isMessage: false)) return;
        connection.Queue.Append(connection, frame, kind);
    }

    /// <summary>The connection's bytes are about to be handled: from now on answers to them go into the cork.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void BeginCork(WebSocketConnection connection)
    {
        connection.Transport.SendBatched(); // of another turn's work, just before this read
        connection.Loop.Cork.Begin(connection, connection.Loop.IsBatchEmpty);
    }

    /// <summary>The connection's bytes are handled. A small cork joins the loop's batch, and is sent with the other connections'.</summary>
    public void EndCork(WebSocketConnection connection)
    {
        Cork cork = connection.Loop.Cork;
        if (cork.Bytes == 0) return;
        if (!cork.Segments.IsEmpty || !TryAddToBatch(connection, cork.Frames, cork.Messages)) FlushCork(connection);
        else if (!cork.MoveToBatch()) connection.Transport.SendBatched();
    }

    /// <summary>Sends what is corked and queued.</summary>
    public void Flush(WebSocketConnection connection)
    {
        connection.Transport.SendBatched();
        if (_isStalled || connection.Life.HasEnded || !FlushCork(connection)) return;
        while (connection.Queue.TryPeek(connection, out ReadOnlySpan<byte> run, out bool more))
        {
            int sent = Write(connection, run, default, default, more);
            if (sent < 0) return;
            if (connection.Loop.WatchesFrames) connection.Loop.Watch.Sent(connection, connection.BytesSent - sent, run[..sent]);
            bool empty = connection.Queue.OnSent(connection, sent);
            if (sent < run.Length || connection.Transport.IsSending)
            {
                Stall(connection);
                return;
            }

            if (empty) break;
        }

        connection.Life.OnFlushed(connection);
        Incoming.OnFlushed(connection);
    }

    /// <summary>The kernel has room again.</summary>
    public void OnWritable(WebSocketConnection connection)
    {
        _isStalled = false;
        Flush(connection);
    }

    /// <summary>The connection is dead: nothing waits for the kernel any more.</summary>
    public void OnBroken() => _isStalled = false;

    /// <summary>The kernel has sent so many bytes of what had joined the batch; -1 when the connection is dead.</summary>
    public void OnBatchSent(WebSocketConnection connection, ReadOnlySpan<byte> frames, int sent)
    {
        if (connection.Loop.WatchesFrames)
            connection.Loop.Watch.Sent(connection, connection.BytesSent - frames.Length, frames, default, default, Math.Max(sent, 0));
        connection.Counts.CountBytesOut(Math.Max(sent, 0) - frames.Length);
        if (sent < 0)
        {
            MessageCount lost = SendQueue.CountMessages(frames, default, default, sent: 0);
            connection.CountSent(new MessageCount(-lost.All, -lost.Binary));
            connection.Post(Posted.Break);
            return;
        }

        try
        {
            bool all = sent == frames.Length;
            if (all ? connection.Transport.IsSending : TryQueueRest(connection, frames, default, default, sent)) Stall(connection);
        }
        catch (Exception exception)
        {
            // For example, the process has no memory for the rest. The stream cannot go on without it.
            connection.Post(Posted.Abort);
            connection.Context.OnFailed(connection, exception);
        }
    }

    /// <summary>Sends the broadcasts up to a number that the connection does not have, or queues them.</summary>
    public void SendBroadcasts(WebSocketConnection connection, BroadcastLog log, long end)
    {
        ConnectionLoop loop = connection.Loop;
        connection.Transport.SendBatched();
        // Something that only waits for the end of this turn (a Pong) should not make the broadcasts need memory behind it.
        if (!_isStalled && connection.Queue.IsThere
            && (loop.IsMemoryTight || !connection.Context.Budget.HasRoomToWait(BroadcastLog.BytesMax))) Flush(connection);
        ReadOnlySpan<byte> frames = connection.Queue.TakeBroadcasts(connection, log, end, out MessageCount messages);
        if (messages.All > 0 && !TryAddToBatch(connection, frames, messages)) Send(connection, frames, default, default, messages);
    }

    /// <summary>
    /// The server closes, and what was sent to everybody before goes before the Close: queued or, without memory for that, sent at once.
    /// False when neither is possible, because the kernel accepts nothing; or when that was found before.
    /// </summary>
    public bool TryBringUpToDate(WebSocketConnection connection)
    {
        if (!connection.Queue.TryKeepBroadcasts(connection)
            && connection.Loop.Cork.Owner is var owner && (owner is null || owner == connection)) TrySendBroadcasts(connection);
        return connection.Queue.TryKeepBroadcasts(connection) && !connection.IsPosted(Posted.CloseForMemory);
    }

    /// <summary>Closes a connection whose peer receives nothing, unless the policy is to drop.</summary>
    public void CheckSlowness(WebSocketConnection connection)
    {
        if (!_isStalled) Flush(connection);
        else if (connection.Transport.IsWritable) OnWritable(connection);
        if (connection.Context.SlowConsumer != SlowConsumer.Close) return;
        long most = Math.Min(TooSlowMilliseconds, connection.Context.SendTimeout / 2);
        if (connection.Queue.IsFullSince(connection.Loop.Now - most) && !connection.Queue.IsAcknowledging(connection))
            connection.Life.Close(connection, Endings.TooSlow);
    }

    /// <summary>
    /// Whether the peer's system has acknowledged bytes since this was last asked, while there are others that it has not acknowledged.
    /// False where nobody can say it.
    /// </summary>
    /// <param name="connection">The connection.</param>
    /// <param name="seen">How many it had acknowledged then, and has now: the lowest 32 bits.</param>
    public static bool HasAcknowledged(WebSocketConnection connection, ref uint seen)
    {
        connection.Transport.SendBatched(); // what the batch has is counted as sent
        int waiting = connection.Transport.BytesUnacknowledged;
        if (waiting < 0) return false;
        uint before = seen;
        seen = (uint)(connection.BytesSent + connection.Transport.BytesOfItsOwn - waiting);
        return waiting > 0 && seen != before;
    }

    /// <summary>Everything is sent: our stream ends.</summary>
    public static void EndStream(WebSocketConnection connection) => connection.Transport.ShutdownWrite();

    /// <summary>Closes the socket. If the kernel has sent a part of a frame, the frame is finished or the connection is reset.</summary>
    public static void Close(WebSocketConnection connection, bool reset)
    {
        connection.Transport.SendBatched();
        bool resets = reset || connection.Queue.IsInsideFrame;
        connection.Transport.Close(resets);
        connection.Life.OnClosed(connection, resets);
    }

    // The loop handles this connection's bytes on this thread, and nothing is queued that would have to go first. (While the kernel is full
    // there is a send queue.)
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool MaySendNow(WebSocketConnection connection)
    {
        ConnectionLoop loop = connection.Loop;
        return loop.Cork.Owner == connection && loop.IsOwner && connection.Queue.LetsMessagePass(loop.Broadcasts.End);
    }

    private SendResult TrySendPlain(WebSocketConnection connection, MessageKind kind, ReadOnlySpan<byte> payload)
    {
        if (MaySendNow(connection) && TrySendNow(connection, (Opcode)kind, payload)) return SendResult.Queued;
        SendResult result = connection.Queue.TryAppend(connection, kind, payload, OutgoingQueue.Form.Plain);
        if (result != SendResult.OutOfMemory || !TrySendWhatIsBefore(connection)) return result;
        return TrySendNow(connection, (Opcode)kind, payload) ? SendResult.Queued : result;
    }

    // The sender's thread encodes before it queues. If messages must leave in the order in which they were encoded, it does so under the
    // connection's lock.
    private SendResult TrySendEncoded(
        WebSocketConnection connection, ConnectionExtension extension, MessageKind kind, ReadOnlySpan<byte> payload)
    {
        if (extension.EncodesInOrder) return connection.Queue.TryAppend(connection, kind, payload, OutgoingQueue.Form.InOrder);

        byte[]? frame = connection.Context.Budget.TryRent(extension.FrameRoomBytes(payload.Length));
        int length = frame is null ? 0 : extension.TryWriteFrame(frame, kind, payload);
        SendResult result;
        if (length == 0) result = TrySendPlain(connection, kind, payload);
        else if (MaySendNow(connection) && connection.Loop.Cork.TryAppend(frame.AsSpan(0, length), isMessage: true))
            result = SendResult.Queued;
        else result = connection.Queue.TryAppend(connection, kind, frame.AsSpan(0, length), OutgoingQueue.Form.Frame);
        if (frame is not null) connection.Context.Budget.Return(frame);
        return result;
    }

    // There is no memory to queue a message behind what is queued, or was sent to everybody. Whoever takes what he is sent needs none: what
    // goes before is sent at once. True when the message may be sent now.
    private bool TrySendWhatIsBefore(WebSocketConnection connection) =>
        connection.Loop.Cork.Owner == connection && connection.Loop.IsOwner && TrySendBroadcasts(connection) && MaySendNow(connection);

    private static bool TrySendSmall(WebSocketConnection connection, Opcode opcode, ReadOnlySpan<byte> payload) =>
        payload.Length <= Cork.CopiedBytesMax && connection.Loop.Cork.TryAppend(opcode, payload);

    // False when the message must be queued after all.
    private bool TrySendNow(WebSocketConnection connection, Opcode opcode, ReadOnlySpan<byte> payload)
    {
        Cork cork = connection.Loop.Cork;
        if (TrySendSmall(connection, opcode, payload)) return true;
        // The kernel sends the payload from where it lies. What it does not send must be copied, so there must be memory for that.
        if (!connection.Context.Budget.HasRoomToWait(cork.Bytes + payload.Length)) return false;
        if (cork.TryAppendSegment(opcode, payload) || cork.TryAppend(opcode, payload)) return true;
        if (!cork.Segments.IsEmpty && !FlushCork(connection)) return false;
        cork.AppendHeader(opcode, payload.Length);
        FlushCork(connection, payload);
        return true;
    }

    // Sends what is corked, and then what was sent to everybody. False when the kernel takes no more.
    private bool TrySendBroadcasts(WebSocketConnection connection)
    {
        if (_isStalled || (connection.Transport.PausedBy & ReadPauseReasons.SendQueue) != 0 || !FlushCork(connection)) return false;
        SendBroadcasts(connection, connection.Loop.Broadcasts, connection.Loop.Broadcasts.End);
        connection.Transport.SendBatched();
        return !_isStalled;
    }

    // Sends the cork, if it is this connection's and not empty. False when the kernel has not sent all of it.
    private bool FlushCork(WebSocketConnection connection)
    {
        Cork cork = connection.Loop.Cork;
        if (cork.Owner != connection || cork.Bytes == 0) return true;
        ReadOnlySpan<byte> frames = cork.Frames;
        ReadOnlySpan<PayloadSegment> segments = cork.Segments;
        MessageCount messages = cork.Messages;
        cork.Clear(); // the bytes themselves stay valid for now
        return Send(connection, frames, cork.Source, segments, messages);
    }

    // The same when the last frame of the cork is only the header of this payload, and there are no payload segments.
    private void FlushCork(WebSocketConnection connection, ReadOnlySpan<byte> payload)
    {
        Cork cork = connection.Loop.Cork;
        ReadOnlySpan<byte> frames = cork.Frames;
        MessageCount messages = cork.Messages;
        cork.Clear();
        Send(connection, frames, payload, [new PayloadSegment(frames.Length, 0, payload.Length)], messages);
    }

    // Sends whole frames; nothing is queued that would have to go first. False when the kernel has not sent all, and then the rest is
    // queued.
    private bool Send(WebSocketConnection connection, ReadOnlySpan<byte> frames, ReadOnlySpan<byte> source,
        ReadOnlySpan<PayloadSegment> segments, MessageCount messages)
    {
        int sent = Write(connection, frames, source, segments, more: false);
        if (sent < 0) return false;
        connection.CountSent(messages);
        if (connection.Loop.WatchesFrames)
            connection.Loop.Watch.Sent(connection, connection.BytesSent - sent, frames, source, segments, sent);
        bool all = sent == PayloadSegment.TotalBytes(frames, segments);
        if (all ? connection.Transport.IsSending : TryQueueRest(connection, frames, source, segments, sent)) Stall(connection);
        return all && !_isStalled;
    }

    // Gives bytes to the kernel, as many as it accepts now. -1 when the connection is broken, which it has been told then.
    private static int Write(WebSocketConnection connection, ReadOnlySpan<byte> frames, ReadOnlySpan<byte> source,
        ReadOnlySpan<PayloadSegment> segments, bool more)
    {
        Transport transport = connection.Transport;
        int sent = segments.IsEmpty ? transport.TryWrite(frames, more) : transport.TryWrite(frames, source, segments);
        if (sent < 0) transport.Break();
        else connection.Counts.CountBytesOut(sent);
        return sent;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryAddToBatch(WebSocketConnection connection, ReadOnlySpan<byte> frames, MessageCount messages)
    {
        if (!connection.Transport.TryAddToBatch(frames)) return false;
        connection.Counts.CountBytesOut(frames.Length);
        connection.CountSent(messages);
        return true;
    }

    // False when there is no memory for the rest: the connection is reset.
    private bool TryQueueRest(WebSocketConnection connection, ReadOnlySpan<byte> frames, ReadOnlySpan<byte> source,
        ReadOnlySpan<PayloadSegment> segments, int sent)
    {
        if (connection.Queue.TryPrepend(connection, frames, source, segments, sent)) return true;
        connection.Life.CountDropped(SendQueue.CountMessages(frames, source, segments, sent).All);
        connection.Life.OnRestLost(connection);
        _isStalled = true; // nothing more is given to the kernel
        connection.Post(Posted.Abort);
        return false;
    }

    private void Stall(WebSocketConnection connection)
    {
        _isStalled = true;
        long deadline = connection.Queue.OnStalled(connection, hasDeadline: !connection.Life.IsEnding);
        if (connection.Loop.WatchesFrames) connection.Loop.Watch.FellBehind(connection);
        if (connection.Life.IsEnding) return;
        connection.Deadlines.Arm(connection, deadline);
        connection.Queue.GrantRoom(connection);
    }
}
