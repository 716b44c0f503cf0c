// What an observer is told, against the wire: out of the events alone every byte comes back that a raw client has sent and received,
// whatever way it went.

using System.Text;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;
using static RawWs.Tests.Support.ObservedTraffic;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class ObservationTests(Setup setup)
{
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
