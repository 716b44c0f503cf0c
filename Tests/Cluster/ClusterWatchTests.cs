// What the log is told of a cluster, over a wire that the test controls: a line for each kind in a second, with a count.

using Microsoft.Extensions.Logging;
using RawWs.Benchmarks.Backplane;
using RawWs.Server;
using RawWs.Server.Nats;
using RawWs.Tests.Support;

namespace RawWs.Tests.Cluster;

public sealed class ClusterWatchTests
{
    private SimulatedCluster _cluster = null!;
    private RecordedLog _log = null!;
    private SimulatedNode _one = null!;
    private SimulatedNode _two = null!;
    private ClusterWatch _watch = null!;
    private NatsTold _told = null!;
    private long _nonsense;
    private int _seen;

    [SetUp]
    public void Start()
    {
        (_cluster, _told, _log, _nonsense, _seen) = (new SimulatedCluster(), new NatsTold(), new RecordedLog(LogLevel.Information), 0, 0);
        _one = _cluster.Add("one");
        _two = _cluster.Add("two");
        foreach (SimulatedNode node in _cluster.Nodes) node.Node.OnConnected(_cluster.Now);
        _cluster.Pass(2_000);
        Assert.That(_one.Node.IsComplete && _two.Node.IsComplete, "else messages would wait");
        _watch = new ClusterWatch(_one.Node, _told, () => _nonsense, _log.CreateLogger("test"));
        _watch.Begin("rawws");
        Assert.That(News(), Is.EqualTo(["node one is in the cluster rawws, with 1 others"]));
    }

    [TearDown]
    public void Stop() => _log.Dispose();

    [Test]
    public void WhenNothingHappens_NothingIsTold()
    {
        for (int i = 0; i < 5; i++) _cluster.Pass(1_000);
        Assert.That(News(), Is.Empty);
    }

    [Test]
    public void NodesComeAndGo()
    {
        for (int i = 0; i < 25; i++) _cluster.Add($"n{i:00}").Node.OnConnected(_cluster.Now);
        _cluster.Pass(1_000);
        Assert.That(News().Single(), Does.StartWith("25 nodes have come: n00, n01, ").And.EndWith("n19, …"));
        _two.IsRunning = false;
        _cluster.Pass(6_000);
        Assert.That(News(), Is.EqualTo(["1 nodes have gone, or say nothing any more: two; their uids are offline"]));
        _two.IsRunning = true;
        _cluster.Pass(2_000);
        Assert.That(News(), Is.EqualTo(["1 nodes have come: two"]));
    }

    [Test]
    public void TheBackplaneGoes_AndComesBack()
    {
        _one.IsAttached = false;
        _one.Node.OnDisconnected(_cluster.Now);
        _told.OnDisconnected();
        Assert.That(News(), Is.EqualTo(["the backplane is away: messages go to this node's own connections alone until it is back"]));
        _told.OnReconnectFailed("no\nroute");
        _cluster.Pass(61_000);
        string[] news = News();
        Assert.That(news, Has.Member("the backplane has been away for 61 s: no route"));
        Assert.That(news, Has.None.StartsWith("1 nodes have gone"), "nobody knows");
        Assert.That(News(), Is.Empty, "one line a minute");
        _one.IsAttached = true;
        _one.Node.OnConnected(_cluster.Now);
        Assert.That(News(), Is.EqualTo(["the backplane is back after 61 s"]));
        _cluster.Pass(3_000);
        Assert.That(News(), Is.EqualTo(["the uids of all 2 nodes of the cluster are known"]));
    }

    // A node that gives a uid without a claim gives one that is another node's.
    [Test]
    public void ANodeThatDoesNotClaim_BesideOneThatDoes_IsNamed()
    {
        SimulatedNode three = _cluster.Add("three", static settings => settings with { ClaimsUids = true });
        three.Node.OnConnected(_cluster.Now);
        _cluster.Pass(2_000);
        Assert.That(News(), Is.EqualTo(["1 nodes have come: three", "1 nodes have share for duplicate-uid where this one has replace or "
            + "reject, or the other way round: three; so a uid can have connections on those and on this one; give all nodes of the "
            + "cluster the same"]));
        ClusterWatch other = new(three.Node, new NatsTold(), static () => 0, _log.CreateLogger("test"));
        other.Begin("rawws");
        other.Look(_cluster.Now);
        Assert.That(News(), Has.Some.StartsWith("2 nodes have share for duplicate-uid").And.Some.Contains(": one, two;"));
        _cluster.Pass(5_000);
        other.Look(_cluster.Now);
        Assert.That(News(), Is.Empty, "once for each");
    }

    // It has gone and come between two looks.
    [Test]
    public void ABackplaneThatIsBackAtOnce_IsToldOfToo()
    {
        _told.OnDisconnected();
        Assert.That(News(), Is.SupersetOf(["the backplane is back after 0 s"]).And.Some.StartsWith("the backplane is away"));
    }

    [Test]
    public async Task WhatIsLost_IsCounted()
    {
        _two.Join("bob");
        _cluster.Pass(10);
        _ = _one.Send("bob", "0"); // one that arrives
        _cluster.Pass(10);
        _cluster.Delay = static (_, _) => -1;
        Task<DeliveryResult>[] sent = [_one.Send("bob", "1"), _one.Send("bob", "2")];
        _cluster.Pass(2_500);
        foreach (Task<DeliveryResult> one in sent) Assert.That(await one, Is.EqualTo(DeliveryResult.Unreachable));
        Assert.That(News(), Is.EqualTo(["2 messages to other nodes were not answered in time; their senders are told"]));
        _cluster.Delay = static (_, _) => 1;
        ClusterWatch other = new(_two.Node, new NatsTold(), static () => 0, _log.CreateLogger("test"));
        other.Begin("rawws");
        _ = _one.Send("bob", "3");
        _cluster.Pass(100);
        other.Look(_cluster.Now);
        Assert.That(News(), Has.Some.StartsWith("2 messages of other nodes were lost on the way here; their senders are told"));
    }

    [Test]
    public void WhatMakesNoSense_AndWhatNatsTells_IsCounted()
    {
        for (int i = 0; i < 3; i++) _one.Node.Receive(new byte[] { 9, 9 }, _cluster.Now);
        _nonsense = 2;
        _told.OnError("Permissions\tViolation");
        _told.OnError("Slow Consumer");
        _one.Node.Counts.CountUndecided(new TimeoutException("no answer"));
        _one.Node.Counts.CountFailure(new InvalidOperationException("no\nsense"));
        Assert.That(News(), Is.EqualTo([
            "5 messages that came over the backplane made no sense and were dropped",
            "whether a uid is taken could not be found out 1 times, and nobody was let in with it; the last time: no answer",
            "the node of the cluster has failed 1 times, and goes on; the last time: InvalidOperationException: no sense",
            "NATS has told 2 errors, the last one is: Slow Consumer",
        ]));
    }

    // After four seconds of silence it gets nothing any more, and for a minute that is counted: it may be there, and cut off.
    [Test]
    public async Task WhatASilentNodeDoesNotGet_IsCounted_UntilItIsForgotten()
    {
        _cluster.Delay = static (from, to) => from == to ? 1 : -1;
        _cluster.Pass(5_000);
        _ = News();
        Assert.That(await _one.SendToEverybody("1"), Is.EqualTo(DeliveryResult.Delivered));
        Assert.That(News(), Is.EqualTo(["1 messages for everybody, or for uids that other nodes have too, did not go to nodes that say "
            + "nothing: those were killed, stand still or are cut off; the senders are not told"]));
        _cluster.Delay = static (_, _) => 1;
        _cluster.Pass(2_000);
        Task<DeliveryResult> heard = _one.SendToEverybody("2");
        _cluster.Pass(100);
        Assert.That(await heard, Is.EqualTo(DeliveryResult.Delivered));
        _cluster.Delay = static (from, to) => from == to ? 1 : -1;
        _cluster.Pass(70_000);
        Assert.That(await _one.SendToEverybody("3"), Is.EqualTo(DeliveryResult.Delivered));
        Assert.That(_one.Node.Counts.LeftOut, Is.EqualTo(1));
    }

    // It goes on for as long as that node is there: a line a minute.
    [Test]
    public void ANodeOfAnotherVersion_IsNamed_OnceAMinute()
    {
        byte[] hello = [2, (byte)WireKind.Hello, 1, 2, 3, 4, 5, 6, 7, 8, 3, .. "new"u8];
        for (int second = 0; second < 61; second++)
        {
            for (int i = 0; i < 3; i++) _one.Node.Receive(hello, _cluster.Now);
            string[] news = News();
            Assert.That(news, Has.Length.EqualTo(second is 0 or 60 ? 1 : 0), $"second {second}");
            Assert.That(
                news, Has.All.StartsWith("node new speaks version 2 of what nodes say to each other, and this one speaks version 1: "));
            _cluster.Pass(1_000);
        }

        Assert.That((_one.Node.PeersHere, _one.Node.Counts.OtherVersion, _one.Node.Counts.Nonsense), Is.EqualTo((1, 3L * 61, 0L)));
    }

    [Test]
    public async Task WhatIsRefused_IsCounted()
    {
        SimulatedNode narrow = _cluster.Add("narrow", static settings => settings with { LinkBytesMax = 40 });
        narrow.Node.OnConnected(_cluster.Now);
        _two.Join("bob");
        _cluster.Pass(2_000);
        _ = News();
        ClusterWatch watch = new(narrow.Node, new NatsTold(), static () => 0, _log.CreateLogger("test"));
        Assert.That(await narrow.Send("bob", new string('x', 100)), Is.EqualTo(DeliveryResult.TooSlow));
        watch.Look(_cluster.Now);
        Assert.That(News(), Has.Some.StartsWith("1 messages to other nodes were refused, because too much waits for those"));
    }

    [Test]
    public void WhereAnotherNodeOfItsIdGoesOn_ItSaysWhatToDo()
    {
        SimulatedNode other = _cluster.Add("one", static settings => settings with { BeganAt = 0 });
        bool isCut = true;
        _cluster.Delay = (from, to) => isCut && (from == other || to == other) ? -1 : 1;
        other.Node.OnConnected(_cluster.Now);
        _cluster.Pass(2_000);
        Assert.That(News(), Is.Empty);
        isCut = false;
        _cluster.Pass(2_000);
        Assert.That(News(), Is.EqualTo(["another node of the cluster has the id one too, and goes on: this one has left the cluster and "
            + "must end; give each node an id of its own (node-id), and start it again"]));
        _cluster.Pass(70_000);
        Assert.That(News(), Is.Empty);
    }

    [Test]
    public void WhereNatsTakesTooShortMessages_TheLineNamesItsSetting()
    {
        _one.PayloadBytesMax = 1_000;
        _cluster.Pass(10);
        Assert.That(News(), Is.EqualTo([
            "NATS takes messages of 1000 bytes (max_payload), and a node needs 1024 at least: messages go to this node's own connections "
                + "alone until it takes longer ones",
            "the backplane is away: messages go to this node's own connections alone until it is back",
        ]));
        _cluster.Pass(60_000);
        Assert.That(News(), Has.Member("the backplane has been away for 60 s: its max_payload is 1000"));
        _one.PayloadBytesMax = 1_024;
        _cluster.Pass(10);
        Assert.That(News(), Has.Member("the backplane is back after 60 s"));
    }

    // What has come since it was asked before; the watch looks first.
    private string[] News()
    {
        _watch.Look(_cluster.Now);
        string[] all = _log.Of("test"), news = all[_seen..];
        _seen = all.Length;
        return news;
    }
}
