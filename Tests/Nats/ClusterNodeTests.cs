using RawWs.Benchmarks.Backplane;
using RawWs.Server;
using RawWs.Tests.Support;

namespace RawWs.Tests.Nats;

public sealed class ClusterNodeTests
{
    private SimulatedCluster _cluster = null!;

    [SetUp]
    public void SetUp() => _cluster = new SimulatedCluster();

    [Test]
    public async Task AMessage_FindsItsReceiver_OnAnotherNode()
    {
        (SimulatedNode one, SimulatedNode two, SimulatedNode three) = Three();
        two.Join("bob");
        _cluster.Pass(10);
        Task<DeliveryResult> sent = one.Send("bob", "hi");
        Assert.That(sent.IsCompleted, Is.False, "until the other node has answered");
        _cluster.Pass(10);
        Assert.That(await sent, Is.EqualTo(DeliveryResult.Delivered));
        Assert.That(two.Got, Is.EqualTo(new[] { "bob:hi" }));
        Assert.That(one.Got.Concat(three.Got), Is.Empty);
    }

    [Test]
    public async Task ALocalReceiver_IsServedAtOnce_AndARemoteOneOnceForItsNode()
    {
        (SimulatedNode one, SimulatedNode two, _) = Three();
        one.Join("bob");
        two.Join("bob");
        two.Join("bob");
        _cluster.Pass(10);
        Task<DeliveryResult> sent = one.Send("bob", "hi");
        Assert.That(one.Got, Is.EqualTo(new[] { "bob:hi" }));
        _cluster.Pass(10);
        Assert.That(await sent, Is.EqualTo(DeliveryResult.Delivered));
        Assert.That(two.Got, Is.EqualTo(new[] { "bob:hi" }));
    }

    [Test]
    public void AUidThatNobodyHas_IsOffline_AtOnce()
    {
        (SimulatedNode one, _, _) = Three();
        Task<DeliveryResult> sent = one.Send("bob", "hi");
        Assert.That(sent.IsCompletedSuccessfully, Is.True);
        Assert.That(sent.Result, Is.EqualTo(DeliveryResult.Offline));
    }

    [Test]
    public async Task ARemoteReceiverThatIsTooSlow_IsToldToTheSender()
    {
        (SimulatedNode one, SimulatedNode two, _) = Three();
        two.Join("bob");
        two.Slow.Add("bob");
        _cluster.Pass(10);
        Task<DeliveryResult> sent = one.Send("bob", "hi");
        _cluster.Pass(10);
        Assert.That(await sent, Is.EqualTo(DeliveryResult.TooSlow));
    }

    [Test]
    public async Task EverybodyGetsAMessageOnce()
    {
        (SimulatedNode one, SimulatedNode two, SimulatedNode three) = Three();
        Task<DeliveryResult> sent = one.SendToEverybody("hi");
        _cluster.Pass(10);
        Assert.That(await sent, Is.EqualTo(DeliveryResult.Delivered));
        foreach (SimulatedNode node in new[] { one, two, three }) Assert.That(node.Got, Is.EqualTo(new[] { "all:hi" }));
    }

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

    [TestCase(false), TestCase(true)]
    public void OfTwoNodesOfOneId_OneGoesOn(bool atOnce)
    {
        SimulatedNode first = _cluster.Add("one"), second = _cluster.Add("one");
        first.Node.OnConnected(_cluster.Now);
        if (!atOnce) _cluster.Pass(2_000);
        second.Node.OnConnected(_cluster.Now);
        _cluster.Pass(1_000);
        Assert.That((first.Node.IsTaken, second.Node.IsTaken), Is.EqualTo((false, true)));
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
        _cluster.Pass(10_000);
        one.IsAttached = true;
        one.Node.OnConnected(_cluster.Now);
        Assert.That(one.Node.IsComplete, Is.False);
        _cluster.Pass(2_000);
        Assert.That(one.Node.IsComplete, Is.True);
        Assert.That(await Sent(one, "bob"), Is.EqualTo(DeliveryResult.Delivered));
        Assert.That(await Sent(two, "ann"), Is.EqualTo(DeliveryResult.Delivered));
    }

    // It has just begun, and does not know yet who has what.
    [Test]
    public async Task WhileTheOthersAreNotKnown_AMessageWaits()
    {
        (_, SimulatedNode two, _) = Three();
        two.Join("bob");
        _cluster.Pass(10);
        SimulatedNode four = _cluster.Add("four");
        four.Node.OnConnected(_cluster.Now);
        four.Join("ann");
        Task<DeliveryResult> toBob = four.Send("bob", "hi"), toEve = four.Send("eve", "hi"), toAnn = four.Send("ann", "hi");
        Task<DeliveryResult> toAll = four.SendToEverybody("you");
        Assert.That(four.Got, Is.EqualTo(new[] { "ann:hi", "all:you" }), "its own are served at once");
        Assert.That(new[] { toBob, toEve, toAnn, toAll }.Count(static sent => sent.IsCompleted), Is.Zero);
        await PassUntil(toBob, toEve, toAnn, toAll);
        Assert.That((toBob.Result, toEve.Result), Is.EqualTo((DeliveryResult.Delivered, DeliveryResult.Offline)));
        Assert.That((toAnn.Result, toAll.Result), Is.EqualTo((DeliveryResult.Delivered, DeliveryResult.Delivered)));
        Assert.That(two.Got, Is.EqualTo(new[] { "bob:hi", "all:you" }));
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

    [Test]
    public void WhoWantsAUid_AsksItsNodeWhetherItLives()
    {
        (SimulatedNode one, SimulatedNode two, SimulatedNode three) = Three();
        two.Join("bob");
        one.Node.AskWhetherItLives("two", "bob"u8);
        _cluster.Pass(10);
        Assert.That((two.Probed, three.Probed), Is.EqualTo((new List<string> { "bob" }, new List<string>())));
    }

    [Test]
    public async Task AMessageLongerThanAPiece_IsCutAndJoined([Values(300, 330, 700, 5_000)] int length)
    {
        SimulatedNode one = _cluster.Add("one", static settings => settings with { PieceBytesMax = 128 + 300 });
        SimulatedNode two = _cluster.Add("two");
        foreach (SimulatedNode node in _cluster.Nodes) node.Node.OnConnected(_cluster.Now);
        two.Join("bob");
        _cluster.Pass(2_000);
        string[] texts = [.. Enumerable.Range(0, 20).Select(i => new string((char)('a' + i), i % 3 == 0 ? length : i))];
        Task<DeliveryResult>[] sent = [.. texts.Select(text => one.Send("bob", text))];
        _cluster.Pass(20);
        Assert.That(await Task.WhenAll(sent), Is.All.EqualTo(DeliveryResult.Delivered));
        Assert.That(two.Got, Is.EqualTo(texts.Select(static text => $"bob:{text}")));
    }

    // Every message is delivered, refused or told lost; none comes twice, and each receiver's come in order.
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
        Dictionary<(SimulatedNode, SimulatedNode), long> last = [];
        _cluster.Delay = (from, to) =>
        {
            if (lossy && random.Next(20) == 0) return -1;
            // In order, as the backplane has it between two nodes.
            long at = Math.Max(last.GetValueOrDefault((from, to)), _cluster.Now + random.Next(1, 30));
            last[(from, to)] = at;
            return at - _cluster.Now;
        };
        for (int uid = 0; uid < 40; uid++) nodes[random.Next(nodes.Length)].Join($"u{uid}");
        _cluster.Pass(3_000);
        lossy = true;
        List<(string Message, Task<DeliveryResult> Result)> sent = [];
        for (int i = 0; i < 2_000; i++)
        {
            string uid = $"u{random.Next(40)}", text = $"{i}{new string('x', random.Next(10) == 0 ? 600 : 0)}";
            sent.Add(($"{uid}:{text}", nodes[random.Next(nodes.Length)].Send(uid, text)));
            if (random.Next(4) == 0) _cluster.Pass(random.Next(20));
            if (random.Next(50) == 0) Move(random.Next(40));
        }

        lossy = false;
        _cluster.Pass(10_000);
        List<string> got = [.. nodes.SelectMany(static node => node.Got)];
        Assert.That(got, Is.Unique);
        await Task.WhenAll(sent.Select(static one => one.Result)).WaitAsync(TimeSpan.FromMinutes(1));
        HashSet<string> delivered = [.. got];
        foreach ((string message, Task<DeliveryResult> result) in sent)
        {
            if (result.Result == DeliveryResult.Delivered) Assert.That(delivered, Does.Contain(message));
            if (result.Result == DeliveryResult.Offline) Assert.That(delivered, Does.Not.Contain(message));
        }

        // When all is quiet every node knows the same.
        foreach (SimulatedNode node in nodes)
        {
            Assert.That(node.Node.IsComplete, Is.True);
            for (int uid = 0; uid < 40; uid++) Assert.That(node.Send($"u{uid}", "end").IsFaulted, Is.False);
        }

        _cluster.Pass(1_000);
        for (int uid = 0; uid < 40; uid++)
            Assert.That(nodes.SelectMany(static node => node.Got).Count(message => message == $"u{uid}:end"), Is.EqualTo(nodes.Length));

        void Move(int uid)
        {
            SimulatedNode from = nodes.First(node => node!.Has($"u{uid}"));
            from.Leave($"u{uid}");
            nodes[random.Next(nodes.Length)].Join($"u{uid}");
        }
    }

    [Test]
    public void WhateverComesFromTheWire_IsNoException([Range(0, 9)] int seed)
    {
        Random random = new(seed);
        (SimulatedNode one, SimulatedNode two, _) = Three();
        List<byte[]> seen = [];
        _cluster.Delay = (_, _) => 1;
        two.Seen = seen.Add;
        for (int i = 0; i < 50; i++)
        {
            two.Join($"u{i}");
            _ = two.SendToEverybody(new string('y', random.Next(300)));
            _cluster.Pass(2);
        }

        Assert.That(seen, Is.Not.Empty);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] message = (byte[])seen[random.Next(seen.Count)].Clone();
            for (int change = random.Next(1, 6); change > 0; change--) message[random.Next(message.Length)] = (byte)random.Next(256);
            one.Node.Receive(message.AsMemory(0, random.Next(message.Length + 1)), _cluster.Now);
        }

        one.Node.Turn(_cluster.Now);
    }

    // What a wait ends with is a task of its own, so it is waited for: no time passes for the nodes meanwhile.
    private async Task PassUntil(params Task<DeliveryResult>[] sent)
    {
        Task all = Task.WhenAll(sent);
        for (int i = 0; i < 500 && !all.IsCompleted; i++)
        {
            _cluster.Pass(10);
            SpinWait.SpinUntil(() => all.IsCompleted, 1);
        }

        await all.WaitAsync(TestServer.Patience);
    }

    private async Task<DeliveryResult> Sent(SimulatedNode from, string uid)
    {
        Task<DeliveryResult> sent = from.Send(uid, "text");
        _cluster.Pass(20);
        return await sent;
    }

    private (SimulatedNode One, SimulatedNode Two, SimulatedNode Three) Three()
    {
        (SimulatedNode, SimulatedNode, SimulatedNode) three = (_cluster.Add("one"), _cluster.Add("two"), _cluster.Add("three"));
        foreach (SimulatedNode node in _cluster.Nodes) node.Node.OnConnected(_cluster.Now);
        _cluster.Pass(2_000);
        Assert.That(_cluster.Nodes, Is.All.Matches<SimulatedNode>(static node => node!.Node.IsComplete));
        return three;
    }
}
