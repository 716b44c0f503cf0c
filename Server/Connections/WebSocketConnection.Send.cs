// From the application to the kernel. There are two ways. While the loop takes this connection's bytes, its handler's answers go
// into the loop's batch and leave as soon as those bytes are through. Everything else, from any thread, is queued in the outbox
// and flushed at the end of the owner's turn. The batch is older than anything in the outbox and goes first; once something is queued,
// all that follows queues behind it.
// What the kernel does not take waits for writability; meanwhile the peer is not read from (its gate closes at 64 KiB) and has a deadline.

using RawWs.Frame;
using RawWs.Server.Loops;
using RawWs.Server.Transports;

namespace RawWs.Server;

public sealed partial class WebSocketConnection
{
    private Outbox? _outbox; // null while nothing is queued; under the lock
    private bool _accepting; // messages are accepted, from the upgrade's answer to the first Close; under the lock
    private bool _stalled; // the kernel took less than it was given
    private bool _shutdown; // SHUT_WR is done
    private long _messagesOut;
    private long _bytesOut;

    /// <summary>Bytes queued for the peer that the kernel has not taken.</summary>
    public long QueuedBytes
    {
        get
        {
            lock (_transport) return _outbox?.QueuedBytes ?? 0;
        }
    }

    internal bool IsOpen => Volatile.Read(ref _accepting);

    private bool HasRoom => !_accepting || _outbox is null || _outbox.ChargedBytes <= _context.Options.SendBufferBytesMax / 2;

    // The loop takes this connection's bytes, on this very thread, and nothing is queued that would have to go first.
    private bool MaySendNow => _loop.Batch.Owner == this && _loop.IsOwner && _accepting && !_stalled && !HasBroadcastsToCome && Volatile.Read(ref _outbox) is null;

    /// <summary>Sends a message. The bytes are copied; text must be UTF-8 (§5.6), which is not checked here.</summary>
    /// <returns>Queued; Full when the outbox is at its bound; OutOfMemory at the server's limit; Closed when the connection is not open.</returns>
    public SendResult TrySend(MessageKind kind, ReadOnlySpan<byte> payload)
    {
        if (_deflate is { } deflate && deflate.Common.IsWorthwhile(payload.Length)) return TrySendCompressed(deflate, kind, payload);
        if (MaySendNow && TrySendNow((Opcode)kind, payload)) return SendResult.Queued;
        return TryQueue(kind, payload, Form.Plain);
    }

    /// <summary>Sends a message that is encoded once for many connections. A large one is held by reference.</summary>
    /// <returns>As the other.</returns>
    /// <exception cref="ObjectDisposedException">The message has been given back by all who had it.</exception>
    public SendResult TrySend(SharedMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        message.Acquire();
        try
        {
            return TrySendHeld(message);
        }
        finally
        {
            message.Release();
        }
    }

    /// <summary>The same for a message that somebody holds a reference to for as long as this takes.</summary>
    internal SendResult TrySendHeld(SharedMessage message)
    {
        SharedFrame frame = message.Plain;
        bool takeover = false;
        if (_deflate is { } deflate && deflate.Common.IsWorthwhile(message.PayloadBytes))
        {
            frame = message.Compressed(deflate.Agreement.ServerWindowBits, deflate.Common);
            takeover = deflate.Agreement.ServerTakeover;
        }

        if (!takeover && MaySendNow && _loop.Batch.TryAppend(frame.Span, isMessage: true)) return SendResult.Queued;
        return TryQueue(frame, takeover && frame != message.Plain);
    }

    /// <summary>Completes when the outbox has room again (half its bound), or the connection is not open any more.</summary>
    public ValueTask WhenWritable()
    {
        lock (_transport)
        {
            if (HasRoom) return ValueTask.CompletedTask;
            return new ValueTask((_outbox!.Writable ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task);
        }
    }

    /// <summary>Sends what is queued. On the owner's thread.</summary>
    internal void Flush()
    {
        if (_stalled || _phase == Phase.Ended || !SendBatch([])) return;
        while (TryPeek(out ReadOnlySpan<byte> run, out bool more))
        {
            int taken = _transport.TryWrite(run, more);
            if (taken < 0)
            {
                _transport.Break(this);
                return;
            }

            _bytesOut += taken;
            bool empty = Taken(taken);
            if (taken < run.Length || _transport.IsSending)
            {
                Stall();
                return;
            }

            if (empty) break;
        }

        OnFlushed();
    }

    void ITransportOwner.OnWritable()
    {
        _stalled = false;
        Flush();
    }

    void ITransportOwner.OnBroken()
    {
        _stalled = false;
        StopAccepting();
        if (_phase is Phase.Open or Phase.Closing) SetVerdict(EndCause.PeerVanished, null, "");
        _ending?.Drained?.TrySetResult();
    }

    // False when it has to be queued after all.
    private bool TrySendNow(Opcode opcode, ReadOnlySpan<byte> payload)
    {
        SendBatch batch = _loop.Batch;
        if (batch.TryAppend(opcode, payload)) return true;
        // The kernel takes the payload from where it lies. What it does not take has to be kept, so there must be room for that.
        if (!_context.Budget.HasRoomFor(batch.Frames.Length + payload.Length)) return false;
        batch.AppendHeader(opcode, payload.Length);
        SendBatch(payload);
        return true;
    }

    private SendResult TryQueue(MessageKind kind, ReadOnlySpan<byte> bytes, Form form)
    {
        bool requestFlush;
        lock (_transport)
        {
            if (!TryGetOutbox(out SendResult refused)) return refused;
            bool queued = form switch
            {
                Form.Plain => _outbox!.TryAppend((Opcode)kind, bytes),
                Form.Frame => _outbox!.TryAppend(bytes),
                _ => TryCompressInOrder(kind, bytes),
            };
            if (!queued) return RefuseForMemory();
            requestFlush = _outbox!.RequestFlush();
        }

        return Queued(requestFlush);
    }

    private SendResult TryQueue(SharedFrame frame, bool afterTakeover)
    {
        bool requestFlush;
        lock (_transport)
        {
            if (!TryGetOutbox(out SendResult refused)) return refused;
            if (!_outbox!.TryAppend(frame)) return RefuseForMemory();
            if (afterTakeover) _deflate!.OnSharedFrame();
            requestFlush = _outbox.RequestFlush();
        }

        return Queued(requestFlush);
    }

    // Under the lock: the outbox, if one more message may be queued.
    private bool TryGetOutbox(out SendResult refused)
    {
        refused = _accepting ? SendResult.Full : SendResult.Closed;
        QueueBroadcasts();
        if (!_accepting || (_outbox is not null && _outbox.ChargedBytes >= _context.Options.SendBufferBytesMax)) return false;
        _outbox ??= Outbox.Take(_context.Budget);
        return true;
    }

    private SendResult RefuseForMemory()
    {
        GiveBackIfEmpty();
        return SendResult.OutOfMemory;
    }

    private SendResult Queued(bool requestFlush)
    {
        Interlocked.Increment(ref _messagesOut);
        if (!requestFlush) return SendResult.Queued;
        if (_loop.IsOwner) _loop.MarkDirty(this);
        else Post(Posted.Flush);
        return SendResult.Queued;
    }

    // A control frame, whatever the bound. On the owner's thread.
    private void SendControl(ReadOnlySpan<byte> frame, Outbox.EntryKind kind)
    {
        bool mayGoNow = _loop.Batch.Owner == this && !_stalled && !(_accepting && HasBroadcastsToCome) && Volatile.Read(ref _outbox) is null;
        if (mayGoNow && _loop.Batch.TryAppend(frame, isMessage: false)) return;
        Append(frame, kind);
    }

    // What must go out whatever the bound: an answer of HTTP's or a control frame. On the owner's thread.
    private void Append(ReadOnlySpan<byte> bytes, Outbox.EntryKind kind)
    {
        bool requestFlush;
        lock (_transport)
        {
            QueueBroadcasts();
            _outbox ??= Outbox.Take(_context.Budget);
            _outbox.Append(bytes, kind, coalesce: _stalled);
            requestFlush = _outbox.RequestFlush();
        }

        if (requestFlush) _loop.MarkDirty(this);
    }

    // Sends the batch, if it is this connection's and has something in it, and behind it a payload whose header is its end. False when
    // the kernel has not taken all of it.
    private bool SendBatch(ReadOnlySpan<byte> payload)
    {
        SendBatch batch = _loop.Batch;
        ReadOnlySpan<byte> frames = batch.Frames;
        if (batch.Owner != this || frames.IsEmpty) return true;
        int messages = batch.Messages;
        batch.Clear(); // its bytes stay where they are for now
        return Send(frames, payload, messages);
    }

    // Sends whole frames, of which the last may go on in the payload: nothing is queued that would have to go first. False when the kernel
    // has not taken all of it; the rest is queued then.
    private bool Send(ReadOnlySpan<byte> frames, ReadOnlySpan<byte> payload, int messages)
    {
        int taken = payload.IsEmpty ? _transport.TryWrite(frames, more: false) : _transport.TryWrite(frames, payload);
        bool all = taken == frames.Length + payload.Length;
        if (taken >= 0)
        {
            _bytesOut += taken;
            Interlocked.Add(ref _messagesOut, messages);
        }

        if (taken >= 0 && !all)
        {
            lock (_transport) (_outbox ??= Outbox.Take(_context.Budget)).Prepend(frames, payload, taken);
        }

        if (taken < 0) _transport.Break(this);
        else if (!all || _transport.IsSending) Stall();
        return all && !_stalled;
    }

    private bool TryPeek(out ReadOnlySpan<byte> run, out bool more)
    {
        run = default;
        more = false;
        if (Volatile.Read(ref _outbox) is null) return false;
        lock (_transport)
        {
            // An empty one may have gone meanwhile: who could not append to it has given it back.
            if (_outbox is null) return false;
            if (_outbox.TryPeek(out run, out more)) return true;
            GiveBackIfEmpty();
            return false;
        }
    }

    // True when nothing is queued any more.
    private bool Taken(int bytes)
    {
        lock (_transport)
        {
            _outbox!.Taken(bytes);
            return GiveBackIfEmpty();
        }
    }

    // Under the lock. While the kernel is full even an empty one stays: it has the deadline.
    private bool GiveBackIfEmpty()
    {
        if (!_outbox!.IsEmpty || _stalled) return false;
        _outbox.GiveBack();
        _outbox = null;
        return true;
    }

    private void StopAccepting()
    {
        bool requestFlush = false;
        lock (_transport)
        {
            if (QueueBroadcasts()) requestFlush = _outbox!.RequestFlush(); // they came before the end
            _accepting = false;
        }

        if (requestFlush) _loop.MarkDirty(this);
        GrantRoom();
    }

    private void Stall()
    {
        _stalled = true;
        lock (_transport) _outbox ??= Outbox.Take(_context.Budget); // the deadline is with it, and whatever follows queues in it
        // An ending has its own deadline, which slow progress does not move.
        if (_phase > Phase.Open) return;
        _outbox.SendDeadline = _loop.Now + _context.SendTimeout;
        ArmBy(_outbox.SendDeadline);
        GrantRoom();
    }

    private void OnFlushed()
    {
        if (_phase == Phase.Ending) ShutdownOnce();
        if ((_transport.Gate & GateReasons.Outbox) == 0) return;
        RestartSilence();
        _transport.OpenGate(GateReasons.Outbox);
    }

    private void GrantRoom()
    {
        if (Volatile.Read(ref _outbox) is null) return;
        lock (_transport)
        {
            if (_outbox?.Writable is not { } waiting || !HasRoom) return;
            _outbox.Writable = null;
            waiting.TrySetResult();
        }
    }

    /// <summary>What the bytes of a message to be queued are.</summary>
    private enum Form : byte
    {
        /// <summary>Its payload.</summary>
        Plain,

        /// <summary>Its payload, to be compressed with the ones before it.</summary>
        InOrder,

        /// <summary>Its frame.</summary>
        Frame,
    }

    private void OpenGates()
    {
        _transport.OpenGate(GateReasons.Outbox);
        // The handler's bit is the handler's: it goes when the handler is done.
    }
}
