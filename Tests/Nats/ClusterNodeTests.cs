using System.Diagnostics.CodeAnalysis;
using RawWs.Benchmarks.Backplane;
using RawWs.Server;
using RawWs.Server.Nats;
using RawWs.Tests.Support;

namespace RawWs.Tests.Nats;

public sealed partial class ClusterNodeTests
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

    // What a message needs until it is answered is used again.
    [Test]
    [SuppressMessage("Reliability", "CA2012", Justification = "Each is complete when its result is taken, once.")]
    public void ToSendToAnotherNode_AllocatesNothing()
    {
        (SimulatedNode one, SimulatedNode two, _) = Three();
        two.Join("bob");
        _cluster.Pass(10);
        byte[] uid = [.. "bob"u8];
        WebSocketMessage message = WebSocketMessage.Text(new string('x', 64));
        ValueTask<DeliveryResult>[] sent = new ValueTask<DeliveryResult>[100];
        long least = long.MaxValue;
        for (int round = 0; round < 20; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < sent.Length; i++) sent[i] = one.Node.SendElsewhere(uid, message, _cluster.Now);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            _cluster.Pass(10);
            foreach (ValueTask<DeliveryResult> each in sent)
                Assert.That((each.IsCompleted, each.Result), Is.EqualTo((true, DeliveryResult.Delivered)));
        }

        Assert.That(least, Is.Zero);
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
        int published = 0;
        one.Seen = message => published += message[1] == (byte)WireKind.Everybody ? 1 : 0;
        Task<DeliveryResult> sent = one.SendToEverybody("hi");
        _cluster.Pass(10);
        Assert.That(await sent, Is.EqualTo(DeliveryResult.Delivered));
        foreach (SimulatedNode node in new[] { one, two, three }) Assert.That(node.Got, Is.EqualTo(new[] { "all:hi" }));
        Assert.That(published, Is.EqualTo(1), "NATS carries it to each node");
    }

    // What a node answers is cut too: no message of the backplane's is longer than one may be.
    [Test]
    public async Task AnswersOfEachKind_FitIntoTheirMessages([Values(160, 428, 100_000)] int piece)
    {
        SimulatedNode one = _cluster.Add("one"), two = _cluster.Add("two", settings => settings with { PieceBytesMax = piece });
        foreach (SimulatedNode node in _cluster.Nodes) node.Node.OnConnected(_cluster.Now);
        string[] uids = ["bob", "eve", "ann"];
        foreach (string uid in uids) two.Join(uid);
        two.Slow.Add("eve");
        _cluster.Pass(2_000);
        int longest = 0;
        two.Seen = message => longest = Math.Max(longest, message.Length);
        two.Gone.Add("ann");
        Random random = new(piece);
        string[] to = [.. Enumerable.Range(0, 1_000).Select(i => i < 300 ? uids[i % 3] : i < 600 ? "eve" : uids[random.Next(3)])];
        Task<DeliveryResult>[] sent = [.. to.Select(uid => one.Send(uid, "hi"))];
        _cluster.Pass(20);
        DeliveryResult[] results = await Task.WhenAll(sent);
        Assert.That(results, Is.EqualTo(to.Select(static uid =>
            uid == "bob" ? DeliveryResult.Delivered : uid == "eve" ? DeliveryResult.TooSlow : DeliveryResult.Offline)));
        Assert.That(longest, Is.InRange(1, piece));
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
        Assert.That(toAnn.IsCompletedSuccessfully, Is.True);
        Assert.That(new[] { toBob, toEve, toAll }.Count(static sent => sent.IsCompleted), Is.Zero);
        await PassUntil(toBob, toEve, toAnn, toAll);
        Assert.That((toBob.Result, toEve.Result), Is.EqualTo((DeliveryResult.Delivered, DeliveryResult.Offline)));
        Assert.That((toAnn.Result, toAll.Result), Is.EqualTo((DeliveryResult.Delivered, DeliveryResult.Delivered)));
        Assert.That(two.Got, Is.EquivalentTo(new[] { "bob:hi", "all:you" }));
    }

    // A caller that waits for no answer before it sends the next, as the admin port does.
    [Test]
    public async Task WhoHasWaited_IsNotOvertaken()
    {
        (_, SimulatedNode two, _) = Three();
        two.Join("bob");
        _cluster.Pass(10);
        SimulatedNode four = _cluster.Add("four");
        four.Node.OnConnected(_cluster.Now);
        List<Task<DeliveryResult>> sent = [];
        for (int i = 0; i < 300; i++)
        {
            sent.Add(four.Send("bob", $"{i}"));
            _cluster.Pass(10); // in the middle of it the node knows all
        }

        await PassUntil([.. sent]);
        Assert.That(sent.Select(static one => one.Result), Is.All.EqualTo(DeliveryResult.Delivered));
        Assert.That(two.Got, Is.EqualTo(Enumerable.Range(0, 300).Select(static i => $"bob:{i}")));
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

    [Test]
    public void WhateverComesFromTheWire_IsNoException([Range(0, 9)] int seed)
    {
        Random random = new(seed);
        (SimulatedNode one, SimulatedNode two, _) = Three();
        List<byte[]> seen = [];
        _cluster.Delay = (_, _) => 1;
        two.Seen = seen.Add;
        one.Join("ann");
        _cluster.Pass(10);
        for (int i = 0; i < 50; i++)
        {
            two.Join($"u{i}");
            _ = two.Send("ann", "x");
            _ = one.Send($"u{random.Next(50)}", "y");
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

    // As the backplane has it: messages from one node to another keep their order, on each of their subjects.
    private Func<SimulatedNode, SimulatedNode, long> InOrder(Random random)
    {
        Dictionary<(SimulatedNode, SimulatedNode), long> last = [];
        return (from, to) =>
        {
            long at = Math.Max(last.GetValueOrDefault((from, to)), _cluster.Now + random.Next(1, 30));
            last[(from, to)] = at;
            return at - _cluster.Now;
        };
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
