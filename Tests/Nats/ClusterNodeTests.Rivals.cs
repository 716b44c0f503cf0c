// Two nodes of one id: how that comes, and which of them goes on.

using RawWs.Benchmarks.Backplane;
using RawWs.Server;

namespace RawWs.Tests.Nats;

public sealed partial class ClusterNodeTests
{
    [Test]
    public async Task TwoNodesOfOneId_AfterAPartition_TheYoungerEnds([Values] bool hasTheLowerIncarnation)
    {
        SimulatedNode elder = _cluster.Add("one", static settings => settings with { Incarnation = 50 }), two = _cluster.Add("two");
        _cluster.Pass(10);
        ulong incarnation = hasTheLowerIncarnation ? 49UL : 51UL;
        SimulatedNode younger = _cluster.Add("one", settings => settings with { Incarnation = incarnation });
        SimulatedNode three = _cluster.Add("three");
        bool isCut = true;
        _cluster.Delay = (from, to) => isCut && (from == younger || from == three) != (to == younger || to == three) ? -1 : 1;
        foreach (SimulatedNode node in _cluster.Nodes) node.Node.OnConnected(_cluster.Now);
        _cluster.Pass(2_000);
        elder.Join("ann");
        younger.Join("bob");
        _cluster.Pass(10);
        Assert.That((await Sent(two, "ann"), await Sent(three, "bob")),
            Is.EqualTo((DeliveryResult.Delivered, DeliveryResult.Delivered)));
        Assert.That(elder.Node.IsTaken || younger.Node.IsTaken, Is.False);

        isCut = false;
        _cluster.Pass(2_000);
        Assert.That((elder.Node.IsTaken, younger.Node.IsTaken), Is.EqualTo((false, true)));
        foreach (SimulatedNode other in (SimulatedNode[])[two, three])
        {
            Assert.That((await Sent(other, "ann"), await Sent(other, "bob")),
                Is.EqualTo((DeliveryResult.Delivered, DeliveryResult.Offline)));
        }

        Assert.That((await Sent(younger, "bob"), await Sent(younger, "ann")),
            Is.EqualTo((DeliveryResult.Delivered, DeliveryResult.Unreachable)), "its own are served until they are closed");
        younger.Node.OnConnected(_cluster.Now);
        _cluster.Pass(2_000);
        Assert.That((younger.Node.IsConnected, elder.Node.IsTaken), Is.EqualTo((false, false)), "it stays away");
        Assert.That(_cluster.Nodes.Sum(static node => node!.Node.Counts.Nonsense), Is.Zero);
    }

    [Test]
    public void WhoServes_GoesOn_WhateverTheClocksSay()
    {
        SimulatedNode first = _cluster.Add("one", static settings => settings with { BeganAt = long.MaxValue });
        first.Node.OnConnected(_cluster.Now);
        _cluster.Pass(2_000);
        SimulatedNode second = _cluster.Add("one");
        second.Node.OnConnected(_cluster.Now);
        _cluster.Pass(100);
        Assert.That((first.Node.IsTaken, second.Node.IsTaken), Is.EqualTo((false, true)));
    }

    // It was killed, and what it has said is still on its way.
    [Test]
    public void ALateWordOfALifeThatIsOver_EndsNobody()
    {
        SimulatedNode first = _cluster.Add("one"), second = _cluster.Add("one");
        second.IsRunning = false; // not yet
        _cluster.Delay = (from, _) => from == first ? 3_000 : 1;
        first.Node.OnConnected(_cluster.Now);
        _cluster.Pass(2_000);
        (first.IsRunning, second.IsRunning) = (false, true);
        second.Node.OnConnected(_cluster.Now);
        long before = _cluster.BytesReceived;
        _cluster.Pass(5_000);
        Assert.That(_cluster.BytesReceived, Is.GreaterThan(before), "late words have come");
        Assert.That((second.Node.IsTaken, second.Node.IsComplete), Is.EqualTo((false, true)));
    }

    // Whenever they hear of each other, in whatever order, and with whatever clocks: never both end, and never none.
    [Test]
    public void OfTwoNodesOfOneId_OneEnds([Range(0, 19)] int seed)
    {
        Random random = new(seed);
        long healsAt = _cluster.Now + random.Next(8_000);
        _cluster.Delay = (_, _) => _cluster.Now < healsAt || random.Next(4) == 0 ? -1 : random.Next(1, 400);
        SimulatedNode[] lives = [.. Enumerable.Range(0, 2).Select(_ => _cluster.Add("one", settings => settings with
        {
            BeganAt = random.Next(3),
            Incarnation = (ulong)random.Next(),
        }))];
        foreach (SimulatedNode life in lives)
        {
            life.Node.OnConnected(_cluster.Now);
            _cluster.Pass(random.Next(3_000));
        }

        _cluster.Pass(30_000);
        Assert.That(lives.Count(static life => life!.Node.IsTaken), Is.EqualTo(1));
    }
}
