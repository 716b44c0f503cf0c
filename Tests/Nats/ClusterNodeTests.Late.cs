// What comes late, or would: words of a life that is over, messages that were told unreachable, and those that have waited.

using RawWs.Benchmarks.Backplane;
using RawWs.Server;

namespace RawWs.Tests.Nats;

public sealed partial class ClusterNodeTests
{
    // Bye goes over the subject of all, and the last answers over a subject of their own: they keep no order.
    [Test]
    public async Task ANodeThatHasStopped_IsNotThereAgain_ByALateWord()
    {
        (SimulatedNode one, SimulatedNode two, _) = Three();
        two.Join("bob");
        _cluster.Pass(10);
        _cluster.Delay = (from, _) => from == two ? 50 : 1;
        _cluster.DelayToAll = static (_, _) => 1;
        Task<DeliveryResult> sent = one.Send("bob", "hi");
        _cluster.Pass(3);
        Assert.That(two.Got, Is.EqualTo(new[] { "bob:hi" }), "its answer is on its way");
        two.Node.End();
        two.IsRunning = false;
        _cluster.Pass(100);
        Assert.That(await sent, Is.EqualTo(DeliveryResult.Unreachable));
        Assert.That((one.Node.PeersHere, one.Node.IsComplete), Is.EqualTo((1, true)));
        Task<DeliveryResult> next = one.Send("bob", "hi");
        Assert.That(next.IsCompletedSuccessfully, Is.True, "at once");
        Assert.That(next.Result, Is.EqualTo(DeliveryResult.Offline));
    }

    // Its messages too, and those to all.
    [Test]
    public async Task WhoDoesNotAnswer_IsNamedInTheCounts()
    {
        (SimulatedNode one, SimulatedNode two, SimulatedNode three) = Three();
        two.Join("bob");
        _cluster.Pass(10);
        _cluster.Delay = (from, _) => from == two ? -1 : 1;
        Task<DeliveryResult>[] sent = [one.Send("bob", "1"), one.SendToEverybody("2"), one.SendToEverybody("3")];
        _cluster.Pass(2_500);
        foreach (Task<DeliveryResult> message in sent) Assert.That(await message, Is.EqualTo(DeliveryResult.Unreachable));
        Assert.That(three.Got, Has.Count.EqualTo(2));
        Assert.That(one.Node.Counts.Nodes.All.Where(static node => !node.IsEmpty).Select(static node => (node.Name, node.Unanswered)),
            Is.EqualTo([("two", 3L)]));
    }

    [Test]
    public async Task WhatWasToldUnreachable_WhenTheBackplaneWent_DoesNotGoOutLater([Values] bool longAway)
    {
        (SimulatedNode one, SimulatedNode two, SimulatedNode three) = Three();
        two.Join("bob");
        two.Join("eve");
        two.Slow.Add("eve");
        _cluster.Pass(10);
        Assert.That((await Sent(one, "bob"), await Sent(one, "bob")), Is.EqualTo((DeliveryResult.Delivered, DeliveryResult.Delivered)));
        Task<DeliveryResult> toBob = one.Send("bob", "never"), toAll = one.SendToEverybody("never");
        one.Node.OnDisconnected(_cluster.Now);
        Assert.That((await toBob, await toAll), Is.EqualTo((DeliveryResult.Unreachable, DeliveryResult.Unreachable)));
        Assert.That(one.Node.Counts.Unanswered, Is.EqualTo(1 + 2), "one to bob's node, and one to each node for everybody");
        _cluster.Pass(longAway ? 70_000 : 10);
        one.Node.OnConnected(_cluster.Now);
        _cluster.Pass(2_000);
        await AllIsWellAfter(one, two);
        Assert.That(two.Got.Concat(three.Got), Has.None.EndsWith("never"));
        Assert.That((two.Node.Counts.Lost, three.Node.Counts.Lost), Is.EqualTo((0, 0)));
    }

    // The line takes nothing, and meanwhile that node is not heard of any more.
    [Test]
    public async Task WhatWasToldUnreachable_WhenItsNodeWent_DoesNotGoOutLater()
    {
        (SimulatedNode one, SimulatedNode two, SimulatedNode three) = Three();
        two.Join("bob");
        two.Join("eve");
        two.Slow.Add("eve");
        _cluster.Pass(10);
        Assert.That((await Sent(one, "bob"), await Sent(one, "bob")), Is.EqualTo((DeliveryResult.Delivered, DeliveryResult.Delivered)));
        _cluster.Delay = (from, _) => from == two ? -1 : 1;
        _cluster.Pass(3_300);
        one.IsBusy = true;
        Task<DeliveryResult> toBob = one.Send("bob", "never"), toAll = one.SendToEverybody("late");
        _cluster.Pass(1_900);
        Assert.That(one.Node.PeersHere, Is.EqualTo(1));
        Assert.That(await toBob, Is.EqualTo(DeliveryResult.Unreachable));
        one.IsBusy = false;
        _cluster.Delay = static (_, _) => 1;
        _cluster.Pass(20);
        Assert.That(await toAll, Is.EqualTo(DeliveryResult.Unreachable), "of one of them nobody knows");
        Assert.That(three.Got, Is.EqualTo(new[] { "all:late" }), "the other one gets it");
        _cluster.Pass(2_000);
        await AllIsWellAfter(one, two);
        Assert.That(two.Got, Has.None.EndsWith("never"));
        Assert.That((one.Node.Counts.Unanswered, two.Node.Counts.Lost), Is.EqualTo((2, 0)));
    }

    // One node is behind, and nothing is known of its uids. Messages wait for it, and then go to the others.
    [Test]
    public async Task WhereOneNodeIsNotKnownInTime_TheOthersGetTheirMessages()
    {
        (SimulatedNode one, SimulatedNode two, _) = Three();
        two.Join("eve");
        one.Join("ann");
        one.Join("ben");
        one.Slow.Add("ben");
        _cluster.Pass(10);
        SimulatedNode four = _cluster.Add("four");
        _cluster.Delay = (from, to) => from == four && to == two ? -1 : 1; // it hears that the other one lives, and cannot ask it
        four.Node.OnConnected(_cluster.Now);
        Task<DeliveryResult> toAnn = four.Send("ann", "1"), toBen = four.Send("ben", "2"), toEve = four.Send("eve", "3");
        Task<DeliveryResult> toAll = four.SendToEverybody("4"), toAnnAgain = four.Send("ann", "5");
        await PassUntil(toAnn, toBen, toEve, toAll, toAnnAgain);
        Assert.That((toAnn.Result, toBen.Result), Is.EqualTo((DeliveryResult.Unreachable, DeliveryResult.TooSlow)));
        Assert.That(new[] { toEve, toAll, toAnnAgain }.Select(static sent => sent.Result), Is.All.EqualTo(DeliveryResult.Unreachable));
        Assert.That(one.Got, Is.EquivalentTo(new[] { "ann:1", "all:4", "ann:5" }));
        Assert.That(one.Got.Where(static text => text.StartsWith("ann", StringComparison.Ordinal)), Is.Ordered, "in their order");
        Assert.That(four.Node.Counts.Unknown, Is.EqualTo(5));
    }

    [Test]
    public async Task WhoStoppedWaiting_BecauseTheBackplaneWent_IsTold()
    {
        (SimulatedNode one, _, _) = Three();
        one.Join("ann");
        _cluster.Pass(10);
        SimulatedNode four = _cluster.Add("four");
        four.Node.OnConnected(_cluster.Now);
        Task<DeliveryResult> toAnn = four.Send("ann", "never"), toAll = four.SendToEverybody("never");
        _cluster.Pass(100);
        four.Node.OnDisconnected(_cluster.Now);
        await PassUntil(toAnn, toAll);
        Assert.That((toAnn.Result, toAll.Result), Is.EqualTo((DeliveryResult.Unreachable, DeliveryResult.Unreachable)));
        four.Node.OnConnected(_cluster.Now);
        _cluster.Pass(2_000);
        Assert.That(one.Got, Is.Empty);
        Assert.That((four.Node.Counts.Unknown, four.Node.Counts.Unanswered), Is.EqualTo((2, 0)));
    }

    [Test]
    public async Task WhatATurnHandsOver_HasABound_AndEachLinkHasItsTurn()
    {
        SimulatedNode one = _cluster.Add("one", static settings => settings with { TurnBytesMax = 1_000 });
        SimulatedNode[] others = [.. Enumerable.Range(0, 10).Select(i => _cluster.Add($"other{i}"))];
        foreach (SimulatedNode node in _cluster.Nodes) node.Node.OnConnected(_cluster.Now);
        for (int i = 0; i < others.Length; i++) others[i].Join($"u{i}");
        _cluster.Pass(2_000);
        int handed = 0, turns = 0;
        bool isWoken = false;
        one.Seen = message => handed += message.Length;
        one.Node.Wake = () => isWoken = true;
        List<Task<DeliveryResult>> sent = [.. others.Select((_, i) => one.Send($"u{i}", new string('x', 600)))];
        while (Waiting().Any())
        {
            (handed, isWoken) = (0, false);
            one.Node.Turn(_cluster.Now);
            Assert.That(handed, Is.LessThan(2_500));
            if (Waiting().Any()) Assert.That(isWoken, Is.True);
            turns++;
        }

        Assert.That(turns, Is.InRange(4, 10));

        // One link alone has enough for each turn.
        sent.AddRange(others.Select((_, i) => one.Send($"u{i}", new string('y', 600))));
        for (int turn = 0; turn < 12; turn++)
        {
            sent.Add(one.Send("u0", new string((char)('a' + turn), 1_200)));
            one.Node.Turn(_cluster.Now);
        }

        Assert.That(Waiting(), Is.SubsetOf(new[] { "other0" }));
        _cluster.Pass(100);
        Assert.That(await Task.WhenAll(sent), Is.All.EqualTo(DeliveryResult.Delivered));
        Assert.That(string.Concat(others[0].Got.Select(static text => text[^1])), Is.EqualTo("xyabcdefghijkl"));

        IEnumerable<string> Waiting() => one.Node.GetPeers().Where(static peer => peer.QueuedBytes > 0).Select(static peer => peer.Id);
    }

    [Test]
    public async Task ALeavingThatIsToldBeforeItsJoining_HidesNobody_AndLeavesNobody()
    {
        (SimulatedNode one, SimulatedNode two, _) = Three();
        two.Node.Leave("bob"u8);
        _cluster.Pass(10);
        two.Join("bob");
        two.Node.Join("bob"u8); // of the one that has left
        _cluster.Pass(10);
        Assert.That(await Sent(one, "bob"), Is.EqualTo(DeliveryResult.Delivered));
        two.Leave("bob");
        _cluster.Pass(10);
        Assert.That((await Sent(one, "bob"), one.Node.UidCount), Is.EqualTo((DeliveryResult.Offline, 0L)));
    }

    [Test]
    public async Task AMessageOf16MiB_FitsBetweenNodes_WithTheLongestUid()
    {
        (SimulatedNode one, SimulatedNode two, _) = Three();
        string uid = new('u', ConnectionDirectory.UidBytesMax), text = new('x', 16 * 1024 * 1024);
        two.Join(uid);
        _cluster.Pass(10);
        Task<DeliveryResult> sent = one.Send(uid, text);
        _cluster.Pass(10);
        Assert.That(await sent, Is.EqualTo(DeliveryResult.Delivered));
        Assert.That(two.Got.Single(), Has.Length.EqualTo(uid.Length + 1 + text.Length));
    }

    // What is sent now arrives in order, and each answer is about its own message.
    private async Task AllIsWellAfter(SimulatedNode one, SimulatedNode two)
    {
        int before = two.Got.Count;
        Task<DeliveryResult>[] sent = [one.Send("bob", "1"), one.Send("eve", "2"), one.SendToEverybody("3"), one.Send("bob", "4")];
        _cluster.Pass(20);
        Assert.That(await Task.WhenAll(sent), Is.EqualTo(new[]
        {
            DeliveryResult.Delivered, DeliveryResult.TooSlow, DeliveryResult.Delivered, DeliveryResult.Delivered,
        }));
        string[] got = [.. two.Got.Skip(before)];
        Assert.That(got, Is.EquivalentTo(new[] { "bob:1", "all:3", "bob:4" }));
        Assert.That(got.Where(static text => text != "all:3"), Is.EqualTo(new[] { "bob:1", "bob:4" }));
    }
}
