// From the application to the kernel. There are two ways. While the loop takes this connection's bytes, its handler's answers go
// into the loop's batch and leave when those bytes are through (a small batch: when the turn's events are). Everything else, from any thread, is queued in the outbox
// and flushed at the end of the owner's turn. The batch is older than anything in the outbox and goes first; once something is queued,
// all that follows queues behind it.

using System.Runtime.CompilerServices;
using RawWs.Frame;
using RawWs.Server.Loops;

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

    private bool HasRoom => !_accepting || _outbox is null || _outbox.QueuedBytes <= _context.Options.SendBufferBytesMax / 2;

    // The loop takes this connection's bytes, on this very thread, and nothing is queued that would have to go first.
    private bool MaySendNow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _loop.Batch.Owner == this && _loop.IsOwner && _accepting && !_stalled && !HasBroadcastsToCome && Volatile.Read(ref _outbox) is null;
    }

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

    // False when it has to be queued after all.
    private bool TrySendNow(Opcode opcode, ReadOnlySpan<byte> payload)
    {
        SendBatch batch = _loop.Batch;
        if (payload.Length <= SendBatch.CopiedBytesMax && batch.TryAppend(opcode, payload)) return true;
        // The kernel takes the payload from where it lies. What it does not take has to be kept, so there must be room for that.
        if (!_context.Budget.HasRoomToWait(batch.Bytes + payload.Length)) return false;
        if (batch.TryAppendInset(opcode, payload) || batch.TryAppend(opcode, payload)) return true;
        if (!batch.Insets.IsEmpty && !FlushBatch()) return false;
        batch.AppendHeader(opcode, payload.Length);
        FlushBatch(payload);
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
            if (_outbox!.IsFull) QueueBroadcastsSentBefore(out _);
            requestFlush = _outbox.RequestFlush();
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
            if (_outbox.IsFull) QueueBroadcastsSentBefore(out _);
            requestFlush = _outbox.RequestFlush();
        }

        return Queued(requestFlush);
    }

    // Under the lock: the outbox, if one more message may be queued.
    private bool TryGetOutbox(out SendResult refused)
    {
        refused = _accepting ? SendResult.Full : SendResult.Closed;
        QueueBroadcasts(out bool noMemory);
        if (!_accepting || _outbox is { IsFull: true }) return false;
        // Without memory for the broadcasts before it, it can't be queued behind them.
        if (!noMemory) _outbox ??= Outbox.TryTake(_context.Budget, _loop.Congestion, _loop.Now);
        if (!noMemory && _outbox is not null) return true;
        refused = SendResult.OutOfMemory;
        return false;
    }

    private SendResult RefuseForMemory()
    {
        GiveBackIfEmpty();
        return SendResult.OutOfMemory;
    }

    private SendResult Queued(bool requestFlush)
    {
        Interlocked.Increment(ref _messagesOut);
        if (EventLoop.Current is { } sending) sending.Share.Spend(TurnShare.DeliveryWork); // whoever has its bytes taken there
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
            _outbox ??= Outbox.Take(_context.Budget, _loop.Congestion, _loop.Now);
            _outbox.Append(bytes, kind, coalesce: _stalled || _outbox.IsLong);
            requestFlush = _outbox.RequestFlush();
        }

        if (requestFlush) _loop.MarkDirty(this);
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
}
