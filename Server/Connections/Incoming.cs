// From bytes to events, and what each event asks for. The bytes lie in the loop's receive buffer, or in the connection's tail. The protocol
// unmasks them in place. A message that came in one piece is handed to the application where it lies. A message in pieces is assembled in a
// pooled array that grows with what has come: a declared length alone reserves nothing.

using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using RawWs.Frame;
using RawWs.Handshake;
using RawWs.Server.Channels;
using RawWs.Server.Sending;

namespace RawWs.Server.Connections;

/// <summary>A part of a connection: its assembler, while it needs one. On the owner's thread.</summary>
internal struct Incoming
{
    private const long QueuedBytesWhileReading = 64 * 1024;
    private const int MarkedBytesPerEvent = 4096; // which may become four million when they are decoded

    private MessageAssembler? _assembler; // null between messages

    /// <summary>The deadline of the unfinished message.</summary>
    public readonly long MessageDeadline => _assembler?.MessageDeadline ?? long.MaxValue;

    /// <summary>When the delivery is checked that the connection waits for.</summary>
    public readonly long NextCheck => _assembler?.NextCheck ?? long.MaxValue;

    /// <summary>How far a request head that comes in pieces has been checked.</summary>
    public readonly RequestProgress Head => _assembler?.Head ?? default;

    /// <summary>The assembler of a connection that waits for a delivery; null if it waits for none.</summary>
    public readonly MessageAssembler? WaitingForDelivery => _assembler is { PendingDelivery: not null } ? _assembler : null;

    /// <summary>The connection's assembler; a rented one if it has none.</summary>
    public MessageAssembler GetAssembler(WebSocketConnection connection) => _assembler ??= Rent(connection);

    /// <summary>Between two messages the connection needs no assembler.</summary>
    public void ReturnIdleAssembler(WebSocketConnection connection)
    {
        if (_assembler is not { IsAtRest: true } assembler) return;
        _assembler = null;
        if (assembler.Protocol.Continuations is > 0 and long continuations) connection.Counts.CountContinuationsIn(continuations);
        connection.Loop.Assemblers.Return(assembler);
    }

    /// <summary>The frames received, with those of a message that goes on.</summary>
    public readonly OpcodeCounts CountFrames(WebSocketConnection connection)
    {
        OpcodeCounts ended = connection.Counts.FramesIn;
        if (_assembler?.Protocol is not { } protocol) return ended;
        return ended with
        {
            Text = ended.Text + (protocol.OpenMessage == MessageKind.Text ? 1 : 0),
            Binary = ended.Binary + (protocol.OpenMessage == MessageKind.Binary ? 1 : 0),
            Continuation = ended.Continuation + protocol.Continuations,
        };
    }

    /// <summary>
    /// A head that comes in pieces has an assembler, like an unfinished message: it remembers how far the head has been checked.
    /// </summary>
    public void RememberHead(WebSocketConnection connection, RequestProgress progress)
    {
        bool isUnderWay = progress.HasBegun;
        if (!isUnderWay && _assembler is null) return;
        GetAssembler(connection).Head = progress;
        if (!isUnderWay) ReturnIdleAssembler(connection);
    }

    /// <summary>The deadline of the unfinished message, if there is one, begins again.</summary>
    public readonly void RestartMessage(long deadline)
    {
        if (MessageDeadline != long.MaxValue) _assembler!.MessageDeadline = deadline;
    }

    /// <summary>
    /// Reading was paused for so long, because the peer has sent more than it may. The unfinished message's deadline moves by that: by the
    /// first pause whole, which may be for what came before the message, and then for no longer than its own bytes take at this rate. What
    /// comes between its fragments gives it no time.
    /// </summary>
    public readonly void OnDelayed(long milliseconds, RateLimit? bytes)
    {
        if (MessageDeadline == long.MaxValue) return;
        MessageAssembler assembler = _assembler!;
        if (assembler.Delay is { } before)
        {
            long own = bytes is { } rate ? assembler.Message.Length * 1000L / rate.PerSecond : long.MaxValue;
            milliseconds = Math.Clamp(own - before, 0, milliseconds);
        }

        assembler.Delay = assembler.Delay is null ? 0 : assembler.Delay + milliseconds;
        assembler.MessageDeadline += milliseconds;
    }

    /// <summary>The handler of an assembled message is done with it.</summary>
    public readonly void ReleaseMessage(WebSocketConnection connection) => _assembler?.Release(connection.Loop.Budget);

    /// <summary>A Close has been sent: of what comes now, only the peer's Close counts.</summary>
    public void OnCloseSent(WebSocketConnection connection) => GetAssembler(connection).Protocol.OnCloseSent();

    /// <summary>A large payload that goes on is received where its message is assembled.</summary>
    public readonly bool TryGetRoom(WebSocketConnection connection, out ArraySegment<byte> room)
    {
        room = default;
        return connection.Life.IsOpen && _assembler is not null && _assembler.TryGetReceiveRoom(connection.Loop.Budget, out room);
    }

    /// <summary>Handles everything that a read brought. If reading is paused on the way, the rest stays for the next read.</summary>
    public void HandleFrames(WebSocketConnection connection, in ReadResult read)
    {
        ReadOnlySequence<byte> buffer = read.Buffer;
        bool all = true;
        if (!buffer.IsEmpty)
        {
            connection.Deadlines.OnReceived(connection, buffer);
            connection.Limits?.TakeBytes(connection);
            MessageAssembler assembler = GetAssembler(connection);
            Outgoing.BeginCork(connection);
            connection.Loop.Share.Begin();
            try
            {
                all = HandleFrames(connection, buffer, assembler);
            }
            finally
            {
                connection.Loop.Cork.End();
            }

            if (all) connection.Transport.IsBusy = false;
            connection.Deadlines.FollowMessage(connection, assembler);
            connection.Life.OnFrame(assembler.Protocol.LastOpcode);
            ReturnIdleAssembler(connection);
        }

        if (!read.IsCompleted || !all || connection.Handling.IsPending) return;
        if (connection.Life.ParsesFrames) connection.Life.OnStreamEnd(connection);
    }

    /// <summary>
    /// This server closes, and the peer's Close may come after bytes that were not read for one of these reasons; or what comes is only
    /// discarded. (The reason Handler goes when the handler is done, and the reason Turn goes with the turn.)
    /// </summary>
    public static void ResumeForClosing(WebSocketConnection connection)
    {
        connection.Transport.ResumeReading(ReadPauseReasons.SendQueue);
        DeliveryPause.End(connection);
        connection.Limits?.Resume(connection);
    }

    /// <summary>Everything that was queued is sent. If that was waited for, reading goes on.</summary>
    public static void OnFlushed(WebSocketConnection connection)
    {
        if ((connection.Transport.PausedBy & ReadPauseReasons.SendQueue) == 0) return;
        connection.Deadlines.RestartSilence(connection);
        connection.Transport.ResumeReading(ReadPauseReasons.SendQueue);
    }

    /// <summary>The connection was postponed, and its turn has come again.</summary>
    public static void Continue(WebSocketConnection connection)
    {
        if (connection.Life.HasEnded) return;
        connection.Deadlines.ResumeTime(connection);
        connection.Transport.ResumeReading(ReadPauseReasons.Turn);
    }

    /// <summary>The connection has ended.</summary>
    public void End(WebSocketConnection connection)
    {
        _assembler?.PendingDelivery?.Forget(connection);
        _assembler?.Release(connection.Loop.Budget);
        _assembler = null;
    }

    private static MessageAssembler Rent(WebSocketConnection connection)
    {
        MessageAssembler assembler = connection.Loop.Assemblers.TryRent() ?? new MessageAssembler(connection.Context.ProtocolLimits);
        assembler.Protocol.Reset(connection.Extension?.Bits ?? ReservedBits.None);
        return assembler;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool HandleFrames(WebSocketConnection connection, in ReadOnlySequence<byte> buffer, MessageAssembler assembler)
    {
        bool all;
        SequencePosition consumed;
        if (SequenceMarshal.TryGetArray(buffer, out ArraySegment<byte> bytes))
        {
            // A message that was received into its own array returns that memory before the cork is sent. So the cork must not refer to it.
            connection.Loop.Cork.Source = connection.Transport.Gathers && !assembler.IsAssembledIn(bytes.Array!) ? bytes.Array : null;
            consumed = buffer.GetPosition(HandleEvents(connection, assembler, bytes.Array!, bytes.Offset, bytes.Count, out all));
        }
        else
        {
            // A stage between the socket and the connection may bring several segments: they are joined.
            int length = checked((int)buffer.Length);
            byte[] joined = connection.Loop.Budget.Rent(length);
            buffer.CopyTo(joined);
            consumed = buffer.GetPosition(HandleEvents(connection, assembler, joined, 0, length, out all));
            if (connection.Handling.IsPending) connection.Loop.Budget.Forget(joined); // a handler may still use it
            else connection.Loop.Budget.Return(joined);
        }

        connection.Outgoing.EndCork(connection); // before the bytes are given up, because the cork may refer to them
        if (connection.Queue.IsThere) PauseIfMuchWaits(connection); // a part of a full cork may wait now
        connection.Transport.AdvanceTo(consumed, all ? buffer.End : consumed);
        return all;
    }

    // Returns how many bytes are done with. `all` says that the rest has been examined too, and needs more bytes. Without it the rest stays
    // for another turn: a handler still has a message, or the peer does not receive its answers, or the connection has had its share.
    private static int HandleEvents(
        WebSocketConnection connection, MessageAssembler assembler, byte[] array, int offset, int count, out bool all)
    {
        WebSocketProtocol protocol = assembler.Protocol;
        ConnectionLoop loop = connection.Loop;
        int at = offset, end = offset + count;
        bool isSeen = loop.WatchesFrames && loop.Watch.SeesFrames(connection);
        all = false;
        while (at < end)
        {
            int used;
            Span<byte> rest = array.AsSpan(at, end - at);
            if (!isSeen && protocol.TryReadData(rest, out DataChunk chunk))
            {
                used = chunk.Consumed;
                int start = at + used - chunk.PayloadBytes;
                if (chunk.IsMessage)
                {
                    assembler.MessageDeadline = long.MaxValue;
                    connection.Handling.Deliver(connection, chunk.Kind, array, start, chunk.PayloadBytes);
                }
                else
                {
                    Assemble(connection, assembler, array.AsSpan(start, chunk.PayloadBytes), chunk.Kind, chunk.EndOfMessage);
                }
            }
            else
            {
                used = HandleNextEvent(connection, assembler, array, at, end, isSeen, out all);
                if (all) return at + used - offset;
            }

            at += used;
            if (!connection.Life.ParsesFrames)
            {
                all = true;
                return count;
            }

            if (loop.Share.EndEvent(loop.Loop, used) && !MayGoOn(connection, assembler, at < end)) return at - offset;
            if (connection.Handling.IsPending || (connection.Queue.IsThere && PauseIfMuchWaits(connection))) return at - offset;
        }

        all = true;
        return count;
    }

    // Its share of the turn is used up. True when that makes no difference: there is nothing more, or what it would wait for has been sent.
    private static bool MayGoOn(WebSocketConnection connection, MessageAssembler assembler, bool more)
    {
        ConnectionLoop loop = connection.Loop;
        if (loop.Share.PendingDelivery is { } delivery && connection.Life.IsOpen && !connection.Transport.Broken)
        {
            loop.Share.PendingDelivery = null;
            if (!delivery.TryWait(connection)) return true;
            DeliveryPause.Begin(connection, assembler, delivery);
            return false;
        }

        if (!more) return true;
        connection.Transport.IsBusy = true;
        connection.Transport.PauseReading(ReadPauseReasons.Turn);
        loop.Postpone(connection);
        return false;
    }

    // Returns how many bytes it took. `all` says that more bytes are needed for the next event.
    private static int HandleNextEvent(
        WebSocketConnection connection, MessageAssembler assembler, byte[] array, int at, int end, bool isSeen, out bool all)
    {
        int bytesThere = end - at;
        // Only a small piece of a marked message is handled at once, so that none of them becomes more than a share.
        if (connection.Extension is { } extension && end - at > MarkedBytesPerEvent && assembler.MayBeMarked(array[at], extension.Bits))
            end = at + MarkedBytesPerEvent;
        bool isInPayload = assembler.Protocol.IsInPayload;
        ProtocolEvent found = assembler.Protocol.Next(array.AsSpan(at, end - at), out int consumed);
        if (isSeen && found.Kind != ProtocolEventKind.NeedMoreData && (!isInPayload || found.Kind == ProtocolEventKind.Fail))
        {
            // The event was made from the last bytes that have been received.
            connection.Loop.Watch.FrameReceived(connection, found, isInPayload, connection.BytesReceived - bytesThere, bytesThere);
        }

        all = found.Kind == ProtocolEventKind.NeedMoreData;
        switch (found.Kind)
        {
            case ProtocolEventKind.Message or ProtocolEventKind.MessageChunk when found.MessageReserved != ReservedBits.None:
                Decoding.Decode(connection, assembler, found);
                break;
            case ProtocolEventKind.Message:
                assembler.MessageDeadline = long.MaxValue;
                int length = found.Payload.Length;
                connection.Handling.Deliver(connection, found.MessageKind, array, at + consumed - length, length);
                break;
            case ProtocolEventKind.MessageChunk:
                Assemble(connection, assembler, found.Payload, found.MessageKind, found.EndOfMessage);
                break;
            case ProtocolEventKind.Ping:
                connection.Counts.CountControlIn(Opcode.Ping);
                Pong(connection, found.Payload);
                break;
            case ProtocolEventKind.Pong:
                connection.Counts.CountControlIn(Opcode.Pong);
                break;
            case ProtocolEventKind.Close:
                connection.Counts.CountControlIn(Opcode.Close);
                connection.Life.OnPeerClose(connection, found.CloseCode, found.Payload);
                break;
            case ProtocolEventKind.Fail:
                connection.Life.Fail(connection, found.Rule!);
                break;
        }

        return consumed;
    }

    // When more than 64 KiB of answers wait for the peer, or half of what may wait, reading from it is paused. So there is room for the
    // answer to what is handled next. A peer that is gone takes no answers. True when reading is paused.
    private static bool PauseIfMuchWaits(WebSocketConnection connection)
    {
        if (connection.Transport.Broken) return false;
        // When memory is short, a peer that does not receive its answers gets no further ones.
        long most = connection.Loop.IsMemoryTight ? 0 : Math.Min(QueuedBytesWhileReading, connection.Context.SendBufferBytesMax / 2);
        if (connection.QueuedBytes <= most) return false;
        connection.Outgoing.Flush(connection);
        if (connection.QueuedBytes <= most || !connection.Life.IsOpen) return false;
        connection.Transport.PauseReading(ReadPauseReasons.SendQueue);
        return true;
    }

    private static void Assemble(
        WebSocketConnection connection, MessageAssembler assembler, ReadOnlySpan<byte> chunk, MessageKind kind, bool endOfMessage)
    {
        // If the message is one frame, its length is known and has been checked.
        FrameHeader header = assembler.Protocol.ChunkHeader;
        long declared = header is { Fin: true, Opcode: not Opcode.Continuation } ? (long)header.PayloadLength : 0;
        if (connection.Life.IsOpen && !assembler.TryAppend(chunk, declared, connection.Loop.Budget))
        {
            connection.Life.Close(connection, Endings.OutOfMemory);
            return;
        }

        if (!endOfMessage) return;
        // The next message has a deadline of its own.
        assembler.MessageDeadline = long.MaxValue;
        connection.CountReceived(kind);
        if (connection.Life.IsOpen) connection.Handling.DeliverAssembled(connection, assembler, kind);
        else assembler.Release(connection.Loop.Budget);
    }

    // tour: ping-to-pong
    // §5.5.2: a Ping is answered by a Pong with the same payload, unless a Close has been sent.
    private static void Pong(WebSocketConnection connection, ReadOnlySpan<byte> payload)
    {
        if (!connection.Life.IsOpen) return;
        Span<byte> frame = stackalloc byte[FrameWriter.HeaderBytesMax + FrameWriter.ControlPayloadBytesMax];
        int length = FrameWriter.Write(frame, Opcode.Pong, payload);
        // §5.5.3: while bytes wait for the kernel, only the answer to the latest Ping is kept.
        connection.Outgoing.SendControl(connection, frame[..length], SendQueue.EntryKind.Pong);
    }
    // tour: end
}
