// A loop on a machine that has too much to do wakes late, again and again. What it did not listen to counts for nobody; but time goes on
// for those who are silent all the same, whatever else comes and goes meanwhile.

using Microsoft.Extensions.Time.Testing;
using RawWs.Server.Applications;
using RawWs.Server.Time;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class LateLoopTests
{
    private const int HeartbeatSeconds = 10;

    private readonly FakeTimeProvider _time = new();

    [Test]
    public async Task OneThatHasMuchPlanned_ClosesWhoIsSilent()
    {
        await using MemoryConnection peer = Open();
        Every ticker = new(peer.Loop.Wheel, milliseconds: 16);
        peer.Turn(() => ticker.Begin(peer.Loop.Now));
        Assert.That(SecondsUntilClosed(peer, lateBy: 150), Is.InRange(HeartbeatSeconds, 2 * HeartbeatSeconds));
    }

    [Test]
    public async Task OneThatHasNothingElsePlanned_ClosesWhoIsSilent([Values(150, 1000, 20_000)] int lateBy)
    {
        await using MemoryConnection peer = Open();
        double seconds = SecondsUntilClosed(peer, lateBy);
        Assert.That(seconds, Is.InRange(HeartbeatSeconds, (2 * HeartbeatSeconds) + (8 * lateBy / 1000.0)));
    }

    // With each of its turns something else is planned next: others come and go.
    [Test]
    public async Task OneWhosePlansChange_ClosesWhoIsSilent()
    {
        await using MemoryConnection peer = Open();
        Every[] others = [.. Enumerable.Range(0, 3).Select(_ => new Every(peer.Loop.Wheel, milliseconds: 16))];
        double seconds = SecondsUntilClosed(peer, lateBy: 150, turn =>
        {
            foreach (Every other in others) peer.Loop.Wheel.Disarm(other);
            if (turn % 4 < 3) peer.Loop.Wheel.Arm(others[turn % 4], peer.Loop.Now + 1000 + (500 * (turn % 4)));
        });
        Assert.That(seconds, Is.InRange(HeartbeatSeconds, 5 * HeartbeatSeconds));
    }

    // Between its late turns it has quick ones, for what comes on its sockets.
    [Test]
    public async Task OneThatIsQuickInBetween_ClosesWhoIsSilent()
    {
        await using MemoryConnection peer = Open();
        Every ticker = new(peer.Loop.Wheel, milliseconds: 16);
        peer.Turn(() => ticker.Begin(peer.Loop.Now));
        double seconds = SecondsUntilClosed(peer, lateBy: 150, _ =>
        {
            _time.Advance(TimeSpan.FromMilliseconds(1));
            peer.Turn();
        });
        Assert.That(seconds, Is.InRange(HeartbeatSeconds, 2 * HeartbeatSeconds));
    }

    private MemoryConnection Open() =>
        new(new EchoApplication(), options => options with { TimeProvider = _time, Heartbeat = TimeSpan.FromSeconds(HeartbeatSeconds) });

    // Each turn comes so much later than the wheel had planned.
    private double SecondsUntilClosed(MemoryConnection peer, int lateBy, Action<int>? before = null)
    {
        DateTimeOffset began = _time.GetUtcNow();
        for (int turn = 0; peer.Connection.IsOpen; turn++)
        {
            Assert.That(turn, Is.LessThan(10_000), "it is not closed at all");
            before?.Invoke(turn);
            _time.Advance(TimeSpan.FromMilliseconds(Math.Max(peer.Loop.Wheel.NextDue() - peer.Loop.Now, 0) + lateBy));
            peer.Turn();
        }

        return (_time.GetUtcNow() - began).TotalSeconds;
    }

    private sealed class Every(TimerWheel wheel, int milliseconds) : TimerEntry
    {
        public void Begin(long now) => wheel.Arm(this, now + milliseconds);

        internal override void OnDue(long now) => Begin(now);
    }
}
