// The loop's broadcasts, as one connection gets them: straight from the log, or, if something is queued, behind that. See BroadcastLog.

using System.Runtime.CompilerServices;
using RawWs.Server.Loops;

namespace RawWs.Server;

public sealed partial class WebSocketConnection
{
    private long _broadcastsHad; // up to which number it has them, sent or queued; under the lock, and only while messages are accepted

    // To be asked before whether something is queued: what another thread has meanwhile queued is in the outbox by then.
    private bool HasBroadcastsToCome
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Volatile.Read(ref _broadcastsHad) != _loop.Broadcasts.End;
    }

    /// <summary>Sends all broadcasts up to a number, or queues them. On the owner's thread, in a turn of their own.</summary>
    internal void SendBroadcasts(BroadcastLog log, long end)
    {
        ReadOnlySpan<byte> frames = default;
        int messages = 0;
        bool requestFlush = false;
        _transport.SendDeferred();
        // What waits only for this turn's end (a Pong) is not to need memory for what comes behind it.
        if (_loop.IsMemoryTight && !_stalled && Volatile.Read(ref _outbox) is not null) Flush();
        lock (_transport)
        {
            if (!_accepting || _broadcastsHad >= end) return;
            if (_outbox is null)
            {
                frames = log.Frames(_broadcastsHad, end);
                messages = (int)(end - _broadcastsHad);
                _broadcastsHad = end;
            }
            else
            {
                requestFlush = QueueBroadcasts() && _outbox!.RequestFlush();
            }
        }

        if (requestFlush) _loop.MarkDirty(this);
        if (messages > 0 && !TryDefer(frames, messages)) Send(frames, default, default, messages);
    }

    // Under the lock. True when some were queued. An outbox that is full gets none: whoever has sent them since it is full has been told
    // so.
    private bool QueueBroadcasts() => QueueBroadcasts(out _);

    private bool QueueBroadcasts(out bool noMemory)
    {
        noMemory = false;
        if (!_accepting || !HasBroadcastsToCome) return false;
        if (_outbox is not { IsFull: true }) return QueueBroadcastsSentBefore(out noMemory);
        Volatile.Write(ref _broadcastsHad, _loop.Broadcasts.End);
        _loop.Broadcasts.Refuse(this);
        return false;
    }

    // Under the lock. They were sent when there was room, so they are queued, were it past the bound; and if it is them who fill the
    // outbox, so are those that have come in this moment. Without memory for that they stay where they are, if nothing else waits: the
    // loop's turn sends them from there. Who has something waiting is closed then, for no message is left out in silence.
    private bool QueueBroadcastsSentBefore(out bool noMemory)
    {
        noMemory = false;
        BroadcastLog log = _loop.Broadcasts;
        bool some = false;
        while (_accepting && HasBroadcastsToCome)
        {
            bool nothingWaits = _outbox is null;
            _outbox ??= Outbox.TryTake(_context.Budget, _loop.Congestion, _loop.Now);
            noMemory = _outbox is null || !TryQueueBroadcasts(log);
            if (noMemory && _outbox is not null)
            {
                if (nothingWaits) GiveBackIfEmpty();
                else CloseForMemory();
            }

            if (noMemory) return some;
            some = true;
            if (!_outbox!.IsFull) break;
        }

        return some;
    }

    private bool TryQueueBroadcasts(BroadcastLog log)
    {
        long from = _broadcastsHad, end = log.End;
        if (!_outbox!.TryAppend(log.Frames(from, end))) return false;
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
