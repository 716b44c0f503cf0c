// From bytes to steps, and what each step asks for. The bytes lie in the loop's receive buffer, or in the connection's tail; the
// conversation unmasks them in place, and a message that came in one piece is handed to the application where it lies. A message in
// pieces is assembled in a pooled array that grows with what has come: a declared length reserves nothing.

using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using RawWs.Frame;
using RawWs.Server.Memory;
using RawWs.Server.Transports;

namespace RawWs.Server;

public sealed partial class WebSocketConnection
{
    private const long QueuedBytesWhileReading = 64 * 1024;

    private byte[]? _assembly;
    private int _assembled;
    private Task? _handler;
    private LentMessage? _lent; // the message that the running handler keeps

    // Takes everything that a read brought, unless the gate closes on the way: then the rest stays for the next read.
    private void Take(ReadResult read)
    {
        if (_phase is not (Phase.Open or Phase.Closing)) return;
        ReadOnlySequence<byte> buffer = read.Buffer;
        bool all = true;
        if (!buffer.IsEmpty)
        {
            _lastReceived = _loop.Now;
            if (buffer.IsSingleSegment && MemoryMarshal.TryGetArray(buffer.First, out ArraySegment<byte> bytes))
            {
                int taken = TakeSteps(bytes.Array!, bytes.Offset, bytes.Count, out all);
                SequencePosition consumed = buffer.GetPosition(taken);
                _transport.AdvanceTo(consumed, all ? buffer.End : consumed);
            }
            else
            {
                // A stage between the socket and us may bring several segments: they are joined.
                byte[] joined = _loop.Budget.Rent(checked((int)buffer.Length));
                buffer.CopyTo(joined);
                int taken = TakeSteps(joined, 0, (int)buffer.Length, out all);
                SequencePosition consumed = buffer.GetPosition(taken);
                _transport.AdvanceTo(consumed, all ? buffer.End : consumed);
                _loop.Budget.Return(joined);
            }

            FollowMessage();
        }

        if (read.IsCompleted && all && _phase is Phase.Open or Phase.Closing && _handler is null && read.IsCompleted)
        {
            // §7.1.4: the end of the stream without a Close is never a clean one.
            SetVerdict(EndCause.PeerVanished, null, "");
            _phase = Phase.Ending;
        }
    }

    // Returns how many bytes are done with. `all`: the rest has been looked at too, and is worth nothing without more.
    private int TakeSteps(byte[] array, int offset, int count, out bool all)
    {
        Conversation conversation = _conversation!;
        int at = offset, end = offset + count;
        while (true)
        {
            Step step = conversation.Next(array.AsSpan(at, end - at), out int consumed);
            at += consumed;
            switch (step.Kind)
            {
                case StepKind.NeedMoreData:
                    all = true;
                    return at - offset;
                case StepKind.Message:
                    _messageDeadline = long.MaxValue;
                    Deliver(step.MessageKind, array, at - step.Payload.Length, step.Payload.Length);
                    break;
                case StepKind.Payload:
                    Assemble(step);
                    break;
                case StepKind.Ping:
                    Pong(step.Payload);
                    break;
                case StepKind.Close:
                    OnClose(step.CloseCode, step.Payload);
                    break;
                case StepKind.Fail:
                    OnFail(step.Rule!);
                    break;
            }

            if (_phase is not (Phase.Open or Phase.Closing))
            {
                all = true;
                return count;
            }

            if (_handler is not null || !MayReadOn())
            {
                all = false;
                return at - offset;
            }
        }
    }

    // Past 64 KiB of answers that the peer has not taken we stop reading from it.
    private bool MayReadOn()
    {
        if (_outbox.QueuedBytes <= QueuedBytesWhileReading) return true;
        Flush();
        if (_outbox.QueuedBytes <= QueuedBytesWhileReading || _phase != Phase.Open) return true;
        _transport.CloseGate(GateReasons.Outbox);
        return false;
    }

    private void Deliver(MessageKind kind, byte[] array, int offset, int length)
    {
        _messagesIn++;
        if (_phase != Phase.Open) return; // §1.4: after our Close, data is not delivered
        ValueTask task;
        try
        {
            task = _context.Application.OnMessage(this, kind, _loop.Lent.Lend(array, offset, length));
            if (task.IsCompletedSuccessfully)
            {
                task.GetAwaiter().GetResult();
                return;
            }
        }
        catch (Exception exception)
        {
            FailHandler(exception);
            return;
        }

        // The handler goes on: its message must not lie in the loop's buffer any longer.
        _lent = _loop.TakeLent();
        if (!_lent.TryMove(_loop.Budget)) _transport.KeepView();
        Suspend(task);
    }

    private void Assemble(in Step step)
    {
        if (_phase == Phase.Open && !TryAppend(step.Payload))
        {
            FailForMemory();
            return;
        }

        if (!step.EndOfMessage) return;
        _messageDeadline = long.MaxValue;
        _messagesIn++;
        if (_phase == Phase.Open) DeliverAssembled(step.MessageKind);
        else ReleaseAssembly();
    }

    private void DeliverAssembled(MessageKind kind)
    {
        try
        {
            ValueTask task = _context.Application.OnMessage(this, kind, new ReadOnlyMemory<byte>(_assembly, 0, _assembled));
            if (!task.IsCompletedSuccessfully)
            {
                Suspend(task);
                return;
            }

            task.GetAwaiter().GetResult();
        }
        catch (Exception exception)
        {
            FailHandler(exception);
        }

        ReleaseAssembly();
    }

    private bool TryAppend(ReadOnlySpan<byte> stretch)
    {
        if (stretch.IsEmpty) return true;
        int needed = _assembled + stretch.Length;
        if (_assembly is null || _assembly.Length < needed)
        {
            byte[]? larger = _loop.Budget.TryRent(_assembly is null ? needed : Math.Max(needed, _assembly.Length * 2));
            if (larger is null) return false;
            _assembly.AsSpan(0, _assembled).CopyTo(larger);
            if (_assembly is not null) _loop.Budget.Return(_assembly);
            _assembly = larger;
        }

        stretch.CopyTo(_assembly.AsSpan(_assembled));
        _assembled = needed;
        return true;
    }

    private void ReleaseAssembly()
    {
        if (_assembly is not null) _loop.Budget.Return(_assembly);
        _assembly = null;
        _assembled = 0;
    }

    // The next read waits for the handler.
    private void Suspend(ValueTask task)
    {
        _handler = task.AsTask();
        _transport.CloseGate(GateReasons.Handler);
    }

    private void AfterHandler(Exception? thrown)
    {
        _handler = null;
        _lent?.Release(_loop.Budget);
        _lent = null;
        ReleaseAssembly();
        if (thrown is not null) FailHandler(thrown);
        RestartSilence();
        _transport.OpenGate(GateReasons.Handler);
    }

    // §5.5.2: a Ping is answered by a Pong with the same payload, unless a Close has been sent.
    private void Pong(ReadOnlySpan<byte> payload)
    {
        if (_phase != Phase.Open) return;
        Span<byte> frame = stackalloc byte[FrameWriter.HeaderBytesMax + FrameWriter.ControlPayloadBytesMax];
        int length = FrameWriter.Write(frame, Opcode.Pong, payload);
        // §5.5.3: while bytes wait for the kernel, only the answer to the latest Ping is kept.
        if (_outbox.Append(frame[..length], Outbox.EntryKind.Pong, replacePong: _stalled)) _loop.MarkDirty(this);
    }
}
