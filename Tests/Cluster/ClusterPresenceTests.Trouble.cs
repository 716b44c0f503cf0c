// The same when nodes are killed, come, stand still or begin anew, and when words are lost.

using RawWs.Server;

namespace RawWs.Tests.Cluster;

public sealed partial class ClusterPresenceTests
{
    [Test]
    public void ANodeThatIsKilled_LetsItsUidsGo()
    {
        _two.Join("bob", "eve");
        _three.Join("eve");
        using PresenceWatch watch = _one.Presence.Watch(new PresenceOptions());
        _cluster.Pass(500);
        Read(watch);
        Kill(_two);
        _cluster.Pass(3_900);
        Assert.That(Read(watch), Is.Empty);
        TakeForGone(_two);
        _cluster.Pass(200);
        Assert.That(Read(watch), Is.EqualTo(["-bob two"]));
        _cluster.Pass(10_000);
        Assert.That(Read(watch), Is.Empty, "what is known is whole");
    }

    [Test]
    public void ANodeThatComes_IsAskedAtOnce()
    {
        _cluster.Nodes.Remove("three");
        using PresenceWatch watch = _one.Presence.Watch(new PresenceOptions());
        _cluster.Pass(10_000);
        Assert.That(Read(watch), Is.EqualTo(["whole"]));
        _three.Join("cat");
        _cluster.Nodes["three"] = _three;
        _cluster.Pass(200);
        Assert.That(Read(watch), Is.EqualTo(["+cat three"]));
    }

    // It is there, and has too much to do to tell anybody anything.
    [Test]
    public void ANodeThatIsNotHeard_IsToldOf()
    {
        _two.Join("bob");
        _two.WatchesMax = 0;
        using PresenceWatch watch = _one.Presence.Watch(new PresenceOptions());
        _cluster.Pass(1_900);
        Assert.That(Read(watch), Is.Empty);
        _cluster.Pass(200);
        Assert.That(Read(watch), Is.EqualTo(["not whole"]));
        _two.WatchesMax = 1;
        _cluster.Pass(1_500);
        Assert.That(Read(watch), Is.EqualTo(["+bob two", "whole"]));
    }

    [Test]
    public void WithoutTheBackplane_OnlyThisNodeIsTold_AndWhenItIsBack_WhatHasChanged()
    {
        _two.Join("bob", "eve");
        using PresenceWatch watch = _one.Presence.Watch(new PresenceOptions());
        _cluster.Pass(500);
        Read(watch);
        _one.IsAttached = false;
        _one.Join("ann");
        _two.Leave("eve");
        _two.Join("fay");
        _cluster.Pass(30_000);
        Assert.That(Read(watch), Is.EquivalentTo((string[])["not whole", "+ann one"]), "bob and eve are not known to have gone");
        _one.IsAttached = true;
        _cluster.Pass(3_000);
        Assert.That(Read(watch), Is.EquivalentTo((string[])["+fay two", "-eve two", "whole"]));
    }

    // A second begins anew and has nobody; no word of the first life's end came.
    [Test]
    public void ANodeThatBeginsAnew_HasWhatItHasNow()
    {
        _two.Join("bob", "eve");
        using PresenceWatch watch = _one.Presence.Watch(new PresenceOptions());
        _cluster.Pass(500);
        Read(watch);
        _cluster.Nodes["two"] = _two = new PresenceNode(_cluster, "two");
        _two.Join("eve", "fay");
        _cluster.Pass(2_500);
        Assert.That(Read(watch), Is.EquivalentTo((string[])["+fay two", "-bob two"]), "eve was there all the time");
    }

    // Every third message is lost: what is told is right in the end.
    [Test]
    public void WhatIsLost_IsToldAgain([Values(1, 2, 3)] int seed)
    {
        Random random = new(seed);
        _cluster.Arrives = (_, _, _) => random.Next(3) > 0;
        using PresenceWatch watch = _one.Presence.Watch(new PresenceOptions());
        HashSet<string> known = [];
        PresenceNode[] nodes = [_one, _two, _three];
        for (int i = 0; i < 2_000; i++)
        {
            PresenceNode node = nodes[random.Next(3)];
            if (random.Next(2) == 0) node.Join($"u{random.Next(10)}");
            else node.Leave($"u{random.Next(10)}");
            _cluster.Pass(50);
            ReadInto(watch, known);
        }

        _cluster.Arrives = static (_, _, _) => true;
        _cluster.Pass(5_000);
        ReadInto(watch, known);
        using PresenceWatch fresh = _three.Presence.Watch(new PresenceOptions());
        _cluster.Pass(1_000);
        HashSet<string> truth = [];
        ReadInto(fresh, truth);
        Assert.That(known, Is.EquivalentTo(truth));
        Assert.That(truth, Is.Not.Empty);
    }
}
