// The server as a client sees it: real sockets, both transports, one loop and four.

using System.Net.WebSockets;
using System.Text;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class ProtocolOverTcpTests(Setup setup)
{
    [Test]
    public async Task ClientWebSocket_GetsItsMessagesBack()
    {
        await using TestServer server = await TestServer.Start(setup, new EchoApplication());
        using CancellationTokenSource patience = new(TestServer.Patience);
        using ClientWebSocket client = new();
        await client.ConnectAsync(new Uri($"ws://127.0.0.1:{server.Port}/ws/echo"), patience.Token);
        foreach (int length in new[] { 0, 1, 125, 126, 65535, 65536, 1 << 20 })
        {
            byte[] sent = new byte[length];
            new Random(length).NextBytes(sent);
            await client.SendAsync(sent, WebSocketMessageType.Binary, true, patience.Token);
            byte[] received = new byte[length];
            int at = 0;
            ValueWebSocketReceiveResult result;
            do
            {
                result = await client.ReceiveAsync(received.AsMemory(at), patience.Token);
                at += result.Count;
            }
            while (!result.EndOfMessage);
            Assert.That((at, received.AsSpan().SequenceEqual(sent)), Is.EqualTo((length, true)));
        }

        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", patience.Token);
        Assert.That(client.CloseStatus, Is.EqualTo(WebSocketCloseStatus.NormalClosure));
    }

    [Test]
    public async Task Section_4_2_FramesSentWithTheRequest_AreNotLost()
    {
        await using TestServer server = await TestServer.Start(setup, new EchoApplication());
        using RawClient client = RawClient.Connect(server.Port);
        client.Send(
            [.. Encoding.ASCII.GetBytes($"GET ws://localhost:3000/ws/chat HTTP/1.1\r\n{RawClient.Upgrade}\r\n"),
                .. RawClient.Frame(Opcode.Text, "early"u8)]);
        Assert.That(client.ReadHead(), Is.EqualTo(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"));
        Assert.That(client.ReadText(), Is.EqualTo("early"));
    }

    [Test]
    public async Task Section_5_4_FragmentsWithAPingBetween_CutEverywhere()
    {
        await using TestServer server = await TestServer.Start(setup, new EchoApplication());
        using RawClient client = RawClient.Open(server.Port);
        byte[] bytes = [.. RawClient.Frame(Opcode.Text, "one "u8, fin: false), .. RawClient.Frame(Opcode.Ping, "p"u8),
            .. RawClient.Frame(Opcode.Continuation, "two"u8)];
        for (int cut = 1; cut < bytes.Length; cut++)
        {
            client.Send(bytes.AsSpan(0, cut));
            client.Send(bytes.AsSpan(cut));
            Assert.That(client.ReadFrame()!.Value.Opcode, Is.EqualTo(Opcode.Pong));
            Assert.That(client.ReadText(), Is.EqualTo("one two"));
        }
    }

    [TestCase("8100", 1002, TestName = "Section_5_1_Unmasked")]
    [TestCase("c180", 1002, TestName = "Section_5_2_ReservedBit")]
    [TestCase("838000000000", 1002, TestName = "Section_5_2_ReservedOpcode")]
    [TestCase("808000000000", 1002, TestName = "Section_5_4_Continuation")]
    [TestCase("89fe", 1002, TestName = "Section_5_5_LongPing")]
    [TestCase("88810000000000", 1002, TestName = "Section_5_5_1_HalfACode")]
    [TestCase("81810000000 0ff", 1007, TestName = "Section_8_1_NotUtf8")]
    [TestCase("82ff0000000000100001", 1009, TestName = "Section_10_4_TooBig")]
    public async Task Section_7_1_7_AViolation_IsToldByItsCode_AndEndsTheStream(string hex, int code)
    {
        await using TestServer server = await TestServer.Start(setup, new EchoApplication());
        using RawClient client = RawClient.Open(server.Port);
        client.Send(Hex.Bytes(hex));
        client.Send(new byte[100_000]); // more than that is not parsed, and does not turn the end into a reset
        Assert.That(client.ReadClose().Code, Is.EqualTo(code));
    }

    [TestCase(1000, 1000)]
    [TestCase(1010, 1000, TestName = "Section_7_4_1_1010IsAClientsCode")]
    [TestCase(4999, 4999)]
    public async Task Section_5_5_1_ACloseIsAnsweredWithItsOwnCode(int sent, int answered)
    {
        await using TestServer server = await TestServer.Start(setup, new EchoApplication());
        using RawClient client = RawClient.Open(server.Port);
        client.Send(Opcode.Close, [(byte)(sent >> 8), (byte)sent]);
        client.SendText("too late");
        Assert.That(client.ReadClose(), Is.EqualTo(((ushort?)answered, "")));
    }

    [Test]
    public async Task Section_5_5_1_AnEmptyCloseIsAnsweredWithAnEmptyOne()
    {
        await using TestServer server = await TestServer.Start(setup, new EchoApplication());
        using RawClient client = RawClient.Open(server.Port);
        client.Send(Opcode.Close, []);
        Assert.That(client.ReadClose().Code, Is.Null);
    }

    [Test]
    public async Task ManyMessagesAtOnce_ComeBackInOrder_ThoughTheClientReadsLate()
    {
        await using TestServer server = await TestServer.Start(setup, new EchoApplication());
        using RawClient client = RawClient.Open(server.Port);
        const int Count = 50_000;
        Task sending = Task.Run(() =>
        {
            List<byte> batch = [];
            for (int i = 0; i < Count; i++)
            {
                batch.AddRange(RawClient.Frame(Opcode.Binary, BitConverter.GetBytes(i)));
                if (batch.Count < 20_000 && i < Count - 1) continue;
                client.Send(batch.ToArray());
                batch.Clear();
            }
        });
        for (int i = 0; i < Count; i++) Assert.That(BitConverter.ToInt32(client.ReadFrame()!.Value.Payload), Is.EqualTo(i));
        await sending;
    }

    [Test]
    public async Task AHandlerThatAwaits_KeepsItsMessage_AndOrder()
    {
        await using TestServer server = await TestServer.Start(setup, new Handler(static async (connection, kind, message) =>
        {
            await Task.Yield();
            connection.TrySend(kind, message.Span);
        }));
        using RawClient client = RawClient.Open(server.Port);
        for (int i = 0; i < 300; i++)
        {
            client.Send(
                [.. RawClient.Frame(Opcode.Text, Encoding.ASCII.GetBytes($"a{i}")), .. RawClient.Frame(Opcode.Text, "b"u8, fin: false),
                    .. RawClient.Frame(Opcode.Continuation, "c"u8)]);
            Assert.That((client.ReadText(), client.ReadText()), Is.EqualTo(($"a{i}", "bc")));
        }
    }

    [Test]
    public async Task AHandlerThatThrows_ClosesItsConnectionWith1011_AndNoOther([Values] bool later)
    {
        await using TestServer server = await TestServer.Start(setup, new Handler(async (connection, kind, message) =>
        {
            if (later) await Task.Yield();
            if (message.Length == 0) throw new InvalidOperationException("as asked");
            connection.TrySend(kind, message.Span);
        }));
        using RawClient other = RawClient.Open(server.Port);
        using RawClient client = RawClient.Open(server.Port);
        client.SendText("");
        Assert.That(client.ReadClose(answer: true).Code, Is.EqualTo(1011));
        other.SendText("still here");
        Assert.That(other.ReadText(), Is.EqualTo("still here"));
    }

    [Test]
    public async Task ADeclaredLength_ReservesNothing()
    {
        setup.PassOverLayers("pieces need memory");
        await using TestServer server = await TestServer.Start(setup, new EchoApplication());
        using RawClient client = RawClient.Open(server.Port);
        client.Send([0x82, 0xFF, 0, 0, 0, 0, 0, 0x10, 0, 0, 1, 2, 3, 4, 5]);
        client.Send(Opcode.Ping, []); // is payload there, so no answer comes; but it has been read once the bytes are held
        TestServer.Eventually(() => server.Server.Budget.HeldBytes > 0, "the bytes are held");
        Assert.That(server.Server.Budget.HeldBytes, Is.LessThan(4096));
    }

    [Test]
    public async Task PastTheLimit_ARequestIsAnsweredWith503()
    {
        await using TestServer server =
            await TestServer.Start(setup, new EchoApplication(), static options => options with { ConnectionsMax = 1 });
        using RawClient first = RawClient.Open(server.Port);
        using RawClient second = RawClient.Connect(server.Port);
        second.Send($"GET / HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
        string answer = second.ReadToEnd();
        Assert.That(answer, Does.StartWith("HTTP/1.1 503 ").And.Contain("\r\nRetry-After: "));
    }

    private static readonly TimeSpan[] Drains =
        [TimeSpan.FromSeconds(20), TimeSpan.FromDays(60), TimeSpan.MaxValue, Timeout.InfiniteTimeSpan];

    [Test]
    public async Task Stop_TellsEverybody1001([ValueSource(nameof(Drains))] TimeSpan drain)
    {
        await using TestServer server = await TestServer.Start(setup, new EchoApplication());
        List<RawClient> clients = [.. Enumerable.Range(0, 50).Select(_ => RawClient.Open(server.Port))];
        Task stopping = server.Server.StopAsync(drain);
        foreach (RawClient client in clients) Assert.That(client.ReadClose(answer: true).Code, Is.EqualTo(1001));
        await stopping;
        clients.ForEach(static client => client.Dispose());
    }

    [Test]
    public async Task ATooSlowPeer_IsClosedWith4000_AndReadLate_ItsStreamStillParses()
    {
        List<CloseReport> reports = [];
        WebSocketConnection? slow = null;
        await using TestServer server = await TestServer.Start(setup, new Handler(static (_, _, _) => ValueTask.CompletedTask)
        {
            Opened = connection => slow = connection,
            Closed = report => reports.Add(report),
        }, static options => options with { SendBufferBytesMax = 32 * 1024 * 1024 }); // more than the kernel takes
        using RawClient client = RawClient.Open(server.Port, receiveBuffer: 4096);
        byte[] payload = new byte[100_000];
        int sent = 0;
        TestServer.Eventually(() => slow is not null, "open");
        while (slow!.TrySend(MessageKind.Binary, payload) == SendResult.Queued) sent++;
        slow.CloseTooSlow();
        // Read late: else the loop, which gives the kernel what it takes before it drops the rest, could find room for all of it.
        TestServer.Eventually(() => !slow.IsOpen, "closing");
        int received = 0;
        while (client.ReadFrame() is { } frame)
        {
            if (frame.Opcode == Opcode.Binary)
            {
                Assert.That(frame.Payload.Length, Is.EqualTo(payload.Length));
                received++;
                continue;
            }

            Assert.That((frame.Opcode, frame.Payload[..2]), Is.EqualTo((Opcode.Close, new byte[] { 0x0F, 0xA0 })));
            client.Send(Opcode.Close, frame.Payload);
        }

        Assert.That(received, Is.LessThan(sent));
        TestServer.Eventually(() => server.Server.Count == 0, "ended");
        Assert.That(reports.Single().Cause, Is.EqualTo(EndCause.TooSlow));
    }

    internal sealed class Handler(Func<WebSocketConnection, MessageKind, ReadOnlyMemory<byte>, ValueTask> onMessage) : IWebSocketApplication
    {
        /// <summary>One that sends each message back.</summary>
        public Handler()
            : this(static (connection, kind, message) =>
            {
                connection.TrySend(kind, message.Span);
                return ValueTask.CompletedTask;
            })
        {
        }

        public Action<WebSocketConnection>? Opened { get; init; }

        public Action<CloseReport>? Closed { get; init; }

        public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) => new(UpgradeDecision.Accept());

        public void OnOpen(WebSocketConnection connection) => Opened?.Invoke(connection);

        public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message) =>
            onMessage(connection, message.Kind, message.Memory);

        public void OnClose(WebSocketConnection connection, CloseReport report) => Closed?.Invoke(report);
    }
}
