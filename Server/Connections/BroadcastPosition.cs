// Up to which broadcast of its loop a connection has them all (BroadcastLog). Whoever sends it something else first queues those that it
// does not have, so that it gets everything in the order in which it was sent. A connection that accepts no messages has no position.

using System.Runtime.CompilerServices;
using RawWs.Server.Sending;

namespace RawWs.Server.Connections;

/// <summary>A part of <see cref="OutgoingQueue"/>. Under the connection's lock, unless a member says otherwise.</summary>
internal struct BroadcastPosition
{
    private const long None = -1;
    private const long Apart = long.MaxValue; // as if it had every broadcast that will ever be: it gets none

    // The number of the next broadcast that it does not have, while messages are accepted: from the upgrade's answer to the first Close.
    private long _next = None;

    public BroadcastPosition()
    {
    }

    /// <summary>Whether messages are accepted, and broadcasts are among them. Any thread.</summary>
    public readonly bool GetsBroadcasts => Volatile.Read(in _next) is not (None or Apart);

    /// <summary>Whether messages are accepted. Any thread.</summary>
    public readonly bool IsThere => Volatile.Read(in _next) >= 0;

    /// <summary>Whether messages are accepted, and it has every broadcast up to this number, the end of the log. Owner only.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool IsAt(long end)
    {
        long next = Volatile.Read(in _next);
        return next == end || next == Apart;
    }

    /// <summary>Whether it should get no broadcast before this number first: it has them all, or gets none. Owner only.</summary>
    public readonly bool LacksNone(long end)
    {
        long next = Volatile.Read(in _next);
        return next < 0 || next >= end;
    }

    /// <summary>From now on it accepts messages, and gets broadcasts unless it is apart.</summary>
    public void Begin(BroadcastLog log, bool isApart) => Volatile.Write(ref _next, isApart ? Apart : log.End);

    /// <summary>It gets no more.</summary>
    public void End() => Volatile.Write(ref _next, None);

    /// <summary>What it does not have it will never get.</summary>
    public void Skip(BroadcastLog log)
    {
        if (GetsBroadcasts) Volatile.Write(ref _next, log.End);
    }

    /// <summary>Takes the broadcasts that it does not have, up to a number. Nothing is queued before them.</summary>
    public ReadOnlySpan<byte> Take(BroadcastLog log, long end, out MessageCount messages)
    {
        ReadOnlySpan<byte> frames = log.Frames(_next, end);
        messages = log.Count(_next, end);
        Volatile.Write(ref _next, end);
        return frames;
    }

    /// <summary>
    /// Queues the broadcasts that it does not have. A full send queue gets none, unless older messages may be dropped for them: since it is
    /// full, every sender of a broadcast has been told so.
    /// </summary>
    /// <param name="connection">The connection.</param>
    /// <param name="queue">Its send queue; if there is none and it is needed, it is rented.</param>
    /// <param name="noMemory">There is none for it. What it does not have stays in the log.</param>
    /// <returns>Whether some were queued.</returns>
    public bool Queue(WebSocketConnection connection, ref SendQueue? queue, out bool noMemory)
    {
        noMemory = false;
        BroadcastLog log = connection.Loop.Broadcasts;
        if (LacksNone(log.End)) return false;
        long end = log.End;
        if (queue is not { IsFull: true }
            || OutgoingQueue.TryMakeRoom(connection, queue, log.Count(_next, end), out SendResult refused))
            return QueueSentBefore(connection, ref queue, out noMemory);
        Volatile.Write(ref _next, end);
        if (refused == SendResult.Full) log.Refuse(connection);
        return false;
    }

    /// <summary>
    /// The same for broadcasts that were accepted when there was room. So they are queued even past the bound; if they fill the queue,
    /// those that arrived in this moment too. Without memory for that the loop's turn sends them from the log, after what waits for the
    /// end of this turn. If the kernel does not accept that, the connection is closed, because no message may be lost in silence.
    /// </summary>
    public bool QueueSentBefore(WebSocketConnection connection, ref SendQueue? queue, out bool noMemory)
    {
        noMemory = false;
        BroadcastLog log = connection.Loop.Broadcasts;
        bool some = false;
        while (!LacksNone(log.End))
        {
            queue ??= OutgoingQueue.TryRent(connection);
            long from = _next, end = log.End;
            noMemory = queue is null || !queue.TryAppend(log.Frames(from, end), (int)(end - from));
            if (noMemory) return some;
            Volatile.Write(ref _next, end);
            connection.CountSent(log.Count(from, end));
            some = true;
            if (!queue!.IsFull) break;
        }

        return some;
    }
}
