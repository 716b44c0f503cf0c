// How long accepting waits when the process has run out of something. Each wait is longer, until a connection has been accepted again.

namespace RawWs.Server.Listening;

internal struct AcceptWait()
{
    /// <summary>
    /// So many connections in a row may fail to be accepted by an error of their own. After that the error counts as this process's.
    /// </summary>
    public const int FailuresMax = 64;

    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(1);

    /// <summary>The wait that was begun last; zero when none is needed.</summary>
    public TimeSpan Time { get; private set; }

    /// <summary>Whether nothing has run out.</summary>
    public readonly bool IsOver => Time == TimeSpan.Zero;

    /// <summary>Begins a wait, twice as long as the one before, and tells the acceptor.</summary>
    public TimeSpan Begin(IAcceptor acceptor, string shortage)
    {
        Time = IsOver ? First : Time * 2 > Longest ? Longest : Time * 2;
        acceptor.OnBackOff(Time, shortage);
        return Time;
    }

    /// <summary>Something was accepted.</summary>
    public void End() => Time = TimeSpan.Zero;
}
