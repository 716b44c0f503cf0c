// What went wrong is counted by node, and a bounded number of nodes is told apart: whoever may publish in NATS may name nodes.

using RawWs.Server.Nats;

namespace RawWs.Tests.Nats;

public sealed class NodeTalliesTests
{
    [Test]
    public void ANodeKeepsItsTally_WhenItGoesAndComesAgain()
    {
        NodeTallies tallies = new();
        NodeTally one = tallies.Use("one");
        one.Lost = 3;
        NodeTallies.Release(one);
        Assert.That(tallies.Use("one"), Is.SameAs(one));
        Assert.That(tallies.All.Select(static tally => tally.Name), Is.EqualTo(["*", "+", "one"]));
    }

    [Test]
    public void PastSoManyNodes_OneThatHasGoneAndHasNothingToShow_MakesPlace_AndTheRestIsCountedTogether()
    {
        NodeTallies tallies = new();
        NodeTally[] first = [.. Enumerable.Range(0, NodeTallies.NodesMax).Select(i => tallies.Use($"n{i}"))];
        NodeTally rest = tallies.Use("more");
        Assert.That((rest.Name, tallies.Use("and more")), Is.EqualTo((NodeTallies.Rest, rest)), "all others are here");
        first[7].CountRefused();
        NodeTallies.Release(first[7]);
        Assert.That(tallies.Use("new"), Is.SameAs(rest), "a count stays");
        NodeTallies.Release(first[8]);
        NodeTally taken = tallies.Use("new");
        Assert.That((taken.Name, taken.IsEmpty, tallies.All[8 + 2]), Is.EqualTo(("new", true, taken)));
        NodeTallies.Release(rest);
        Assert.That(tallies.Use("newer"), Is.SameAs(rest));
        Assert.That(tallies.All, Has.Count.EqualTo(NodeTallies.NodesMax + 2));
    }
}
