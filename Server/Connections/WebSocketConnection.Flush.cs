// From the queue to the kernel: the batch, what is queued behind it, and what happens when the kernel is full. What it does not take waits for
// writability; meanwhile the peer is not read from (its gate closes at 64 KiB) and has a deadline. All on the owner's thread.

using RawWs.Server.Loops;
using RawWs.Server.Native;
using RawWs.Server.Transports;

namespace RawWs.Server;

public sealed partial class WebSocketConnection
{
    private const long TooSlowMilliseconds = 5000;
    private const string TooSlowReason = "too slow";

    /// <summary>Sends what is queued. On the owner's thread.</summary>
    internal void Flush()
    {
        _transport.SendDeferred();
        if (_stalled || _phase == Phase.Ended || !FlushBatch()) return;
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

    void ITransportOwner.OnWritable() => TryToSend();

    private void TryToSend()
    {
        _stalled = false;
        Flush();
    }

    private void JudgeSlowness()
    {
        if (!_stalled) Flush();
        else if (_transport.IsWritable) TryToSend();
        long most = Math.Min(TooSlowMilliseconds, _context.SendTimeout / 2);
        if (_outbox is { IsFull: true } outbox && _loop.Now >= outbox.LastTaken + most)
            BeginClose(new CloseRequest(EndCause.TooSlow, ServerCloseCodes.TooSlow, TooSlowReason, DropUnsent: true));
    }

    void ITransportOwner.OnBroken(string failure)
    {
        _stalled = false;
        StopAccepting();
        if (_phase is Phase.Handshake or Phase.Open or Phase.Closing) SetVerdict(EndCause.PeerVanished, null, failure);
        _ending?.Drained?.TrySetResult();
    }

    // The bytes are through: a small batch may wait for the other connections', and leaves with theirs.
    private void EndBatch()
    {
        SendBatch batch = _loop.Batch;
        if (batch.Bytes == 0) return;
        if (!batch.Insets.IsEmpty || !TryDefer(batch.Frames, batch.Messages)) FlushBatch();
        else if (!batch.Defer()) _transport.SendDeferred();
    }

    private bool TryDefer(ReadOnlySpan<byte> frames, int messages)
    {
        if (!_transport.TryDefer(frames)) return false;
        _bytesOut += frames.Length;
        Interlocked.Add(ref _messagesOut, messages);
        return true;
    }

    void ITransportOwner.OnDeferredTaken(ReadOnlySpan<byte> frames, int taken)
    {
        _bytesOut -= frames.Length - Math.Max(taken, 0);
        if (taken < 0)
        {
            Post(Posted.Break);
            return;
        }

        try
        {
            if (TryQueueRest(frames, default, default, taken)) Stall();
        }
        catch (Exception exception)
        {
            // The process has no memory for the rest, say: the stream can't go on without it.
            Post(Posted.Abort);
            _context.OnFailed(this, exception);
        }
    }

    // Sends the batch, if it is this connection's and has something in it. False when the kernel has not taken all of it.
    private bool FlushBatch()
    {
        SendBatch batch = _loop.Batch;
        if (batch.Owner != this || batch.Bytes == 0) return true;
        ReadOnlySpan<byte> frames = batch.Frames;
        ReadOnlySpan<Inset> insets = batch.Insets;
        int messages = batch.Messages;
        batch.Clear(); // its bytes stay where they are for now
        return Send(frames, batch.Source, insets, messages);
    }

    // The same, where the last of the frames is the header of this payload, and there are no insets.
    private bool FlushBatch(ReadOnlySpan<byte> payload)
    {
        SendBatch batch = _loop.Batch;
        ReadOnlySpan<byte> frames = batch.Frames;
        int messages = batch.Messages;
        batch.Clear();
        return Send(frames, payload, [new Inset(frames.Length, 0, payload.Length)], messages);
    }

    // Sends whole frames: nothing is queued that would have to go first. False when the kernel has not taken all of it; the rest is queued then.
    private bool Send(ReadOnlySpan<byte> frames, ReadOnlySpan<byte> source, ReadOnlySpan<Inset> insets, int messages)
    {
        int taken = insets.IsEmpty ? _transport.TryWrite(frames, more: false) : _transport.TryWrite(frames, source, insets);
        bool all = taken == Inset.TotalBytes(frames, insets);
        if (taken >= 0)
        {
            _bytesOut += taken;
            Interlocked.Add(ref _messagesOut, messages);
        }

        if (taken < 0) _transport.Break(this);
        else if (all ? _transport.IsSending : TryQueueRest(frames, source, insets, taken)) Stall();
        return all && !_stalled;
    }

    // False when there is no memory for it. A frame may be cut then, and nothing can follow it: the connection of whoever does not take its
    // bytes is reset.
    private bool TryQueueRest(ReadOnlySpan<byte> frames, ReadOnlySpan<byte> source, ReadOnlySpan<Inset> insets, int taken)
    {
        lock (_transport)
        {
            _outbox ??= Outbox.TryTake(_context.Budget, _loop.Congestion, _loop.Now);
            if (_outbox is not null && _outbox.TryPrepend(frames, source, insets, taken))
            {
                if (_outbox.IsFull) QueueBroadcastsSentBefore(out _);
                return true;
            }
        }

        SetVerdict(EndCause.OutOfMemory, null, "");
        StopAccepting();
        _stalled = true; // nothing more is given to the kernel
        Post(Posted.Abort);
        return false;
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
            if (_outbox!.IsFull) QueueBroadcasts(); // the ones that have come while it was
            _outbox.Taken(bytes, _loop.Now);
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

    private void Stall()
    {
        _stalled = true;
        lock (_transport) _outbox ??= Outbox.Take(_context.Budget, _loop.Congestion, _loop.Now); // the deadline is with it, and whatever follows queues in it
        // An ending has its own deadline, which slow progress does not move.
        if (_phase > Phase.Open) return;
        _outbox.SendDeadline = _outbox.LastTaken + _context.SendTimeout;
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

    // We close: the peer's Close may be behind bytes that were not read for one of these reasons.
    private void OpenGates()
    {
        _transport.OpenGate(GateReasons.Outbox);
        Release();
        // The handler's bit is the handler's: it goes when the handler is done. The turn's goes with the turn.
    }
}
