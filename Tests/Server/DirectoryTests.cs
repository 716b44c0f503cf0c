// An application that is not the router, with what is public alone: it lists, counts and kicks through the directory, and publishes to a
// uid, a connection and everybody. It hears who joins and leaves. That the router itself uses no more than that is shown by Tests/Outside.

using System.Collections.Concurrent;
using System.Text;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class DirectoryTests(Setup setup)
{
    [Test]
    public async Task AnApplication_Lists_Counts_Publishes_AndKicks()
    {
        Desk desk = new();
        await using TestServer server = await TestServer.Start(setup, desk);
        using RawClient admin = Open(server), one = Open(server, "/?uid=ann"), two = Open(server, "/?uid=ann"), bob =
            Open(server, "/?uid=bob");
        Assert.That(Ask(admin, "list"), Is.EqualTo("ann ann bob nobody, 4 open, 2 uids: ann bob"));

        // A uid, everybody, and the connection that asks.
        Assert.That(Ask(admin, "uid ann hello"), Is.EqualTo("Delivered"));
        Assert.That((one.ReadText(), two.ReadText()), Is.EqualTo(("hello", "hello")));
        Assert.That(Ask(admin, "uid carl hello"), Is.EqualTo("Offline"));
        admin.SendText("me hello");
        Assert.That((admin.ReadText(), admin.ReadText()), Is.EqualTo(("hello", "Delivered")));
        admin.SendText("all dinner");
        Assert.That(new[] { admin.ReadText(), admin.ReadText() }, Is.EquivalentTo((string[])["dinner", "Delivered"]));
        foreach (RawClient client in (RawClient[])[one, two, bob]) Assert.That(client.ReadText(), Is.EqualTo("dinner"));

        Assert.That(Ask(admin, "kick ann"), Is.EqualTo("2 kicked"));
        foreach (RawClient client in (RawClient[])[one, two])
        {
            Assert.That(client.ReadClose(answer: true), Is.EqualTo(((ushort?)4100, "kicked")));
            client.Dispose();
        }

        desk.Heard("joined ann", "joined ann", "joined bob", "left ann", "left ann");
        Assert.That(Ask(admin, "list"), Is.EqualTo("bob nobody, 2 open, 1 uids: bob"));
        Assert.That(Ask(admin, "kick ann"), Is.EqualTo("0 kicked"));
    }

    [Test]
    public async Task JoiningAndLeaving_IsHeard_OnceEach()
    {
        Desk desk = new();
        await using TestServer server = await TestServer.Start(setup, desk);
        using RawClient client = Open(server, "/?uid=ann");
        desk.Heard("joined ann");
        Assert.That(Ask(client, "join ann"), Is.EqualTo("joined"), "it has that uid");
        Assert.That(Ask(client, "join eve"), Is.EqualTo("joined"));
        desk.Heard("left ann", "joined eve");
        using RawClient newer = Open(server);
        Assert.That(Ask(newer, "take eve"), Is.EqualTo("joined"));
        desk.Heard("joined eve", "left eve");
        Assert.That(client.ReadClose(answer: true), Is.EqualTo(((ushort?)ServerCloseCodes.Replaced, "replaced by another connection")));
        client.Dispose();
        TestServer.Eventually(() => server.Server.Count == 1, "the older one has ended");
        newer.Reset();
        desk.Heard("left eve");
        TestServer.Eventually(() => server.Server.Count == 0, "all have ended");
        Assert.That((desk.Events.IsEmpty, server.Server.Directory.UidCount, server.Server.Directory.Count), Is.EqualTo((true, 0, 0)));
    }

    [Test]
    public async Task ATakenUid_IsKept_WhereDuplicatesAreRejected()
    {
        Desk desk = new();
        await using TestServer server = await TestServer.Start(setup, desk);
        using RawClient first = Open(server, "/?uid=ann"), second = Open(server);
        Assert.That(Ask(second, "claim ann"), Is.EqualTo("not joined"));
        Assert.That(first.ReadFrame()!.Value.Opcode, Is.EqualTo(Opcode.Ping), "it is asked whether it lives");
        Assert.That(Ask(second, "list"), Is.EqualTo("ann nobody, 2 open, 1 uids: ann"));
    }

    // Who is ending holds a uid no more: a further one takes it, and everybody hears of both, once.
    [Test]
    public async Task AUidThatIsTakenFromOneThatEnds_IsLeft_WhereDuplicatesAreRejected()
    {
        Desk desk = new();
        await using TestServer server = await TestServer.Start(setup, desk);
        using RawClient first = Open(server), second = Open(server);
        Assert.That(Ask(first, "claim ann"), Is.EqualTo("joined"));
        desk.Heard("joined ann");
        WebSocketConnection ending = server.Server.Directory.Find("ann").Single();
        ending.Close(); // and it does not answer
        TestServer.Eventually(() => !ending.IsOpen, "the first is closing");
        Assert.That(Ask(second, "claim ann"), Is.EqualTo("joined"));
        desk.Heard("joined ann", "left ann");
        first.Reset();
        TestServer.Eventually(() => server.Server.Count == 1, "the first has ended");
        second.Reset();
        desk.Heard("left ann");
        TestServer.Eventually(() => server.Server.Count == 0, "all have ended");
        Assert.That((desk.Events.IsEmpty, server.Server.Directory.UidCount, desk.Present), Is.EqualTo((true, 0, 0)));
    }

    [Test]
    public async Task AnotherServersConnection_IsRefused_AndAUidThatIsNotUtf8()
    {
        await using TestServer server = await TestServer.Start(setup, new Desk()), other = await TestServer.Start(setup, new Desk());
        using RawClient client = Open(server, "/?uid=ann");
        WebSocketConnection connection = server.Server.Directory.Find("ann").Single();
        Assert.That(() => other.Server.Directory.TryJoin(connection, "bob"u8.ToArray()), Throws.ArgumentException);
        Assert.That(() => server.Server.Directory.TryJoin(connection, new byte[] { 0xFF }), Throws.ArgumentException);
        Assert.That(() => server.Server.Directory.Find("\ud800"), Throws.ArgumentException);
        Assert.That(() => MessageTarget.ToUid("\ud800"), Throws.ArgumentException);
        Assert.That((other.Server.Directory.UidCount, server.Server.Directory.UidCount), Is.EqualTo((0, 1)));
    }

    [Test]
    public async Task AnEndedConnection_DoesNotJoin_AndAWrongUid_IsRefused()
    {
        Desk desk = new();
        await using TestServer server = await TestServer.Start(setup, desk);
        ConnectionDirectory directory = server.Server.Directory;
        WebSocketConnection connection;
        using (RawClient client = Open(server, "/?uid=ann"))
        {
            connection = directory.Find("ann").Single();
            Assert.That(directory.Find(connection.Id), Is.SameAs(connection));
            Assert.That(() => directory.TryJoin(connection, default), Throws.ArgumentException);
            Assert.That(() => directory.TryJoin(connection, new byte[ConnectionDirectory.UidBytesMax + 1]), Throws.ArgumentException);
            Assert.That(() => UpgradeDecision.Accept(new byte[ConnectionDirectory.UidBytesMax + 1]), Throws.ArgumentException);
            client.Reset();
        }

        TestServer.Eventually(() => server.Server.Count == 0, "it has ended");
        Assert.That(directory.TryJoin(connection, "ann"u8.ToArray()), Is.False);
        Assert.That((directory.UidCount, directory.Find("ann").Length, directory.Find(connection.Id)),
            Is.EqualTo((0, 0, (WebSocketConnection?)null)));
        Assert.That(await directory.Publish(MessageTarget.ToConnection(connection), WebSocketMessage.Text("x")),
            Is.EqualTo(DeliveryResult.Offline));
        Assert.That(await directory.Publish(default, WebSocketMessage.Text("x")), Is.EqualTo(DeliveryResult.Offline));
        Assert.That(directory.Kick(MessageTarget.ToConnection(connection)), Is.Zero);
    }

    // Whoever listens and throws costs nobody anything.
    [Test]
    public async Task AListenerThatThrows_IsLogged()
    {
        RecordedLog log = new(Microsoft.Extensions.Logging.LogLevel.Error);
        Desk desk = new();
        await using TestServer server = await TestServer.Start(setup, desk, options => options with { LoggerFactory = log });
        server.Server.Directory.Joined += static (_, _) => throw new InvalidOperationException("as the test says");
        using RawClient client = Open(server, "/?uid=ann");
        Assert.That(Ask(client, "list"), Is.EqualTo("ann, 1 open, 1 uids: ann"));
        log.WaitFor("the application threw");
    }

    // As who listens counts.
    [Test]
    public async Task AUidThatIsReplaced_IsNeverWithoutAConnection()
    {
        await using TestServer server = await TestServer.Start(setup, new Desk());
        using RawClient one = Open(server), two = Open(server);
        ConnectionDirectory directory = server.Server.Directory;
        IReadOnlyList<WebSocketConnection> both = directory.GetConnections();
        List<int> counts = [];
        int count = 0;
        directory.Joined += (_, _) => counts.Add(++count);
        directory.Left += (_, _) => counts.Add(--count);
        foreach (WebSocketConnection connection in both) directory.TryJoin(connection, "ann"u8.ToArray(), DuplicateUid.Replace);
        Assert.That(counts, Is.EqualTo(new[] { 1, 2, 1 }));
    }

    // Comers and goers under one uid, from all loops at once: at the end nobody is left in.
    [Test]
    public async Task ManyThatJoinWhileTheyEnd_LeaveNobodyIn()
    {
        const int Clients = 200;
        Desk desk = new();
        await using TestServer server = await TestServer.Start(setup, desk);
        ConcurrentBag<WebSocketConnection> all = [];
        desk.Opened = all.Add;
        using CancellationTokenSource stop = new();
        Task joiner = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
                foreach (WebSocketConnection connection in all) server.Server.Directory.TryJoin(connection, "crowd"u8.ToArray());
        });
        for (int i = 0; i < Clients; i++)
        {
            using RawClient client = RawClient.Open(server.Port);
            client.Reset();
        }

        TestServer.Eventually(() => server.Server.Count == 0 && all.Count == Clients, "all have come and gone");
        await stop.CancelAsync();
        await joiner;
        Assert.That((server.Server.Directory.UidCount, desk.Present), Is.EqualTo((0, 0)));
    }

    [Test]
    public void ATarget_SaysWhomItNames()
    {
        MessageTarget uid = MessageTarget.ToUid("ann"), same = MessageTarget.ToUid("ann"u8.ToArray());
        Assert.That((default(MessageTarget).Kind, uid.Kind, MessageTarget.Everybody.Kind),
            Is.EqualTo((TargetKind.Nobody, TargetKind.Uid, TargetKind.Everybody)));
        Assert.That(
            (uid == same, uid.GetHashCode() == same.GetHashCode(), uid != MessageTarget.Everybody,
                uid.Equals((object)default(MessageTarget))), Is.EqualTo((true, true, true, false)));
        Assert.That((Encoding.UTF8.GetString(uid.Uid.Span), uid.Connection), Is.EqualTo(("ann", (WebSocketConnection?)null)));
        WebSocketMessage message = WebSocketMessage.Text("to:ann:hi");
        MessageTarget part = MessageTarget.ToUid(message[3..6]);
        Assert.That((part, part.Kind, Encoding.UTF8.GetString(part.UidSpan)), Is.EqualTo((uid, TargetKind.Uid, "ann")));
        Assert.That((MessageTarget.Everybody.Uid.IsEmpty, default(MessageTarget).UidSpan.IsEmpty), Is.EqualTo((true, true)));
        Assert.That(() => MessageTarget.ToUid(""), Throws.ArgumentException);
        Assert.That(() => MessageTarget.ToUid(message[3..3]), Throws.ArgumentException);
    }

    private static RawClient Open(TestServer server, string target = "/")
    {
        RawClient client = RawClient.Open(server.Port, target);
        Assert.That(Ask(client, "hello?"), Is.EqualTo("what?"), "it is open on the server's side too");
        return client;
    }

    private static string Ask(RawClient client, string question)
    {
        client.SendText(question);
        return client.ReadText();
    }

    private sealed class Desk : IWebSocketApplication
    {
        private ConnectionDirectory _directory = null!;
        private int _present;

        public ConcurrentQueue<string> Events { get; } = new();

        public int Present => Volatile.Read(ref _present);

        public Action<WebSocketConnection> Opened { get; set; } = static _ => { };

        public void OnStart(WebSocketServer server)
        {
            _directory = server.Directory;
            _directory.Joined += (_, uid) =>
            {
                Interlocked.Increment(ref _present);
                Events.Enqueue("joined " + Encoding.UTF8.GetString(uid.Span));
            };
            _directory.Left += (_, uid) =>
            {
                Interlocked.Decrement(ref _present);
                Events.Enqueue("left " + Encoding.UTF8.GetString(uid.Span));
            };
        }

        public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) =>
            new(UpgradeDecision.Accept(context.Request.TryGetQuery("uid"u8, out byte[] uid, out _) ? uid : default));

        public void OnOpen(WebSocketConnection connection) => Opened(connection);

        public async ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message)
        {
            string[] words = message.ToString().Split(' ', 3);
            string answer = words[0] switch
            {
                "list" => List(),
                "uid" => $"{await _directory.Publish(MessageTarget.ToUid(words[1]), WebSocketMessage.Text(words[2]))}",
                "me" => $"{await _directory.Publish(MessageTarget.ToConnection(connection), WebSocketMessage.Text(words[1]))}",
                "all" => $"{await _directory.Publish(MessageTarget.Everybody, message[4..])}",
                "kick" => $"{_directory.Kick(MessageTarget.ToUid(words[1]), 4100, "kicked")} kicked",
                "join" => Join(DuplicateUid.Share),
                "take" => Join(DuplicateUid.Replace),
                "claim" => Join(DuplicateUid.Reject),
                _ => "what?",
            };
            connection.TrySend(answer);

            string Join(DuplicateUid duplicates) =>
                _directory.TryJoin(connection, Encoding.UTF8.GetBytes(words[1]), duplicates) ? "joined" : "not joined";
        }

        /// <summary>Waits for these events, the next ones, in this order.</summary>
        public void Heard(params string[] expected)
        {
            foreach (string one in expected)
            {
                string? heard = null;
                TestServer.Eventually(() => Events.TryDequeue(out heard), one);
                Assert.That(heard, Is.EqualTo(one));
            }
        }

        private string List()
        {
            IEnumerable<string> open = _directory.GetConnections()
                .Select(static connection => connection.Uid.IsEmpty ? "nobody" : Encoding.UTF8.GetString(connection.Uid.Span));
            IEnumerable<string> uids = _directory.GetUids().Select(static uid => Encoding.UTF8.GetString(uid.Span));
            return $"{string.Join(' ', open.Order())}, {_directory.Count} open, {_directory.UidCount} uids: "
                + $"{string.Join(' ', uids.Order())}";
        }
    }
}
