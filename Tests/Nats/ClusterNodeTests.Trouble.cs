// When nodes are killed, stand still, are cut off, or begin anew: what is known of them then, and what senders are told.

using RawWs.Benchmarks.Backplane;
using RawWs.Server;

namespace RawWs.Tests.Nats;

public sealed partial class ClusterNodeTests
{
    [Test]
    public async Task ANodeThatIsKilled_HasNoUids_AfterFiveSeconds()
    {
        (SimulatedNode one, SimulatedNode two, _) = Three();
        two.Join("bob");
        _cluster.Pass(10);
        two.IsRunning = false;
        Task<DeliveryResult> sent = one.Send("bob", "hi");
        _cluster.Pass(5_000);
        Assert.That(await sent, Is.EqualTo(DeliveryResult.Unreachable));
        Assert.That(await one.Send("bob", "hi"), Is.EqualTo(DeliveryResult.Offline));
        Assert.That(one.Node.Counts.Unanswered, Is.EqualTo(1));
    }

    [Test]
    public async Task ANodeThatWasStopped_IsThereAgain_WithWhatItHasNow()
    {
        (SimulatedNode one, SimulatedNode two, _) = Three();
        two.Join("bob");
        two.Join("eve");
        _cluster.Pass(10);
        two.IsRunning = false;
        _cluster.Pass(30_000);
        two.Leave("eve");
        two.Join("ann");
        two.IsRunning = true;
        _cluster.Pass(2_000);
        Assert.That(await Sent(one, "bob"), Is.EqualTo(DeliveryResult.Delivered));
        Assert.That(await Sent(one, "ann"), Is.EqualTo(DeliveryResult.Delivered));
        Assert.That(await Sent(one, "eve"), Is.EqualTo(DeliveryResult.Offline));
        Assert.That(one.Node.IsComplete && two.Node.IsComplete, Is.True);
    }

    // So long that the others have forgotten it, and it has not forgotten them.
    [Test]
    public async Task ANodeThatWasForgotten_IsHeardAndHears()
    {
        (SimulatedNode one, SimulatedNode two, _) = Three();
        one.Join("ann");
        two.Join("bob");
        _cluster.Pass(10);
        for (int i = 0; i < 5; i++)
            Assert.That((await Sent(one, "bob"), await Sent(two, "ann")), Is.EqualTo((DeliveryResult.Delivered, DeliveryResult.Delivered)));
        two.IsRunning = false;
        _cluster.Pass(70_000);
        two.IsRunning = true;
        _cluster.Pass(2_000);
        Assert.That((await Sent(one, "bob"), await Sent(two, "ann")), Is.EqualTo((DeliveryResult.Delivered, DeliveryResult.Delivered)));
        Assert.That((one.Got.Count, two.Got.Count), Is.EqualTo((6, 6)));
        Assert.That((one.Node.Counts.Nonsense, two.Node.Counts.Nonsense), Is.EqualTo((0, 0)));
    }

    // Its line takes nothing, and it is not told that the backplane is away.
    [Test]
    public async Task WhileTheLineTakesNothing_SendersAreTold_AndNothingIsLostInSilence()
    {
        (SimulatedNode one, SimulatedNode two, _) = Three();
        two.Join("bob");
        _cluster.Pass(10);
        one.IsBusy = true;
        one.Join("ann");
        Task<DeliveryResult> given = one.Send("bob", "1");
        _cluster.Pass(2_100);
        Assert.That(await given, Is.EqualTo(DeliveryResult.Unreachable));
        Task<DeliveryResult> late = one.Send("bob", "2");
        _cluster.Pass(500);
        one.IsBusy = false;
        _cluster.Pass(20);
        Assert.That(await late, Is.EqualTo(DeliveryResult.Delivered));
        Assert.That(two.Got, Is.EqualTo(new[] { "bob:1", "bob:2" }), "what is not known need not be lost");
        Assert.That(await Sent(two, "ann"), Is.EqualTo(DeliveryResult.Delivered), "its news have waited");
        Assert.That((one.Node.Counts.Unanswered, two.Node.Counts.Lost), Is.EqualTo((1, 0)));
    }

    [Test]
    public async Task ANodeThatBeginsAnew_IsAnotherNode()
    {
        (SimulatedNode one, SimulatedNode two, _) = Three();
        two.Join("bob");
        _cluster.Pass(10);
        two.IsRunning = false;
        _cluster.Nodes.Remove(two);
        SimulatedNode again = _cluster.Add("two");
        again.Node.OnConnected(_cluster.Now);
        again.Join("ann");
        _cluster.Pass(1_000);
        Assert.That(await Sent(one, "bob"), Is.EqualTo(DeliveryResult.Offline));
        Assert.That(await Sent(one, "ann"), Is.EqualTo(DeliveryResult.Delivered));
    }

    [Test]
    public async Task WithoutTheBackplane_LocalDeliveryGoesOn_AndTheRestIsUnreachable()
    {
        (SimulatedNode one, SimulatedNode two, _) = Three();
        one.Join("ann");
        two.Join("bob");
        _cluster.Pass(10);
        one.IsAttached = false;
        one.Node.OnDisconnected(_cluster.Now);
        Assert.That(await one.Send("ann", "hi"), Is.EqualTo(DeliveryResult.Delivered));
        Assert.That(await one.Send("bob", "hi"), Is.EqualTo(DeliveryResult.Unreachable));
        Assert.That(await one.Send("eve", "hi"), Is.EqualTo(DeliveryResult.Unreachable));
        Assert.That(await one.SendToEverybody("hi"), Is.EqualTo(DeliveryResult.Unreachable));
        Assert.That(one.Node.Counts.Unknown, Is.EqualTo(3), "each that was told is counted");
        _cluster.Pass(10_000);
        one.IsAttached = true;
        one.Node.OnConnected(_cluster.Now);
        Assert.That(one.Node.IsComplete, Is.False);
        _cluster.Pass(2_000);
        Assert.That(one.Node.IsComplete, Is.True);
        Assert.That(await Sent(one, "bob"), Is.EqualTo(DeliveryResult.Delivered));
        Assert.That(await Sent(two, "ann"), Is.EqualTo(DeliveryResult.Delivered));
    }

    // NATS was away for all of them. Who is back first knows that the others may follow.
    [Test]
    public async Task WhoIsBackFirst_CallsNobodyOffline()
    {
        (SimulatedNode one, SimulatedNode two, SimulatedNode three) = Three();
        two.Join("bob");
        _cluster.Pass(10);
        foreach (SimulatedNode node in _cluster.Nodes)
        {
            node.IsAttached = false;
            node.Node.OnDisconnected(_cluster.Now);
        }

        _cluster.Pass(10_000);
        Assert.That(one.Node.GetPeers(), Has.Count.EqualTo(2), "nobody knows that they have gone");
        one.IsAttached = true;
        one.Node.OnConnected(_cluster.Now);
        Task<DeliveryResult> early = one.Send("bob", "text");
        await PassUntil(early);
        Assert.That(early.Result, Is.EqualTo(DeliveryResult.Unreachable));
        two.IsAttached = true;
        two.Node.OnConnected(_cluster.Now);
        _cluster.Pass(1_500);
        Assert.That(await Sent(one, "bob"), Is.EqualTo(DeliveryResult.Delivered));
        _cluster.Pass(4_000);
        Assert.That(one.Node.GetPeers().Select(static peer => peer.Id), Is.EqualTo(new[] { two.Node.Id }), "that one does not follow");
        Assert.That((one.Node.IsComplete, three.Node.IsComplete), Is.EqualTo((true, false)));
    }

    // It is on another node as well, and there nobody gets it.
    [Test]
    public async Task WithoutTheBackplane_WhoHasTheUidElsewhereToo_IsToldOf()
    {
        (SimulatedNode one, SimulatedNode two, _) = Three();
        one.Join("bob");
        two.Join("bob");
        _cluster.Pass(10);
        one.Node.OnDisconnected(_cluster.Now);
        _cluster.Pass(10_000);
        Assert.That(await one.Send("bob", "hi"), Is.EqualTo(DeliveryResult.Unreachable));
        Assert.That((one.Got.Count, one.Node.Counts.Unknown), Is.EqualTo((1, 1)));
    }

    [Test]
    public async Task IfTheyAreNotKnownInTime_ItIsUnreachable()
    {
        (_, SimulatedNode two, _) = Three();
        for (int i = 0; i < 3; i++) two.Join($"u{i}");
        _cluster.Pass(10);
        SimulatedNode four = _cluster.Add("four");
        _cluster.Delay = (from, to) => from == four && to == two ? -1 : 1; // it hears that the other one lives, and cannot ask it
        four.Node.OnConnected(_cluster.Now);
        Task<DeliveryResult> sent = four.Send("u0", "hi");
        await PassUntil(sent);
        Assert.That((sent.Result, four.Node.IsComplete), Is.EqualTo((DeliveryResult.Unreachable, false)));
        Assert.That(four.Node.Counts.Unknown, Is.EqualTo(1));
    }

    // Its own clock has stood still. It has not heard the others, and that is not their fault.
    [Test]
    public async Task AfterAStandstill_NobodyIsOfflineForAMoment()
    {
        (SimulatedNode one, SimulatedNode two, _) = Three();
        two.Join("bob");
        _cluster.Pass(10);
        one.IsRunning = false;
        _cluster.Pass(30_000);
        one.IsRunning = true;
        one.Node.Turn(_cluster.Now);
        Task<DeliveryResult> sent = one.Send("bob", "hi");
        await PassUntil(sent);
        Assert.That(sent.Result, Is.EqualTo(DeliveryResult.Delivered));
    }

    // Every message is delivered, refused or told lost; none comes twice, and on each node those of one sender to one uid come in order.
    [Test]
    public async Task WhateverIsLost_IsTold([Range(0, 19)] int seed)
    {
        Random random = new(seed);
        SimulatedNode[] nodes = [.. Enumerable.Range(0, 4).Select(i => _cluster.Add($"n{i}", settings => settings with
        {
            PieceBytesMax = 128 + random.Next(20, 400),
            EventsKept = random.Next(1, 100),
            PeersMax = 10,
        }))];
        foreach (SimulatedNode node in nodes) node.Node.OnConnected(_cluster.Now);
        bool lossy = false;
        _cluster.Delay = InOrder(random);
        _cluster.DelayToAll = InOrder(random);
        _cluster.IsLost = _ => lossy && random.Next(20) == 0;
        for (int uid = 0; uid < 40; uid++) nodes[random.Next(nodes.Length)].Join($"u{uid}");
        _cluster.Pass(3_000);
        lossy = true;
        List<(string Message, Task<DeliveryResult> Result)> sent = [];
        Dictionary<string, (SimulatedNode From, string Uid, int Number)> facts = []; // of each message
        HashSet<(SimulatedNode, string)> moves = []; // to which node which uid has come
        for (int i = 0; i < 2_000; i++)
        {
            string uid = $"u{random.Next(40)}", text = $"{i}{new string('x', random.Next(10) == 0 ? 600 : 0)}";
            SimulatedNode sender = nodes[random.Next(nodes.Length)];
            facts.Add($"{uid}:{text}", (sender, uid, i));
            sent.Add(($"{uid}:{text}", sender.Send(uid, text)));
            if (random.Next(4) == 0) _cluster.Pass(random.Next(20));
            if (random.Next(50) == 0) Move(random.Next(40));
        }

        lossy = false;
        _cluster.Pass(10_000);
        await PassUntil([.. sent.Select(static one => one.Result)]);
        // A uid that moves while a message is on its way to where it was, or will be, may get that on each of its two connections.
        // And what is sent while it is on the sender's own node does not wait behind what was sent before (ClusterNode.Send).
        foreach (SimulatedNode node in nodes)
        {
            Assert.That(node.Got, Is.Unique, node.Settings.Id);
            foreach (var way in node.Got.Select(message => facts[message]).GroupBy(static one => (one.From, one.Uid)))
            {
                if (moves.Contains(way.Key)) continue;
                Assert.That(way.Select(static one => one.Number), Is.Ordered,
                    $"from {way.Key.From.Settings.Id} to {way.Key.Uid} on {node.Settings.Id}");
            }
        }

        HashSet<string> delivered = [.. nodes.SelectMany(static node => node.Got)];
        foreach ((string message, Task<DeliveryResult> result) in sent)
        {
            if (result.Result == DeliveryResult.Delivered) Assert.That(delivered, Does.Contain(message));
            if (result.Result == DeliveryResult.Offline) Assert.That(delivered, Does.Not.Contain(message));
        }

        // When all is quiet every node knows the same.
        List<Task<DeliveryResult>> ends = [];
        foreach (SimulatedNode node in nodes)
        {
            Assert.That(node.Node.IsComplete, Is.True);
            for (int uid = 0; uid < 40; uid++) ends.Add(node.Send($"u{uid}", "end"));
        }

        await PassUntil([.. ends]);
        for (int uid = 0; uid < 40; uid++)
            Assert.That(nodes.SelectMany(static node => node.Got).Count(message => message == $"u{uid}:end"), Is.EqualTo(nodes.Length));

        Assert.That(ends.Select(static end => end.Result), Is.All.EqualTo(DeliveryResult.Delivered));

        void Move(int uid)
        {
            SimulatedNode from = nodes.First(node => node!.Has($"u{uid}")), to = nodes[random.Next(nodes.Length)];
            from.Leave($"u{uid}");
            to.Join($"u{uid}");
            moves.Add((to, $"u{uid}"));
        }
    }
}
