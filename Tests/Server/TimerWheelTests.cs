// The wheel against a naive oracle: a set of entries and their due times, looked through from end to end. Time is a number.

using RawWs.Server.Time;

namespace RawWs.Tests.Server;

[TestFixture]
public class TimerWheelTests
{
    private const int Tick = TimerWheel.TickMilliseconds;

    [Test]
    public void Advance_BeforeTheDueTime_FiresNothing()
    {
        TimerWheel wheel = new(1000);
        Entry entry = new();
        wheel.Arm(entry, 3500);
        Assert.That(wheel.Advance(3499), Is.Zero);
        Assert.That(wheel.Advance(3500 + Tick), Is.EqualTo(1));
        Assert.That(entry.FiredAt, Is.EqualTo(new[] { 3500L + Tick }));
        Assert.That(wheel.Count, Is.Zero);
    }

    [Test]
    public void Advance_OnTheMillisecondOfATick_IsNotLate([Values(16, 1024, 65_536, 4_194_304)] long wait)
    {
        TimerWheel wheel = new(0);
        Entry entry = new();
        wheel.Arm(entry, wait);
        Assert.That(wheel.Advance(wait - 1), Is.Zero);
        Assert.That(wheel.Advance(wait), Is.EqualTo(1));
    }

    [Test]
    public void Arm_Again_MovesTheEntry()
    {
        TimerWheel wheel = new(0);
        Entry entry = new();
        wheel.Arm(entry, 100);
        wheel.Arm(entry, 100_000);
        Assert.That(wheel.Count, Is.EqualTo(1));
        Assert.That(wheel.Advance(99_999), Is.Zero);
        Assert.That(wheel.Advance(100_016), Is.EqualTo(1));
    }

    [Test]
    public void Disarm_TakesTheEntryOut_AndDoesNothingTwice()
    {
        TimerWheel wheel = new(0);
        Entry entry = new();
        wheel.Arm(entry, 100);
        wheel.Disarm(entry);
        wheel.Disarm(entry);
        Assert.That(wheel.Count, Is.Zero);
        Assert.That(wheel.NextDue(), Is.EqualTo(long.MaxValue));
        Assert.That(wheel.Advance(1000), Is.Zero);
    }

    [Test]
    public void Arm_InThePast_FiresAtTheNextTick()
    {
        TimerWheel wheel = new(0);
        wheel.Advance(160_000);
        Entry entry = new();
        wheel.Arm(entry, 5);
        Assert.That(wheel.NextDue(), Is.EqualTo(160_000 + Tick));
        Assert.That(wheel.Advance(160_000 + Tick), Is.EqualTo(1));
    }

    [Test]
    public void Arm_BeyondTheReachOfTheWheels_WaitsItOut()
    {
        const long Year = 365L * 86_400_000;
        TimerWheel wheel = new(0);
        Entry year = new(), never = new();
        wheel.Arm(year, Year);
        wheel.Arm(never, long.MaxValue);
        for (long now = 0; now < Year; now += 7 * 86_400_000L) Assert.That(wheel.Advance(now), Is.Zero);
        Assert.That(wheel.Advance(Year), Is.EqualTo(1));
        Assert.That(year.FiredAt, Has.Count.EqualTo(1));
        Assert.That(never.FiredAt, Is.Empty);
        Assert.That(wheel.Count, Is.EqualTo(1));
    }

    [Test]
    public void OnDue_MayDisarmAnotherThatIsDueAtTheSameTick()
    {
        TimerWheel wheel = new(0);
        Entry one = new(), other = new();
        one.Act = _ => wheel.Disarm(other);
        other.Act = _ => wheel.Disarm(one);
        wheel.Arm(one, 100);
        wheel.Arm(other, 100);
        Assert.That(wheel.Advance(200), Is.EqualTo(1));
        Assert.That(wheel.Count, Is.Zero);
        Assert.That(one.FiredAt.Count + other.FiredAt.Count, Is.EqualTo(1));
    }

    [Test]
    public void OnDue_MayArmItself_ForOneTurnOfAWheelAhead([Values(64, 4096)] int ticks)
    {
        TimerWheel wheel = new(0);
        Entry entry = new();
        entry.Act = now => wheel.Arm(entry, now + (ticks * Tick));
        wheel.Arm(entry, Tick);
        Assert.That(wheel.Advance(Tick), Is.EqualTo(1));
        Assert.That(wheel.Advance((ticks * Tick) + Tick - 1), Is.Zero);
        Assert.That(wheel.Advance((ticks * Tick) + Tick), Is.EqualTo(1));
    }

    [Test]
    public void Advance_ToNextDue_FiresEachEntryInItsTick([Values(1, 2, 3)] int seed)
    {
        Random random = new(seed);
        TimerWheel wheel = new(12_345);
        List<Entry> entries = [];
        for (int i = 0; i < 500; i++)
        {
            Entry entry = new() { Due = 12_345 + Wait(random) };
            entries.Add(entry);
            wheel.Arm(entry, entry.Due);
        }

        int steps = 0;
        for (long next = wheel.NextDue(); next != long.MaxValue; next = wheel.NextDue(), steps++) wheel.Advance(next);
        foreach (Entry entry in entries)
        {
            Assert.That(entry.FiredAt, Has.Count.EqualTo(1), $"seed {seed}");
            Assert.That(entry.FiredAt[0] - entry.Due, Is.InRange(0, Tick), $"seed {seed}");
        }

        // An early wake-up is one slot falling to a lower wheel, so an entry causes a few at most.
        Assert.That(steps, Is.LessThan(500 * 5), $"seed {seed}");
    }

    [Test]
    public void RandomArmDisarmAdvance_AgreesWithTheOracle([Range(1, 20)] int seed)
    {
        Random random = new(seed);
        long now = random.NextInt64(1_000_000_000);
        TimerWheel wheel = new(now);
        Entry[] entries = new Entry[200];
        HashSet<Entry> armed = []; // the oracle
        List<Entry> fired = [];
        long advancingTo = now;
        for (int i = 0; i < entries.Length; i++)
        {
            Entry entry = entries[i] = new Entry();
            entry.Act = _ =>
            {
                fired.Add(entry);
                Assert.That(armed.Remove(entry), Is.True, $"seed {seed}: fired without being armed");
                Assert.That(entry.Due, Is.LessThanOrEqualTo(advancingTo), $"seed {seed}: fired early");
                if (random.Next(3) == 0) Arm(entries[random.Next(entries.Length)], advancingTo + 1 + Wait(random));
                if (random.Next(5) == 0) Disarm(entries[random.Next(entries.Length)]);
            };
        }

        for (int step = 0; step < 3000; step++)
        {
            switch (random.Next(4))
            {
                case 0 or 1:
                    Arm(entries[random.Next(entries.Length)], now - 50 + Wait(random));
                    break;
                case 2:
                    Disarm(entries[random.Next(entries.Length)]);
                    break;
                default:
                    CheckNextDue();
                    advancingTo = now += random.Next(10) == 0 ? Wait(random) : random.Next(100);
                    fired.Clear();
                    Assert.That(wheel.Advance(now), Is.EqualTo(fired.Count), $"seed {seed}");
                    foreach (Entry entry in armed) Assert.That(entry.DueAtLast, Is.GreaterThan(now), $"seed {seed}: more than a tick late");
                    for (int i = 1; i < fired.Count; i++)
                        Assert.That(fired[i].FiredTick, Is.GreaterThanOrEqualTo(fired[i - 1].FiredTick), $"seed {seed}: out of order");
                    break;
            }

            Assert.That(wheel.Count, Is.EqualTo(armed.Count), $"seed {seed}");
        }

        void Arm(Entry entry, long due)
        {
            (entry.Due, entry.ArmedAt) = (due, advancingTo);
            armed.Add(entry);
            wheel.Arm(entry, due);
        }

        void Disarm(Entry entry)
        {
            armed.Remove(entry);
            wheel.Disarm(entry);
        }

        void CheckNextDue()
        {
            long next = wheel.NextDue();
            if (armed.Count == 0) Assert.That(next, Is.EqualTo(long.MaxValue), $"seed {seed}");
            foreach (Entry entry in armed) Assert.That(next, Is.LessThanOrEqualTo(entry.DueAtLast), $"seed {seed}: woken late");
        }
    }

    // Waits of every wheel, short ones most often.
    private static long Wait(Random random) => random.NextInt64(1L << random.Next(1, 29));

    private sealed class Entry : TimerEntry
    {
        public List<long> FiredAt { get; } = [];

        public Action<long>? Act { get; set; }

        public long Due { get; set; }

        public long ArmedAt { get; set; }

        public long FiredTick { get; private set; }

        /// <summary>When it has to have fired at the latest: a tick after it is due, and after it was armed.</summary>
        public long DueAtLast => Math.Max(Due, ArmedAt) + Tick;

        internal override void OnDue(long now)
        {
            FiredAt.Add(now);
            FiredTick = (Math.Max(Due, ArmedAt + 1) + Tick - 1) / Tick;
            Act?.Invoke(now);
        }
    }
}
