// What an observer is told, against the wire: out of the events alone every byte comes back that a raw client has sent and received,
// whatever way it went.

using System.Text;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class ObservationTests(Setup setup)
{
    private const int Plenty = 512 * 1024 * 1024;

    private static readonly byte[] Goodbye = RawClient.Frame(Opcode.Close, [0x03, 0xE8, (byte)'b', (byte)'y', (byte)'e']);

    // Fragments, control frames between them, every form of the length, a Close.
    private static readonly byte[] Conversation =
    [
        .. Encoding.ASCII.GetBytes($"GET /chat HTTP/1.1\r\n{RawClient.Upgrade}\r\n"), .. RawClient.Frame(Opcode.Text, "one"u8, fin: false),
        .. RawClient.Frame(Opcode.Ping, "12345"u8), .. RawClient.Frame(Opcode.Continuation, [], fin: false),
        .. RawClient.Frame(Opcode.Continuation, Encoding.ASCII.GetBytes(new string('a', 130))), .. RawClient.Frame(Opcode.Pong, []),
        .. RawClient.Frame(Opcode.Binary, []), .. RawClient.Frame(Opcode.Text, "Hello"u8), .. Goodbye,
    ];

    [Test]
    public async Task EveryByte_CutAtEveryByte()
    {
        await using TestServer server = await Start(new EchoApplication());
        using Observation observation = await Everything(server);
        List<RecordingClient> clients = [];
        for (int cut = 0; cut <= Conversation.Length; cut++)
        {
            RecordingClient client = new(server.Port);
            clients.Add(client);
            if (cut < Conversation.Length)
            {
                client.Send(Conversation.AsSpan(0, cut));
                client.Send(Conversation.AsSpan(cut));
            }
            else
            {
                foreach (byte one in Conversation) client.Send([one]);
            }

            client.ReadToEnd();
            client.Dispose();
        }

        Compare(observation, clients);
    }

    [Test]
    public async Task LargeMessages_WhateverWayTheyLeave([Values] bool slowReader)
    {
        await using TestServer server = await Start(new EchoApplication());
        using Observation observation = await Everything(server);
        using RecordingClient client = new(server.Port, slowReader ? 4096 : 0);
        client.Upgrade();
        Task sending = Task.Run(() =>
        {
            foreach (int length in new[] { 1000, 1500, 5000, 70_000, 300_000, 1 << 20, 10, 1 << 20 })
                client.Send(RawClient.Frame(Opcode.Binary, Some(length)));
            client.Send(
                [.. RawClient.Frame(Opcode.Text, Encoding.ASCII.GetBytes(new string('x', 100_000)), fin: false),
                    .. RawClient.Frame(Opcode.Ping, "p"u8)]);
            client.Send([.. RawClient.Frame(Opcode.Continuation, "end"u8), .. Goodbye]);
        });
        client.ReadToEnd();
        await sending;
        client.Dispose();
        Compare(observation, [client]);
    }

    [Test]
    public async Task Compressed_BothWays([Values] bool takeover)
    {
        await using TestServer server =
            await Start(new EchoApplication(), options => options with { Compression = true, CompressionTakeover = takeover });
        using Observation observation = await Everything(server);
        using RecordingClient client = new(server.Port);
        client.Upgrade("/", "Sec-WebSocket-Extensions: permessage-deflate\r\n");
        foreach (int length in new[] { 300, 20_000, 200_000 })
        {
            byte[] compressed = Deflate.Compress(Deflate.Text(length));
            byte[] frame = new byte[compressed.Length + FrameWriter.HeaderBytesMax];
            client.Send(frame.AsSpan(0, FrameWriter.WriteMasked(frame, Opcode.Text, compressed, 7, reserved: ReservedBits.Rsv1)));
        }

        client.Send(Goodbye);
        client.ReadToEnd();
        client.Dispose();
        ObservedStreams streams = Compare(observation, [client])[0];
        Assert.That(streams.Of(ConnectionEventKind.FrameSent)
            .Count(static told => told.Header.Reserved == ReservedBits.Rsv1), Is.EqualTo(3));
    }

    // From the broadcast log, by reference, from the cork and from the queue, and the server's Close at last.
    [Test]
    public async Task Broadcasts_SharedMessages_AndACloseOfTheServer()
    {
        Everybody application = new();
        await using TestServer server = await Start(application);
        using Observation observation = await Everything(server);
        List<RecordingClient> clients = [.. Enumerable.Range(0, 5).Select(_ => new RecordingClient(server.Port))];
        foreach (RecordingClient client in clients) client.Upgrade();
        foreach (int length in new[] { 5, 900, 5000, 200_000 }) clients[0].Send(RawClient.Frame(Opcode.Binary, Some(length)));
        using (SharedMessage shared = server.Server.TryShare(MessageKind.Binary, Some(150_000))!) server.Server.Broadcast(shared);
        clients[0].Read(561_860); // everything that was sent to everybody, and its own back after that
        clients[1].Send(RawClient.Frame(Opcode.Text, "close"u8));
        Parallel.ForEach(clients, static client =>
        {
            ReadUpToClose(client);
            client.Send(Goodbye);
            client.ReadToEnd();
            client.Dispose();
        });
        Compare(observation, clients);
        foreach (RecordingClient client in clients)
            Assert.That(client.Received, Has.Count.GreaterThan(355_935), "everybody got everything");
    }

    [TestCase("GET / HTTP/1.1\r\nHost: a\r\n\r\nand more", 426)]
    [TestCase("nonsense\r\n\r\n\0\u0001", 400)]
    [TestCase("GET /page HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 200)]
    [TestCase("GET /nowhere HTTP/1.1\r\n" + RawClient.Upgrade + "\r\n", 404)]
    [TestCase("HEAD /page HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 200)]
    public async Task AnHttpAnswer(string request, int status)
    {
        await using TestServer server = await Start(new EchoApplication(), static options => options with
        {
            Endpoints = ["/"],
            Pages = [new HttpPage("/page", "<p>page"u8.ToArray(), "default-src 'none'")],
        });
        using Observation observation = await Everything(server);
        List<RecordingClient> clients = [];
        for (int cut = 0; cut <= request.Length; cut += 7)
        {
            RecordingClient client = new(server.Port);
            clients.Add(client);
            client.Send(request[..cut]);
            try
            {
                client.Send(request[cut..]);
            }
            catch (System.Net.Sockets.SocketException)
            {
                Assert.Fail("The server must not reset what it has answered.");
            }

            client.ShutdownSend();
            client.ReadToEnd();
            client.Dispose();
        }

        foreach (ObservedStreams streams in Compare(observation, clients))
        {
            Assert.That(streams.Of(ConnectionEventKind.Answered).Single().Code, Is.EqualTo(status));
            Assert.That(streams.Events[^1].Report!.Cause, Is.EqualTo(EndCause.Http));
        }
    }

    [TestCase(new byte[] { 0xC1 }, 1, nameof(FrameRules.ReservedBitsNotNegotiated))]
    [TestCase(new byte[] { 0x81, 0x84, 0, 0, 0, 0, 0x61, 0xFF, 0x61, 0x61 }, 10, nameof(FrameRules.TextNotUtf8))]
    public async Task ABrokenRule_HasItsPlace(byte[] bytes, int there, string rule)
    {
        setup.PassOverLayers("in pieces another piece is the one in which it fails");
        await using TestServer server = await Start(new EchoApplication());
        using Observation observation = await Everything(server);
        using RecordingClient client = new(server.Port);
        client.Upgrade();
        int head = client.Sent.Count;
        client.Send(bytes);
        client.ReadToEnd();
        client.Dispose();
        ConnectionEvent broken = Compare(observation, [client])[0].Of(ConnectionEventKind.RuleBroken).Single();
        Assert.That((broken.Offset, broken.Rule), Is.EqualTo((head, rule)));
        // in pieces it may fail before the last
        Assert.That(broken.Length, setup.Layered ? Is.LessThanOrEqualTo(there) : Is.EqualTo(there));
    }

    [Test]
    public async Task ManyConnections_EachHasItsOwn()
    {
        await using TestServer server = await Start(new EchoApplication());
        using Observation observation = await Everything(server);
        RecordingClient[] clients = new RecordingClient[200];
        Parallel.For(0, clients.Length, index =>
        {
            Random random = new(index);
            RecordingClient client = clients[index] = new RecordingClient(server.Port);
            client.Upgrade();
            for (int i = random.Next(8); i > 0; i--)
                client.Send(
                    [.. RawClient.Frame(Opcode.Binary, Some(random.Next(2000))), .. RawClient.Frame(Opcode.Ping, Some(random.Next(126)))]);
            client.Send(Goodbye);
            client.ReadToEnd();
            client.Dispose();
        });
        Compare(observation, clients);
    }

    // Whom it is about: by number, address, path and uid. The one who is looked for by path is seen from its first byte on.
    [Test]
    public async Task OnlyWhoIsAskedFor()
    {
        await using TestServer server = await Start(new RouterApplication(Introduce.Query, DuplicateUid.Share));
        using Observation byPath = await server.Server.ObserveAsync(new ObservationOptions { Path = "/lab/try/7", Payload = true });
        using Observation byUid = await server.Server.ObserveAsync(new ObservationOptions { Uid = "ann"u8.ToArray(), Payload = true });
        using Observation byId = await server.Server.ObserveAsync(new ObservationOptions { ConnectionId = 2, Payload = true });
        using Observation nobody = await server.Server.ObserveAsync(
            new ObservationOptions { Address = System.Net.IPAddress.Parse("192.0.2.1") });
        using Observation all = await server.Server.ObserveAsync(
            new ObservationOptions { Address = System.Net.IPAddress.Parse("::ffff:127.0.0.1") });
        RecordingClient[] clients = new RecordingClient[3];
        string[] targets = ["/lab/try/7?uid=bob", "/?uid=ann", "/lab/try/8?uid=eve"];
        for (int i = 0; i < clients.Length; i++)
        {
            clients[i] = new RecordingClient(server.Port);
            string head = $"GET {targets[i]} HTTP/1.1\r\n{RawClient.Upgrade}\r\n";
            clients[i].Send(head[..30]);
            clients[i].Send(head[30..]);
            clients[i].ReadUntil(static bytes => bytes.AsSpan().EndsWith("\r\n\r\n"u8));
            clients[i].Send([.. RawClient.Frame(Opcode.Text, "ping"u8), .. Goodbye]);
            clients[i].ReadToEnd();
            clients[i].Dispose();
        }

        Compare(byPath, [clients[0]]);
        Compare(byId, [clients[1]]);
        ObservedStreams ann = ObservedStreams.UntilEnded(byUid, 1).Values.Single();
        Assert.That(ann.Events[0].Connection!.Uid.ToArray(), Is.EqualTo("ann"u8.ToArray()));
        Assert.That(ann.Sent, Is.EqualTo(clients[1].Received), "from the answer on");
        Assert.That(ann.Events[0].Offset + ann.Received.Length, Is.EqualTo(clients[1].Sent.Count));
        Dictionary<long, ObservedStreams> headers = [];
        List<ConnectionEvent> events = [];
        TestServer.Eventually(() =>
        {
            while (all.TryRead(out ConnectionEvent? told)) events.Add(told);
            return events.Count(static told => told.Kind == ConnectionEventKind.Ended) == 3;
        }, "all three have ended");
        Assert.That(events.Select(static told => told.Kind), Has.None.AnyOf(ConnectionEventKind.Received, ConnectionEventKind.Sent));
        Assert.That(events.Where(static told => told.Kind == ConnectionEventKind.FrameReceived)
            .Select(static told => (told.Header.Masked, told.Header.MaskingKey)),
            Has.Exactly(6).Items.And.All.EqualTo((true, 0u)), "header fields without the key");
        Assert.That(nobody.TryRead(out _), Is.False);
    }

    // It begins in the middle of a connection's life, and says where.
    [Test]
    public async Task WhoIsHereAlready_IsToldOfFromHereOn()
    {
        await using TestServer server = await Start(new EchoApplication());
        using RecordingClient client = new(server.Port);
        client.Upgrade();
        client.Send(RawClient.Frame(Opcode.Text, "before"u8));
        client.Read(8);
        server.CatchUp();
        (int sent, int received) = (client.Sent.Count, client.Received.Count);
        using Observation observation = await Everything(server);
        client.Send([.. RawClient.Frame(Opcode.Text, "after"u8), .. Goodbye]);
        client.ReadToEnd();
        client.Dispose();
        ObservedStreams streams = ObservedStreams.UntilEnded(observation, 1).Values.Single();
        Assert.That((streams.Events[0].Offset, streams.Events[0].SentOffset), Is.EqualTo((sent, received)));
        Assert.That(streams.Received, Is.EqualTo(client.Sent.Skip(sent)));
        Assert.That(streams.Sent, Is.EqualTo(client.Received.Skip(received)));
        Assert.That(streams.Of(ConnectionEventKind.FrameSent).First().Offset, Is.EqualTo(received));
    }

    [Test]
    public async Task NamedOnAnotherThread_ItIsToldOfFromThenOn()
    {
        await using TestServer server = await Start(new EchoApplication());
        using Observation observation =
            await server.Server.ObserveAsync(new ObservationOptions { Uid = "late"u8.ToArray(), Payload = true });
        using RecordingClient client = new(server.Port), another = new(server.Port);
        client.Upgrade();
        another.Upgrade();
        WebSocketConnection named = server.Server.Directory.GetConnections().Single(one => one.RemoteEndPoint.Port == client.LocalPort);
        Assert.That(server.Server.Directory.TryJoin(named, "late"u8.ToArray()));
        server.CatchUp();
        int sent = client.Sent.Count;
        another.Send(Goodbye);
        client.Send(Goodbye);
        client.ReadToEnd();
        client.Dispose();
        ObservedStreams streams = ObservedStreams.UntilEnded(observation, 1).Values.Single();
        Assert.That(streams.Events.Take(2)
            .Select(static told => told.Kind), Is.EqualTo([ConnectionEventKind.Begun, ConnectionEventKind.Named]));
        Assert.That(streams.Received, Is.EqualTo(client.Sent.Skip(sent)));
    }

    // Nobody reads: what does not fit is lost, all of it is counted, and nobody else notices anything.
    [Test]
    public async Task AnObserverThatDoesNotRead_LosesEvents_AndNothingElse()
    {
        await using TestServer server = await Start(new EchoApplication());
        using Observation all = await Everything(server);
        using Observation slow = await server.Server.ObserveAsync(
            new ObservationOptions { Payload = true, WaitingBytesMax = ObservationOptions.WaitingBytesMin });
        RecordingClient client = new(server.Port);
        client.Upgrade();
        foreach (int length in new[] { 100, 40_000, 40_000, 100, 300_000 })
        {
            client.Send(RawClient.Frame(Opcode.Binary, Some(length)));
            client.Read(length + (length < 126 ? 2 : length < 65_536 ? 4 : 10));
        }

        server.CatchUp();
        Assert.That(slow.Lost, Is.Positive);
        Assert.That(slow.WaitingBytes, Is.LessThanOrEqualTo(slow.Options.WaitingBytesMax));
        List<ConnectionEvent> told = [];
        while (slow.TryRead(out ConnectionEvent? one)) told.Add(one);
        client.Send(Goodbye);
        client.ReadToEnd();
        client.Dispose();
        ObservedStreams complete = Compare(all, [client])[0];
        TestServer.Eventually(() =>
        {
            while (slow.TryRead(out ConnectionEvent? one)) told.Add(one);
            return told[^1].Kind == ConnectionEventKind.Ended;
        }, "the end is told");
        List<ConnectionEvent> losses = [.. told.Where(static one => one.Kind == ConnectionEventKind.Lost)];
        Assert.That(losses.Sum(static one => one.Lost), Is.EqualTo(slow.Lost));
        Assert.That(told.Count - losses.Count + slow.Lost, Is.EqualTo(complete.Events.Count));
        Assert.That(told.Sum(static one => one.Bytes.Length + one.LostBytes),
            Is.EqualTo(complete.Events.Sum(static one => one.Bytes.Length)));
        Assert.That(slow.WaitingBytes, Is.Zero);
    }

    [Test]
    public async Task AnObserverThatThrows_CostsNobodyAnything()
    {
        await using TestServer server = await Start(new EchoApplication());
        using Observation observation = await Everything(server);
        Task reader = Task.Run(async () =>
        {
            await foreach (ConnectionEvent told in observation.ReadAllAsync())
                if (told.Kind == ConnectionEventKind.FrameReceived) throw new InvalidOperationException("an observer's bug");
        });
        using RawClient client = RawClient.Open(server.Port);
        for (int i = 0; i < 100; i++)
        {
            client.SendText($"{i}");
            Assert.That(client.ReadText(), Is.EqualTo($"{i}"));
        }

        Assert.That(async () => await reader, Throws.InvalidOperationException.With.Message.EqualTo("an observer's bug"));
        client.Send(Opcode.Close, []);
        Assert.That(client.ReadClose().Code, Is.Null);
        client.Dispose();
        server.HoldsNothing();
    }

    // Once nobody observes any more, nothing is watched; and an observation ends with its server.
    [Test]
    public async Task ItBegins_AndEnds()
    {
        WebSocketServer never = new(new ServerOptions { Loops = 2 }, new EchoApplication());
        using (Observation before = await never.ObserveAsync())
            Assert.That(never.Loops.Select(static loop => loop.WatchesFrames), Is.All.True);
        Assert.That(never.Loops.Select(static loop => loop.WatchesFrames || loop.WatchesConnections), Is.All.False);
        Assert.That(async () => await never.ObserveAsync(new ObservationOptions { WaitingBytesMax = 1 }),
            Throws.ArgumentException.With.Message.StartsWith("WaitingBytesMax: 64 KiB to 1 GiB, not 1 bytes."));
        await never.DisposeAsync();
        Assert.That(async () => await never.ObserveAsync(), Throws.InvalidOperationException);

        await using TestServer server = await Start(new EchoApplication());
        Observation[] many = await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => server.Server.ObserveAsync()));
        Assert.That(async () => await server.Server.ObserveAsync(), Throws.InvalidOperationException);
        foreach (Observation one in many) one.Dispose();
        server.CatchUp();
        Assert.That(server.Server.Loops.Select(static loop => loop.WatchesFrames || loop.WatchesConnections), Is.All.False);
        Observation last = await server.Server.ObserveAsync();
        await server.Server.StopAsync(TimeSpan.Zero);
        Assert.That(await last.WaitToReadAsync(), Is.False);
    }

    private static byte[] Some(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }

    private static Task<Observation> Everything(TestServer server) =>
        server.Server.ObserveAsync(new ObservationOptions { Payload = true, WaitingBytesMax = Plenty });

    // Each client has sent and received what the observer has been told of its connection. Returns what was told, in the clients' order.
    private static List<ObservedStreams> Compare(Observation observation, IReadOnlyList<RecordingClient> clients)
    {
        Dictionary<long, ObservedStreams> all = ObservedStreams.UntilEnded(observation, clients.Count);
        List<ObservedStreams> inOrder = [];
        foreach (RecordingClient client in clients)
        {
            ObservedStreams streams = all.Values.Single(streams => streams.Events[0].Connection!.RemoteEndPoint.Port == client.LocalPort);
            streams.Are([.. client.Sent], [.. client.Received], $"client {inOrder.Count}");
            CloseReport report = streams.Events[^1].Report!;
            Assert.That((report.BytesIn, report.BytesOut), Is.EqualTo((client.Sent.Count, client.Received.Count)));
            inOrder.Add(streams);
        }

        return inOrder;
    }

    private static void ReadUpToClose(RecordingClient client) =>
        client.ReadUntil(static bytes => bytes.AsSpan().EndsWith(new byte[] { 0x88, 5, 0x0F, 0xA0, (byte)'e', (byte)'n', (byte)'d' }));

    private Task<TestServer> Start(IWebSocketApplication application, Func<ServerOptions, ServerOptions>? change = null) =>
        TestServer.Start(setup, application, change);

    /// <summary>Sends what it gets to everybody; "close" closes everybody.</summary>
    private sealed class Everybody : IWebSocketApplication
    {
        private WebSocketServer _server = null!;

        public void OnStart(WebSocketServer server) => _server = server;

        public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) => ValueTask.FromResult(UpgradeDecision.Accept());

        public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message)
        {
            if (message.Kind == MessageKind.Text)
            {
                foreach (WebSocketConnection other in _server.Directory.GetConnections()) other.Close(4000, "end");
                return ValueTask.CompletedTask;
            }

            _server.TryBroadcast(message);
            connection.TrySend(message);
            return ValueTask.CompletedTask;
        }
    }
}
