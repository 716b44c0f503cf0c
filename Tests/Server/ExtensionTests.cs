// A second extension on real sockets, both transports, one loop and four: alone, and together with permessage-deflate in either order. What
// is sent and received, in fragments and cut everywhere; who judges it; what it costs; and messages to many that have agreed on different
// things.

using System.Collections.Concurrent;
using System.Text;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Compression;
using RawWs.Server.Extensions;
using RawWs.Server.Memory;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class ExtensionTests(Setup setup)
{
    private const string Deflate = "permessage-deflate", Xor = "xor-payload; key=90";

    private static readonly string[] Offers = [Xor, Deflate, $"{Xor}, {Deflate}", $"{Deflate}, {Xor}"];
    private static readonly string[] OffersOfXor = [Xor, $"{Xor}, {Deflate}", $"{Deflate}, {Xor}"];

    [Test]
    public async Task Section_9_1_WhatIsAgreedOn_IsInTheAnswer_InTheClientsOrder_AndInTheReport()
    {
        ConcurrentQueue<CloseReport> reports = new();
        await using TestServer server = await Start(new ProtocolOverTcpTests.Handler { Closed = reports.Enqueue }, takeover: true);
        foreach (string offer in Offers)
        {
            using (ExtensionPeer peer = ExtensionPeer.Open(server, $"x-other, {offer}, {offer}"))
                Assert.That(peer.Agreed, Is.EqualTo(offer));
            TestServer.Eventually(() => !reports.IsEmpty, "ended");
            Assert.That(reports.TryDequeue(out CloseReport? report) ? report.Extensions : null, Is.EqualTo(offer));
        }

        using ExtensionPeer none = ExtensionPeer.Open(server, "xor-payload; key=0, xor-payload");
        none.Client.SendText("hello");
        Assert.That((none.Agreed, none.Client.ReadText()), Is.EqualTo(("", "hello")), "a declined offer is no error");
        using RawClient marked = RawClient.Open(server.Port);
        marked.Send(ExtensionPeer.Frame(Opcode.Binary, [1], ReservedBits.Rsv2));
        Assert.That(marked.ReadClose(answer: true).Code, Is.EqualTo(1002), "what was not agreed on has no meaning");
    }

    [Test]
    public async Task Section_5_8_MessagesOfEverySize_BothWays_MarkedOrNot(
        [ValueSource(nameof(Offers))] string offers, [Values] bool takeover)
    {
        await using TestServer server = await Start(new EchoApplication(), takeover);
        using ExtensionPeer peer = ExtensionPeer.Open(server, offers);
        foreach (int length in new[] { 0, 1, 50, 125, 126, 1000, 5000, 70_000, 500_000 })
        {
            foreach (byte[] message in new[] { Support.Deflate.Text(length), Support.Deflate.Noise(length) })
            {
                Opcode opcode = message.AsSpan().ContainsAnyExceptInRange((byte)0, (byte)127) ? Opcode.Binary : Opcode.Text;
                peer.Send(opcode, message);
                peer.Expect(opcode, message, $"{length}, marked");
                peer.Client.Send(opcode, message);
                peer.Expect(opcode, message, $"{length}, not marked");
            }
        }
    }

    // The messages of a peer that marks each by one of the two, by both, or by none.
    [Test]
    public async Task EachMessage_IsReadByItsOwnMarks(
        [Values($"{Xor}, {Deflate}", $"{Deflate}, {Xor}")] string offers, [Values] bool takeover)
    {
        await using TestServer server = await Start(new EchoApplication(), takeover);
        using ExtensionPeer peer = ExtensionPeer.Open(server, offers);
        for (int i = 0; i < 40; i++)
        {
            ReservedBits marks = (ReservedBits)((i & 3) << 5);
            byte[] message = Support.Deflate.Text(300 + i, i);
            peer.Send(Opcode.Text, message, marks);
            peer.Expect(Opcode.Text, message, $"{marks}");
        }
    }

    [Test]
    public async Task Section_5_4_InFragments_WithAPingBetween([ValueSource(nameof(Offers))] string offers)
    {
        await using TestServer server = await Start(new EchoApplication());
        using ExtensionPeer peer = ExtensionPeer.Open(server, offers);
        byte[] message = Support.Deflate.Text(90);
        byte[] payload = peer.Encode(message, peer.Marks);
        for (int cut = 0; cut <= payload.Length; cut++)
        {
            peer.Client.Send([
                .. ExtensionPeer.Frame(Opcode.Text, payload.AsSpan(0, cut), peer.Marks, fin: false),
                .. ExtensionPeer.Frame(Opcode.Continuation, [], 0, fin: false),
                .. RawClient.Frame(Opcode.Ping, "p"u8), .. ExtensionPeer.Frame(Opcode.Continuation, payload.AsSpan(cut), 0)]);
            peer.Client.ReadRawFrame(out FrameHeader header);
            Assert.That(header.Opcode, Is.EqualTo(Opcode.Pong));
            peer.Expect(Opcode.Text, message, $"cut at {cut}");
        }
    }

    [Test]
    public async Task CutEverywhere([ValueSource(nameof(Offers))] string offers)
    {
        setup.PassOverLayers("they cut as they like");
        await using TestServer server = await Start(new EchoApplication());
        using ExtensionPeer peer = ExtensionPeer.Open(server, offers);
        byte[] message = Support.Deflate.Text(60), payload = peer.Encode(message, peer.Marks);
        byte[] bytes =
            [
                .. ExtensionPeer.Frame(Opcode.Text, payload.AsSpan(0, 20), peer.Marks, fin: false),
                .. ExtensionPeer.Frame(Opcode.Continuation, payload.AsSpan(20), 0),
            ];
        for (int cut = 1; cut < bytes.Length; cut++)
        {
            peer.Client.Send(bytes.AsSpan(0, cut));
            server.CatchUp();
            peer.Client.Send(bytes.AsSpan(cut));
            peer.Expect(Opcode.Text, message, $"cut at {cut}");
        }

        foreach (byte one in bytes)
        {
            peer.Client.Send([one]);
            server.CatchUp();
        }

        peer.Expect(Opcode.Text, message, "byte by byte");
    }

    // One place judges, whether or not an extension has marked the message: the same codes and rules as without any.
    [Test]
    public async Task Section_8_1_TextIsJudged_AsItIsDecoded(
        [Values("", Xor, Deflate, $"{Xor}, {Deflate}", $"{Deflate}, {Xor}")] string offers)
    {
        ConcurrentQueue<CloseReport> reports = new();
        await using TestServer server = await Start(new ProtocolOverTcpTests.Handler { Closed = reports.Enqueue });
        foreach ((byte[] text, bool fin, Rule rule) in new (byte[], bool, Rule)[]
        {
            ([(byte)'a', 0xFF, .. new byte[1000]], false, FrameRules.TextNotUtf8), // the message goes on, and never will
            ([.. new byte[300], 0xE2, 0x82], true, FrameRules.TextEndsInsideCharacter),
        })
        {
            using ExtensionPeer peer = ExtensionPeer.Open(server, offers);
            peer.Client.Send(ExtensionPeer.Frame(Opcode.Text, peer.Encode(text, peer.Marks), peer.Marks, fin));
            Assert.That(peer.Client.ReadClose(answer: true), Is.EqualTo(((ushort?)rule.CloseCode, rule.Text)));
            TestServer.Eventually(() => !reports.IsEmpty, "ended");
            Assert.That(reports.TryDequeue(out CloseReport? report) ? report.Rule : null, Is.EqualTo(rule.Name));
        }
    }

    [Test]
    public async Task Section_10_4_SizeIsJudged_AsItIsDecoded(
        [Values("", Xor, Deflate, $"{Xor}, {Deflate}", $"{Deflate}, {Xor}")] string offers)
    {
        const int Limit = 100_000;
        ConcurrentQueue<CloseReport> reports = new();
        await using TestServer server = await Start(new ProtocolOverTcpTests.Handler { Closed = reports.Enqueue },
            change: static options => options with { MessageBytesMax = Limit });
        using ExtensionPeer peer = ExtensionPeer.Open(server, offers);
        peer.Send(Opcode.Binary, new byte[Limit]);
        peer.Expect(Opcode.Binary, new byte[Limit], "the largest");
        peer.Send(Opcode.Binary, new byte[Limit + 1]);
        Assert.That(peer.Client.ReadClose(answer: true), Is.EqualTo(((ushort?)1009, FrameRules.MessageTooBig.Text)));
        TestServer.Eventually(() => !reports.IsEmpty, "ended");
        Assert.That((reports.Single().Rule, reports.Single().Cause),
            Is.EqualTo((nameof(FrameRules.MessageTooBig), EndCause.MessageTooBig)));
    }

    [Test]
    public async Task WhatCannotBeDecoded_BreaksTheRuleOfTheOneThatCannot([Values($"{Xor}, {Deflate}", $"{Deflate}, {Xor}")] string offers)
    {
        await using TestServer server = await Start(new EchoApplication());
        using ExtensionPeer peer = ExtensionPeer.Open(server, offers);
        byte[] garbage = new byte[100];
        garbage.AsSpan().Fill(offers.StartsWith(Xor, StringComparison.Ordinal) ? (byte)0xFF : (byte)(0xFF ^ 90));
        peer.Client.Send(ExtensionPeer.Frame(Opcode.Binary, garbage, peer.Marks));
        Assert.That(peer.Client.ReadClose(answer: true), Is.EqualTo(((ushort?)1007, FrameRules.CompressedDataMalformed.Text)));
    }

    [Test]
    public async Task ItsCharges_AreHeldWhileAMessageComes_AndGivenBack_AlsoWhenTheConnectionEnds(
        [ValueSource(nameof(OffersOfXor))] string offers)
    {
        await using TestServer server = await Start(new EchoApplication());
        for (int round = 0; round < 2; round++)
        {
            using ExtensionPeer peer = ExtensionPeer.Open(server, offers);
            byte[] message = Support.Deflate.Text(5000), payload = peer.Encode(message, peer.Marks);
            peer.Client.Send(ExtensionPeer.Frame(Opcode.Text, payload.AsSpan(0, 700), peer.Marks, fin: false));
            int least = XorExtension.MessageBytes + (offers == Xor ? 0 : Inflater.ContextBytes + ExtensionPair.BetweenBytes);
            TestServer.Eventually(() => server.Server.Budget.HeldBytes > least, "charged, and what has been decoded too");
            if (round == 0)
            {
                peer.Client.Send(ExtensionPeer.Frame(Opcode.Continuation, payload.AsSpan(700), 0));
                peer.Expect(Opcode.Text, message, "");
                server.HoldsNothing(1);
            }
            else
            {
                peer.Client.Reset();
            }
        }

        server.HoldsNothing();
    }

    [Test]
    public async Task WithoutRoomForIt_AnUpgradeIs503_AndAMessage1013()
    {
        await using TestServer server =
            await Start(new EchoApplication(), change: static options => options with { MemoryBytesMax = 1 << 20 });
        MemoryBudget budget = server.Server.Budget;
        using ExtensionPeer peer = ExtensionPeer.Open(server, Xor);
        int taken = (1 << 20) - XorExtension.MessageBytes + 1;
        budget.Charge(taken);
        using (RawClient late = RawClient.Connect(server.Port))
        {
            late.Send($"GET / HTTP/1.1\r\n{RawClient.Upgrade}Sec-WebSocket-Extensions: {Xor}\r\n\r\n");
            Assert.That(late.ReadToEnd(), Does.StartWith("HTTP/1.1 503 ").And.Contain("\r\nRetry-After: "));
        }

        peer.Send(Opcode.Binary, [1, 2, 3]);
        Assert.That(peer.Client.ReadClose(answer: true).Code, Is.EqualTo(1013));
        budget.Discharge(taken);
    }

    [Test]
    public async Task ToMany_WhoAgreedOnDifferentThings_EachReadsItsOwn([Values] bool takeover)
    {
        await using TestServer server = await Start(new RouterApplication(Introduce.Query, DuplicateUid.Share), takeover);
        string[] offers = ["", Xor, "xor-payload; key=1", Deflate, $"{Xor}, {Deflate}", $"{Deflate}, {Xor}", $"{Deflate}, {Xor}",
            $"{Deflate}; server_max_window_bits=9, xor-payload; key=1"];
        ExtensionPeer[] peers = [.. offers.Select((offer, i) => ExtensionPeer.Open(server, offer, $"/?uid={i}"))];
        for (int round = 0; round < 30; round++)
        {
            int sender = round % peers.Length, receiver = (round * 3) % peers.Length;
            byte[] toAll = Support.Deflate.Text(1 + (round * 171), round), toOne = Support.Deflate.Text(200 + round, round);
            peers[sender].Send(Opcode.Text, [.. "all:"u8, .. toAll]);
            peers[sender].Send(Opcode.Text, [.. Encoding.ASCII.GetBytes($"{receiver}:"), .. toOne]);
            for (int i = 0; i < peers.Length; i++)
                peers[i].Expect(Opcode.Text, toAll, $"round {round}, {offers[i]}");
            peers[receiver].Expect(Opcode.Text, toOne, $"round {round}, {offers[receiver]}");
        }

        foreach (ExtensionPeer peer in peers) peer.Dispose();
        server.HoldsNothing();
    }

    [Test]
    public async Task WhoSendsALot_IsReadInShares_AndLosesNothing([ValueSource(nameof(OffersOfXor))] string offers)
    {
        await using TestServer server = await Start(new ProtocolOverTcpTests.Handler(static async (connection, kind, message) =>
        {
            await Task.Yield();
            connection.TrySend(kind, message.Span);
        }));
        using ExtensionPeer peer = ExtensionPeer.Open(server, offers);
        byte[][] messages =
            [.. Enumerable.Range(0, 60).Select(static i => i % 2 == 0 ? Support.Deflate.Text(100 * i, i) : new byte[500 * i])];
        peer.Client.Send([.. messages.SelectMany(
            message => ExtensionPeer.Frame(Opcode.Binary, peer.Encode(message, peer.Marks), peer.Marks))]);
        for (int i = 0; i < messages.Length; i++) peer.Expect(Opcode.Binary, messages[i], $"message {i}");
    }

    private Task<TestServer> Start(
        IWebSocketApplication application, bool takeover = false, Func<ServerOptions, ServerOptions>? change = null) =>
        TestServer.Start(setup, application, options =>
        {
            options = options with
            {
                Compression = true,
                CompressionTakeover = takeover,
                CompressionBytesMin = 100,
                FurtherExtensions = [static budget => new XorExtension(budget)],
            };
            return change is null ? options : change(options);
        });
}
