// How many of a loop's connections are behind: those whose outboxes hold more than a little, and those whose outboxes are full. Outboxes
// keep the two counts; who sends to everybody looks at them, and so need not look at every connection.

namespace RawWs.Server;

internal sealed class Congestion
{
    private const long BehindBytes = 64 * 1024;

    private int _behind;
    private int _full;
    private int _inVain;

    /// <summary>How far one outbox is behind.</summary>
    public enum Level : byte
    {
        None,

        /// <summary>It holds more than its peer takes at once.</summary>
        Behind,

        /// <summary>It is at its bound.</summary>
        Full,
    }

    /// <summary>From so many queued bytes on an outbox is full. To be set before the first is made.</summary>
    public long FullBytes { get; set; } = 1024 * 1024;

    /// <summary>Whether somebody is behind, or full, for whom nobody has waited in vain yet. Any thread.</summary>
    public bool IsAnyBehind => Total > Volatile.Read(ref _inVain);

    /// <summary>Whether somebody's outbox is full. Any thread.</summary>
    public bool IsAnyFull => Volatile.Read(ref _full) > 0;

    public Level LevelOf(long queuedBytes) => queuedBytes >= FullBytes ? Level.Full : queuedBytes >= BehindBytes ? Level.Behind : Level.None;

    private int Total => Volatile.Read(ref _behind) + Volatile.Read(ref _full);

    /// <summary>A sender has waited for those who are behind now, and they still are: nobody waits for so many again. Any thread.</summary>
    public void WaitedInVain() => Volatile.Write(ref _inVain, Total);

    /// <summary>An outbox has gone from one level to another. Under its lock.</summary>
    public void Move(Level from, Level to)
    {
        Count(to, 1); // first, so that no moment shows nobody
        Count(from, -1);
        if (to == Level.None && Total is var total && total < Volatile.Read(ref _inVain)) Volatile.Write(ref _inVain, total);
    }

    private void Count(Level level, int change)
    {
        if (level == Level.Behind) Interlocked.Add(ref _behind, change);
        else if (level == Level.Full) Interlocked.Add(ref _full, change);
    }
}
