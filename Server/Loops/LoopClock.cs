// A loop's time, in milliseconds. It goes on only while the loop listens: no peer is to blame for what the loop did not hear.
//
// The loop means to be there when the next entry of its wheel is due. If it comes late, the time that it waited does not count, and it
// listens again first. If it is late again before it has reached that entry and has listened for a second, time goes on to the planned
// entry and not far past it: otherwise a loop that is always late would have no deadlines.

namespace RawWs.Server.Loops;

/// <summary>The clock of one loop, a part of it. The owning loop's thread only.</summary>
internal struct LoopClock(TimeProvider time)
{
    // If a turn comes so many milliseconds later than planned, the loop itself did not listen.
    private const long LateMilliseconds = 100;

    // The loop must have listened for so long since it last came late. Otherwise the time of the late turn counts.
    private const long ListenedMillisecondsMin = 1000;

    private readonly long _origin = time.GetTimestamp();
    private readonly long _frequency = time.TimestampFrequency;
    private long _notListened; // milliseconds in which the loop did not listen, and which count for nobody
    private long _forgivesFrom; // before this time, the time of another late turn does count
    private long _phaseBegan; // a timestamp

    /// <summary>The milliseconds in which the loop listened, up to the last <see cref="Read"/>.</summary>
    public long Now { get; private set; }

    /// <summary>The milliseconds since the loop was made, up to the last <see cref="Read"/>.</summary>
    public readonly long Uptime => Now + _notListened;

    /// <summary>The same, read from the clock now. Any thread.</summary>
    public readonly long UptimeAtThisMoment => (long)time.GetElapsedTime(_origin).TotalMilliseconds;

    /// <summary>Reads the time; a part of the turn begins.</summary>
    /// <param name="planned">When the loop meant to be there at the latest; long.MaxValue if it had no plan.</param>
    public void Read(long planned)
    {
        _phaseBegan = time.GetTimestamp();
        long now = (long)time.GetElapsedTime(_origin, _phaseBegan).TotalMilliseconds - _notListened;
        if (planned < long.MaxValue && now > planned + LateMilliseconds)
        {
            long counted = Math.Max(planned + LateMilliseconds, Now);
            if (Now >= _forgivesFrom)
            {
                counted = Now;
                _forgivesFrom = Math.Max(planned, Now + ListenedMillisecondsMin);
            }

            _notListened += now - counted;
            now = counted;
        }

        Now = now;
    }

    /// <summary>A part of the turn begins that should not last too long.</summary>
    public void BeginPhase() => _phaseBegan = time.GetTimestamp();

    /// <summary>Whether this part of the turn has lasted longer than so many milliseconds.</summary>
    public readonly bool HasLasted(double milliseconds) => time.GetTimestamp() - _phaseBegan > milliseconds * _frequency / 1000;
}
