// The program as nodes of a cluster in which a uid may have one connection (replace and reject), over a real server of NATS.

using System.Net;
using RawWs.Frame;
using RawWs.Tests.Support;

namespace RawWs.Tests.Cluster;

[Platform("Linux")]
[Parallelizable(ParallelScope.Self)]
public sealed class ClusterUidProgramTests
{
    private ClusterPrograms _cluster = null!;

    [SetUp]
    public void Start() => _cluster = new ClusterPrograms();

    [TearDown]
    public void Stop() => _cluster?.Dispose();

    [Test]
    public void AUidOfOneConnection_HasOneInTheCluster()
    {
        (ProgramNode one, ProgramNode two) = _cluster.StartTwo(["--duplicate-uid", "replace"]);
        RawClient older = one.Enter("ann"), newer = two.Enter("ann");
        Assert.That(older.ReadClose(answer: true), Is.EqualTo(((ushort?)4500, "replaced by another connection")));
        newer.SendText("ann:hi");
        Assert.That(newer.ReadText(), Is.EqualTo("hi"));
    }

    [Test]
    public void WhenNatsIsBackWithoutJetStream_NobodyNewGetsAUid_AndTheNodeIsNotReady()
    {
        ProgramNode one = _cluster.Start("one", "--duplicate-uid", "reject", "--backplane-ready", "on");
        RawClient ann = one.Enter("ann");
        Assert.That(one.Ask(HttpMethod.Get, "/readyz"), Is.EqualTo((HttpStatusCode.OK, "ready\n")));
        _cluster.StopNats();
        _cluster.StartNats("--jetstream=false");
        ClusterPrograms.Eventually(
            () => one.Ask(HttpMethod.Get, "/readyz")
                == (HttpStatusCode.ServiceUnavailable, "no uid can be claimed: JetStream of NATS does not answer\n"),
            "it is not ready");
        Assert.That((one.Metric("rawws_cluster_connected"), one.Metric("rawws_cluster_claiming")), Is.EqualTo((1, 0)));
        using (RawClient newcomer = RawClient.Connect(one.Port))
        {
            newcomer.Send($"GET /?uid=bob HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
            Assert.That(newcomer.ReadHead(), Does.StartWith("HTTP/1.1 503 "));
        }

        ann.SendText("ann:hi");
        Assert.That(ann.ReadText(), Is.EqualTo("hi"), "who has a uid keeps it");
        _cluster.StopNats();
        _cluster.StartNats();
        ClusterPrograms.Eventually(() => one.Ask(HttpMethod.Get, "/readyz").Status == HttpStatusCode.OK, "it is ready again");
    }

    // It asks as a page does that wants to know why it was refused.
    [Test]
    public void AQuestionOnOneNode_ClosesNobodyOnAnother()
    {
        (ProgramNode one, ProgramNode two) = _cluster.StartTwo(["--duplicate-uid", "replace"]);
        RawClient ann = one.Enter("ann");
        using RawClient asks = RawClient.Connect(two.Port);
        asks.Open("/?uid=ann", "Sec-WebSocket-Protocol: rawws.why.v1\r\n");
        Assert.That(asks.ReadClose(answer: true), Is.EqualTo(((ushort?)1000, "")));
        // What was claimed before it is told of by the store in order: so ann would be closed before cat.
        RawClient cat = one.Enter("cat"), newer = two.Enter("cat");
        Assert.That(cat.ReadClose(answer: true), Is.EqualTo(((ushort?)4500, "replaced by another connection")));
        ann.SendText("ann:hi");
        Assert.That(ann.ReadText(), Is.EqualTo("hi"));
        newer.SendText("cat:hi");
        Assert.That(newer.ReadText(), Is.EqualTo("hi"));
    }

    [Test]
    public void AUidThatIsTaken_IsTakenInTheCluster()
    {
        (ProgramNode one, ProgramNode two) = _cluster.StartTwo(["--duplicate-uid", "reject"]);
        using (RawClient older = one.Enter("ann"))
        {
            using RawClient newcomer = RawClient.Connect(two.Port);
            newcomer.Send($"GET /?uid=ann HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
            Assert.That(newcomer.ReadHead(), Does.StartWith("HTTP/1.1 409 "));
            (Opcode opcode, byte[] payload) = older.ReadFrame()!.Value;
            Assert.That(opcode, Is.EqualTo(Opcode.Ping), "it is asked whether it lives");
            older.Send(Opcode.Pong, payload);
            older.SendText("ann:hi");
            Assert.That(older.ReadText(), Is.EqualTo("hi"));
        }

        ClusterPrograms.Eventually(() => LetsIn(two, "ann"), "it is free again");
    }

    [TestCase("replace"), TestCase("reject")]
    public void TheUidsOfANodeThatIsKilled_AreFree(string duplicates)
    {
        (ProgramNode one, ProgramNode two) = _cluster.StartTwo(["--duplicate-uid", duplicates]);
        one.Enter("ann");
        one.Program.Signal(9);
        ClusterPrograms.Eventually(() => LetsIn(two, "ann"), "it is free");
    }

    // It stands still for longer than its lease, and another node lets somebody in. When it goes on it learns that.
    [Test]
    public void ANodeThatStoodStill_ClosesWhoHasLostHisUid()
    {
        (ProgramNode one, ProgramNode two) = _cluster.StartTwo(["--duplicate-uid", "reject"]);
        RawClient ann = one.Enter("ann"), bob = one.Enter("bob");
        one.Program.Signal(Signals.Stop);
        RawClient newer = RawClient.Connect(two.Port);
        try
        {
            ClusterPrograms.Eventually(
                () =>
                {
                    newer.Dispose();
                    newer = RawClient.Connect(two.Port);
                    newer.Send($"GET /?uid=ann HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
                    return newer.ReadHead().StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal);
                },
                "its lease has ended");
            one.Program.Signal(Signals.Continue);
            Assert.That(ann.ReadClose(answer: true), Is.EqualTo(((ushort?)4500, "replaced by another connection")));
            bob.SendText("bob:hi");
            Assert.That(bob.ReadText(), Is.EqualTo("hi"), "nobody else has it");
            newer.SendText("ann:hi");
            Assert.That(newer.ReadText(), Is.EqualTo("hi"));
        }
        finally
        {
            newer.Dispose();
        }
    }

    [Test]
    public void WithoutJetStream_AUidOfOneConnection_DoesNotStart()
    {
        string port = $"{Ports.Free()}";
        using RunningProgram nats = RunningProgram.StartOther("nats-server", "--addr", "127.0.0.1", "--port", port);
        ClusterPrograms.Eventually(() => Ports.IsListening(int.Parse(port, null)), "NATS listens");
        using RunningProgram program = ClusterPrograms.Program($"nats://127.0.0.1:{port}", "--duplicate-uid", "reject");
        program.WaitForExit();
        Assert.That(program.ExitCode, Is.EqualTo(1));
        Assert.That(program.Errors, Does.StartWith("rawws: cannot start: the node cannot join the cluster: NATS cannot keep which node has "
            + "a uid, which duplicate-uid replace and reject ask for. It needs JetStream (jetstream { } in its configuration), and a user "
            + "that may publish \"$JS.>\" and \"$KV.>\": "));
        Assert.That(program.Errors.Trim().Split('\n'), Has.Length.EqualTo(1));
    }

    private static bool LetsIn(ProgramNode node, string uid)
    {
        using RawClient next = RawClient.Connect(node.Port);
        next.Send($"GET /?uid={uid} HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
        return next.ReadHead().StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal);
    }
}
