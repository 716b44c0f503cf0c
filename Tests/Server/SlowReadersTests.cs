// Who reads slowly but steadily is not too slow, and not dead. A kernel with a large buffer takes more from the server only when a good
// part of it is empty, which may take longer than every deadline. What the peer's system acknowledges shows that it goes on.

using Microsoft.Extensions.Time.Testing;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class SlowReadersTests
{
    private const int Held = 1_000_000;

    private readonly FakeTimeProvider _time = new();
    private CloseReport? _report;

    [TestCase(true)]
    [TestCase(false)]
    public async Task ASendDeadline_IsForPeersThatAcknowledgeNothing(bool reads)
    {
        await using MemoryConnection peer = Make(static options => options with { SendTimeout = TimeSpan.FromSeconds(30) });
        Stall(peer, 10_000);
        for (int second = 1; second <= 100; second++) Second(peer, reads);
        Assert.That(_report?.Cause, Is.EqualTo(reads ? null : (EndCause?)EndCause.StalledSend));
        if (!reads) return;
        for (int second = 1; second <= 65; second++) Second(peer, reads: false); // it has been seen to read within the last 30
        Assert.That(_report!.Cause, Is.EqualTo(EndCause.StalledSend), "from then on it does not read");
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task AFullQueue_IsForPeersThatAcknowledgeNothing(bool reads)
    {
        await using MemoryConnection peer = Make(static options => options with { SendBufferBytesMax = 65536 });
        Stall(peer, 100_000);
        for (int second = 1; second <= 25; second++)
        {
            if (peer.Connection.TrySend(MessageKind.Binary, new byte[1000]) == SendResult.Full) peer.Connection.CloseIfTooSlow();
            Second(peer, reads);
        }

        Assert.That(peer.Connection.IsOpen, Is.EqualTo(reads));
    }

    [TestCase(true, true)]
    [TestCase(true, false)]
    [TestCase(false, true)]
    [TestCase(false, false)]
    public async Task APingBehindMuch_IsNotAnsweredYet(bool reads, bool probed)
    {
        await using MemoryConnection peer = Make(
            static options => options with
            {
                Heartbeat = TimeSpan.Zero,
                PingInterval = TimeSpan.FromSeconds(10),
                SendTimeout = TimeSpan.FromHours(1),
            });
        Stall(peer, 10_000);
        for (int second = 1; second <= 60; second++)
        {
            if (probed) peer.Turn(peer.Connection.Probe);
            Second(peer, reads);
        }

        Assert.That(peer.Connection.IsOpen, Is.EqualTo(reads));
    }

    // What has been acknowledged to its last byte shows a system that works, and no program.
    [Test]
    public async Task APingThatHasArrived_IsToBeAnswered()
    {
        await using MemoryConnection peer = Make(
            static options => options with { Heartbeat = TimeSpan.Zero, PingInterval = TimeSpan.FromSeconds(10) });
        for (int second = 1; second <= 60; second++)
        {
            peer.Unacknowledged = 0;
            Second(peer, reads: false);
        }

        Assert.That(peer.Connection.IsOpen, Is.False);
    }

    private static void Stall(MemoryConnection peer, int bytes)
    {
        peer.Room = 5000;
        peer.Unacknowledged = Held;
        peer.Turn(() => peer.Connection.TrySend(MessageKind.Binary, new byte[bytes]));
    }

    private void Second(MemoryConnection peer, bool reads)
    {
        if (reads) peer.Unacknowledged -= 1000;
        _time.Advance(TimeSpan.FromSeconds(1));
        peer.Turn();
    }

    private MemoryConnection Make(Func<ServerOptions, ServerOptions> change) => new(
        new ProtocolOverTcpTests.Handler(static (_, _, _) => ValueTask.CompletedTask) { Closed = report => _report = report },
        options => change(options with { TimeProvider = _time }));
}
