// The program as nodes of a cluster, over a real server of NATS: what clients see, what the admin port says, what does not start.

using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using RawWs.Tests.Support;

namespace RawWs.Tests.Cluster;

[Platform("Linux")]
[Parallelizable(ParallelScope.Self)]
public sealed class ClusterProgramTests
{
    private ClusterPrograms _cluster = null!;

    [SetUp]
    public void Start() => _cluster = new ClusterPrograms();

    [TearDown]
    public void Stop() => _cluster?.Dispose();

    [Test]
    public void TwoNodes_AreOne()
    {
        ProgramNode one = _cluster.Start("one"), two = _cluster.Start("two");
        RawClient ann = one.Enter("ann"), bob = two.Enter("bob"), cat = two.Enter("cat");
        one.Knows(3);
        two.Knows(3);
        for (int i = 0; i < 100; i++) ann.SendText($"bob:{i}");
        for (int i = 0; i < 100; i++) Assert.That(bob.ReadText(), Is.EqualTo($"{i}"));
        bob.SendText("ann:hi");
        Assert.That(ann.ReadText(), Is.EqualTo("hi"));
        ann.SendText("eve:hi");
        Assert.That(ann.ReadText(), Is.EqualTo("error:offline:eve"));
        cat.SendText("all:x");
        foreach (RawClient client in (RawClient[])[ann, bob, cat]) Assert.That(client.ReadText(), Is.EqualTo("x"));
        Assert.That((one.Metric("rawws_cluster_nodes"), one.Metric("rawws_cluster_connected")), Is.EqualTo((2, 1)));
        Assert.That((one.Metric("rawws_cluster_forwarded_total"), two.Metric("rawws_cluster_received_total")), Is.EqualTo((100, 100)));
        Assert.That(one.Metric("rawws_cluster_received_total"), Is.EqualTo(2), "hi, and x");
        foreach (string lost in (string[])["lost", "unanswered", "refused", "nonsense"])
            Assert.That(one.Metric($"rawws_cluster_{lost}_total"), Is.Zero, lost);
        string metrics = one.Get("/metrics");
        Assert.That(metrics, Does.Match("""rawws_cluster_node_uids\{[^}]*node="one"[^}]*\} 1\b"""));
        Assert.That(metrics, Does.Match("""rawws_cluster_node_uids\{[^}]*node="two"[^}]*\} 2\b"""));
        Assert.That(metrics, Does.Match("""rawws_cluster_answer_duration_seconds_count\{[^}]*node="two"[^}]*\} [1-9]"""));
        two.Program.Stop();
        ann.SendText("bob:hi");
        Assert.That(ann.ReadText(), Is.EqualTo("error:offline:bob"), "a node that stops says so");
        ClusterPrograms.Eventually(() => one.Program.CountLines("1 nodes have gone, or say nothing any more: two;") == 1, "a line");
        Assert.That(one.Program.Output,
            Does.Contain("node one is in the cluster rawws, with 0 others").And.Contain("1 nodes have come: two"));
        Assert.That(two.Program.Output, Does.Contain("node two is in the cluster rawws, with 1 others"));
        Assert.That((two.Program.ExitCode, two.Program.Errors), Is.EqualTo((0, "")));
    }

    [Test]
    public void TheAdminPort_SpeaksForTheCluster()
    {
        (ProgramNode one, ProgramNode two) = _cluster.StartTwo();
        RawClient ann = one.Enter("ann"), bob = two.Enter("bob"), other = two.Enter("bob"), third = one.Enter("bob");
        one.Knows(2);
        Assert.That(one.Get("/v1/cluster"), Is.EqualTo("""{"cluster":"rawws","node":"one","connected":true,"complete":true"""
            + ""","nodes":[{"node":"one","self":true,"known":true},{"node":"two","self":false,"known":true}]}"""));
        ClusterPrograms.Eventually(
            () => new[] { one, two }.All(
                static node => node.Get("/v1/cluster/uids").Contains("\"whole\":true", StringComparison.Ordinal)), "both hear all");
        Assert.That(one.Get("/v1/cluster/uids"), Does.Match(
            """^{"total":2,"whole":true,"uids":\[{"uid":"ann","node":"one"},{"uid":"bob","node":"(one|two)"}]}$"""));
        Assert.That(two.Get("/v1/cluster/uids?limit=1"), Does.EndWith("""[{"uid":"ann","node":"one"}],"next":"ann"}"""));
        Assert.That(two.Get("/v1/cluster/uids?after=ann&prefix=b"), Does.StartWith("""{"total":1,"whole":true,"uids":[{"uid":"bob",""")
            .And.Not.Contain("next"));
        (HttpStatusCode many, string why) = one.Ask(HttpMethod.Get, "/v1/cluster/uids?most=1");
        Assert.That(many, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That(why, Does.Contain("More than 1 uids are online: say how many it may be (most)."));
        JsonElement sent = one.Post("/v1/send", """{"uids":["ann","bob","nobody"],"text":"hi"}""");
        Assert.That(sent.GetRawText(), Is.EqualTo("""
            {"delivered":2,"tooSlow":0,"offline":["nobody"],"elsewhere":{"delivered":["bob"],"tooSlow":[],"unreachable":[]}}
            """));
        foreach (RawClient client in (RawClient[])[ann, bob, other, third]) Assert.That(client.ReadText(), Is.EqualTo("hi"));
        sent = two.Post("/v1/send/batch", """{"messages":[{"all":true,"text":"1"},{"uid":"ann","text":"2"}]}""");
        Assert.That(sent.GetProperty("results")[0].GetRawText(), Is.EqualTo("""
            {"delivered":2,"tooSlow":0,"offline":[],"elsewhere":{"delivered":["all"],"tooSlow":[],"unreachable":[]}}
            """));
        Assert.That(sent.GetProperty("results")[1].GetProperty("elsewhere").GetProperty("delivered")[0].GetString(), Is.EqualTo("ann"));
        foreach (RawClient client in (RawClient[])[bob, other, third]) Assert.That(client.ReadText(), Is.EqualTo("1"));
        Assert.That(new[] { ann.ReadText(), ann.ReadText() }, Is.EquivalentTo(new[] { "1", "2" }), "to all and to one go different ways");

        const string Counts = ""","cluster":{"nodes":[{"node":"one","connections":1},{"node":"two","connections":2}],"silent":[]}}""";
        Assert.That(one.Get("/v1/uids/bob"), Is.EqualTo("""{"uid":"bob","online":true,"connections":1""" + Counts));
        Assert.That(two.Get("/v1/uids/ann"), Does.StartWith("{\"uid\":\"ann\",\"online\":true,\"connections\":0,"));
        Assert.That(one.Get("/v1/uids/nobody"), Does.StartWith("{\"uid\":\"nobody\",\"online\":false,\"connections\":0,"));
        Assert.That(one.Ask(HttpMethod.Delete, "/v1/uids/bob?code=4100&reason=go").Text, Is.EqualTo("""{"closed":3""" + Counts));
        foreach (RawClient client in (RawClient[])[bob, other, third])
            Assert.That(client.ReadClose(answer: true), Is.EqualTo(((ushort?)4100, "go")));
        (HttpStatusCode status, string text) = one.Ask(HttpMethod.Post, "/v1/send", """{"all":true,"except":["ann"],"text":"x"}""");
        Assert.That(status, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That(text, Does.Contain("with a backplane a message to all goes to everybody").And.Contain("\"field\":\"except\""));
    }

    // Its process is stopped, and for some seconds it is still taken to be there. Where this machine was slower than that, once more.
    [Test]
    public void ANodeThatDoesNotAnswer_IsToldAsSilent()
    {
        (ProgramNode one, ProgramNode two) = _cluster.StartTwo(ofOne: ["--backplane-answer-within", "0.2"]);
        RawClient ann = one.Enter("ann");
        bool isStillThere = false;
        for (int i = 1; !isStillThere; i++)
        {
            string uid = $"bob{i}";
            RawClient bob = two.Enter(uid);
            one.Knows(1 + i);
            two.Program.Signal(Signals.Stop);
            string found = one.Get($"/v1/uids/{uid}");
            ann.SendText($"{uid}:hi");
            string told = ann.ReadText();
            JsonElement sent = one.Post("/v1/send", $$"""{"uid":"{{uid}}","text":"hi"}""");
            isStillThere = one.Get("/v1/cluster").Contains("\"two\"", StringComparison.Ordinal);
            two.Program.Signal(Signals.Continue);
            if (!isStillThere) continue;
            Assert.That(found, Does.EndWith("\"silent\":[\"two\"]}}"));
            Assert.That(told, Is.EqualTo($"error:unreachable:{uid}"));
            Assert.That(sent.GetProperty("elsewhere").GetProperty("unreachable")[0].GetString(), Is.EqualTo(uid));
            Assert.That((bob.ReadText(), bob.ReadText()), Is.EqualTo(("hi", "hi")), "what is not known need not be lost");
        }

        ClusterPrograms.Eventually(() => one.Program.CountLines("messages to other nodes were not answered in time") > 0, "a line");
    }

    [Test]
    public void WhenNatsGoes_LocalDeliveryGoesOn_AndWhenItIsBack_AllIsAsBefore()
    {
        (ProgramNode one, ProgramNode two) = _cluster.StartTwo(ofOne: ["--backplane-ready", "on"]);
        RawClient ann = one.Enter("ann"), cat = one.Enter("cat"), bob = two.Enter("bob");
        one.Knows(3);
        Assert.That(one.Ask(HttpMethod.Get, "/readyz"), Is.EqualTo((HttpStatusCode.OK, "ready\n")));
        _cluster.StopNats();
        ClusterPrograms.Eventually(
            () => one.Ask(HttpMethod.Get, "/readyz") == (HttpStatusCode.ServiceUnavailable, "the backplane is away\n"), "it is not ready");
        Assert.That(two.Ask(HttpMethod.Get, "/readyz").Status, Is.EqualTo(HttpStatusCode.OK), "it was not told to look at that");
        ann.SendText("cat:hi");
        Assert.That(cat.ReadText(), Is.EqualTo("hi"));
        foreach (string uid in (string[])["bob", "eve"])
        {
            ann.SendText($"{uid}:hi");
            Assert.That(ann.ReadText(), Is.EqualTo($"error:unreachable:{uid}"));
        }

        ann.SendText("all:x");
        Assert.That((cat.ReadText(), ann.ReadText(), ann.ReadText()), Is.EqualTo(("x", "x", "error:unreachable:all")));
        Assert.That(one.Get("/v1/uids/bob"), Does.Contain("\"online\":false"));
        ClusterPrograms.Eventually(
            () => one.Program.CountLines("the backplane is away: messages go to this node's own connections alone") == 1, "a line");
        RawClient dan = two.Enter("dan"); // meanwhile
        _cluster.StartNats();
        ClusterPrograms.Eventually(() => one.Ask(HttpMethod.Get, "/readyz").Status == HttpStatusCode.OK, "it is ready again");
        one.Knows(4);
        ann.SendText("bob:again");
        ann.SendText("dan:hello");
        Assert.That((bob.ReadText(), dan.ReadText()), Is.EqualTo(("again", "hello")), "and nothing that was told as unreachable");
        ClusterPrograms.Eventually(() => one.Program.CountLines("the backplane is back after") == 1
            && one.Program.CountLines("the uids of all 2 nodes of the cluster are known") == 1, "lines");
        Assert.That(one.Metric("rawws_cluster_disconnects_total"), Is.EqualTo(1));
        one.Program.Stop();
        Assert.That((one.Program.ExitCode, one.Program.Errors), Is.EqualTo((0, "")));
    }

    [Test]
    public void WhileNatsIsAway_ANodeStopsAsEver()
    {
        ProgramNode[] nodes = _cluster.StartAll(["one"], ["claims", "--duplicate-uid", "replace", "--cluster", "other"]);
        (ProgramNode one, ProgramNode claims) = (nodes[0], nodes[1]);
        RawClient ann = one.Enter("ann");
        claims.Enter("bob");
        _cluster.StopNats();
        ClusterPrograms.Eventually(
            () => one.Metric("rawws_cluster_connected") == 0 && claims.Metric("rawws_cluster_connected") == 0, "away");
        ann.SendText("bob:hi");
        Assert.That(ann.ReadText(), Is.EqualTo("error:unreachable:bob"));
        Assert.That(one.Metric("rawws_cluster_unknown_total"), Is.EqualTo(1), "each that was told is counted");
        foreach (ProgramNode node in nodes)
        {
            node.Program.Stop();
            Assert.That((node.Program.ExitCode, node.Program.Errors), Is.EqualTo((0, "")));
        }
    }

    [Test]
    public void ASecondNodeOfOneId_DoesNotStart()
    {
        ProgramNode one = _cluster.Start("one");
        using RunningProgram second = ClusterPrograms.Program(_cluster.Url, "--node-id", "one");
        using RunningProgram elsewhere = ClusterPrograms.Program(_cluster.Url, "--node-id", "one", "--cluster", "other");
        second.WaitForExit();
        Assert.That((second.ExitCode, second.Errors), Is.EqualTo((1,
            "rawws: cannot start: the node cannot join the cluster: A node 'one' is in the cluster 'rawws' already: give each an id of "
                + "its own (node-id), or another cluster (cluster).\n")));
        elsewhere.WaitForPort();
        Assert.That(one.Get("/v1/cluster"), Does.Contain("\"nodes\":[{\"node\":\"one\",\"self\":true,\"known\":true}]"));
    }

    // What is there instead of NATS takes the connection, and says nothing.
    [Test]
    public async Task WhoIsToStop_BeforeTheNodeHasJoined_Stops()
    {
        using TcpListener silent = new(IPAddress.Loopback, 0);
        silent.Start();
        using RunningProgram program = ClusterPrograms.Program($"nats://{silent.LocalEndpoint}");
        using TcpClient taken = await silent.AcceptTcpClientAsync().WaitAsync(TestServer.Patience);
        program.Signal(15);
        program.WaitForExit();
        Assert.That((program.ExitCode, program.Errors), Is.EqualTo((0, "")));
    }

    [Test]
    public void WithoutNats_ItDoesNotStart_AndSaysWhere_WithoutThePassword()
    {
        _cluster.StopNats();
        using RunningProgram program = ClusterPrograms.Program($"nats://me:pass-phrase@127.0.0.1:{_cluster.Port}");
        program.WaitForExit();
        Assert.That(program.ExitCode, Is.EqualTo(1));
        Assert.That(program.Errors, Does.StartWith(
            $"rawws: cannot start: NATS cannot be reached at nats://127.0.0.1:{_cluster.Port} (--backplane): "));
        Assert.That(program.Errors.Trim().Split('\n'), Has.Length.EqualTo(1));
        Assert.That(program.Errors + program.Output, Does.Not.Contain("phrase"));
    }

    [Test]
    public void WithoutTheSetting_NothingOfItIsLoaded([Values] bool isOn)
    {
        string[] arguments = isOn ? ["--backplane", _cluster.Url] : [];
        using RunningProgram program = RunningProgram.Start(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", .. arguments]);
        RawClient.Open(program.WaitForPort()).Dispose();
        using HttpClient http = new() { BaseAddress = program.AdminAddress };
        foreach (string path in (string[])["/metrics", "/v1/uids/bob", "/readyz", "/v1/cluster"])
            http.GetAsync(new Uri(path, UriKind.Relative)).Wait();
        string[] loaded = [.. File.ReadLines($"/proc/{program.Id}/maps").Select(static line => line[(line.LastIndexOf('/') + 1)..])
            .Where(static file => file.StartsWith("NATS.", StringComparison.Ordinal) || file == "RawWs.Nats.dll")];
        Assert.That(loaded, isOn ? Is.Not.Empty : Is.Empty);
    }

    [Test]
    public void WithoutACluster_TheAdminPortSaysSo()
    {
        using ProgramNode node = new(RunningProgram.Start("--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"));
        (HttpStatusCode status, string text) = node.Ask(HttpMethod.Get, "/v1/cluster");
        Assert.That(status, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That(text, Does.Contain("this server has no --backplane"));
        Assert.That(node.Get("/v1/uids/bob"), Is.EqualTo("""{"uid":"bob","online":false,"connections":0}"""));
    }

    // The package's example, which has one node.
    [Test]
    public void ThePackagesExample_Works()
    {
        (int exitCode, string output, string errors) = Dotnet.Run(Dotnet.PathOf("RawWs.Samples"), "nats", _cluster.Url);
        Assert.That((exitCode, output.ReplaceLineEndings("\n"), errors), Is.EqualTo((0, "1 node, ready: True\nOffline\n", "")));
    }
}
