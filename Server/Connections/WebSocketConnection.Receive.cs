// From bytes to events, and what each event asks for. The bytes lie in the loop's receive buffer, or in the connection's tail. The protocol
// unmasks them in place. A message that came in one piece is handed to the application where it lies. A message in pieces is assembled in a
// pooled array that grows with what has come: a declared length alone reserves nothing.

using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using RawWs.Frame;
using RawWs.Server.Channels;
using RawWs.Server.Connections;
using RawWs.Server.Loops;
using RawWs.Server.Sending;

namespace RawWs.Server;

public sealed partial class WebSocketConnection
{
    private const long QueuedBytesWhileReading = 64 * 1024;
    private const int MarkedBytesPerEvent = 4096; // which may become four million when they are decoded

    private MessageAssembler? _assembler; // null between messages
    private Opcode? _lastFrame;
    private long _messagesIn;

    // Handles everything that a read brought. If reading is paused on the way, the rest stays for the next read.
    private void HandleFrames(ReadResult read)
    {
        ReadOnlySequence<byte> buffer = read.Buffer;
        bool all = true;
        if (!buffer.IsEmpty)
        {
            if (_deadline == long.MaxValue || !IsAnswerToProbe(buffer)) _lastReceived = _loop.Now;
            MessageAssembler assembler = _assembler ??= RentAssembler();
            _transport.SendBatched(); // of another turn's work, just before this read
            _loop.Cork.Begin(this, _loop.IsBatchEmpty);
            _loop.Share.Begin();
            try
            {
                all = HandleFrames(buffer, assembler);
            }
            finally
            {
                _loop.Cork.End();
            }

            if (all) _transport.IsBusy = false;
            FollowMessage(assembler);
            _lastFrame = assembler.Protocol.LastOpcode ?? _lastFrame;
            ReturnIdleAssembler();
        }

        if (read.IsCompleted && all && _phase is Phase.Open or Phase.Closing && _pending is null)
        {
            // §7.1.4: the end of the stream without a Close is never a clean one.
            SetEnding(EndCause.PeerVanished, null, "");
            MoveTo(Phase.Ending);
        }
    }

    // A large payload that goes on is received where its message is assembled.
    bool ITransportOwner.TryGetRoom(out ArraySegment<byte> room)
    {
        room = default;
        return _phase == Phase.Open && _assembler is not null && _assembler.TryGetReceiveRoom(_loop.Budget, out room);
    }

    // Between two messages the connection needs no assembler.
    private void ReturnIdleAssembler()
    {
        if (_assembler is not { IsAtRest: true } assembler) return;
        _assembler = null;
        _loop.Assemblers.Return(assembler);
    }

    private bool HandleFrames(ReadOnlySequence<byte> buffer, MessageAssembler assembler)
    {
        bool all;
        SequencePosition consumed;
        if (SequenceMarshal.TryGetArray(buffer, out ArraySegment<byte> bytes))
        {
            // A message that was received into its own array returns that memory before the cork is sent. So the cork must not refer to it.
            _loop.Cork.Source = _transport.Gathers && !assembler.IsAssembledIn(bytes.Array!) ? bytes.Array : null;
            consumed = buffer.GetPosition(HandleEvents(assembler, bytes.Array!, bytes.Offset, bytes.Count, out all));
        }
        else
        {
            // A stage between the socket and the connection may bring several segments: they are joined.
            int length = checked((int)buffer.Length);
            byte[] joined = _loop.Budget.Rent(length);
            buffer.CopyTo(joined);
            consumed = buffer.GetPosition(HandleEvents(assembler, joined, 0, length, out all));
            if (_pending is null) _loop.Budget.Return(joined);
            else _loop.Budget.Forget(joined); // a handler may still use it
        }

        EndCork(); // before the bytes are given up, because the cork may refer to them
        _transport.AdvanceTo(consumed, all ? buffer.End : consumed);
        return all;
    }

    private MessageAssembler RentAssembler()
    {
        MessageAssembler assembler = _loop.Assemblers.TryRent() ?? new MessageAssembler(_context.ProtocolLimits);
        assembler.Protocol.Reset(_extension?.Bits ?? ReservedBits.None);
        return assembler;
    }

    // Returns how many bytes are done with. `all` says that the rest has been examined too, and needs more bytes. Without it the rest stays
    // for another turn: a handler still has a message, or the peer does not receive its answers, or the connection has had its share.
    private int HandleEvents(MessageAssembler assembler, byte[] array, int offset, int count, out bool all)
    {
        WebSocketProtocol protocol = assembler.Protocol;
        int at = offset, end = offset + count;
        bool isSeen = _loop.WatchesFrames && _loop.Watch.SeesFrames(this);
        all = false;
        while (true)
        {
            int before = at;
            Span<byte> rest = array.AsSpan(at, end - at);
            if (!isSeen && protocol.TryReadData(rest, out DataChunk chunk))
            {
                at += chunk.Consumed;
                int start = at - chunk.PayloadBytes;
                if (chunk.IsMessage)
                {
                    assembler.MessageDeadline = long.MaxValue;
                    Deliver(chunk.Kind, array, start, chunk.PayloadBytes);
                }
                else
                {
                    Assemble(assembler, array.AsSpan(start, chunk.PayloadBytes), chunk.Kind, chunk.EndOfMessage);
                }
            }
            else if (!HandleNextEvent(assembler, array, ref at, end, isSeen))
            {
                all = true;
                return at - offset;
            }

            if (_phase is not (Phase.Open or Phase.Closing))
            {
                all = true;
                return count;
            }

            if (_loop.Share.EndEvent(_loop.Loop, at - before) && !MayGoOn(assembler, at < end)) return at - offset;
            if (_pending is not null || (Volatile.Read(ref _queue) is not null && !MayReadOn())) return at - offset;
        }
    }

    // Its share of the turn is used up. True when that makes no difference: there is nothing more, or what it would wait for has been sent.
    private bool MayGoOn(MessageAssembler assembler, bool more)
    {
        if (_loop.Share.PendingDelivery is { } delivery && _phase == Phase.Open && !_transport.Broken)
        {
            _loop.Share.PendingDelivery = null;
            if (!delivery.TryWait(this)) return true;
            PauseForDelivery(assembler, delivery);
            return false;
        }

        if (!more) return true;
        _transport.IsBusy = true;
        _transport.PauseReading(ReadPauseReasons.Turn);
        _loop.Postpone(this);
        return false;
    }

    void ILoopMember.Continue()
    {
        if (_phase == Phase.Ended) return;
        ResumeTime();
        _transport.ResumeReading(ReadPauseReasons.Turn);
    }

    // False when more bytes are needed for the next event.
    private bool HandleNextEvent(MessageAssembler assembler, byte[] array, ref int at, int end, bool isSeen)
    {
        int bytesThere = end - at;
        // Only a small piece of a marked message is handled at once, so that none of them becomes more than a share.
        if (_extension is { } extension && end - at > MarkedBytesPerEvent && assembler.MayBeMarked(array[at], extension.Bits))
            end = at + MarkedBytesPerEvent;
        bool isInPayload = assembler.Protocol.IsInPayload;
        ProtocolEvent found = assembler.Protocol.Next(array.AsSpan(at, end - at), out int consumed);
        if (isSeen && found.Kind != ProtocolEventKind.NeedMoreData && (!isInPayload || found.Kind == ProtocolEventKind.Fail))
            TellReceived(found, isInPayload, bytesThere);
        at += consumed;
        switch (found.Kind)
        {
            case ProtocolEventKind.Message or ProtocolEventKind.MessageChunk when found.MessageReserved != ReservedBits.None:
                Decode(assembler, found);
                break;
            case ProtocolEventKind.NeedMoreData:
                return false;
            case ProtocolEventKind.Message:
                assembler.MessageDeadline = long.MaxValue;
                Deliver(found.MessageKind, array, at - found.Payload.Length, found.Payload.Length);
                break;
            case ProtocolEventKind.MessageChunk:
                Assemble(assembler, found.Payload, found.MessageKind, found.EndOfMessage);
                break;
            case ProtocolEventKind.Ping:
                Pong(found.Payload);
                break;
            case ProtocolEventKind.Close:
                OnClose(found.CloseCode, found.Payload);
                break;
            case ProtocolEventKind.Fail:
                OnFail(found.Rule!);
                break;
        }

        return true;
    }

    // When more than 64 KiB of answers wait for the peer, reading from it is paused.
    private bool MayReadOn()
    {
        // When memory is short, a peer that does not receive its answers gets no further ones.
        long most = _loop.IsMemoryTight ? 0 : QueuedBytesWhileReading;
        if (QueuedBytes <= most) return true;
        Flush();
        if (QueuedBytes <= most || _phase != Phase.Open) return true;
        _transport.PauseReading(ReadPauseReasons.SendQueue);
        return false;
    }

    // The message lies in the read buffer. It must stay there while its handler runs, but the buffer goes to the next connection as soon as
    // this method returns. So an application whose handlers await needs a copy of each message. Whether they do is learned from the first
    // handler that awaits; that one time the handler keeps the whole buffer.
    private void Deliver(MessageKind kind, byte[] array, int offset, int length)
    {
        _messagesIn++;
        if (_phase != Phase.Open) return; // §1.4: after our Close, data is not delivered
        byte[]? copy = null;
        if (_context.HandlersAwait && length > 0)
        {
            copy = _loop.Budget.TryRent(length);
            if (copy is null)
            {
                FailForMemory();
                return;
            }

            array.AsSpan(offset, length).CopyTo(copy);
        }

        if (CallHandler(kind, copy is null ? array.AsMemory(offset, length) : copy.AsMemory(0, length), copy))
        {
            if (copy is not null) _loop.Budget.Return(copy);
        }
        else if (copy is null && length > 0)
        {
            // Another loop may have set HandlersAwait while this handler ran. This message still lies in our buffer.
            _transport.KeepView();
        }
    }

    // False when the handler goes on after an await: then the message is its own, and the next read waits for it.
    private bool CallHandler(MessageKind kind, ReadOnlyMemory<byte> message, byte[]? copy)
    {
        HandlerShare? share = _context.HandlersAwait ? BeginHandlerShare() : null;
        try
        {
            ValueTask task = _terms.Application.OnMessage(this, WebSocketMessage.Received(kind, message));
            if (!task.IsCompleted)
            {
                _context.HandlersAwait = true;
                _transport.PauseReading(ReadPauseReasons.Handler);
                if (share is not null) _loop.HandlerShare = null; // it is this handler's to its end
                _pending = FinishHandlerAsync(task, copy, share);
                return false;
            }

            task.GetAwaiter().GetResult();
        }
        catch (Exception exception)
        {
            FailHandler(exception);
        }

        share?.Rest();
        return true;
    }

    private void Assemble(MessageAssembler assembler, ReadOnlySpan<byte> chunk, MessageKind kind, bool endOfMessage)
    {
        // If the message is one frame, its length is known and has been checked.
        FrameHeader header = assembler.Protocol.ChunkHeader;
        long declared = header is { Fin: true, Opcode: not Opcode.Continuation } ? (long)header.PayloadLength : 0;
        if (_phase == Phase.Open && !assembler.TryAppend(chunk, declared, _loop.Budget))
        {
            FailForMemory();
            return;
        }

        if (!endOfMessage) return;
        // The next message has a deadline of its own.
        assembler.MessageDeadline = long.MaxValue;
        _messagesIn++;
        if (_phase == Phase.Open) DeliverAssembled(assembler, kind);
        else assembler.Release(_loop.Budget);
    }

    private void DeliverAssembled(MessageAssembler assembler, MessageKind kind)
    {
        if (CallHandler(kind, assembler.Message, copy: null)) assembler.Release(_loop.Budget);
    }

    // §5.5.2: a Ping is answered by a Pong with the same payload, unless a Close has been sent.
    private void Pong(ReadOnlySpan<byte> payload)
    {
        if (_phase != Phase.Open) return;
        Span<byte> frame = stackalloc byte[FrameWriter.HeaderBytesMax + FrameWriter.ControlPayloadBytesMax];
        int length = FrameWriter.Write(frame, Opcode.Pong, payload);
        // §5.5.3: while bytes wait for the kernel, only the answer to the latest Ping is kept.
        SendControl(frame[..length], SendQueue.EntryKind.Pong);
    }
}
