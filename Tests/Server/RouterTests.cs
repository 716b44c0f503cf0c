// The uid protocol over real sockets, both transports, one loop and four: every row of design and README.

using System.Collections.Concurrent;
using System.Text;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Console.Pages;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class RouterTests(Setup setup)
{
    [Test]
    public async Task TheSeedsFirstMessage_IntroducesAndComesBack_InEveryTab()
    {
        await using TestServer server = await Start();
        using RawClient one = RawClient.Open(server.Port);
        one.SendText("100:haha");
        Assert.That(one.ReadText(), Is.EqualTo("haha"));
        using RawClient two = RawClient.Open(server.Port);
        two.SendText("100:haha");
        Assert.That((one.ReadText(), two.ReadText()), Is.EqualTo(("haha", "haha")));
    }

    [Test]
    public async Task OnlyTheFirstColonSplits_AndTheBodyArrivesAlone()
    {
        await using TestServer server = await Start();
        using RawClient one = RawClient.Open(server.Port, "/?uid=1");
        using RawClient two = RawClient.Open(server.Port, "/?uid=%E2%82%AC");
        one.SendText("€:a:b:c");
        Assert.That(two.ReadText(), Is.EqualTo("a:b:c"));
        two.Send(Opcode.Binary, [(byte)'1', (byte)':', 0, 0xFF]);
        Assert.That(one.ReadFrame(), Is.EqualTo((Opcode.Binary, new byte[] { 0, 0xFF })));
    }

    [TestCase("nobody here", "error:no-colon:write uid:body")]
    [TestCase("2:hello", "error:offline:2")]
    [TestCase("@group:hello", "error:reserved:@group")]
    [TestCase("error:hello", "error:reserved:error")]
    [TestCase(":hello", "error:bad-uid:a uid is 1 to 64 bytes of UTF-8 without colon or control character")]
    [TestCase("a\u0007b:hello", "error:bad-uid:a uid is 1 to 64 bytes of UTF-8 without colon or control character")]
    public async Task WhatCannotBeDone_IsAnswered(string message, string answer)
    {
        await using TestServer server = await Start();
        using RawClient client = RawClient.Open(server.Port, "/?uid=1");
        foreach (string heartbeat in new[] { "", "ping", "pong" }) client.SendText(heartbeat);
        client.SendText(message);
        Assert.That(client.ReadText(), Is.EqualTo(answer));
    }

    // Whoever delivers, here or on other machines, at once or later: the sender is told what he says.
    [Test]
    public async Task WhatTheDeliverySays_IsTold([Values] DeliveryResult result, [Values] bool later)
    {
        string? code = result switch
        {
            DeliveryResult.Offline => "offline",
            DeliveryResult.TooSlow => "too-slow",
            DeliveryResult.Unreachable => "unreachable",
            _ => null,
        };
        RouterApplication router = new(Introduce.Query, DuplicateUid.Share) { Delivery = new FixedDelivery(result, later) };
        await using TestServer server = await TestServer.Start(setup, router);
        using RawClient client = RawClient.Open(server.Port, "/?uid=1");
        foreach (string message in (string[])["2:hello", "all:hello", "end"]) client.SendText(message);
        if (code is not null)
            Assert.That((client.ReadText(), client.ReadText()), Is.EqualTo(($"error:{code}:2", $"error:{code}:all")));
        Assert.That(client.ReadText(), Does.StartWith("error:no-colon:"));
    }

    [TestCase("/?uid=1&uid=2", 400)]
    [TestCase("/?uid=", 400)]
    [TestCase("/?uid=all", 400)]
    [TestCase("/?uid=%zz", 400)]
    [TestCase("/?uid=%40x", 400)]
    [TestCase("/?uid=taken", 409)]
    public async Task AUidThatCannotBe_IsRefused(string target, int status)
    {
        await using TestServer server = await Start(duplicates: DuplicateUid.Reject);
        using RawClient holder = RawClient.Open(server.Port, "/?uid=taken");
        using RawClient client = RawClient.Connect(server.Port);
        client.Send($"GET {target} HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
        Assert.That(client.ReadToEnd(), Does.StartWith($"HTTP/1.1 {status} "));
    }

    [Test]
    public async Task Replace_ClosesTheOlderConnection()
    {
        await using TestServer server = await Start(duplicates: DuplicateUid.Replace);
        using RawClient older = RawClient.Open(server.Port, "/?uid=1");
        using RawClient newer = RawClient.Open(server.Port, "/?uid=1");
        Assert.That(older.ReadClose(answer: true), Is.EqualTo(((ushort?)4500, "replaced by another connection")));
        newer.SendText("1:me");
        Assert.That(newer.ReadText(), Is.EqualTo("me"));
    }

    [Test]
    public async Task Reject_LeavesTheNewerUnnamed_AndTellsIt()
    {
        await using TestServer server = await Start(duplicates: DuplicateUid.Reject);
        using RawClient older = RawClient.Open(server.Port);
        older.SendText("1:x");
        Assert.That(older.ReadText(), Is.EqualTo("x"));
        using RawClient newer = RawClient.Open(server.Port);
        newer.SendText("1:not delivered");
        Assert.That(newer.ReadText(), Is.EqualTo("error:rejected:1"));
        Assert.That(older.ReadFrame()!.Value.Opcode, Is.EqualTo(Opcode.Ping), "asked whether it lives");
        older.SendText("1:y");
        Assert.That(older.ReadText(), Is.EqualTo("y"));
    }

    [Test]
    public async Task All_ReachesEverybodyOnce_TheSenderIncluded_AndNeverIntroduces([Values(1, 200, 100_000)] int length)
    {
        await using TestServer server = await Start();
        string body = new('x', length);
        List<RawClient> clients = [.. Enumerable.Range(0, 20).Select(_ => RawClient.Open(server.Port))];
        clients[3].SendText("all:" + body);
        clients[3].SendText("all:end");
        foreach (RawClient client in clients) Assert.That((client.ReadText(), client.ReadText()), Is.EqualTo((body, "end")));
        clients[3].SendText("all:x");
        clients.ForEach(static client => client.Dispose());
    }

    [Test]
    public async Task AGoneUid_IsOffline_AndItsRegistrationIsGone()
    {
        RouterApplication router = new(Introduce.Query, DuplicateUid.Share);
        await using TestServer server = await TestServer.Start(setup, router);
        using RawClient client = RawClient.Open(server.Port, "/?uid=1");
        using (RawClient gone = RawClient.Open(server.Port, "/?uid=2")) gone.Send(Opcode.Close, []);
        TestServer.Eventually(() => server.Server.Count == 1, "gone");
        client.SendText("2:hello");
        Assert.That((client.ReadText(), router.UidCount), Is.EqualTo(("error:offline:2", 1)));
    }

    // Nobody would use that claim, and no other server could have the uid meanwhile.
    [Test]
    public async Task WhatIsTakenHere_IsNotClaimed([Values(Introduce.Query, Introduce.FirstMessage)] Introduce introduce)
    {
        RecordedClaims claims = new(UidClaim.Granted);
        RouterApplication router = new(introduce, DuplicateUid.Reject) { Claims = claims };
        await using TestServer server = await TestServer.Start(setup, router);
        bool isFirst = introduce == Introduce.FirstMessage;
        using RawClient older = RawClient.Open(server.Port, isFirst ? "/" : "/?uid=bob");
        older.SendText("bob:x");
        Assert.That(older.ReadText(), Is.EqualTo("x"));
        using RawClient newer = RawClient.Connect(server.Port);
        newer.Send($"GET {(isFirst ? "/" : "/?uid=bob")} HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
        Assert.That(newer.ReadHead(), Does.StartWith(isFirst ? "HTTP/1.1 101 " : "HTTP/1.1 409 "));
        if (isFirst)
        {
            newer.SendText("bob:not delivered");
            Assert.That(newer.ReadText(), Is.EqualTo("error:rejected:bob"));
        }

        Assert.That(claims.Asked, Is.EqualTo(new[] { "claim bob" }));
    }

    // Who only wants to know why he was refused (ReadableRefusals) is told, and takes no uid from anybody.
    [Test]
    public async Task AQuestion_ClaimsNothing([Values] UidClaim answer)
    {
        RecordedClaims claims = new(answer);
        RouterApplication router = new(Introduce.Query, DuplicateUid.Replace) { Claims = claims };
        await using TestServer server = await TestServer.Start(setup, new ReadableRefusals(router));
        using RawClient client = RawClient.Connect(server.Port);
        client.Open("/?uid=bob", $"Sec-WebSocket-Protocol: {ReadableRefusals.Subprotocol}\r\n");
        ushort code = answer == UidClaim.Granted ? CloseCodes.NormalClosure : CloseCodes.PolicyViolation;
        Assert.That(client.ReadClose(answer: true).Code, Is.EqualTo(code));
        Assert.That(claims.Asked, Is.EqualTo(new[] { "look bob" }));
        using RawClient next = RawClient.Connect(server.Port);
        next.Send($"GET /?uid=bob HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
        next.ReadHead();
        Assert.That(claims.Asked, Is.EqualTo(new[] { "look bob", "claim bob" }));
    }

    private Task<TestServer> Start(DuplicateUid duplicates = DuplicateUid.Share) =>
        TestServer.Start(setup, new RouterApplication(Introduce.FirstMessage, duplicates));

    private sealed class RecordedClaims(UidClaim answer) : IUidClaims
    {
        public ConcurrentQueue<string> Asked { get; } = [];

        public ValueTask<UidClaim> ClaimAsync(ReadOnlyMemory<byte> uid, DuplicateUid duplicates) => Answer("claim", uid);

        public ValueTask<UidClaim> LookAsync(ReadOnlyMemory<byte> uid, DuplicateUid duplicates) => Answer("look", uid);

        private ValueTask<UidClaim> Answer(string what, ReadOnlyMemory<byte> uid)
        {
            Asked.Enqueue($"{what} {Encoding.UTF8.GetString(uid.Span)}");
            return new(answer);
        }
    }

    private sealed class FixedDelivery(DeliveryResult result, bool later) : IDelivery
    {
        public ValueTask<DeliveryResult> Publish(in MessageTarget target, in WebSocketMessage message)
        {
            return later ? Later() : new(result);

            async ValueTask<DeliveryResult> Later()
            {
                await Task.Yield();
                return result;
            }
        }
    }
}
