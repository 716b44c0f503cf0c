// From the cork and the send queue to the kernel, and what happens when the kernel is full. What it does not send waits until the socket is
// writable. Meanwhile there is a deadline, and past 64 KiB reading from the peer is paused. All on the owner's thread.

using RawWs.Server.Channels;
using RawWs.Server.Loops;
using RawWs.Server.Native;
using RawWs.Server.Sending;

namespace RawWs.Server;

public sealed partial class WebSocketConnection
{
    private const long TooSlowMilliseconds = 5000;
    private const string TooSlowReason = "too slow";

    void ILoopMember.Flush() => Flush();

    // Sends what is corked and queued. On the owner's thread.
    private void Flush()
    {
        _transport.SendBatched();
        if (_stalled || _phase == Phase.Ended || !FlushCork()) return;
        while (TryPeek(out ReadOnlySpan<byte> run, out bool more))
        {
            int sent = _transport.TryWrite(run, more);
            if (sent < 0)
            {
                _transport.Break();
                return;
            }

            if (_loop.WatchesFrames) _loop.Watch.Sent(this, _bytesOut, run[..sent]);
            _bytesOut += sent;
            bool empty = OnSent(sent);
            if (sent < run.Length || _transport.IsSending)
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

    private void CheckSlowness()
    {
        if (!_stalled) Flush();
        else if (_transport.IsWritable) TryToSend();
        long most = Math.Min(TooSlowMilliseconds, _context.SendTimeout / 2);
        if (_queue is { IsFull: true } queue && _loop.Now >= queue.LastSent + most)
            BeginClose(new CloseRequest(EndCause.TooSlow, ServerCloseCodes.TooSlow, TooSlowReason, DropUnsent: true));
    }

    void ITransportOwner.OnBroken(string failure)
    {
        _stalled = false;
        StopAccepting();
        if (_phase is Phase.Handshake or Phase.Open or Phase.Closing) SetEnding(EndCause.PeerVanished, null, failure);
        _ending?.Drained?.TrySetResult();
    }

    // The connection's bytes are handled. A small cork joins the loop's batch, and is sent with the other connections' at the end of the
    // turn.
    private void EndCork()
    {
        Cork cork = _loop.Cork;
        if (cork.Bytes == 0) return;
        if (!cork.Segments.IsEmpty || !TryAddToBatch(cork.Frames, cork.Messages)) FlushCork();
        else if (!cork.MoveToBatch()) _transport.SendBatched();
    }

    private bool TryAddToBatch(ReadOnlySpan<byte> frames, int messages)
    {
        if (!_transport.TryAddToBatch(frames)) return false;
        _bytesOut += frames.Length;
        Interlocked.Add(ref _messagesOut, messages);
        return true;
    }

    void ITransportOwner.OnBatchSent(ReadOnlySpan<byte> frames, int sent)
    {
        if (_loop.WatchesFrames) TellSent(_bytesOut - frames.Length, frames, default, default, Math.Max(sent, 0));
        if (sent == frames.Length) return;
        _bytesOut -= frames.Length - Math.Max(sent, 0);
        if (sent < 0)
        {
            Post(Posted.Break);
            return;
        }

        try
        {
            if (TryQueueRest(frames, default, default, sent)) Stall();
        }
        catch (Exception exception)
        {
            // For example, the process has no memory for the rest. The stream cannot go on without it.
            Post(Posted.Abort);
            _context.OnFailed(this, exception);
        }
    }

    // Sends the cork, if it is this connection's and not empty. False when the kernel has not sent all of it.
    private bool FlushCork()
    {
        Cork cork = _loop.Cork;
        if (cork.Owner != this || cork.Bytes == 0) return true;
        ReadOnlySpan<byte> frames = cork.Frames;
        ReadOnlySpan<PayloadSegment> segments = cork.Segments;
        int messages = cork.Messages;
        cork.Clear(); // the bytes themselves stay valid for now
        return Send(frames, cork.Source, segments, messages);
    }

    // The same when the last frame of the cork is only the header of this payload, and there are no payload segments.
    private bool FlushCork(ReadOnlySpan<byte> payload)
    {
        Cork cork = _loop.Cork;
        ReadOnlySpan<byte> frames = cork.Frames;
        int messages = cork.Messages;
        cork.Clear();
        return Send(frames, payload, [new PayloadSegment(frames.Length, 0, payload.Length)], messages);
    }

    // Sends whole frames; nothing is queued that would have to go first. False when the kernel has not sent all, and then the rest is
    // queued.
    private bool Send(ReadOnlySpan<byte> frames, ReadOnlySpan<byte> source, ReadOnlySpan<PayloadSegment> segments, int messages)
    {
        int sent = segments.IsEmpty ? _transport.TryWrite(frames, more: false) : _transport.TryWrite(frames, source, segments);
        bool all = sent == PayloadSegment.TotalBytes(frames, segments);
        if (sent >= 0)
        {
            if (_loop.WatchesFrames) TellSent(_bytesOut, frames, source, segments, sent);
            _bytesOut += sent;
            Interlocked.Add(ref _messagesOut, messages);
        }

        if (sent < 0) _transport.Break();
        else if (all ? _transport.IsSending : TryQueueRest(frames, source, segments, sent)) Stall();
        return all && !_stalled;
    }

    // False when there is no memory for the rest; control frames alone are kept without asking. A frame may be cut then, and nothing can
    // follow it: the connection is reset.
    private bool TryQueueRest(ReadOnlySpan<byte> frames, ReadOnlySpan<byte> source, ReadOnlySpan<PayloadSegment> segments, int sent)
    {
        lock (_transport)
        {
            bool isControl = SendQueue.IsControl(frames, source, segments, sent);
            _queue ??= isControl
                ? SendQueue.Rent(_context.Budget, _loop.Congestion, _loop.Now)
                : SendQueue.TryRent(_context.Budget, _loop.Congestion, _loop.Now);
            if (_queue is not null && _queue.TryPrepend(frames, source, segments, sent, required: isControl))
            {
                if (_queue.IsFull) QueueBroadcastsBeforeFull();
                return true;
            }
        }

        SetEnding(EndCause.OutOfMemory, null, "");
        StopAccepting();
        _stalled = true; // nothing more is given to the kernel
        Post(Posted.Abort);
        return false;
    }

    private bool TryPeek(out ReadOnlySpan<byte> run, out bool more)
    {
        run = default;
        more = false;
        if (Volatile.Read(ref _queue) is null) return false;
        lock (_transport)
        {
            // An empty queue may be gone by now: a thread that could not append to it has returned it.
            if (_queue is null) return false;
            if (_queue.TryPeek(out run, out more)) return true;
            ReturnQueueIfEmpty();
            return false;
        }
    }

    // True when nothing is queued any more.
    private bool OnSent(int bytes)
    {
        lock (_transport)
        {
            if (_queue!.IsFull) QueueBroadcasts(); // broadcasts that came while it was full
            if (_loop.WatchesFrames && _loop.Watch.SeesFrames(this))
                _queue.TellSent(bytes, _bytesOut - bytes, this);
            _queue.OnSent(bytes, _loop.Now);
            return ReturnQueueIfEmpty();
        }
    }

    // Under the lock. While the kernel is full even an empty queue stays, because it holds the deadline.
    private bool ReturnQueueIfEmpty()
    {
        if (!_queue!.IsEmpty || _stalled) return false;
        _queue.Return();
        _queue = null;
        return true;
    }

    private void Stall()
    {
        _stalled = true;
        // It holds the deadline, and whatever follows is queued in it.
        lock (_transport) _queue ??= SendQueue.Rent(_context.Budget, _loop.Congestion, _loop.Now);
        if (_loop.WatchesFrames) _loop.Watch.FellBehind(this);
        // An ending has its own deadline, which slow progress does not move.
        if (_phase > Phase.Open) return;
        _queue.SendDeadline = _queue.LastSent + _context.SendTimeout;
        ArmBy(_queue.SendDeadline);
        GrantRoom();
    }

    private void OnFlushed()
    {
        if (_phase == Phase.Ending) ShutdownOnce();
        if ((_transport.PausedBy & ReadPauseReasons.SendQueue) == 0) return;
        RestartSilence();
        _transport.ResumeReading(ReadPauseReasons.SendQueue);
    }

    private void GrantRoom()
    {
        if (Volatile.Read(ref _queue) is null) return;
        lock (_transport)
        {
            if (_queue?.Writable is not { } waiting || !HasRoom) return;
            _queue.Writable = null;
            waiting.TrySetResult();
        }
    }

    // This server closes. The peer's Close may come after bytes that were not read for one of these reasons.
    private void ResumeReading()
    {
        _transport.ResumeReading(ReadPauseReasons.SendQueue);
        ResumeAfterDelivery();
        // The reason Handler goes when the handler is done, and the reason Turn goes with the turn.
    }
}
