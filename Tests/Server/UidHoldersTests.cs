// Who holds a uid: a connection that is open, and, where newcomers are rejected, one that answers when a newcomer has it asked whether it
// lives. The clock is the test's. Real sockets, both transports.

using System.Collections.Concurrent;
using Microsoft.Extensions.Time.Testing;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class UidHoldersTests(Setup setup)
{
    private static readonly byte[] Normal = [0x03, 0xE8];

    private readonly FakeTimeProvider _time = new();

    [Test]
    public async Task Reject_WhoHasFinishedTheClosingHandshake_ComesBackAtOnce_ByTheQuery()
    {
        RouterApplication router = new(Introduce.Query, DuplicateUid.Reject);
        await using TestServer server = await Start(router);
        using RawClient before = RawClient.Open(server.Port, "/?uid=1");
        CloseAndKeepTheStream(before);
        using RawClient after = RawClient.Open(server.Port, "/?uid=1");
        after.SendText("1:me");
        Assert.That(after.ReadText(), Is.EqualTo("me"));
        // The first one's end does not take the name with it.
        before.Dispose();
        TestServer.Eventually(() => server.Server.Count == 1, "the first has ended");
        after.SendText("1:still me");
        Assert.That((after.ReadText(), router.UidCount), Is.EqualTo(("still me", 1)));
    }

    [Test]
    public async Task Reject_WhoHasFinishedTheClosingHandshake_ComesBackAtOnce_ByAFirstMessage()
    {
        await using TestServer server = await Start(new RouterApplication(Introduce.FirstMessage, DuplicateUid.Reject));
        using RawClient before = RawClient.Open(server.Port);
        before.SendText("1:x");
        Assert.That(before.ReadText(), Is.EqualTo("x"));
        CloseAndKeepTheStream(before);
        using RawClient after = RawClient.Open(server.Port);
        after.SendText("1:me");
        Assert.That(after.ReadText(), Is.EqualTo("me"));
    }

    // The server has sent its Close and waits for the peer's.
    [Test]
    public async Task Reject_WhomTheServerHasClosed_HoldsNothing()
    {
        await using TestServer server = await Start(
            new RouterApplication(Introduce.Query, DuplicateUid.Reject), static options =>
                options with { Heartbeat = TimeSpan.FromSeconds(10) });
        using RawClient before = RawClient.Open(server.Port, "/?uid=1");
        AwaitName(before);
        Advance(server, 11);
        Assert.That(before.ReadText(), Is.EqualTo("Network connection timeout!"));
        Assert.That(before.ReadFrame()!.Value.Opcode, Is.EqualTo(Opcode.Close));
        using RawClient after = RawClient.Open(server.Port, "/?uid=1");
        after.SendText("1:me");
        Assert.That(after.ReadText(), Is.EqualTo("me"));
    }

    [Test]
    public async Task AMessageToAUidWhoseConnectionsAreAllClosing_IsOffline([Values] DuplicateUid policy)
    {
        await using TestServer server = await Start(new RouterApplication(Introduce.Query, policy));
        using RawClient one = RawClient.Open(server.Port, "/?uid=1");
        CloseAndKeepTheStream(one);
        using RawClient two = RawClient.Open(server.Port, "/?uid=1");
        CloseAndKeepTheStream(two);
        using RawClient other = RawClient.Open(server.Port, "/?uid=2");
        other.SendText("1:hello");
        Assert.That(other.ReadText(), Is.EqualTo("error:offline:1"));
        using RawClient three = RawClient.Open(server.Port, "/?uid=1");
        AwaitName(three);
        other.SendText("1:hello");
        Assert.That(three.ReadText(), Is.EqualTo("hello"));
    }

    [TestCase(0)]
    [TestCase(60)]
    public async Task Reject_AHolderThatIsDead_LosesItsUid(int heartbeat)
    {
        Watched application = new(DuplicateUid.Reject);
        await using TestServer server = await Start(application, options => options with { Heartbeat = TimeSpan.FromSeconds(heartbeat) });
        using RawClient dead = RawClient.Open(server.Port, "/?uid=1");
        AwaitName(dead);
        Assert.That(StatusOf(server, "/?uid=1"), Is.EqualTo(409));
        Assert.That(dead.ReadFrame(), Is.EqualTo((Opcode.Ping, Array.Empty<byte>())), "asked at once");
        Advance(server, 4.9);
        Assert.That(StatusOf(server, "/?uid=1"), Is.EqualTo(409), "it still has time to answer");
        Advance(server, 0.2);
        using RawClient living = RawClient.Open(server.Port, "/?uid=1");
        living.SendText("1:me");
        Assert.That(living.ReadText(), Is.EqualTo("me"));
        Assert.That(dead.ReadClose(answer: true), Is.EqualTo(((ushort?)1011, "ping timeout")));
        dead.Dispose();
        TestServer.Eventually(() => !application.Reports.IsEmpty, "ended");
        Assert.That(application.Reports.Single().Cause, Is.EqualTo(EndCause.PongTimeout));
    }

    [Test]
    public async Task Reject_AHolderThatIsDead_LosesItsUid_ToAFirstMessage()
    {
        await using TestServer server = await Start(new RouterApplication(Introduce.FirstMessage, DuplicateUid.Reject));
        using RawClient dead = RawClient.Open(server.Port, "/?uid=1");
        AwaitName(dead);
        using RawClient living = RawClient.Open(server.Port);
        living.SendText("1:me");
        Assert.That(living.ReadText(), Is.EqualTo("error:rejected:1"));
        Assert.That(dead.ReadFrame()!.Value.Opcode, Is.EqualTo(Opcode.Ping));
        Advance(server, 5.1);
        living.SendText("1:me");
        Assert.That(living.ReadText(), Is.EqualTo("me"));
    }

    // As many share the uid as may: those who keep another one out are asked too.
    [Test]
    public async Task Share_AHolderThatIsDead_MakesRoom()
    {
        await using TestServer server = await Start(
            new RouterApplication(Introduce.Query, DuplicateUid.Share), static options => options with { ConnectionsPerUidMax = 2 });
        using RawClient dead = RawClient.Open(server.Port, "/?uid=1"), answers = RawClient.Open(server.Port, "/?uid=1");
        AwaitName(dead);
        AwaitName(answers);
        Assert.That(StatusOf(server, "/?uid=1"), Is.EqualTo(429));
        Assert.That(dead.ReadFrame()!.Value.Opcode, Is.EqualTo(Opcode.Ping));
        Assert.That(answers.ReadFrame()!.Value.Opcode, Is.EqualTo(Opcode.Ping));
        answers.Send(Opcode.Pong, default);
        AwaitName(answers); // the Pong has come before
        Advance(server, 5.1);
        using RawClient living = RawClient.Open(server.Port, "/?uid=1");
        living.SendText("1:us");
        Assert.That((living.ReadText(), answers.ReadText()), Is.EqualTo(("us", "us")));
    }

    [TestCase(0, Opcode.Pong)]
    [TestCase(0, Opcode.Text)]
    [TestCase(60, Opcode.Pong)]
    [TestCase(60, Opcode.Text)]
    public async Task Reject_AHolderThatIsHeard_KeepsItsUid(int heartbeat, Opcode heard)
    {
        Watched application = new(DuplicateUid.Reject);
        await using TestServer server = await Start(application, options => options with { Heartbeat = TimeSpan.FromSeconds(heartbeat) });
        using RawClient holder = RawClient.Open(server.Port, "/?uid=1");
        AwaitName(holder);
        WebSocketConnection connection = application.Opened.Single();
        for (int i = 0; i < 3; i++)
        {
            Assert.That(StatusOf(server, "/?uid=1"), Is.EqualTo(409));
            Assert.That(holder.ReadFrame()!.Value.Opcode, Is.EqualTo(Opcode.Ping));
            byte[] frame = RawClient.Frame(heard, heard == Opcode.Pong ? default : "ping"u8);
            long bytes = connection.Transport.BytesReceived + frame.Length;
            holder.Send(frame);
            AwaitTaken(server, connection, bytes);
            Advance(server, 5.1);
        }

        Assert.That(StatusOf(server, "/?uid=1"), Is.EqualTo(409));
        holder.SendText("1:mine");
        Assert.That(holder.ReadFrame()!.Value.Opcode, Is.EqualTo(Opcode.Ping));
        Assert.That(holder.ReadText(), Is.EqualTo("mine"));
    }

    [Test]
    public async Task Reject_HoweverManyCome_OnePingIsOnItsWay()
    {
        await using TestServer server = await Start(new RouterApplication(Introduce.FirstMessage, DuplicateUid.Reject));
        using RawClient holder = RawClient.Open(server.Port, "/?uid=1");
        AwaitName(holder);
        using RawClient insists = RawClient.Open(server.Port);
        for (int i = 0; i < 20; i++)
        {
            Assert.That(StatusOf(server, "/?uid=1"), Is.EqualTo(409));
            insists.SendText("1:x");
            Assert.That(insists.ReadText(), Is.EqualTo("error:rejected:1"));
            if (i == 0) Assert.That(holder.ReadFrame()!.Value.Opcode, Is.EqualTo(Opcode.Ping));
            if (i == 10) holder.Send(Opcode.Pong, default); // answered, and still not asked again at once
        }

        holder.SendText("1:mine");
        Assert.That(holder.ReadText(), Is.EqualTo("mine"));
    }

    // Else newcomers could keep alive, one after the other, a connection whose page has long been frozen.
    [Test]
    public async Task Reject_ThePongToAProbe_IsNoLifeForTheHeartbeat()
    {
        setup.PassOverLayers("a Pong in two pieces is a sign of life");
        Watched application = new(DuplicateUid.Reject);
        await using TestServer server = await Start(application, static options => options with { Heartbeat = TimeSpan.FromSeconds(10) });
        using RawClient frozen = RawClient.Open(server.Port, "/?uid=1");
        AwaitName(frozen);
        WebSocketConnection connection = application.Opened.Single();
        for (int i = 0; i < 2; i++)
        {
            if (i > 0) Advance(server, 5.1);
            Assert.That(StatusOf(server, "/?uid=1"), Is.EqualTo(409));
            Assert.That(frozen.ReadFrame()!.Value.Opcode, Is.EqualTo(Opcode.Ping));
            long bytes = connection.Transport.BytesReceived + RawClient.Frame(Opcode.Pong, default).Length;
            frozen.Send(Opcode.Pong, default);
            AwaitTaken(server, connection, bytes);
        }

        Advance(server, 5);
        Assert.That(frozen.ReadText(), Is.EqualTo("Network connection timeout!"));
        Assert.That(frozen.ReadClose(answer: true).Code, Is.EqualTo(3008));
    }

    // All are let in before any is open: the uid is one's.
    [Test]
    public async Task Reject_NewcomersWhoWereLetInAtOnce_OneGetsIt_AndTheOthersAreTold()
    {
        const int Newcomers = 6;
        Watched application = new(DuplicateUid.Reject, Newcomers);
        await using TestServer server = await Start(application);
        RawClient[] clients = [.. Enumerable.Range(0, Newcomers).Select(_ => RawClient.Connect(server.Port))];
        foreach (RawClient client in clients) client.Send($"GET /?uid=1 HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
        int closed = 0;
        RawClient? winner = null;
        foreach (RawClient client in clients)
        {
            Assert.That(client.ReadHead(), Does.StartWith("HTTP/1.1 101 "));
            client.SendText("1:whose?");
            (Opcode opcode, byte[] payload) = client.ReadFrame()!.Value;
            if (opcode == Opcode.Ping) (opcode, payload) = client.ReadFrame()!.Value; // it has won, and is asked whether it lives
            if (opcode == Opcode.Text) winner = client;
            else if (opcode == Opcode.Close && payload.AsSpan().SequenceEqual((byte[])[0x11, 0x95, .. "uid taken"u8])) closed++;
        }

        Assert.That(closed, Is.EqualTo(Newcomers - 1), "closed with 4501");
        Assert.That(winner, Is.Not.Null);
        foreach (RawClient client in clients) client.Dispose();
    }

    // Its silence is ours while we do not read from it.
    [Test]
    public async Task Probe_WhileAHandlerRuns_JudgesNobody()
    {
        TaskCompletionSource go = new(TaskCreationOptions.RunContinuationsAsynchronously);
        WebSocketConnection? busy = null;
        await using TestServer server = await Start(new ProtocolOverTcpTests.Handler(async (connection, kind, _) =>
        {
            busy = connection;
            await go.Task;
            connection.TrySend(kind, "done"u8);
        }));
        using RawClient client = RawClient.Open(server.Port);
        client.SendText("work");
        TestServer.Eventually(() => busy is not null, "at work");
        server.CatchUp();
        busy!.Probe();
        server.CatchUp();
        Advance(server, 20);
        bool open = busy.IsOpen;
        go.SetResult();
        Assert.That(open);
        Assert.That(client.ReadFrame()!.Value.Opcode, Is.EqualTo(Opcode.Ping));
        Assert.That(client.ReadText(), Is.EqualTo("done"));
    }

    private static void CloseAndKeepTheStream(RawClient client)
    {
        client.Send(Opcode.Close, Normal);
        (Opcode opcode, byte[] payload) = client.ReadFrame()!.Value;
        Assert.That((opcode, payload), Is.EqualTo((Opcode.Close, Normal)));
    }

    // The 101 may come a moment before the connection has its name; an answer shows that it has.
    private static void AwaitName(RawClient client)
    {
        client.SendText("@");
        Assert.That(client.ReadText(), Does.StartWith("error:no-colon:"));
    }

    // What the client has sent last has been taken: for a Pong there is no answer to wait for.
    private static void AwaitTaken(TestServer server, WebSocketConnection connection, long bytes)
    {
        TestServer.Eventually(() => connection.Transport.BytesReceived >= bytes, "taken");
        server.CatchUp();
    }

    private static int StatusOf(TestServer server, string target)
    {
        using RawClient client = RawClient.Connect(server.Port);
        client.Send($"GET {target} HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
        return int.Parse(client.ReadHead().AsSpan(9, 3), System.Globalization.CultureInfo.InvariantCulture);
    }

    private Task<TestServer> Start(IWebSocketApplication application, Func<ServerOptions, ServerOptions>? change = null) =>
        TestServer.Start(setup, application, options => (change is null ? options : change(options)) with { TimeProvider = _time });

    private void Advance(TestServer server, double seconds)
    {
        server.Pass(_time, seconds);
    }

    /// <summary>The router, with a view of its connections. It lets newcomers in when so many have been decided about.</summary>
    private sealed class Watched(DuplicateUid duplicates, int together = 1) : IWebSocketApplication
    {
        private readonly RouterApplication _router = new(Introduce.Query, duplicates);
        private readonly TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _asked;

        public ConcurrentQueue<WebSocketConnection> Opened { get; } = new();

        public ConcurrentQueue<CloseReport> Reports { get; } = new();

        public void OnStart(WebSocketServer server) => _router.OnStart(server);

        public async ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context)
        {
            UpgradeDecision decision = await _router.OnUpgrade(context);
            if (Interlocked.Increment(ref _asked) == together) _all.SetResult();
            await _all.Task;
            return decision;
        }

        public void OnOpen(WebSocketConnection connection) => Opened.Enqueue(connection);

        public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message) =>
            _router.OnMessage(connection, message);

        public void OnClose(WebSocketConnection connection, CloseReport report) => Reports.Enqueue(report);

        public void OnHeartbeatMissed(WebSocketConnection connection) => _router.OnHeartbeatMissed(connection);
    }
}
