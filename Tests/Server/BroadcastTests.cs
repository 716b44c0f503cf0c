// Broadcasts beside everything else that is sent: order, completeness, connections that come and go, and slow ones. Real sockets, both
// transports, one loop and four; several threads of the application send at once.

using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Sending;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class BroadcastTests(Setup setup)
{
    [Test]
    public async Task EverySendersOrder_IsEveryReceiversOrder_AcrossBroadcastsAndMessagesOfItsOwn()
    {
        const int Senders = 3, Rounds = 400, Receivers = 20;
        ConcurrentQueue<WebSocketConnection> opened = new();
        await using TestServer server = await TestServer.Start(
            setup, new ProtocolOverTcpTests.Handler(static (_, _, _) => ValueTask.CompletedTask) { Opened = opened.Enqueue });
        RawClient[] clients = [.. Enumerable.Range(0, Receivers).Select(_ => RawClient.Open(server.Port))];
        TestServer.Eventually(() => opened.Count == Receivers, "open");
        Task[] senders = [.. Enumerable.Range(0, Senders).Select(sender => Task.Run(() => SendAll(sender, [.. opened], server.Server)))];
        foreach (RawClient client in clients)
        {
            int[] next = new int[Senders];
            while (next.Any(static round => round < Rounds * 2))
            {
                string[] words = client.ReadText().Split(' ');
                int sender = int.Parse(words[0], CultureInfo.InvariantCulture);
                Assert.That(int.Parse(words[1], CultureInfo.InvariantCulture), Is.EqualTo(next[sender]), $"the next of sender {sender}");
                next[sender]++;
            }
        }

        await Task.WhenAll(senders);
        foreach (RawClient client in clients) client.Dispose();

        static void SendAll(int sender, WebSocketConnection[] receivers, WebSocketServer server)
        {
            for (int round = 0; round < Rounds; round++)
            {
                // A message that fits the log, and now and then one that is too long for it.
                string padding = new('x', round % 50 == 0 ? 5000 : round % 7);
                Assert.That(server.TryBroadcast(MessageKind.Text, Encoding.UTF8.GetBytes($"{sender} {round * 2} {padding}")));
                byte[] own = Encoding.UTF8.GetBytes($"{sender} {(round * 2) + 1}");
                foreach (WebSocketConnection receiver in receivers)
                    Assert.That(receiver.TrySend(MessageKind.Text, own), Is.EqualTo(SendResult.Queued));
            }
        }
    }

    // Apart it is open, found and sent to as any other; only what goes to everybody leaves it out, short or long.
    [Test]
    public async Task OneThatIsApart_GetsWhatIsForIt_AndNothingThatIsForEverybody()
    {
        ConcurrentQueue<WebSocketConnection> opened = new();
        await using TestServer server = await TestServer.Start(
            setup, new Separating(opened.Enqueue));
        using RawClient apart = RawClient.Open(server.Port, "/apart"), other = RawClient.Open(server.Port);
        TestServer.Eventually(() => opened.Count == 2, "open");
        WebSocketConnection connection = opened.Single(static one => one.Endpoint == "/apart");
        Assert.That(server.Server.Directory.GetConnections(), Does.Contain(connection));
        for (int round = 0; round < 100; round++)
        {
            string text = $"{round} {new string('x', round % 10 == 0 ? 20_000 : 5)}";
            Assert.That(server.Server.TryBroadcast(MessageKind.Text, Encoding.UTF8.GetBytes(text)));
            Assert.That(connection.TrySend($"own {round}"), Is.EqualTo(SendResult.Queued));
            Assert.That((other.ReadText(), apart.ReadText()), Is.EqualTo((text, $"own {round}")));
        }

        apart.Send(Opcode.Ping, []);
        Assert.That(apart.ReadFrame()!.Value.Opcode, Is.EqualTo(Opcode.Pong));
        apart.Send(Opcode.Close, [0x03, 0xE8]);
        Assert.That(apart.ReadClose().Code, Is.EqualTo(1000));
    }

    [Test]
    public async Task WhatAHandlerSends_ArrivesInItsOrder_WhetherToAllOrToItself()
    {
        WebSocketServer? all = null;
        await using TestServer server = await TestServer.Start(setup, new ProtocolOverTcpTests.Handler((connection, _, _) =>
        {
            connection.TrySend(MessageKind.Text, "1"u8);
            all!.TryBroadcast(MessageKind.Text, "2"u8);
            connection.TrySend(MessageKind.Text, "3"u8);
            all!.TryBroadcast(MessageKind.Text, "4"u8);
            all!.TryBroadcast(MessageKind.Text, "5"u8);
            connection.TrySend(MessageKind.Text, "6"u8);
            all!.TryBroadcast(MessageKind.Text, "7"u8);
            connection.Close(1000, "8");
            all!.TryBroadcast(MessageKind.Text, "9"u8);
            return ValueTask.CompletedTask;
        }));
        all = server.Server;
        using RawClient other = RawClient.Open(server.Port);
        using RawClient client = RawClient.Open(server.Port);
        client.SendText("go");
        Assert.That(string.Concat(Enumerable.Range(0, 7).Select(_ => client.ReadText())), Is.EqualTo("1234567"));
        Assert.That(client.ReadClose(answer: true), Is.EqualTo(((ushort?)1000, "8")));
        Assert.That(string.Concat(Enumerable.Range(0, 5).Select(_ => other.ReadText())), Is.EqualTo("24579"));
    }

    [Test]
    public async Task APongComesBehindTheBroadcastThatWasSentBeforeIt()
    {
        WebSocketServer? all = null;
        await using TestServer server = await TestServer.Start(setup, new ProtocolOverTcpTests.Handler((_, _, _) =>
        {
            all!.TryBroadcast(MessageKind.Text, "first"u8);
            return ValueTask.CompletedTask;
        }));
        all = server.Server;
        using RawClient client = RawClient.Open(server.Port);
        client.Send([.. RawClient.Frame(Opcode.Text, "go"u8), .. RawClient.Frame(Opcode.Ping, "second"u8)]);
        Assert.That(client.ReadText(), Is.EqualTo("first"));
        Assert.That(client.ReadFrame()!.Value.Opcode, Is.EqualTo(Opcode.Pong));
    }

    [Test]
    public async Task WhoComesWhileOthersBroadcast_MissesNothingFromThenOn_AndWhoGoesHarmsNobody()
    {
        await using TestServer server = await TestServer.Start(setup, new EchoApplication());
        using RawClient stays = RawClient.Open(server.Port);
        bool stop = false;
        Task<int> sender = Task.Run(() =>
        {
            int sent = 0;
            for (; !Volatile.Read(ref stop); sent++)
            {
                while (IsBehind(server.Server)) Thread.Yield();
                server.Server.TryBroadcast(MessageKind.Text, Encoding.ASCII.GetBytes(sent.ToString(CultureInfo.InvariantCulture)));
            }

            return sent;
        });
        Task<int> reader = Task.Run(() =>
        {
            for (int next = 0; ; next++)
            {
                string text = stays.ReadText();
                if (text == "end") return next;
                Assert.That(text, Is.EqualTo(next.ToString(CultureInfo.InvariantCulture)));
            }
        });
        for (int i = 0; i < 50; i++)
        {
            using RawClient comes = RawClient.Open(server.Port);
            int first = int.Parse(comes.ReadText(), CultureInfo.InvariantCulture);
            for (int next = first + 1; next < first + 20; next++)
                Assert.That(comes.ReadText(), Is.EqualTo(next.ToString(CultureInfo.InvariantCulture)));
        }

        Volatile.Write(ref stop, true);
        int count = await sender;
        server.Server.TryBroadcast(MessageKind.Text, "end"u8);
        Assert.That(await reader, Is.EqualTo(count));

        // The sender waits for its readers, so that nobody is too slow.
        static bool IsBehind(WebSocketServer server) => server.Budget.HeldBytes > 64 * 1024;
    }

    [Test]
    public async Task WhoDoesNotRead_IsToldToTheSender_AndTheOthersHaveEverything()
    {
        ConcurrentQueue<CloseReport> reports = new();
        ConcurrentQueue<WebSocketConnection> refused = new();
        await using TestServer server = await TestServer.Start(
            setup,
            new ProtocolOverTcpTests.Handler(static (_, _, _) => ValueTask.CompletedTask) { Closed = reports.Enqueue },
            static options => options with { SendBufferBytesMax = 64 * 1024 });
        using RawClient slow = RawClient.Open(server.Port);
        using RawClient quick = RawClient.Open(server.Port);
        byte[] payload = new byte[2000];
        int sent = 0;
        for (bool toAll = true; refused.IsEmpty; sent++)
        {
            bool sentToAll = server.Server.TryBroadcast(MessageKind.Binary, payload, refused.Enqueue);
            Assert.That(toAll || !sentToAll, "once it is full, each sender is told");
            toAll = sentToAll;
            Assert.That(quick.ReadFrame()!.Value.Payload, Has.Length.EqualTo(payload.Length));
        }

        foreach (WebSocketConnection connection in refused.Distinct()) connection.CloseTooSlow();
        TestServer.Eventually(() => refused.Distinct().Count() == 1, "one is too slow");
        (ushort? code, string reason) = (null, "");
        while (slow.ReadFrame() is { } frame)
        {
            if (frame.Opcode != Opcode.Close) continue;
            (code, reason) = ((ushort)((frame.Payload[0] << 8) | frame.Payload[1]), Encoding.UTF8.GetString(frame.Payload.AsSpan(2)));
            slow.Send(Opcode.Close, frame.Payload);
        }

        Assert.That((code, reason), Is.EqualTo(((ushort?)4000, "too slow")));
        slow.Dispose();
        TestServer.Eventually(() => !reports.IsEmpty, "ended");
        Assert.That(reports.Single().MessagesOut, Is.LessThan(sent));
    }

    [Test]
    public async Task MoreThanTheLogHolds_ArrivesAllTheSame()
    {
        await using TestServer server = await TestServer.Start(setup, new EchoApplication());
        RawClient[] clients = [.. Enumerable.Range(0, 4).Select(_ => RawClient.Open(server.Port))];
        byte[] payload = new byte[BroadcastLog.FrameBytesMax - FrameWriter.HeaderBytesMax];
        for (int i = 0; i < 200; i++)
        {
            payload[0] = (byte)i;
            Assert.That(server.Server.TryBroadcast(MessageKind.Binary, payload));
        }

        foreach (RawClient client in clients)
        {
            for (int i = 0; i < 200; i++) Assert.That(client.ReadFrame()!.Value.Payload[0], Is.EqualTo((byte)i));
            client.Dispose();
        }
    }

    // Who asks for /apart is apart.
    private sealed class Separating(Action<WebSocketConnection> opened) : IWebSocketApplication
    {
        public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) =>
            new(UpgradeDecision.Accept() with { IsApart = context.Request.Path == "/apart" });

        public void OnOpen(WebSocketConnection connection) => opened(connection);

        public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message) => ValueTask.CompletedTask;
    }
}
