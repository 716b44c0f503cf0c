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
    private bool QueueBroadcasts()
    {
        if (!_accepting || !HasBroadcastsToCome) return false;
        if (_outbox is not { IsFull: true }) return QueueBroadcastsSentBefore();
        Volatile.Write(ref _broadcastsHad, _loop.Broadcasts.End);
        _loop.Broadcasts.Refuse(this);
        return false;
    }

    // Under the lock. They were sent when there was room, so they are queued, were it past the bound; and if it is them who fill the
    // outbox, so are those that have come in this moment. Who can't be given them, for want of memory, is closed: no message is left out in
    // silence.
    private bool QueueBroadcastsSentBefore()
    {
        BroadcastLog log = _loop.Broadcasts;
        bool some = false;
        while (_accepting && HasBroadcastsToCome)
        {
            long from = _broadcastsHad, end = log.End;
            Volatile.Write(ref _broadcastsHad, end);
            _outbox ??= Outbox.TryTake(_context.Budget, _loop.Congestion, _loop.Now);
            if (_outbox is null || !_outbox.TryAppend(log.Frames(from, end)))
            {
                if (_outbox is not null) GiveBackIfEmpty();
                Post(Posted.CloseForMemory);
                return some;
            }

            Interlocked.Add(ref _messagesOut, end - from);
            some = true;
            if (!_outbox.IsFull) break;
        }

        return some;
    }
}
