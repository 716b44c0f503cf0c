// The longest message that the backplane takes is another one than before: after a reconnection, or in between.

using RawWs.Benchmarks.Backplane;
using RawWs.Server;

namespace RawWs.Tests.Nats;

public sealed partial class ClusterNodeTests
{
    [Test]
    public async Task WhereShorterMessagesAreTaken_ShorterPiecesAreCut([Values] bool connectsAnew)
    {
        (SimulatedNode one, SimulatedNode two, _) = Three();
        two.Join("bob");
        _cluster.Pass(10);
        if (connectsAnew) one.Node.OnDisconnected(_cluster.Now);
        one.PayloadBytesMax = 1_024;
        if (connectsAnew) one.Node.OnConnected(_cluster.Now);
        _cluster.Pass(2_000);
        for (int i = 0; i < 500; i++) one.Join($"u{i}");
        string text = new('x', 50_000);
        Task<DeliveryResult> sent = one.Send("bob", text), toAll = one.SendToEverybody(text);
        _cluster.Pass(100);
        Assert.That((await sent, await toAll), Is.EqualTo((DeliveryResult.Delivered, DeliveryResult.Delivered)));
        Assert.That(two.Got, Is.EquivalentTo(new[] { $"bob:{text}", $"all:{text}" }));
        Assert.That(await Sent(two, "u499"), Is.EqualTo(DeliveryResult.Delivered));
        SimulatedNode four = _cluster.Add("four");
        four.Node.OnConnected(_cluster.Now);
        _cluster.Pass(2_000);
        Assert.That(await Sent(four, "u0"), Is.EqualTo(DeliveryResult.Delivered), "all uids are told in short messages too");
        Assert.That(one.TooLong, Is.Zero);
    }

    [Test]
    public async Task WhereMessagesAreTooShortForANode_SendersAreTold_UntilTheyAreLonger()
    {
        (SimulatedNode one, SimulatedNode two, _) = Three();
        one.Join("ann");
        two.Join("bob");
        _cluster.Pass(10);
        one.PayloadBytesMax = 1_023;
        _cluster.Pass(10);
        Assert.That((one.Node.IsTooNarrow, one.Node.IsConnected), Is.EqualTo((true, false)));
        Assert.That(await one.Send("ann", "hi"), Is.EqualTo(DeliveryResult.Delivered), "its own are served");
        Assert.That(await one.Send("bob", "hi"), Is.EqualTo(DeliveryResult.Unreachable));
        Assert.That(await one.SendToEverybody("hi"), Is.EqualTo(DeliveryResult.Unreachable));
        Assert.That(await two.Send("ann", "hi"), Is.EqualTo(DeliveryResult.Offline), "it has told the others");
        Assert.That(one.Node.Counts.Unknown, Is.EqualTo(2));
        _cluster.Pass(10_000);
        one.PayloadBytesMax = 1_024;
        _cluster.Pass(2_000);
        Assert.That((await Sent(one, "bob"), await Sent(two, "ann")), Is.EqualTo((DeliveryResult.Delivered, DeliveryResult.Delivered)));
        Assert.That(one.TooLong, Is.Zero);
    }
}
