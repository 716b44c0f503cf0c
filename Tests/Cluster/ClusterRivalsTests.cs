// Two programs with one node id, each on its side of a partition of NATS. When it has healed, the younger one ends.

using RawWs.Tests.Nats;
using RawWs.Tests.Support;

namespace RawWs.Tests.Cluster;

[Platform("Linux")]
[Parallelizable(ParallelScope.Self)]
public sealed class ClusterRivalsTests
{
    [Test]
    public async Task TheYoungerOfTwoNodesOfOneId_Ends_AndSaysWhatToDo()
    {
        await using NatsCluster nats = new(2);
        using ProgramNode elder = new(ClusterPrograms.Program(nats.UrlOf(0), "--node-id", "one"));
        nats.Isolate(1);
        using ProgramNode younger = new(ClusterPrograms.Program(nats.UrlOf(1), "--node-id", "one"));
        RawClient ann = elder.Enter("ann");
        nats.Heal(1);
        younger.Program.WaitForExit();
        Assert.That((younger.Program.ExitCode, younger.Program.Errors), Is.EqualTo((1,
            "rawws: ended: another node of the cluster has the id of this one too, and goes on (--node-id)\n")));
        Assert.That(younger.Program.CountLines("another node of the cluster has the id one too, and goes on: this one has left the cluster "
            + "and must end; give each node an id of its own (node-id), and start it again"), Is.EqualTo(1));
        ann.SendText("ann:hi");
        Assert.That(ann.ReadText(), Is.EqualTo("hi"));
        Assert.That(elder.Metric("rawws_cluster_connected"), Is.EqualTo(1));
        elder.Program.Stop();
        Assert.That((elder.Program.ExitCode, elder.Program.Errors), Is.EqualTo((0, "")));
    }
}
