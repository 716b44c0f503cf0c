// From bytes to steps, and what each step asks for. The bytes lie in the loop's receive buffer, or in the connection's tail; the
// conversation unmasks them in place, and a message that came in one piece is handed to the application where it lies. A message in
// pieces is assembled in a pooled array that grows with what has come: a declared length reserves nothing by itself.

using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using RawWs.Frame;
using RawWs.Server.Transports;

namespace RawWs.Server;

public sealed partial class WebSocketConnection
{
    private const long QueuedBytesWhileReading = 64 * 1024;
    private const int CompressedBytesOfAStep = 4096; // which may become four million

    private Inbox? _inbox; // null between messages
    private Opcode? _lastFrame;
    private long _messagesIn;

    // Takes everything that a read brought, unless the gate closes on the way: then the rest stays for the next read.
    private void TakeFrames(ReadResult read)
    {
        ReadOnlySequence<byte> buffer = read.Buffer;
        bool all = true;
        if (!buffer.IsEmpty)
        {
            if (_deadline == long.MaxValue || !IsAnswerToProbe(buffer)) _lastReceived = _loop.Now;
            Inbox inbox = _inbox ??= TakeInbox();
            _transport.SendDeferred(); // of a turn of its own just before this one
            _loop.Batch.Begin(this, _loop.IsNothingDeferred);
            _loop.Share.Begin();
            try
            {
                all = TakeFrames(buffer, inbox);
            }
            finally
            {
                _loop.Batch.End();
            }

            if (all) _transport.IsBusy = false;
            FollowMessage(inbox);
            _lastFrame = inbox.Protocol.LastOpcode ?? _lastFrame;
            RestInbox();
        }

        if (read.IsCompleted && all && _phase is Phase.Open or Phase.Closing && _pending is null)
        {
            // §7.1.4: the end of the stream without a Close is never a clean one.
            SetVerdict(EndCause.PeerVanished, null, "");
            _phase = Phase.Ending;
        }
    }

    // A large payload that goes on is received where its message is assembled.
    bool ITransportOwner.TryGetRoom(out ArraySegment<byte> room)
    {
        room = default;
        return _phase == Phase.Open && _inbox is not null && _inbox.TryGetReceiveRoom(_loop.Budget, out room);
    }

    // Between two messages the connection does without.
    private void RestInbox()
    {
        if (_inbox is not { IsAtRest: true } inbox) return;
        _inbox = null;
        _loop.Inboxes.Give(inbox);
    }

    private bool TakeFrames(ReadOnlySequence<byte> buffer, Inbox inbox)
    {
        bool all;
        SequencePosition consumed;
        if (SequenceMarshal.TryGetArray(buffer, out ArraySegment<byte> bytes))
        {
            // A message that is received where it is assembled gives that memory back before the batch is sent.
            _loop.Batch.Source = _transport.Gathers && !inbox.IsAssembledIn(bytes.Array!) ? bytes.Array : null;
            consumed = buffer.GetPosition(HandleEvents(inbox, bytes.Array!, bytes.Offset, bytes.Count, out all));
        }
        else
        {
            // A stage between the socket and us may bring several segments: they are joined.
            int length = checked((int)buffer.Length);
            byte[] joined = _loop.Budget.Rent(length);
            buffer.CopyTo(joined);
            consumed = buffer.GetPosition(HandleEvents(inbox, joined, 0, length, out all));
            if (_pending is null) _loop.Budget.Return(joined);
            else _loop.Budget.Forget(joined); // a handler may have it
        }

        EndBatch(); // before the bytes go, for it may send some of them
        _transport.AdvanceTo(consumed, all ? buffer.End : consumed);
        return all;
    }

    private Inbox TakeInbox()
    {
        Inbox inbox = _loop.Inboxes.TryTake() ?? new Inbox(_context.ProtocolLimits);
        inbox.Protocol.Reset(_deflate is null ? ReservedBits.None : ReservedBits.Rsv1);
        return inbox;
    }

    // Returns how many bytes are done with. `all`: the rest has been looked at too, and is worth nothing without more. Else it stays for
    // another turn: somebody has the last message, the peer does not take its answers, or it has had its share.
    private int HandleEvents(Inbox inbox, byte[] array, int offset, int count, out bool all)
    {
        WebSocketProtocol protocol = inbox.Protocol;
        int at = offset, end = offset + count;
        all = false;
        while (true)
        {
            int before = at;
            Span<byte> rest = array.AsSpan(at, end - at);
            if (protocol.TryReadSmallMessage(rest, out int length))
            {
                at += protocol.SmallHeaderBytes + length;
                inbox.MessageDeadline = long.MaxValue;
                Deliver((MessageKind)(rest[0] & 0x0F), array, at - length, length);
            }
            else if (!HandleNextEvent(inbox, array, ref at, end))
            {
                all = true;
                return at - offset;
            }

            if (_phase is not (Phase.Open or Phase.Closing))
            {
                all = true;
                return count;
            }

            if (_loop.Share.EndStep(_loop, at - before) && !MayGoOn(inbox, at < end)) return at - offset;
            if (_pending is not null || (Volatile.Read(ref _outbox) is not null && !MayReadOn())) return at - offset;
        }
    }

    // Its share is used up. True when that does not matter: nothing more is there, or what it would wait for has left.
    private bool MayGoOn(Inbox inbox, bool more)
    {
        if (_loop.Share.Awaited is { } awaited && _phase == Phase.Open && !_transport.Broken)
        {
            _loop.Share.Awaited = null;
            if (!awaited.TryAwait(this)) return true;
            Hold(inbox, awaited);
            return false;
        }

        if (!more) return true;
        _transport.IsBusy = true;
        _transport.CloseGate(GateReasons.Turn);
        _loop.PutOff(this);
        return false;
    }

    /// <summary>It was put off, and it is its turn again. On the owner's thread.</summary>
    internal void GoOn()
    {
        if (_phase == Phase.Ended) return;
        ResumeTime();
        _transport.OpenGate(GateReasons.Turn);
    }

    // False when there is no step to take without more bytes.
    private bool HandleNextEvent(Inbox inbox, byte[] array, ref int at, int end)
    {
        // A compressed message comes to us in pieces, so that none of them becomes more than a share.
        if (_deflate is not null && end - at > CompressedBytesOfAStep && inbox.MayBeCompressed(array[at])) end = at + CompressedBytesOfAStep;
        ProtocolEvent found = inbox.Protocol.Next(array.AsSpan(at, end - at), out int consumed);
        at += consumed;
        switch (found.Kind)
        {
            case ProtocolEventKind.Message or ProtocolEventKind.MessageChunk when found.MessageReserved != ReservedBits.None:
                Inflate(inbox, found);
                break;
            case ProtocolEventKind.NeedMoreData:
                return false;
            case ProtocolEventKind.Message:
                inbox.MessageDeadline = long.MaxValue;
                Deliver(found.MessageKind, array, at - found.Payload.Length, found.Payload.Length);
                break;
            case ProtocolEventKind.MessageChunk:
                Assemble(inbox, found);
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

    // Past 64 KiB of answers that the peer has not taken we stop reading from it.
    private bool MayReadOn()
    {
        // Where memory is short, whoever does not take his answers gets no further ones.
        long most = _loop.IsMemoryTight ? 0 : QueuedBytesWhileReading;
        if (QueuedBytes <= most) return true;
        Flush();
        if (QueuedBytes <= most || _phase != Phase.Open) return true;
        _transport.CloseGate(GateReasons.Outbox);
        return false;
    }

    // The message lies where the step left it. For as long as its handler runs it must stay there, and the buffer goes to the next connection as
    // soon as we return: so what an application needs that awaits in its handlers is a copy. Whether it does is learnt from the first time. That once,
    // the whole buffer is left to the handler.
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

        try
        {
            ValueTask task = _context.Application.OnMessage(this, kind, copy is null ? array.AsMemory(offset, length) : copy.AsMemory(0, length));
            if (!task.IsCompleted)
            {
                Suspend(task, copy);
                _context.HandlersAwait = true;
                // Another loop may have learnt it while the handler ran; this message lies in our buffer all the same.
                if (copy is null && length > 0) _transport.KeepView();
                return;
            }

            task.GetAwaiter().GetResult();
        }
        catch (Exception exception)
        {
            FailHandler(exception);
        }

        if (copy is not null) _loop.Budget.Return(copy);
    }

    private void Assemble(Inbox inbox, in ProtocolEvent found)
    {
        // How long the message will be is known, and has been judged, if it is one frame.
        long declared = found.Header is { Fin: true, Opcode: not Opcode.Continuation } ? (long)found.Header.PayloadLength : 0;
        if (_phase == Phase.Open && !inbox.TryAppend(found.Payload, declared, _loop.Budget))
        {
            FailForMemory();
            return;
        }

        if (!found.EndOfMessage) return;
        // The next message's time begins anew.
        inbox.MessageDeadline = long.MaxValue;
        _messagesIn++;
        if (_phase == Phase.Open) DeliverAssembled(inbox, found.MessageKind);
        else inbox.Release(_loop.Budget);
    }

    private void DeliverAssembled(Inbox inbox, MessageKind kind)
    {
        try
        {
            ValueTask task = _context.Application.OnMessage(this, kind, inbox.Message);
            if (!task.IsCompleted)
            {
                Suspend(task, copy: null);
                return;
            }

            task.GetAwaiter().GetResult();
        }
        catch (Exception exception)
        {
            FailHandler(exception);
        }

        inbox.Release(_loop.Budget);
    }

    // The next read waits for the handler.
    private void Suspend(ValueTask task, byte[]? copy)
    {
        _transport.CloseGate(GateReasons.Handler);
        _pending = FinishHandlerAsync(task, copy);
    }

    // §5.5.2: a Ping is answered by a Pong with the same payload, unless a Close has been sent.
    private void Pong(ReadOnlySpan<byte> payload)
    {
        if (_phase != Phase.Open) return;
        Span<byte> frame = stackalloc byte[FrameWriter.HeaderBytesMax + FrameWriter.ControlPayloadBytesMax];
        int length = FrameWriter.Write(frame, Opcode.Pong, payload);
        // §5.5.3: while bytes wait for the kernel, only the answer to the latest Ping is kept.
        SendControl(frame[..length], Outbox.EntryKind.Pong);
    }
}
