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
                QueueBroadcasts();
                requestFlush = _outbox!.RequestFlush();
            }
        }

        if (requestFlush) _loop.MarkDirty(this);
        if (messages > 0 && !TryDefer(frames, messages)) Send(frames, default, default, messages);
    }

    // Under the lock. True when there were some. They are queued whatever the memory limit, for they count as sent; there was room for them when they came.
    private bool QueueBroadcasts()
    {
        if (!_accepting || !HasBroadcastsToCome) return false;
        BroadcastLog log = _loop.Broadcasts;
        _outbox ??= Outbox.Take(_context.Budget);
        for (long end = log.End; _broadcastsHad < end; Volatile.Write(ref _broadcastsHad, _broadcastsHad + 1))
        {
            if (_outbox.ChargedBytes >= _context.Options.SendBufferBytesMax)
            {
                _broadcastsHad = end;
                log.Refuse(this);
                return true;
            }

            _outbox.Append(log.Frames(_broadcastsHad, _broadcastsHad + 1), Outbox.EntryKind.Data);
            Interlocked.Increment(ref _messagesOut);
        }

        return true;
    }
}
