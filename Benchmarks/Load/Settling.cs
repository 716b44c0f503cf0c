// When a server is through with what a load left behind: its connections have ended, and it does nothing any more.

namespace RawWs.Benchmarks.Load;

internal static class Settling
{
    /// <summary>Between two looks.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>So many looks, and it is given up: half a minute.</summary>
    public const int LooksMax = 600;

    private const double BusySeconds = 0.002; // of 0.05: what timers cost

    /// <summary>Whether it has settled before it is given up.</summary>
    /// <param name="look">How many descriptors are open, and how much processor time has been used.</param>
    /// <param name="descriptorsMost">How many may be open still.</param>
    /// <param name="pause">Waits until the next look.</param>
    /// <param name="looksMax">How often is looked.</param>
    public static bool Wait(Func<(int Descriptors, double ProcessorSeconds)> look, int descriptorsMost, Action pause, int looksMax)
    {
        double before = look().ProcessorSeconds;
        for (int i = 0; i < looksMax; i++)
        {
            pause();
            (int descriptors, double seconds) = look();
            if (descriptors <= descriptorsMost && seconds - before < BusySeconds) return true;
            before = seconds;
        }

        return false;
    }
}
