// How many of a loop's connections are behind: those whose send queues hold more than a little, and those whose send queues are full. The
// queues keep the two counts up to date. A sender to everybody reads the counts, and need not look at every connection.

namespace RawWs.Server.Sending;

internal sealed class Congestion
{
    private const long BehindBytes = 64 * 1024;

    private int _behind;
    private int _full;
    private int _inVain;

    /// <summary>How far one send queue is behind.</summary>
    public enum Level : byte
    {
        None,

        /// <summary>It holds more than its peer receives at once.</summary>
        Behind,

        /// <summary>It is at its bound.</summary>
        Full,
    }

    /// <summary>A send queue with so many queued bytes, or more, is full. To be set before the first connection is made.</summary>
    public long FullBytes { get; set; } = 1024 * 1024;

    /// <summary>Whether some send queue is behind or full, and no sender has yet waited for it in vain. Any thread.</summary>
    public bool IsAnyBehind => Total > Volatile.Read(ref _inVain);

    /// <summary>How many send queues are behind. Any thread.</summary>
    public int Behind => Volatile.Read(ref _behind);

    /// <summary>How many send queues are full. Any thread.</summary>
    public int Full => Volatile.Read(ref _full);

    /// <summary>Whether a full send queue gets no further message. To be set before the first connection is made.</summary>
    public bool FullRefuses { get; set; } = true;

    /// <summary>Whether some send queue is full, and gets no further message. Any thread.</summary>
    public bool RefusesAny => FullRefuses && Volatile.Read(ref _full) > 0;

    public Level LevelOf(long queuedBytes) =>
        queuedBytes >= FullBytes ? Level.Full : queuedBytes >= BehindBytes ? Level.Behind : Level.None;

    private int Total => Volatile.Read(ref _behind) + Volatile.Read(ref _full);

    /// <summary>
    /// A sender has waited for those that are behind now, and they still are. Nobody waits for so many again. Any thread.
    /// </summary>
    public void WaitedInVain() => Volatile.Write(ref _inVain, Total);

    /// <summary>A send queue has changed its level. Under its lock.</summary>
    public void Move(Level from, Level to)
    {
        Count(to, 1); // first, so that at no moment the counts show nobody
        Count(from, -1);
        if (to == Level.None && Total is var total && total < Volatile.Read(ref _inVain)) Volatile.Write(ref _inVain, total);
    }

    private void Count(Level level, int change)
    {
        if (level == Level.Behind) Interlocked.Add(ref _behind, change);
        else if (level == Level.Full) Interlocked.Add(ref _full, change);
    }
}
