// Nothing is told to a sender without a count, and nothing is counted without being told.

using RawWs.Benchmarks.Backplane;
using RawWs.Server;
using RawWs.Server.Nats;
using RawWs.Tests.Support;

namespace RawWs.Tests.Nats;

public sealed partial class ClusterNodeTests
{
    // A node that answers nothing gets no more than so many messages; others get theirs.
    [Test]
    public async Task PastSoManyUnanswered_MessagesAreRefused()
    {
        SimulatedNode one = _cluster.Add("one", static settings => settings with { UnansweredMax = 2 }), two = _cluster.Add("two");
        SimulatedNode three = _cluster.Add("three");
        foreach (SimulatedNode node in _cluster.Nodes) node.Node.OnConnected(_cluster.Now);
        two.Join("bob");
        three.Join("eve");
        _cluster.Pass(2_000);
        two.IsRunning = false;
        Task<DeliveryResult>[] waiting = [one.Send("bob", "1"), one.Send("bob", "2")];
        Assert.That(await one.Send("bob", "3"), Is.EqualTo(DeliveryResult.TooSlow));
        Task<DeliveryResult> other = one.Send("eve", "1");
        _cluster.Pass(100);
        Assert.That(await other, Is.EqualTo(DeliveryResult.Delivered));
        _cluster.Pass(2_500);
        Assert.That(await Task.WhenAll(waiting), Is.All.EqualTo(DeliveryResult.Unreachable));
        Assert.That((one.Node.Counts.Refused, one.Node.Counts.Unanswered), Is.EqualTo((1L, 2L)));
        Assert.That(one.Node.Counts.Nodes.All.Select(static node => (node.Name, node.Refused, node.Unanswered)),
            Is.EqualTo([("*", 0L, 0L), ("+", 0L, 0L), ("two", 1L, 2L), ("three", 0L, 0L)]));
    }

    // Where messages are lost, their receivers know how many; where answers are lost, the sender of the messages does. What goes out on one
    // link while too much waits is refused.
    [Test]
    public async Task WhatIsTold_IsCounted([Values] bool answersAreLost, [Range(0, 9)] int seed)
    {
        Random random = new(seed);
        SimulatedNode[] nodes = [.. Enumerable.Range(0, 4).Select(i => _cluster.Add($"n{i}", settings => settings with
        {
            PieceBytesMax = 128 + random.Next(20, 400),
            LinkBytesMax = 700,
            AnswerWithin = 600_000, // all is told by answers
        }))];
        foreach (SimulatedNode node in nodes) node.Node.OnConnected(_cluster.Now);
        for (int uid = 0; uid < 40; uid++) nodes[uid % nodes.Length].Join($"u{uid}");
        _cluster.Pass(3_000);
        bool lossy = true;
        _cluster.Delay = InOrder(random);
        _cluster.DelayToAll = InOrder(random);
        byte kind = (byte)(answersAreLost ? WireKind.Answers : WireKind.Direct);
        _cluster.IsLost = message => lossy && message[1] == kind && random.Next(5) == 0;
        List<(SimulatedNode From, string Message, Task<DeliveryResult> Result)> sent = [];
        for (int i = 0; i < 4_000; i++)
        {
            SimulatedNode from = nodes[random.Next(nodes.Length)];
            string uid = $"u{random.Next(40)}", text = $"{i}{new string('x', random.Next(5) == 0 ? 600 : 0)}";
            sent.Add((from, $"{uid}:{text}", from.Send(uid, text)));
            if (random.Next(40) == 0) _cluster.Pass(random.Next(20));
        }

        // Whatever is missing is seen from what comes behind it.
        lossy = false;
        _cluster.Pass(100);
        Task<DeliveryResult>[] last = [.. nodes.SelectMany(static from => "0123".Select(to => from.Send($"u{to}", "last")))];
        _cluster.Pass(100);
        Assert.That(await Task.WhenAll(last), Is.All.EqualTo(DeliveryResult.Delivered));
        await Task.WhenAll(sent.Select(static one => one.Result)).WaitAsync(TestServer.Patience);

        HashSet<string> got = [.. nodes.SelectMany(static node => node.Got)];
        foreach (SimulatedNode node in nodes)
        {
            Assert.That(Told(node, DeliveryResult.TooSlow), Is.EqualTo(node.Node.Counts.Refused));
            if (answersAreLost) Assert.That(Told(node, DeliveryResult.Unreachable), Is.EqualTo(node.Node.Counts.Unanswered));
            Assert.That(node.Node.Counts.Unknown, Is.Zero);
        }

        long unreachable = Sum(node => Told(node, DeliveryResult.Unreachable));
        long lost = Sum(static node => node.Node.Counts.Lost), unanswered = Sum(static node => node.Node.Counts.Unanswered);
        Assert.That(lost + unanswered, Is.EqualTo(unreachable).And.GreaterThan(50));
        Assert.That(Sum(static node => node.Node.Counts.Refused), Is.GreaterThan(20));
        if (answersAreLost) Assert.That(lost, Is.Zero);
        foreach ((_, string message, Task<DeliveryResult> result) in sent)
        {
            bool hasCome = result.Result == DeliveryResult.Delivered || (answersAreLost && result.Result == DeliveryResult.Unreachable);
            Assert.That(got.Contains(message), Is.EqualTo(hasCome), message);
        }

        long Told(SimulatedNode node, DeliveryResult result) => sent.Count(one => one.From == node && one.Result.Result == result);

        long Sum(Func<SimulatedNode, long> count) => nodes.Sum(count);
    }

    // The sender is told of those connections alone that have it. What a silent node has besides is counted, until it is forgotten.
    [Test]
    public async Task AUidThatASilentNodeHasToo_IsCounted([Values] bool isHere)
    {
        (SimulatedNode one, SimulatedNode two, SimulatedNode three) = Three();
        two.Join("bob");
        two.Join("eve");
        (isHere ? one : three).Join("bob");
        _cluster.Pass(10);
        Assert.That((await Sent(one, "bob"), one.Node.Counts.LeftOut), Is.EqualTo((DeliveryResult.Delivered, 0L)));
        two.IsRunning = false;
        _cluster.Pass(5_000);
        Assert.That((await Sent(one, "bob"), one.Node.Counts.LeftOut), Is.EqualTo((DeliveryResult.Delivered, 1L)));
        Assert.That((await Sent(one, "eve"), one.Node.Counts.LeftOut), Is.EqualTo((DeliveryResult.Offline, 1L)), "that is told");
        Task<DeliveryResult> elsewhere = one.Node.SendElsewhere("bob"u8.ToArray(), WebSocketMessage.Text("hi"), _cluster.Now).AsTask();
        _cluster.Pass(20);
        Assert.That(await elsewhere, Is.EqualTo(isHere ? DeliveryResult.Offline : DeliveryResult.Delivered));
        Assert.That(one.Node.Counts.LeftOut, Is.EqualTo(2), "whoever deals with his own connections himself");
        one.Node.OnDisconnected(_cluster.Now);
        Assert.That(await one.Send("bob", "hi"), Is.EqualTo(isHere ? DeliveryResult.Delivered : DeliveryResult.Unreachable));
        Assert.That(one.Node.Counts.LeftOut, Is.EqualTo(isHere ? 3 : 2), "without the backplane, too");
        one.Node.OnConnected(_cluster.Now);
        _cluster.Pass(70_000);
        Assert.That(await Sent(one, "bob"), Is.EqualTo(DeliveryResult.Delivered));
        Assert.That(one.Node.Counts.LeftOut, Is.EqualTo(isHere ? 3 : 2), "nobody knows any more that it had it");
    }

    // It is one message and two answers that are missing, however that is found out.
    [TestCase("no answer comes"), TestCase("they are silent"), TestCase("the backplane goes"), TestCase("the answers are lost")]
    public async Task AMessageToEverybody_CountsOnceForEachNodeThatDoesNotAnswer(string why)
    {
        (SimulatedNode one, SimulatedNode two, SimulatedNode three) = Three();
        if (why == "they are silent")
        {
            (two.IsRunning, three.IsRunning) = (false, false);
            _cluster.Pass(2_500);
        }

        _cluster.IsLost = static message => message[1] == (byte)WireKind.Answers;
        Task<DeliveryResult> sent = one.SendToEverybody("hi");
        if (why == "the backplane goes") one.Node.OnDisconnected(_cluster.Now);
        _cluster.Pass(why is "they are silent" or "the answers are lost" ? 1_900 : 2_100);
        _cluster.IsLost = static _ => false;
        if (why == "the answers are lost") Assert.That(one.SendToEverybody("hi").IsCompleted, Is.False);
        _cluster.Pass(10);
        Assert.That(await sent, Is.EqualTo(DeliveryResult.Unreachable));
        Assert.That(one.Node.Counts.Unanswered, Is.EqualTo(2));
    }
}
