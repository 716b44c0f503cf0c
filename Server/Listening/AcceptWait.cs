// How long accepting waits when something has run out: longer each time, until something was accepted again.

namespace RawWs.Server.Listening;

internal struct AcceptWait()
{
    /// <summary>How many connections in a row may fail to be accepted by their own fault: after so many it is taken for ours.</summary>
    public const int FailuresMax = 64;

    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(1);

    /// <summary>The wait that was begun last; zero when none is needed.</summary>
    public TimeSpan Time { get; private set; }

    /// <summary>Whether nothing has run out.</summary>
    public readonly bool IsOver => Time == TimeSpan.Zero;

    /// <summary>Begins a wait, twice as long as the one before, and says so.</summary>
    public TimeSpan Begin(IAcceptor acceptor, string shortage)
    {
        Time = IsOver ? First : Time * 2 > Longest ? Longest : Time * 2;
        acceptor.OnBackOff(Time, shortage);
        return Time;
    }

    /// <summary>Something was accepted.</summary>
    public void End() => Time = TimeSpan.Zero;
}
