// A line that is dead, or was cut; nodes that begin; and how much a word may cost.

using RawWs.Benchmarks.Backplane;
using RawWs.Server;
using RawWs.Server.Nats;

namespace RawWs.Tests.Nats;

public sealed partial class ClusterNodeTests
{
    // No end of the connection comes: the node sees it from what does not come back. It takes nobody else for gone.
    [Test]
    public async Task ALineThatIsDead_WithoutAWord_IsSeen_AndSendersAreTold()
    {
        (SimulatedNode one, SimulatedNode two, _) = Three();
        two.Join("bob");
        one.Join("ann");
        _cluster.Pass(10);
        one.HearsItself = false;
        _cluster.Delay = (from, to) => from == one || to == one ? -1 : 1;
        _cluster.Pass(10_000);
        Assert.That((one.Node.IsConnected, one.Node.IsComplete, one.Node.PeersHere), Is.EqualTo((false, false, 2)));
        Task<DeliveryResult>[] sent = [one.Send("bob", "1"), one.Send("eve", "1"), one.SendToEverybody("1"), one.Send("ann", "1")];
        Assert.That(sent, Has.All.Property(nameof(Task.IsCompletedSuccessfully)).True, "at once");
        Assert.That(sent.Select(static one => one.Result), Is.EqualTo(
            [DeliveryResult.Unreachable, DeliveryResult.Unreachable, DeliveryResult.Unreachable, DeliveryResult.Delivered]));
        Assert.That(await Sent(two, "ann"), Is.EqualTo(DeliveryResult.Offline), "the others take it for gone");

        one.HearsItself = true;
        _cluster.Delay = static (_, _) => 1;
        _cluster.Pass(3_000);
        Assert.That((one.Node.IsConnected, one.Node.IsComplete), Is.EqualTo((true, true)));
        Assert.That((await Sent(one, "bob"), await Sent(two, "ann")), Is.EqualTo((DeliveryResult.Delivered, DeliveryResult.Delivered)));
    }

    [Test]
    public void WhoStoodStill_DoesNotTakeItsLineForDead()
    {
        (SimulatedNode one, _, _) = Three();
        one.IsRunning = false;
        _cluster.Pass(30_000);
        one.IsRunning = true;
        _cluster.Pass(1);
        Assert.That(one.Node.IsConnected, Is.True);
        _cluster.Pass(2_000);
        Assert.That((one.Node.IsConnected, one.Node.IsComplete), Is.EqualTo((true, true)));
    }

    // It asks those of its id first. To the others it never was there.
    [Test]
    public async Task ASecondNodeOfOneId_DisturbsNobody()
    {
        (SimulatedNode one, SimulatedNode two, _) = Three();
        one.Join("ann");
        _cluster.Pass(1_000);
        SimulatedNode second = _cluster.Add("one");
        second.Node.OnConnected(_cluster.Now);
        for (int i = 0; i < 100; i++)
        {
            Task<DeliveryResult> sent = two.Send("ann", $"{i}");
            _cluster.Pass(20);
            Assert.That(await sent, Is.EqualTo(DeliveryResult.Delivered), $"{i}");
        }

        Assert.That((second.Node.IsTaken, one.Node.IsTaken, two.Node.PeersHere), Is.EqualTo((true, false, 2)));
        Assert.That(one.Got.Count, Is.EqualTo(100));
    }

    // Whoever sends the same word a thousand times in one moment gets one answer.
    [Test]
    public void WhatIsWanted_IsToldOnce()
    {
        (SimulatedNode one, SimulatedNode two, _) = Three();
        for (int i = 0; i < 10_000; i++) one.Join($"u{i}");
        _cluster.Pass(2_000);
        byte[] wanted = new WireWriter().Begin(WireKind.Wanted, two.Settings.Incarnation, "two"u8)
            .Write(one.Settings.Incarnation).Write(1UL).Written.ToArray();
        byte[] hello = new WireWriter().Begin(WireKind.Hello, two.Settings.Incarnation, "two"u8).Written.ToArray();
        long before = _cluster.BytesPublished;
        for (int i = 0; i < 1_000; i++)
        {
            one.Node.Receive(wanted, _cluster.Now);
            one.Node.Receive(hello, _cluster.Now);
        }

        _cluster.Pass(10);
        Assert.That(_cluster.BytesPublished - before, Is.InRange(90_000, 100_000));
    }

    [Test]
    public void WhenNobodyRunsTheNodeAnyMore_NobodyWaitsForIt()
    {
        (SimulatedNode one, SimulatedNode two, _) = Three();
        two.Join("bob");
        _cluster.Pass(10);
        Task<DeliveryResult> under = one.Send("bob", "1");
        one.Node.End();
        one.Node.Close(_cluster.Now);
        Task<DeliveryResult> behind = one.Send("bob", "2"), all = one.SendToEverybody("2");
        Assert.That((under.Result, behind.Result, all.Result), Is.EqualTo(
            (DeliveryResult.Unreachable, DeliveryResult.Unreachable, DeliveryResult.Unreachable)));
    }

    // Two were on their way, and of each a part was lost: together they are none.
    [Test]
    public void PartsOfTwoSnapshots_AreNotPutTogether()
    {
        (SimulatedNode one, SimulatedNode two, _) = Three();
        two.Join("bob");
        _cluster.Pass(10);
        byte[] Part(uint snapshot, uint part, byte isLast, ulong hash) =>
            new WireWriter().Begin(WireKind.Snapshot, two.Settings.Incarnation, "two"u8)
                .Write(9UL).Write(snapshot).Write(part).Write(isLast).Write(hash).Written.ToArray();
        one.Node.Receive(Part(1, 0, 0, 11), _cluster.Now);
        one.Node.Receive(Part(2, 1, 1, 12), _cluster.Now);
        Assert.That((one.Node.Counts.Snapshots, one.Node.HasRemote("bob"u8)), Is.EqualTo((0L, true)));
        one.Node.Receive(Part(3, 0, 0, 11), _cluster.Now);
        one.Node.Receive(Part(3, 1, 1, 12), _cluster.Now);
        Assert.That((one.Node.Counts.Snapshots, one.Node.HasRemote("bob"u8)), Is.EqualTo((1L, false)), "that one is whole");
    }
}
