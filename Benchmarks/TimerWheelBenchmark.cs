// What a tick costs while many connections wait. Every entry behaves like a connection's heartbeat: ten seconds, and armed anew when
// it is due. The time per tick that passes is the fixed cost; the time per entry that fires is shown beside it, as a wheel with 1,000 times
// the entries has 1,000 times as many that are due.

using BenchmarkDotNet.Attributes;
using RawWs.Server.Time;

namespace RawWs.Benchmarks;

public class TimerWheelBenchmark
{
    private const int Ticks = 1000;
    private const long Heartbeat = 10_000;

    private TimerWheel _waiting = new(0);
    private TimerWheel _firing = new(0);
    private Entry _rearmed = new();
    private long _waitingNow;
    private long _firingNow;

    [Params(100, 10_000, 100_000)]
    public int Entries { get; set; }

    [GlobalSetup]
    public void Fill()
    {
        Random random = new(1);
        (_waiting, _firing) = (new TimerWheel(0), new TimerWheel(0));
        (_waitingNow, _firingNow) = (0, 0);
        // Far away: for as long as the benchmark runs, none of them is due.
        for (int i = 0; i < Entries; i++) _waiting.Arm(new Entry(), long.MaxValue - random.Next(1000));
        for (int i = 0; i < Entries; i++) _firing.Arm(new Entry { Wheel = _firing }, random.NextInt64(Heartbeat));
        _rearmed = new Entry();
    }

    [Benchmark(Description = "a tick in which nothing is due", OperationsPerInvoke = Ticks)]
    public int TickOfWaiting()
    {
        int fired = 0;
        for (int i = 0; i < Ticks; i++) fired += _waiting.Advance(_waitingNow += TimerWheel.TickMilliseconds);
        return fired;
    }

    [Benchmark(Description = "arm, move and disarm one entry", OperationsPerInvoke = Ticks)]
    public int ArmMoveDisarm()
    {
        for (int i = 0; i < Ticks; i++)
        {
            _waiting.Arm(_rearmed, _waitingNow + Heartbeat);
            _waiting.Arm(_rearmed, _waitingNow + 30_000);
            _waiting.Disarm(_rearmed);
        }

        return _waiting.Count;
    }

    [Benchmark(Description = "a heartbeat's 625 ticks, every entry fires once")]
    public int HeartbeatOfAll()
    {
        int fired = 0;
        for (long end = _firingNow + Heartbeat; _firingNow < end;) fired += _firing.Advance(_firingNow += TimerWheel.TickMilliseconds);
        return fired;
    }

    private sealed class Entry : TimerEntry
    {
        public TimerWheel? Wheel { get; init; }

        internal override void OnDue(long now) => Wheel?.Arm(this, now + Heartbeat);
    }
}
