// A test for each class of known hole, for strangers: what they send before they are let in, the names that they take, and what of their
// words gets into the log. HostilityTests is for those who have been let in, and has the table of all classes. Shown elsewhere:
//
//   class of hole                        test that shows it
//   a request past a limit, at its byte  HandshakeTests.Limits_HoldAtTheirByte
//   a request that does not come         DeadlineTests.ARequestThatDoesNotCome_IsAnsweredWith408
//   names that are no uid                UidProtocolTests.Check_RefusesWhatIsNoUid; UidRoutingTests
//   escaping, whatever comes             LogTests.Escape_IsOneLineOfPrintables_WhateverComes

using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Console.Log;
using RawWs.Server.Console.Pages;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed partial class HostileRequestsTests(Setup setup)
{
    private const string BadUid = "error:bad-uid:a uid is 1 to 64 bytes of UTF-8 without colon or control character";

    // What it does not have to say is 512 KiB: more than any limit, less than what is discarded after an answer.
    [TestCase("GET /", "aaaaaaaa", TestName = "HeaderFlood_ARequestLineWithoutEnd")]
    [TestCase("GET / HTTP/1.1\r\nX: ", "aaaaaaaa", TestName = "HeaderFlood_AFieldWithoutEnd")]
    [TestCase("GET / HTTP/1.1\r\n", "a: b\r\n", TestName = "HeaderFlood_SmallFields")]
    [TestCase("GET / HTTP/1.1\r\n", "Sec-WebSocket-Extensions: a;b=c,a;b=c,a;b=c,a;b=c,a;b=c,a;b=c,a;b=c,a;b=c,a;b=c\r\n",
        TestName = "HeaderFlood_Offers")]
    public async Task AHeaderFlood_IsAnsweredWith431(string beginning, string more)
    {
        await using TestServer server = await TestServer.Start(setup, new EchoApplication());
        long peak = 0;
        server.Server.Budget.Witness += (_, _) => peak = Math.Max(peak, server.Server.Budget.HeldBytes);
        using RawClient client = RawClient.Connect(server.Port);
        client.Send(beginning + string.Concat(Enumerable.Repeat(more, 512 * 1024 / more.Length)));
        Assert.That(client.ReadToEnd(), Does.StartWith("HTTP/1.1 431 "));
        client.Dispose();
        server.HoldsNothing();
        Assert.That(peak, Is.LessThan(128 * 1024), "bytes held, of a head that may have 32 KiB");
    }

    // A byte a second is not enough: the deadline is that of the whole head.
    [TestCase("")]
    [TestCase("GET / HTTP/1.1\r\nHost: a\r\nX: ")]
    public async Task SlowHeaders_AreAnsweredWith408(string beginning)
    {
        FakeTimeProvider time = new();
        await using TestServer server = await TestServer.Start(
            setup, new EchoApplication(), options => options with { TimeProvider = time, HandshakeTimeout = TimeSpan.FromSeconds(10) });
        using RawClient client = RawClient.Connect(server.Port);
        TestServer.Eventually(() => server.Server.Count == 1, "connected");
        client.Send(beginning);
        int second = 0;
        for (; !client.Socket.Poll(1_000, SelectMode.SelectRead); second++)
        {
            Assert.That(second, Is.LessThan(1000), "seconds without an answer");
            client.Send("a");
            time.Advance(TimeSpan.FromSeconds(1));
            server.CatchUp();
        }

        Assert.That(second, Is.GreaterThanOrEqualTo(10));
        Assert.That(client.ReadToEnd(), Does.StartWith("HTTP/1.1 408 "));
    }

    [Test]
    public async Task HalfOpenHandshakes_TakeAllPlaces_UntilTheirDeadline_AndOthersAreServed()
    {
        const int HalfOpen = 200;
        FakeTimeProvider time = new();
        await using TestServer server = await TestServer.Start(
            setup, new EchoApplication(), options =>
                options with { TimeProvider = time, HandshakeTimeout = TimeSpan.FromSeconds(10), ConnectionsMax = HalfOpen + 1 });
        using RawClient honest = RawClient.Open(server.Port);
        List<RawClient> silent = [.. Enumerable.Range(0, HalfOpen).Select(_ => RawClient.Connect(server.Port))];
        for (int i = 0; i < HalfOpen; i += 2) silent[i].Send("GET / HTTP/1.1\r\nHo");
        TestServer.Eventually(() => server.Server.Count == HalfOpen + 1, "all places are taken");
        server.CatchUp(); // each has begun, and its deadline with it
        using (RawClient late = RawClient.Connect(server.Port))
        {
            late.Send($"GET / HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
            Assert.That(late.ReadToEnd(), Does.StartWith("HTTP/1.1 503 "));
        }

        for (int second = 0; second < 9; second++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            server.CatchUp();
            honest.SendText("served?");
            Assert.That(honest.ReadText(), Is.EqualTo("served?"));
        }

        Assert.That(silent.Count(static client => client.Socket.Available > 0), Is.Zero, "nobody is ended before the deadline");
        // A step past what the wheel has planned counts as a standstill, once for each.
        for (int i = 0; i < 6; i++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            server.CatchUp();
        }

        foreach (RawClient client in silent) Assert.That(client.ReadToEnd(), Does.StartWith("HTTP/1.1 408 "));
        silent.ForEach(static client => client.Dispose());
        server.HoldsNothing(connections: 1);
        using RawClient next = RawClient.Open(server.Port);
        next.SendText("room again");
        Assert.That(next.ReadText(), Is.EqualTo("room again"));
    }

    // Whatever is wrong with the first request, what stands behind it in the same segment is not another.
    [TestCase("GET /?{0}", 400, TestName = "Smuggling_BehindABrokenLine")]
    [TestCase("GET /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 426, TestName = "Smuggling_BehindAPlainGet")]
    [TestCase("GET / HTTP/1.1\r\n{0}Content-Length: 300\r\n\r\n", 400)]
    [TestCase("GET / HTTP/1.1\r\n{0}Origin: https://example.com\r\n\r\n", 403)]
    [TestCase("GET /?uid=all HTTP/1.1\r\n{0}\r\n", 400)]
    [TestCase("GET / HTTP/1.1\r\n{0}Content-Length: 0\r\nContent-Length: 300\r\n\r\n", 400)]
    [TestCase("GET / HTTP/1.1\r\n{0}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400)]
    [TestCase("GET / HTTP/1.1\r\n{0}Sec-WebSocket-Version: 8\r\n\r\n", 426)]
    [TestCase("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n\r\n", 200, TestName = "Smuggling_BehindThePage")]
    [TestCase("HEAD / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 200, TestName = "Smuggling_BehindThePagesHead")]
    [TestCase("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\n", 405, TestName = "Smuggling_BehindAPost")]
    [TestCase("GET / HTTP/1.1\nHost: a\n\n", 400, TestName = "Smuggling_BehindBareLineFeeds")]
    public async Task BehindARefusedUpgrade_ASecondRequestIsNeitherAnsweredNorExecuted(string first, int status)
    {
        RouterApplication router = new(Introduce.FirstMessage, DuplicateUid.Share);
        await using TestServer server = await TestServer.Start(setup, router, static options => options with { Pages = [DemoPage.Load()] });
        using RawClient honest = RawClient.Open(server.Port, "/?uid=honest");
        using RawClient client = RawClient.Connect(server.Port);
        byte[] smuggled = [.. Encoding.ASCII.GetBytes($"GET /?uid=smuggled HTTP/1.1\r\n{RawClient.Upgrade}\r\n"),
            .. RawClient.Frame(Opcode.Text, "honest:smuggled"u8)];
        client.Send([.. Encoding.ASCII.GetBytes(string.Format(CultureInfo.InvariantCulture, first, RawClient.Upgrade)), .. smuggled]);
        string answer = client.ReadToEnd();
        Assert.That(answer, Does.StartWith($"HTTP/1.1 {status} ").And.Match("\r\nConnection: (Upgrade, )?close\r\n"));
        Assert.That(answer.Split("HTTP/1.1 "), Has.Length.EqualTo(2), "one answer");
        Assert.That(router.UidCount, Is.EqualTo(1));
        honest.SendText("honest:alone");
        Assert.That(honest.ReadText(), Is.EqualTo("alone"));
    }

    [Test]
    public async Task BehindAnAcceptedUpgrade_ARequestIsAFrame_AndABadOne()
    {
        RouterApplication router = new(Introduce.FirstMessage, DuplicateUid.Share);
        await using TestServer server = await TestServer.Start(setup, router);
        using RawClient client = RawClient.Connect(server.Port);
        client.Send($"GET /?uid=one HTTP/1.1\r\n{RawClient.Upgrade}\r\nGET /?uid=two HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
        Assert.That(client.ReadHead(), Does.StartWith("HTTP/1.1 101 "));
        Assert.That(client.ReadClose().Code, Is.EqualTo(1002));
    }

    [TestCase("%61ll")]
    [TestCase("al%6C")]
    [TestCase("%65%72%72%6f%72")]
    [TestCase("%40")]
    [TestCase("@team")]
    [TestCase("%00")]
    [TestCase("a%0D%0Ab")]
    [TestCase("a%1B[2J")]
    [TestCase("a%7f")]
    [TestCase("a%C2%85")]
    [TestCase("a%3Ab")]
    [TestCase("%C1%A1ll", TestName = "AUid_OverlongAll")]
    [TestCase("%C0%80", TestName = "AUid_OverlongZero")]
    [TestCase("%ED%A0%80", TestName = "AUid_ASurrogate")]
    [TestCase("%F4%90%80%80", TestName = "AUid_PastUnicode")]
    [TestCase("%FF")]
    [TestCase("%E2%82", TestName = "AUid_ACharacterWithoutItsEnd")]
    [TestCase("1&%75id=2", TestName = "AUid_NamedTwice_OnceInDisguise")]
    [TestCase("1&uid", TestName = "AUid_NamedTwice_OnceWithoutAValue")]
    public async Task AUidInDisguise_IsRefused(string uid)
    {
        RouterApplication router = new(Introduce.Query, DuplicateUid.Share);
        await using TestServer server = await TestServer.Start(setup, router);
        using RawClient client = RawClient.Connect(server.Port);
        client.Send($"GET /?uid={uid} HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
        Assert.That(client.ReadToEnd(), Does.StartWith("HTTP/1.1 400 "));
        Assert.That(router.UidCount, Is.Zero);
    }

    // Only the three letters themselves mean everybody; whoever is called nearly so is one peer among others, and known by his exact bytes.
    [TestCase("ALL")]
    [TestCase("All")]
    [TestCase("all ")]
    [TestCase(" all")]
    [TestCase("аll", TestName = "All_WithACyrillicA")]
    [TestCase("ａｌｌ", TestName = "All_InFullWidth")]
    [TestCase("al\u0300l", TestName = "All_WithACombiningMark")]
    [TestCase("all\u200b", TestName = "All_WithAZeroWidthSpace")]
    [TestCase("%61ll", TestName = "All_PercentEncoded_IsNotDecodedInAMessage")]
    public async Task AllInAnotherSpelling_IsAUidLikeAnyOther(string uid)
    {
        await using TestServer server = await TestServer.Start(setup, new RouterApplication(Introduce.Query, DuplicateUid.Reject));
        using RawClient sender = RawClient.Open(server.Port, "/?uid=sender");
        sender.SendText($"{uid}:nobody");
        Assert.That(sender.ReadText(), Is.EqualTo($"error:offline:{uid}"));
        using RawClient named = RawClient.Open(server.Port, $"/?uid={Uri.EscapeDataString(uid)}");
        sender.SendText($"{uid}:for one");
        sender.SendText("sender:nothing before this");
        Assert.That((named.ReadText(), sender.ReadText()), Is.EqualTo(("for one", "nothing before this")));
    }

    [TestCase("C1A16C6C3A78", BadUid, TestName = "Address_OverlongAll")]
    [TestCase("616C6C003A78", BadUid, TestName = "Address_AllAndAZero")]
    [TestCase("FF3A78", BadUid, TestName = "Address_NotUtf8")]
    [TestCase("EDA0803A78", BadUid, TestName = "Address_ASurrogate")]
    [TestCase("C2853A78", BadUid, TestName = "Address_AControlCharacterOfTwoBytes")]
    [TestCase("4065766572793A78", "error:reserved:@every", TestName = "Address_AGroup")]
    public async Task AnAddressInABinaryMessage_IsJudgedAsStrictly(string hex, string answer)
    {
        await using TestServer server = await TestServer.Start(setup, new RouterApplication(Introduce.FirstMessage, DuplicateUid.Share));
        using RawClient client = RawClient.Open(server.Port);
        client.Send(Opcode.Binary, Convert.FromHexString(hex));
        Assert.That(client.ReadText(), Is.EqualTo(answer));
    }

    // Strangers' words in every place that could come to the log: each event stays one line, which begins as our lines do.
    [Test]
    public async Task StrangersWords_NeverReachTheLogRaw()
    {
        const string Forged = "bye\r\n2026-01-01T00:00:00.000Z info  forged \u001b[2J\u0085\u2028\u202e\u009b31m";
        byte[] beginning = [.. "GET / HTTP/1.1\r\n"u8, .. Encoding.ASCII.GetBytes(RawClient.Upgrade)];
        byte[][] requests =
        [
            [.. beginning, .. "X: a\u001b[2Jb\r\n\r\n"u8],
            [.. beginning, .. "X: a\u0085\u2028\u202eb\r\nOrigin: https://\u0085\u2028evil\r\n\r\n"u8],
            [.. beginning, .. "Sec-WebSocket-Protocol: a\u009b31m\r\n\r\n"u8],
            [.. beginning, .. "Sec-WebSocket-Extensions: a;\u202e\r\n\r\n"u8],
            Encoding.ASCII.GetBytes($"GET /%0d%0a2026-01-01T00:00:00.000Z%1b[2J HTTP/1.1\r\n{RawClient.Upgrade}\r\n"),
            [.. "GET\u001b[2J / HTTP/1.1\r\n\r\n"u8],
        ];
        string log = await Log(
            new ProtocolOverTcpTests.Handler(
                static (_, _, message) => throw new InvalidOperationException(Encoding.UTF8.GetString(message.Span))),
            server =>
            {
                foreach (byte[] request in requests)
                {
                    using RawClient refused = RawClient.Connect(server.Port);
                    refused.Send(request);
                    Assert.That(refused.ReadToEnd(), Does.StartWith("HTTP/1.1 4"));
                }

                using RawClient closing = RawClient.Open(server.Port);
                closing.Send(Opcode.Close, [0x03, 0xE8, .. Encoding.UTF8.GetBytes(Forged)]);
                Assert.That(closing.ReadClose().Code, Is.EqualTo(1000));
                using RawClient throwing = RawClient.Open(server.Port);
                throwing.SendText(Forged);
                Assert.That(throwing.ReadClose(answer: true).Code, Is.EqualTo(1011));
            });
        string[] lines = log.Split('\n');
        Assert.That(lines[^1], Is.Empty, "the last line has its end");
        Assert.That(lines[..^1], Has.All.Matches<string>(static line => LineBeginning().IsMatch(line!)));
        Assert.That(lines[..^1].SelectMany(static line => line),
            Has.None.Matches<char>(static c => char.IsControl(c) || c is '\u2028' or '\u202e'));
        Assert.That(lines.Count(static line => line.Contains(" answered ", StringComparison.Ordinal)), Is.EqualTo(requests.Length));
        Assert.That(log, Does.Contain(
            "reason \"bye\\u{d}\\u{a}2026-01-01T00:00:00.000Z info  forged \\u{1b}[2J\\u{85}\\u{2028}\\u{202e}\\u{9b}31m\""));
    }

    private async Task<string> Log(ProtocolOverTcpTests.Handler application, Action<TestServer> act)
    {
        using MemoryStream output = new();
        using (ConsoleLog console = new(output, new FakeTimeProvider(DateTimeOffset.UnixEpoch)))
        {
            using ILoggerFactory log = LoggerFactory.Create(builder => builder.AddProvider(console));
            await using TestServer server = await TestServer.Start(setup, application, options => options with { LoggerFactory = log });
            act(server);
            TestServer.Eventually(() => server.Server.Count == 0, "all have ended");
        }

        return Encoding.UTF8.GetString(output.ToArray());
    }

    [GeneratedRegex(@"^1970-01-01T00:00:00\.000Z (info |warn |error) \S")]
    private static partial Regex LineBeginning();
}
