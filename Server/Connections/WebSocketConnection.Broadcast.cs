// How one connection gets the loop's broadcasts: straight from the log or, if something is queued, behind it in the send queue. See
// BroadcastLog.

using System.Runtime.CompilerServices;
using RawWs.Server.Channels;
using RawWs.Server.Sending;

namespace RawWs.Server;

public sealed partial class WebSocketConnection
{
    // The number of the next broadcast that it does not have; under the lock, and only while messages are accepted.
    private long _broadcastsHad;

    // Must be read before asking whether something is queued: what another thread queues meanwhile is then in the send queue.
    private bool HasBroadcastsToCome
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Volatile.Read(ref _broadcastsHad) != _loop.Broadcasts.End;
    }

    void IBroadcastReceiver.OnRefused(Delegate callback) => ((Action<WebSocketConnection>)callback)(this);

    void IBroadcastReceiver.OnCallbackThrew(Exception exception) => OnCallbackThrew(exception);

    void IBroadcastReceiver.SendBroadcasts(BroadcastLog log, long end) => SendBroadcasts(log, end);

    private void SendBroadcasts(BroadcastLog log, long end)
    {
        ReadOnlySpan<byte> frames = default;
        int messages = 0;
        bool requestFlush = false;
        _transport.SendBatched();
        // Something that only waits for the end of this turn (a Pong) should not make the broadcasts need memory behind it.
        if (!_stalled && Volatile.Read(ref _queue) is not null
            && (_loop.IsMemoryTight || !_context.Budget.HasRoomToWait(BroadcastLog.BytesMax))) Flush();
        lock (_transport)
        {
            if (!_accepting || _broadcastsHad >= end) return;
            if (_queue is null)
            {
                frames = log.Frames(_broadcastsHad, end);
                messages = (int)(end - _broadcastsHad);
                _broadcastsHad = end;
            }
            else
            {
                requestFlush = QueueBroadcasts(out bool noMemory) && _queue!.RequestFlush();
                if (noMemory) CloseForMemory();
            }
        }

        if (requestFlush) _loop.MarkDirty(this);
        if (messages > 0 && !TryAddToBatch(frames, messages)) Send(frames, default, default, messages);
    }

    // Under the lock. True when some were queued. A full send queue gets none: since it is full, every sender of a broadcast has been told
    // so.
    private bool QueueBroadcasts() => QueueBroadcasts(out _);

    private bool QueueBroadcasts(out bool noMemory)
    {
        noMemory = false;
        if (!_accepting || !HasBroadcastsToCome) return false;
        if (_queue is not { IsFull: true }) return QueueBroadcastsSentBefore(out noMemory);
        Volatile.Write(ref _broadcastsHad, _loop.Broadcasts.End);
        _loop.Broadcasts.Refuse(this);
        return false;
    }

    // Under the lock. These broadcasts were accepted when there was room, so they are queued even past the bound. If they fill the queue,
    // those that arrived in this moment are queued too. Without memory for that they stay in the log: the loop's turn sends them from
    // there, after what waits for the end of this turn. If the kernel does not accept that, the connection is closed, because no message
    // may be lost in silence.
    private bool QueueBroadcastsSentBefore(out bool noMemory)
    {
        noMemory = false;
        BroadcastLog log = _loop.Broadcasts;
        bool some = false;
        while (_accepting && HasBroadcastsToCome)
        {
            _queue ??= SendQueue.TryRent(_context.Budget, _loop.Congestion, _loop.Now);
            noMemory = _queue is null || !TryQueueBroadcasts(log);
            if (noMemory)
            {
                if (_queue is not null) ReturnQueueIfEmpty();
                return some;
            }

            some = true;
            if (!_queue!.IsFull) break;
        }

        return some;
    }

    // Under the lock. The queue has just become full: whoever has sent to all before that has been told that everybody gets it.
    private void QueueBroadcastsBeforeFull()
    {
        QueueBroadcastsSentBefore(out bool noMemory);
        if (noMemory) CloseForMemory();
    }

    // The server closes, and what was sent to everybody before goes before the Close: queued or, without memory for that, sent at once.
    // False when neither is possible, because the kernel accepts nothing; or when that was found before.
    private bool TryBringUpToDate()
    {
        if (!TryKeepBroadcasts() && _loop.Cork.Owner is var owner && (owner is null || owner == this)) TrySendBroadcasts();
        return TryKeepBroadcasts() && ((Posted)Volatile.Read(ref _posted) & Posted.CloseForMemory) == 0;
    }

    // Sends what is corked, and then what was sent to everybody. False when the kernel takes no more.
    private bool TrySendBroadcasts()
    {
        if (_stalled || (_transport.PausedBy & ReadPauseReasons.SendQueue) != 0 || !FlushCork()) return false;
        SendBroadcasts(_loop.Broadcasts, _loop.Broadcasts.End);
        _transport.SendBatched();
        return !_stalled;
    }

    private bool TryKeepBroadcasts()
    {
        bool requestFlush, noMemory;
        lock (_transport) requestFlush = QueueBroadcasts(out noMemory) && _queue!.RequestFlush();
        if (requestFlush) _loop.MarkDirty(this);
        return !noMemory;
    }

    private bool TryQueueBroadcasts(BroadcastLog log)
    {
        long from = _broadcastsHad, end = log.End;
        if (!_queue!.TryAppend(log.Frames(from, end))) return false;
        Volatile.Write(ref _broadcastsHad, end);
        Interlocked.Add(ref _messagesOut, end - from);
        return true;
    }

    private void CloseForMemory()
    {
        Volatile.Write(ref _broadcastsHad, _loop.Broadcasts.End);
        Post(Posted.CloseForMemory);
    }
}
