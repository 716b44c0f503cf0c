// The wheel against a sorted list, with a clock that the test turns.

using RawWs.Server.Time;

namespace RawWs.Tests.Server;

public sealed class TimerWheelTests
{
    [Test]
    public void NeverEarly_AtMostOneTickLate_AgainstAnOracle([Range(1, 6)] int seed)
    {
        Random random = new(seed);
        long now = random.Next(0, 100_000);
        TimerWheel wheel = new(now);
        Entry[] entries = [.. Enumerable.Range(0, 300).Select(static _ => new Entry())];
        for (int step = 0; step < 5000; step++)
        {
            Entry entry = entries[random.Next(entries.Length)];
            if (random.Next(4) == 0)
            {
                wheel.Disarm(entry);
                entry.Due = long.MaxValue;
            }
            else
            {
                long ahead = random.Next(5) switch { 0 => random.Next(0, 40), 1 => random.Next(0, 1100), 2 => random.Next(0, 70_000), 3 => random.Next(0, 5_000_000), _ => random.NextInt64(0, 400_000_000) };
                entry.Due = now + ahead;
                wheel.Arm(entry, entry.Due);
            }

            if (random.Next(3) != 0) continue;
            long nextDue = wheel.NextDue();
            long earliest = entries.Min(static e => e.Due);
            Assert.That(nextDue, Is.LessThanOrEqualTo(earliest == long.MaxValue ? long.MaxValue : Math.Max(earliest, now) + TimerWheel.TickMilliseconds), "the wait is never too long");
            now += random.Next(6) switch { 0 => 0, 1 => random.Next(1, 20), 2 => random.Next(0, 3000), 3 => random.Next(0, 200_000), 4 => random.Next(0, 10_000_000), _ => Math.Max(0, nextDue == long.MaxValue ? 0 : nextDue - now) };
            wheel.Advance(now);
            foreach (Entry e in entries)
            {
                Assert.That(e.FiredAt is null || e.FiredAt >= e.FiredDue, "never early");
                if (e.Due != long.MaxValue) Assert.That(now, Is.LessThan(e.Due + TimerWheel.TickMilliseconds), "at most one tick late");
            }

            Assert.That(wheel.Count, Is.EqualTo(entries.Count(static e => e.Due != long.MaxValue)));
        }
    }

    [Test]
    public void AnEntry_MayArmItselfAnew_WhileItIsCalled()
    {
        TimerWheel wheel = new(0);
        int calls = 0;
        Entry entry = new();
        entry.OnCall = now =>
        {
            calls++;
            entry.Due = now + 1024;
            wheel.Arm(entry, entry.Due);
        };
        wheel.Arm(entry, entry.Due = 100);
        for (long now = 0; now <= 10_000; now += 7) wheel.Advance(now);
        Assert.That(calls, Is.InRange(9, 10));
    }

    private sealed class Entry : TimerEntry
    {
        public long Due { get; set; } = long.MaxValue;

        public long? FiredAt { get; private set; }

        public long FiredDue { get; private set; }

        public Action<long>? OnCall { get; set; }

        internal override void OnDue(long now)
        {
            FiredAt = now;
            FiredDue = Due;
            Due = long.MaxValue;
            OnCall?.Invoke(now);
        }
    }
}
