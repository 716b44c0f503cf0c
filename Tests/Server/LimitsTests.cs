// Limits of connections, of handshakes, of uids and of messages to all, and how they are changed: a running server, with clients from
// several addresses of this machine. What rates do to one connection is in RateLimitTests.

using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class LimitsTests
{
    private static readonly Setup[] Setups = [Setup.All[0], Setup.All[^1]];

    private readonly FakeTimeProvider _time = new();

    // The first limit comes while the server runs. Who is there has none.
    [TestCaseSource(nameof(Setups))]
    public async Task LimitsThatComeLater_HoldForWhoComesAfterThem(Setup setup)
    {
        await using TestServer server = await TestServer.Start(
            setup, new RouterApplication(Introduce.Query, DuplicateUid.Share), options => options with { TimeProvider = _time });
        using RawClient before = RawClient.Open(server.Port, "/?uid=before");
        ServerOptions none = server.Server.Options;
        server.Server.Change(none with { MessageRate = new(1, 3), ConnectionsPerAddressMax = 1, OverRate = OverRate.Close });
        using RawClient after = RawClient.Open(server.Port, "/?uid=after");
        Assert.That(Answer(server, "127.0.0.1"), Does.StartWith("HTTP/1.1 429 "), "only who came before is not counted");
        for (int i = 0; i < 5; i++) before.SendText("before:me");
        for (int i = 0; i < 5; i++) after.SendText("after:me");
        for (int i = 0; i < 5; i++) Assert.That(before.ReadText(), Is.EqualTo("me"));
        for (int i = 0; i < 3; i++) Assert.That(after.ReadText(), Is.EqualTo("me"));
        Assert.That(after.ReadClose(answer: true), Is.EqualTo(((ushort?)4002, "too many messages")));
        server.Server.Change(none);
        using RawClient free = RawClient.Open(server.Port, "/?uid=free");
        for (int i = 0; i < 5; i++) free.SendText("free:me");
        for (int i = 0; i < 5; i++) Assert.That(free.ReadText(), Is.EqualTo("me"));
    }

    [Test]
    public async Task HowManyShareAUid_CanBeChanged()
    {
        await using TestServer server = await TestServer.Start(Setups[0], new RouterApplication(Introduce.Query, DuplicateUid.Share));
        using RawClient one = RawClient.Open(server.Port, "/?uid=1"), two = RawClient.Open(server.Port, "/?uid=1");
        two.SendText("1:us");
        Assert.That((one.ReadText(), two.ReadText()), Is.EqualTo(("us", "us")));
        server.Server.Change(server.Server.Options with { ConnectionsPerUidMax = 1 });
        Assert.That(Answer(server, "127.0.0.1", "/?uid=1"), Does.StartWith("HTTP/1.1 429 "));
        one.SendText("1:still us");
        Assert.That(one.ReadFrame()!.Value.Opcode, Is.EqualTo(Opcode.Ping), "it was asked whether it lives");
        Assert.That(one.ReadText(), Is.EqualTo("still us"));
        server.Server.Change(server.Server.Options with { ConnectionsPerUidMax = null });
        using RawClient three = RawClient.Open(server.Port, "/?uid=1");
        three.SendText("1:three");
        Assert.That(three.ReadText(), Is.EqualTo("three"));
    }

    // 200 of one address: 20 are let in, a few are told, and the others closed unanswered. Others get in all the while.
    [TestCaseSource(nameof(Setups))]
    public async Task OneAddress_IsStoppedAtItsLimit_AndOthersGetIn(Setup setup)
    {
        RecordedLog log = new(LogLevel.Information);
        await using TestServer server = await TestServer.Start(
            setup, new EchoApplication(),
            options => options with { ConnectionsPerAddressMax = 20, LoggerFactory = log, TimeProvider = _time });
        List<RawClient> open = [.. Enumerable.Range(0, 20).Select(_ => RawClient.Open(server.Port))];
        List<RawClient> further = [];
        for (int i = 0; i < 180; i++)
        {
            RawClient client = RawClient.Connect(server.Port);
            further.Add(client);
            if (i % 20 == 0) Echoes(server, from: $"127.0.0.{2 + (i / 20)}");
        }

        TestServer.Eventually(() => further.Count(HasEnded) == 176, "the others have been closed");
        foreach (RawClient client in further.Where(static client => !HasEnded(client)).ToArray())
        {
            client.Send($"GET / HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
            Assert.That(client.ReadHead(), Does.StartWith("HTTP/1.1 429 ").And.Contain("\r\nRetry-After: "));
        }

        foreach (RawClient client in further) client.Dispose();
        foreach (RawClient client in open) Echo(client);
        open[0].Dispose();
        TestServer.Eventually(() => server.Server.Count == 19, "one has gone, and those that were told");
        Echoes(server, "127.0.0.1");
        Assert.That(server.Server.TurnedAway[TurnedAwayReason.AddressConnections], Is.EqualTo(176));
        log.WaitFor("128 connections were closed unanswered by rule TooManyFromAddress: ", "127.0.0.1");
        log.WaitFor("answered 429 by rule TooManyFromAddress");
        foreach (RawClient client in open) client.Dispose();
        server.HoldsNothing();
    }

    [TestCaseSource(nameof(Setups))]
    public async Task Handshakes_AreRefused_UntilTheBucketHasRoom(Setup setup)
    {
        await using TestServer server = await TestServer.Start(setup, new EchoApplication(),
            options => options with { HandshakeRate = new(1, 3), OverRate = OverRate.Close, TimeProvider = _time });
        for (int i = 0; i < 3; i++) Echoes(server, "127.0.0.1");
        Assert.That(Answer(server, "127.0.0.1"), Does.StartWith("HTTP/1.1 429 ").And.Contain("opens connections faster than it may"));
        Echoes(server, "127.0.0.2");
        server.Pass(_time, 1.1);
        Echoes(server, "127.0.0.1");
        Assert.That(Answer(server, "127.0.0.1"), Does.StartWith("HTTP/1.1 429 "));
    }

    // Without layers: over one that speaks first, it would be the layer that waits.
    [TestCaseSource(typeof(Setup), nameof(Setup.Programs))]
    public async Task Handshakes_Wait_UntilTheBucketHasRoom(Setup setup)
    {
        await using TestServer server = await TestServer.Start(
            setup, new EchoApplication(), options => options with { HandshakeRate = new(1, 1), TimeProvider = _time });
        Echoes(server, "127.0.0.1");
        TestServer.Eventually(() => server.Server.Count == 0, "those before have gone");
        using RawClient waits = RawClient.Connect(server.Port);
        waits.Send($"GET / HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
        TestServer.Eventually(() => server.Server.Count == 1, "it is there");
        server.Pass(_time, 0.5);
        Assert.That(waits.Socket.Available, Is.Zero);
        server.Pass(_time, 0.6);
        Assert.That(waits.ReadHead(), Does.StartWith("HTTP/1.1 101 "));
        Echo(waits);
    }

    // A handshake waits for half of its time at most: for half of the time that holds now.
    [Test]
    public async Task Handshakes_WaitAsLongAsTheTimeThatIsSetNow()
    {
        await using TestServer server = await TestServer.Start(Setups[0], new EchoApplication(), options => options with
        {
            HandshakeRate = new(1, 1),
            HandshakeTimeout = TimeSpan.FromSeconds(1),
            TimeProvider = _time,
        });
        Echoes(server, "127.0.0.1");
        Assert.That(Answer(server, "127.0.0.1"), Does.StartWith("HTTP/1.1 429 "), "1 s is more than half of it");
        server.Server.Change(server.Server.Options with { HandshakeTimeout = TimeSpan.FromSeconds(10) });
        TestServer.Eventually(() => server.Server.Count == 0, "those before have gone");
        using RawClient waits = RawClient.Connect(server.Port);
        waits.Send($"GET / HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
        TestServer.Eventually(() => server.Server.Count == 1, "it is there");
        server.Pass(_time, 0.5);
        Assert.That(waits.Socket.Available, Is.Zero);
        server.Pass(_time, 0.6);
        Assert.That(waits.ReadHead(), Does.StartWith("HTTP/1.1 101 "));
        server.Server.Change(server.Server.Options with { HandshakeTimeout = TimeSpan.FromSeconds(1) });
        Assert.That(Answer(server, "127.0.0.1"), Does.StartWith("HTTP/1.1 429 "));
    }

    [TestCaseSource(nameof(Setups))]
    public async Task AUid_HasSoManyConnections(Setup setup)
    {
        await using TestServer server = await TestServer.Start(setup, new RouterApplication(Introduce.FirstMessage, DuplicateUid.Share),
            static options => options with { ConnectionsPerUidMax = 2 });
        using RawClient one = RawClient.Open(server.Port, "/?uid=alice"), two = RawClient.Open(server.Port);
        two.SendText("alice:I too");
        Assert.That((one.ReadText(), two.ReadText()), Is.EqualTo(("I too", "I too")));
        using RawClient three = RawClient.Connect(server.Port), four = RawClient.Open(server.Port);
        three.Send($"GET /?uid=alice HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
        Assert.That(three.ReadHead(), Does.StartWith("HTTP/1.1 429 "));
        four.SendText("alice:and I");
        Assert.That(four.ReadText(), Is.EqualTo("error:rejected:alice"));
        two.Dispose();
        TestServer.Eventually(() => server.Server.Directory.Find("alice").Count(static holder => holder.IsOpen) == 1, "one has gone");
        using RawClient five = RawClient.Open(server.Port, "/?uid=alice");
        five.SendText("alice:hello");
        Assert.That(five.ReadText(), Is.EqualTo("hello"));
    }

    [Test]
    public async Task ToAll_MayBeForbidden()
    {
        await using TestServer server = await TestServer.Start(
            Setup.All[0], new RouterApplication(Introduce.Query, DuplicateUid.Share) { ClientsBroadcast = false });
        using RawClient alice = RawClient.Open(server.Port, "/?uid=alice"), bob = RawClient.Open(server.Port, "/?uid=bob");
        alice.SendText("all:hello");
        Assert.That(alice.ReadText(), Is.EqualTo("error:forbidden:all"));
        alice.SendText("bob:hello");
        Assert.That(bob.ReadText(), Is.EqualTo("hello"), "and nothing before");
    }

    [Test]
    public async Task ToAll_OfTheRouter_IsLimited()
    {
        await using TestServer server = await TestServer.Start(Setup.All[0], new RouterApplication(Introduce.Query, DuplicateUid.Share),
            options => options with { BroadcastRate = new(1, 2), OverRate = OverRate.Close, TimeProvider = _time });
        using RawClient alice = RawClient.Open(server.Port), bob = RawClient.Open(server.Port, "/?uid=bob");
        foreach (string text in (string[])["all:1", "bob:2", "bob:3", "all:4", "all:5"]) alice.SendText(text);
        Assert.That((string[])[bob.ReadText(), bob.ReadText(), bob.ReadText(), bob.ReadText()], Is.EquivalentTo(["1", "2", "3", "4"]));
        Assert.That(alice.ReadClose(answer: true), Is.EqualTo(((ushort?)4002, "too many messages to all")));
    }

    private static string Answer(TestServer server, string from, string target = "/")
    {
        using RawClient client = RawClient.Connect(server.Port, from: from);
        client.Send($"GET {target} HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
        return client.ReadToEnd();
    }

    private static void Echoes(TestServer server, string from)
    {
        using RawClient client = RawClient.Open(server.Port, from: from);
        Echo(client);
    }

    private static void Echo(RawClient client)
    {
        client.SendText("here");
        Assert.That(client.ReadText(), Is.EqualTo("here"));
    }

    private static bool HasEnded(RawClient client) => client.Socket.Poll(0, System.Net.Sockets.SelectMode.SelectRead);
}
