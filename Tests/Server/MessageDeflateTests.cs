// permessage-deflate over real sockets, both transports, one loop and four: what the conformance suite cannot see from outside. Broadcasts
// and answers in one window, memory, limits, and what is said about it afterwards. The client's half is the base library's.

using System.Collections.Concurrent;
using System.IO.Compression;
using System.Net.WebSockets;
using System.Text;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Compression;
using RawWs.Server.Memory;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class MessageDeflateTests(Setup setup)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Test]
    public async Task BroadcastsAndOwnMessages_ReadInOneWindow([Values] bool takeover)
    {
        // Whoever has agreed on takeover gets messages that were compressed with its own, and others that were compressed for everybody.
        await using TestServer server = await StartRouter(takeover);
        using ClientWebSocket one = await Connect(server, "/?uid=1", takeover);
        using ClientWebSocket two = await Connect(server, "/?uid=2", takeover);
        using RawClient plain = RawClient.Open(server.Port, "/?uid=3");
        for (int i = 0; i < 50; i++)
        {
            string body =
                $"round {i}: {new string('x', i * 40)} {Guid.NewGuid()} the quick brown fox, the quick brown fox, the quick brown fox";
            await Send(one, $"2:{body}");
            Assert.That(await Receive(two), Is.EqualTo(body));
            await Send(two, $"all:{body}{body}");
            Assert.That((await Receive(one), await Receive(two), plain.ReadText()), Is.EqualTo((body + body, body + body, body + body)));
            await Send(one, $"1:{body}");
            Assert.That(await Receive(one), Is.EqualTo(body));
        }
    }

    [Test]
    public async Task ManySendersAtOnce_ToOneWindow_LoseNothing()
    {
        const int Senders = 8, Messages = 100;
        await using TestServer server = await StartRouter(takeover: true);
        using ClientWebSocket receiver = await Connect(server, "/?uid=r", takeover: true);
        Task sending = Task.WhenAll(Enumerable.Range(0, Senders).Select(async id =>
        {
            using ClientWebSocket sender = await Connect(server, $"/?uid=s{id}", takeover: true);
            for (int i = 0; i < Messages; i++) await Send(sender, $"r:{id} {i} {new string((char)('a' + id), 300)}");
        }));
        int[] next = new int[Senders];
        for (int i = 0; i < Senders * Messages; i++)
        {
            string[] words = (await Receive(receiver)).Split(' ');
            int id = int.Parse(words[0], System.Globalization.CultureInfo.InvariantCulture);
            Assert.That((words[1], words[2]), Is.EqualTo(($"{next[id]++}", new string((char)('a' + id), 300))));
        }

        await sending;
    }

    [Test]
    public async Task AHandlerThatAwaits_KeepsItsInflatedMessage()
    {
        await using TestServer server =
            await Start(takeover: false, new ProtocolOverTcpTests.Handler(static async (connection, kind, message) =>
        {
            await Task.Yield();
            connection.TrySend(kind, message.Span);
        }));
        using ClientWebSocket client = await Connect(server, "/", takeover: false);
        for (int i = 0; i < 20; i++) await Send(client, $"message {i} {new string('y', 2000 * i)}");
        for (int i = 0; i < 20; i++) Assert.That(await Receive(client), Is.EqualTo($"message {i} {new string('y', 2000 * i)}"));
    }

    [Test]
    public async Task WithoutTakeover_AnIdleConnectionHoldsNoContext_AndWithIt_TwoUntilItEnds([Values] bool takeover)
    {
        await using TestServer server = await Start(takeover, new EchoApplication());
        long before = server.Server.Budget.HeldBytes;
        ClientWebSocket client = await Connect(server, "/", takeover);
        await Send(client, new string('z', 3000));
        Assert.That(await Receive(client), Has.Length.EqualTo(3000));
        TestServer.Eventually(() => (server.Server.Budget.HeldBytes - before > 300_000) == takeover,
            "contexts are held with takeover only");
        if (!takeover) TestServer.Eventually(() => server.Server.Budget.HeldBytes == before, "nothing is held");
        client.Abort();
        client.Dispose();
        TestServer.Eventually(() => server.Server.Budget.HeldBytes == before, "everything is back");
    }

    [Test]
    public async Task MalformedData_Is1007_AndABomb1009([Values] bool malformed)
    {
        await using TestServer server = await Start(takeover: false, new EchoApplication());
        using RawClient client = Open(server, "permessage-deflate");
        byte[] payload = malformed ? [0xFF, 0xFF, 0xFF] : Compress(new byte[2 << 20]);
        client.Send(Marked(Opcode.Binary, payload));
        Assert.That(client.ReadClose(answer: true).Code, Is.EqualTo(malformed ? 1007 : 1009));
    }

    [Test]
    public async Task InflatedText_IsJudgedAsItComes()
    {
        await using TestServer server = await Start(takeover: false, new EchoApplication());
        using RawClient client = Open(server, "permessage-deflate");
        byte[] whole = Compress([(byte)'a', 0xFF, .. new byte[1000]]);
        client.Send(Marked(Opcode.Text, whole, fin: false)); // the message goes on, and never will
        Assert.That(client.ReadClose(answer: true).Code, Is.EqualTo(1007));
        using RawClient cut = Open(server, "permessage-deflate");
        cut.Send(Marked(Opcode.Text, Compress([0xE2, 0x82])));
        Assert.That(cut.ReadClose(answer: true).Code, Is.EqualTo(1007));
    }

    [Test]
    public async Task SmallMessagesAndIncompressibleOnes_GoOutAsTheyAre()
    {
        await using TestServer server = await Start(takeover: false, new EchoApplication(), bytesMin: 100);
        using RawClient client = Open(server, "permessage-deflate");
        byte[] noise = new byte[500];
        new Random(1).NextBytes(noise);
        foreach (byte[] message in new[] { new byte[99], noise })
        {
            client.Send(Opcode.Binary, message);
            Assert.That(client.ReadFrame()!.Value.Payload, Is.EqualTo(message)); // ReadFrame wants no reserved bit
        }
    }

    [Test]
    public async Task AtTheMemoryLimit_NobodyIsLetIn_AndAMessageIs1013()
    {
        await using TestServer server =
            await Start(takeover: false, new EchoApplication(), change: static options => options with { MemoryBytesMax = 1 << 20 });
        using RawClient first = RawClient.Open(server.Port);
        using RawClient compressing = Open(server, "permessage-deflate");
        byte[] taken = server.Server.Budget.Rent((1 << 20) - 4096);
        using (RawClient late = RawClient.Connect(server.Port))
        {
            late.Send($"GET / HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
            string answer = late.ReadToEnd();
            Assert.That(answer, Does.StartWith("HTTP/1.1 503 ").And.Contain("\r\nRetry-After: "));
        }

        first.Send(Opcode.Binary, new byte[8192], fin: false);
        Assert.That(first.ReadClose(answer: true).Code, Is.EqualTo(1013));
        compressing.Send(Marked(Opcode.Binary, Compress(new byte[100])));
        Assert.That(compressing.ReadClose(answer: true).Code, Is.EqualTo(1013));
        server.Server.Budget.Return(taken);
    }

    [Test]
    public async Task WithoutRoomForItsContexts_AnUpgradeIs503_AndOneWithoutCompressionIsNot([Values] bool takeover)
    {
        setup.PassOverLayers("pieces need memory");
        await using TestServer server = await Start(takeover, new ProtocolOverTcpTests.Handler(static (connection, kind, message) =>
        {
            connection.TrySend(kind, message.Length == 5 ? message.Span : []);
            return ValueTask.CompletedTask;
        }), change: static options => options with { MemoryBytesMax = 1 << 20 });
        MemoryBudget budget = server.Server.Budget;
        int contexts = Inflater.ContextBytes + (takeover ? Deflater.ContextBytes(15) : 0);
        // A message waits while it comes, and so an eighth of the limit is not for it.
        int reserve = (1 << 20) / 8, taken = (1 << 20) - reserve - contexts - (32 * 1024);
        budget.Charge(taken);
        using (RawClient first = Open(server, "permessage-deflate"))
        {
            first.Send(Marked(Opcode.Binary, Compress(new byte[100])));
            Assert.That(first.ReadFrame()!.Value.Opcode, Is.EqualTo(Opcode.Binary), "there was room");
        }

        TestServer.Eventually(() => budget.HeldBytes == taken, "its contexts are back");
        budget.Charge(reserve + (33 * 1024));
        using (RawClient late = RawClient.Connect(server.Port))
        {
            late.Send($"GET / HTTP/1.1\r\n{RawClient.Upgrade}Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
            Assert.That(late.ReadToEnd(), Does.StartWith("HTTP/1.1 503 ").And.Contain("\r\nRetry-After: "));
        }

        using (RawClient plain = RawClient.Open(server.Port))
        {
            plain.SendText("hello");
            Assert.That(plain.ReadText(), Is.EqualTo("hello"));
        }

        budget.Discharge(taken + reserve + (33 * 1024));
    }

    [Test]
    public async Task WhoOnlyKeepsContexts_LeavesHalfOfTheMemoryToTheOthers()
    {
        const int Memory = 2 << 20;
        await using TestServer server =
            await Start(takeover: true, new RouterApplication(Introduce.Query, DuplicateUid.Share), change: static options =>
                options with { MemoryBytesMax = Memory });
        using RawClient alice = RawClient.Open(server.Port, "/?uid=alice");
        using RawClient bob = RawClient.Open(server.Port, "/?uid=bob");
        List<RawClient> keepers = [];
        while (true)
        {
            RawClient keeper = RawClient.Connect(server.Port);
            keepers.Add(keeper);
            keeper.Send($"GET /?uid=keeper HTTP/1.1\r\n{RawClient.Upgrade}Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
            string head = keeper.ReadHead();
            if (!head.StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal))
            {
                Assert.That(head, Does.StartWith("HTTP/1.1 503 ").And.Contain("\r\nRetry-After: "));
                break;
            }

            // A message to itself takes an inflater and a deflater, for as long as the connection lasts.
            int before = (int)server.Server.Budget.HeldBytes;
            keeper.Send(Marked(Opcode.Text, Compress(Encoding.ASCII.GetBytes("keeper:" + new string('x', 1000)))));
            TestServer.Eventually(() => server.Server.Budget.HeldBytes > before, "it has its contexts");
        }

        Assert.That(keepers, Has.Count.GreaterThan(2));
        Assert.That(server.Server.Budget.HeldBytes, Is.LessThan(Memory / 2));
        foreach (int length in new[] { 10, 100_000 })
        {
            string body = new('y', length);
            alice.SendText("bob:" + body);
            Assert.That(bob.ReadText(), Is.EqualTo(body));
        }

        keepers.ForEach(static keeper => keeper.Dispose());
    }

    [Test]
    public async Task WhatWasAgreedOn_IsInTheAnswer_AndInTheReport()
    {
        ConcurrentQueue<CloseReport> reports = new();
        await using TestServer server = await Start(
            takeover: false, new ProtocolOverTcpTests.Handler(static (_, _, _) => ValueTask.CompletedTask) { Closed = reports.Enqueue });
        using (RawClient client = RawClient.Connect(server.Port))
        {
            client.Send(
                $"GET / HTTP/1.1\r\n{RawClient.Upgrade}Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n");
            Assert.That(client.ReadHead(), Does.Contain(
                "\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"));
        }

        TestServer.Eventually(() => !reports.IsEmpty, "ended");
        Assert.That(reports.Single().Extensions, Is.EqualTo("permessage-deflate; server_no_context_takeover; client_no_context_takeover"));
        Assert.That(reports.Single().ToString(),
            Does.EndWith(", permessage-deflate; server_no_context_takeover; client_no_context_takeover"));
    }

    private Task<TestServer> StartRouter(bool takeover) => Start(takeover, new RouterApplication(Introduce.Query, DuplicateUid.Share));

    private Task<TestServer> Start(
        bool takeover, IWebSocketApplication application, int bytesMin = 1, Func<ServerOptions, ServerOptions>? change = null) =>
        TestServer.Start(setup, application, options =>
        {
            options = options with { Compression = true, CompressionTakeover = takeover, CompressionBytesMin = bytesMin };
            return change is null ? options : change(options);
        });

    private static async Task<ClientWebSocket> Connect(TestServer server, string target, bool takeover)
    {
        ClientWebSocket client = new();
        client.Options.DangerousDeflateOptions =
            new WebSocketDeflateOptions { ClientContextTakeover = takeover, ServerContextTakeover = takeover };
        using CancellationTokenSource patience = new(Patience);
        await client.ConnectAsync(new Uri($"ws://127.0.0.1:{server.Port}{target}"), patience.Token);
        return client;
    }

    private static async Task Send(ClientWebSocket client, string text)
    {
        using CancellationTokenSource patience = new(Patience);
        await client.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, patience.Token);
    }

    private static async Task<string> Receive(ClientWebSocket client)
    {
        using CancellationTokenSource patience = new(Patience);
        byte[] buffer = new byte[256 * 1024];
        int length = 0;
        while (true)
        {
            WebSocketReceiveResult received =
                await client.ReceiveAsync(new ArraySegment<byte>(buffer, length, buffer.Length - length), patience.Token);
            length += received.Count;
            if (received.EndOfMessage) return Encoding.UTF8.GetString(buffer, 0, length);
        }
    }

    private static RawClient Open(TestServer server, string extensions)
    {
        RawClient client = RawClient.Connect(server.Port);
        client.Send($"GET / HTTP/1.1\r\n{RawClient.Upgrade}Sec-WebSocket-Extensions: {extensions}\r\n\r\n");
        Assert.That(client.ReadHead(), Does.Contain("\r\nSec-WebSocket-Extensions: permessage-deflate"));
        return client;
    }

    // A flush ends in 00 00 FF FF, which is taken away (RFC 7692 §7.2.1).
    private static byte[] Compress(byte[] message)
    {
        using MemoryStream compressed = new();
        using DeflateStream deflate = new(compressed, CompressionLevel.Optimal);
        deflate.Write(message);
        deflate.Flush();
        return compressed.ToArray()[..^4];
    }

    private static byte[] Marked(Opcode opcode, byte[] payload, bool fin = true)
    {
        byte[] frame = new byte[FrameWriter.HeaderBytesMax + payload.Length];
        return frame[..FrameWriter.WriteMasked(frame, opcode, payload, 0x0BADF00D, fin, ReservedBits.Rsv1)];
    }
}
