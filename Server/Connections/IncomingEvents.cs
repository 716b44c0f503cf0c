// From bytes to events, and what each event asks for. The bytes lie in the loop's receive buffer, or in the connection's tail. The protocol
// unmasks them in place. A message that came in one piece is handed to the application where it lies. A message in pieces is assembled in a
// pooled array that grows with what has come: a declared length alone reserves nothing. Where that array has room, a binary piece is
// unmasked into it.

using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using RawWs.Frame;
using RawWs.Server.Channels;
using RawWs.Server.Sending;

namespace RawWs.Server.Connections;

/// <summary>What the bytes of one read come to. A connection's state is in its parts, not here. On the owner's thread.</summary>
internal static class IncomingEvents
{
    private const long QueuedBytesWhileReading = 64 * 1024;
    private const int MarkedBytesPerEvent = 4096; // which may become four million when they are decoded

    /// <summary>Handles the events that these bytes make, up to where reading is paused.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="buffer">What a read brought, and what was left of those before. It is given up here.</param>
    /// <param name="assembler">The connection's.</param>
    /// <returns>False where reading is paused: the rest stays for the next read.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Handle(WebSocketConnection connection, in ReadOnlySequence<byte> buffer, MessageAssembler assembler)
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
        Span<byte> room = assembler.RoomFor(array);
        all = false;
        while (at < end)
        {
            int used;
            Span<byte> rest = array.AsSpan(at, end - at);
            if (!isSeen && protocol.TryReadData(rest, room, out DataChunk chunk))
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
                    Span<byte> payload = chunk.IsAssembled ? room[..chunk.PayloadBytes] : array.AsSpan(start, chunk.PayloadBytes);
                    Assemble(connection, assembler, payload, chunk.Kind, chunk.EndOfMessage);
                    room = assembler.RoomFor(array);
                }
            }
            else
            {
                used = HandleNextEvent(connection, assembler, array, at, end, isSeen, out all);
                if (all) return at + used - offset;
                room = assembler.RoomFor(array);
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
