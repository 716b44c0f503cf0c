// Each kind of load on our own server, by count: so many messages were sent, and so many came back, right in every byte.

using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests.Load;

[Platform("Linux")]
public sealed class LoadRunTests
{
    [TestCase("--conns 7 --pipeline 3 --messages 1000 --size 32")]
    [TestCase("--conns 2 --pipeline 2 --messages 50 --size 0")]
    [TestCase("--conns 2 --pipeline 9 --messages 300 --size 126 --binary")]
    [TestCase("--conns 1 --pipeline 64 --messages 500 --size 65536")]
    [TestCase("--conns 2 --pipeline 4 --messages 20 --size 1048576")]
    [TestCase("--conns 3 --pipeline 2 --messages 100 --prefix %d-to-%p:")]
    [TestCase("--conns 5 --rate 5000 --messages 500")]
    public async Task Echo_BringsEveryMessageBack(string load)
    {
        await using TestServer server = await Echo();
        LoadOutcome outcome = Put(server, load);
        BringsAll(outcome, Count(load));
        Assert.That(outcome.Figure("p50_us"), Is.LessThanOrEqualTo(outcome.Figure("max_us")).And.GreaterThan(0));
    }

    [TestCase("--conns 4 --pipeline 4 --messages 400")]
    [TestCase("--conns 20 --rate 5000 --messages 400")]
    public async Task Pairs_SendToEachOther(string load)
    {
        await using TestServer server = await Router();
        BringsAll(Put(server, load + " --pairs --hello %d:here --prefix %p: --expect="), 400);
    }

    [TestCase("--pipeline 1")]
    [TestCase("--pipeline 16")]
    [TestCase("--rate 2000")]
    public async Task Broadcast_ReachesEverybody(string load)
    {
        await using TestServer server = await Router();
        BringsAll(Put(server, load + " --mode broadcast --conns 20 --messages 100 --prefix all: --expect= --size 100"), 2000);
    }

    [TestCase("idle")]
    [TestCase("connect")]
    public async Task Connections_AreOpenedAndCounted(string mode)
    {
        await using TestServer server = await Echo();
        LoadOutcome outcome = Put(server, $"--mode {mode} --conns 300 --seconds 0 --pid {Environment.ProcessId}");
        Assert.That((outcome.ExitCode, outcome.Figure("errors")), Is.EqualTo((0, 0.0)), outcome.Output);
        Assert.That(outcome.Figure("handshakes_per_server_cpu_s"), Is.GreaterThan(0));
        Assert.That(outcome.Figure("rss_per_conn"), Is.Not.NaN);
    }

    [TestCase("")]
    [TestCase(" --rate 1000")]
    public async Task ByTime_MessagesAndTheServersProcessorTimeAreCounted(string rate)
    {
        await using TestServer server = await Echo();
        LoadOutcome outcome = Put(server, $"--conns 2 --warmup 0 --seconds 0.2 --pid {Environment.ProcessId}{rate}");
        Assert.That((outcome.ExitCode, outcome.Figure("errors")), Is.EqualTo((0, 0.0)), outcome.Output);
        Assert.That(outcome.Figure("msgs_per_server_cpu_s"), Is.GreaterThan(0));
        Assert.That(outcome.Figure("server_rss"), Is.GreaterThan(1_000_000));
        // The schedule says how many there are in an open loop, however slow anybody is.
        if (rate.Length > 0) Assert.That(outcome.Figure("msgs"), Is.EqualTo(200));
    }

    private static LoadOutcome Put(TestServer server, string load) =>
        LoadOutcome.Of([$"ws://127.0.0.1:{server.Port}/", "--json", .. load.Split(' ')]);

    private static void BringsAll(LoadOutcome outcome, double messages) =>
        Assert.That((outcome.ExitCode, outcome.Figure("msgs"), outcome.Figure("errors")), Is.EqualTo((0, messages, 0.0)), outcome.Output);

    private static double Count(string load) =>
        double.Parse(load.Split("--messages ")[1].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);

    private static Task<TestServer> Echo() => TestServer.Start(Setup.All[0], new EchoApplication());

    private static Task<TestServer> Router() =>
        TestServer.Start(Setup.All[0], new RouterApplication(Introduce.FirstMessage, DuplicateUid.Share));
}
