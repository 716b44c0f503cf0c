// The Lab's view of the router, tried by a foreign client: who is here, the way of a message, and a reader that is slow. And what it says
// of phases and of the wheel is what the server's own tables say.

using System.Text.Json;
using System.Text.RegularExpressions;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Connections;
using RawWs.Server.Console.Lab;
using RawWs.Server.Time;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed partial class LabRoomTests
{
    [Test]
    public async Task AMessage_IsToldWithItsWay_AndComesAsWithoutTheLab()
    {
        await using TestServer server = await Start();
        await using LabClient lab = await LabClient.Open(server.Port);
        Assert.That(lab.Hello.GetProperty("router").GetBoolean());
        using RawClient alice = RawClient.Open(server.Port, lab.TryPath + "?uid=alice");
        using RawClient bob = RawClient.Open(server.Port, lab.TryPath + "?uid=bob");
        long bobs = await ConnectionOf(lab, "bob");
        alice.SendText("bob:hi: you");
        Assert.That(bob.ReadText(), Is.EqualTo("hi: you"));
        JsonElement way = await lab.Way(1);
        Assert.That((way.GetProperty("uid").GetString(), way.GetProperty("colon").GetInt32()), Is.EqualTo(("alice", 3)));
        Assert.That(way.GetProperty("receivers").EnumerateArray().Select(static id => id.GetInt64()), Is.EqualTo([bobs]));
        Assert.That((way.GetProperty("problem").GetString(), way.GetProperty("others").GetBoolean()), Is.EqualTo(((string?)null, false)));
        alice.SendText("all:everybody");
        Assert.That((alice.ReadText(), bob.ReadText()), Is.EqualTo(("everybody", "everybody")));
        Assert.That((await lab.Way(2)).GetProperty("toAll").GetBoolean());
    }

    [TestCase("nobody:hi", "error:offline:nobody", null)]
    [TestCase("no colon", "error:no-colon:write uid:body", "no-colon")]
    [TestCase("error:x", "error:reserved:error", "reserved")]
    [TestCase("bob:error:x", "error:reserved:a body cannot begin with error: or Network connection timeout!", "reserved")]
    [TestCase(":x", "error:bad-uid:a uid is 1 to 64 bytes of UTF-8 without colon or control character", "bad-uid")]
    public async Task WhatCannotBeDelivered_HasItsReason_AsTheSenderIsTold(string message, string answer, string? problem)
    {
        await using TestServer server = await Start();
        await using LabClient lab = await LabClient.Open(server.Port);
        using RawClient alice = RawClient.Open(server.Port, lab.TryPath + "?uid=alice");
        alice.SendText("ping"); // life, and no way
        alice.SendText(message);
        Assert.That(alice.ReadText(), Is.EqualTo(answer));
        JsonElement way = await lab.Way(1);
        Assert.That(way.GetProperty("problem").GetString(), Is.EqualTo(problem));
        if (problem is null) Assert.That(way.GetProperty("receivers").GetArrayLength(), Is.Zero);
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task OfOthers_NothingIsShown_UnlessAllAre(bool all)
    {
        await using TestServer server = await Start(all ? LabScope.All : LabScope.Own);
        await using LabClient lab = await LabClient.Open(server.Port);
        using RawClient stranger = RawClient.Open(server.Port, "/?uid=bob");
        using RawClient alice = RawClient.Open(server.Port, lab.TryPath + "?uid=alice");
        await ConnectionOf(lab, "alice");
        alice.SendText("bob:hi");
        Assert.That(stranger.ReadText(), Is.EqualTo("hi"), "it is a connection like any other");
        JsonElement way = await lab.Way(1);
        Assert.That(way.GetProperty("receivers").GetArrayLength(), Is.EqualTo(all ? 1 : 0));
        Assert.That(way.GetProperty("others").GetBoolean(), Is.EqualTo(!all));
        IEnumerable<string?> here = (await lab.Ask("\"do\":\"room\"")).GetProperty("room").EnumerateArray()
            .Select(static one => one.GetProperty("uid").GetString());
        Assert.That(here, Is.EquivalentTo(all ? ["alice", "bob"] : new[] { "alice" }));
        if (!all) Assert.That(lab.Events.Select(static told => told.ToString()), Has.None.Contains("\"bob\""));
    }

    [Test]
    public async Task TheProgramDecides_WhoGetsAUid()
    {
        await using TestServer server = await Start(duplicates: DuplicateUid.Reject);
        await using LabClient lab = await LabClient.Open(server.Port);
        using RawClient first = RawClient.Open(server.Port, lab.TryPath + "?uid=alice");
        using RawClient second = RawClient.Connect(server.Port);
        second.Send($"GET {lab.TryPath}?uid=alice HTTP/1.1\r\n" + RawClient.Upgrade + "\r\n");
        Assert.That(second.ReadHead(), Does.StartWith("HTTP/1.1 409"));
    }

    [Test]
    public async Task AReaderThatIsSlow_HasAQueue_WhichEmptiesWhenItReads()
    {
        await using TestServer server = await Start();
        await using LabClient lab = await LabClient.Open(server.Port);
        using RawClient alice = RawClient.Open(server.Port, lab.TryPath + "?uid=alice");
        await lab.Ask("\"do\":\"slow\",\"name\":\"slow\",\"rate\":0");
        long slow = await ConnectionOf(lab, "slow");
        for (int i = 0; i < 20; i++) alice.SendText("slow:" + new string('x', 10_000));
        await lab.Event(told => Kind(told) == "queue" && Number(told, "connection") == slow && Number(told, "queued") > 50_000);
        await lab.Ask($"\"do\":\"slow\",\"name\":\"slow\",\"rate\":{LabSlowReader.RateMax}");
        await lab.Event(told => Kind(told) == "queue" && Number(told, "connection") == slow && Number(told, "queued") == 0);
        alice.SendText("alice:still here");
        Assert.That(alice.ReadText(), Is.EqualTo("still here"), "nothing was too slow");
        JsonElement wrong = await lab.Ask("\"do\":\"slow\",\"name\":\"slow\",\"rate\":-1");
        Assert.That(wrong.GetProperty("error").GetString(), Does.StartWith("rate: 0 to"));
    }

    // The first two cannot be a uid, somebody else has the third, and a watcher has one such reader.
    [TestCase("a:b", "name: a uid is 1 to 64 bytes")]
    [TestCase("all", "name: this uid is reserved")]
    [TestCase("taken", "name: the server refuses it with 409")]
    [TestCase("another", "name: the reader is slow")]
    public async Task ASlowReader_OfANameThatCannotBe_IsAnError(string name, string problem)
    {
        await using TestServer server = await Start(duplicates: DuplicateUid.Reject);
        await using LabClient lab = await LabClient.Open(server.Port);
        using RawClient holder = RawClient.Open(server.Port, "/?uid=taken");
        if (name == "another") await lab.Ask("\"do\":\"slow\",\"name\":\"slow\",\"rate\":0");
        JsonElement answer = await lab.Ask($"\"do\":\"slow\",\"name\":\"{name}\",\"rate\":0");
        Assert.That(answer.TryGetProperty("error", out JsonElement error), answer.ToString());
        Assert.That(error.GetString(), Does.StartWith(problem));
        Assert.That((await lab.Ask("\"do\":\"slow\",\"name\":\"slow\",\"rate\":1")).TryGetProperty("error", out _), Is.False);
    }

    [Test]
    public async Task WhenTheWatcherGoes_TheSlowReaderGoesToo()
    {
        await using TestServer server = await Start();
        LabClient lab = await LabClient.Open(server.Port);
        await lab.Ask("\"do\":\"slow\",\"name\":\"slow\",\"rate\":0");
        await ConnectionOf(lab, "slow");
        await lab.DisposeAsync();
        server.HoldsNothing();
    }

    [Test]
    public async Task AServerThatEchoes_HasNoRouter()
    {
        await using TestServer server = await TestServer.Start(
            Setup.All[0], new LabApplication(new EchoApplication(), LabScope.Own, hasRouter: false));
        await using LabClient lab = await LabClient.Open(server.Port);
        Assert.That(lab.Hello.GetProperty("router").GetBoolean(), Is.False);
    }

    [Test]
    public async Task ThePhases_AreThoseOfTheTable()
    {
        await using TestServer server = await Start();
        await using LabClient lab = await LabClient.Open(server.Port);
        JsonElement[] told = [.. (await lab.Ask("\"do\":\"phases\"")).GetProperty("phases").EnumerateArray()];
        int changes = 0;
        foreach (Phase phase in Enum.GetValues<Phase>())
            foreach (PhaseEvent happened in Enum.GetValues<PhaseEvent>())
                if (PhaseTable.After(phase, happened) != new PhaseStep(phase)) changes++;
        Assert.That(told, Has.Length.EqualTo(changes));
        JsonElement closing = told.Single(static cell =>
            cell.GetProperty("phase").GetString() == "open" && cell.GetProperty("event").GetString() == "closes");
        Assert.That((closing.GetProperty("next").GetString(), closing.GetProperty("sends").GetString()), Is.EqualTo(("closing", "close")));
        string words = Repository.Read("Server", "Console", "Lab", "Page", "words.js");
        foreach (string member in new[] { "phase", "event", "next", "sends", "tcp" })
            foreach (string name in told.Select(cell => cell.GetProperty(member).GetString()!).Distinct())
                Assert.That(words, Does.Match($@"\b{name}: '"), $"{member} {name} has words");
    }

    // Where the timer lies follows from its tick: the page has the wheel's own numbers.
    [Test]
    public async Task TheTimer_IsToldWithItsTick()
    {
        await using TestServer server = await Start();
        await using LabClient lab = await LabClient.Open(server.Port);
        using RawClient client = RawClient.Open(server.Port, lab.TryPath);
        JsonElement armed = await lab.Event(static told => Kind(told) == "begun"); // it was armed for the handshake, before
        Assert.That(armed.GetProperty("deadline").GetString(), Is.EqualTo("handshake"));
        long connection = Number(armed, "connection");
        await lab.Event(static told => Kind(told) == "opened");
        ITimerEntry entry = server.Server.Directory.Find(connection)!;
        Assert.That(Number(armed, "tick"), Is.EqualTo(entry.Link.DueTick));
        string page = Repository.Read("Server", "Console", "Lab", "Page", "inside.js");
        Assert.That(page, Does.Contain($"tickMilliseconds = {TimerWheel.TickMilliseconds}"));
        Assert.That(page, Does.Contain("slots = 64, slotBits = 6"));
    }

    [Test]
    public void EachFile_ThatThePageNames_IsThere()
    {
        string words = Repository.Read("Server", "Console", "Lab", "Page", "words.js");
        string[] named = [.. Source().Matches(words).Select(static one => one.Value)];
        Assert.That(named, Is.Not.Empty);
        foreach (string name in named)
        {
            string[] place = name.Split('#');
            Assert.That(place, Has.Length.EqualTo(2), $"{name} has a method");
            Assert.That(Repository.Read(place[0].Split('/')), Does.Match($@"\b{place[1]}\("), name);
        }
    }

    [GeneratedRegex(@"\b[A-Z]\w+/[\w./]+\.cs\b(#\w+)?")]
    private static partial Regex Source();

    private static string Kind(JsonElement told) => told.GetProperty("kind").GetString()!;

    private static long Number(JsonElement told, string member) => told.GetProperty(member).GetInt64();

    private static async Task<long> ConnectionOf(LabClient lab, string uid) => Number(
        await lab.Event(told => Kind(told) == "opened" && told.GetProperty("uid").GetString() == uid), "connection");

    private static Task<TestServer> Start(LabScope scope = LabScope.Own, DuplicateUid duplicates = DuplicateUid.Share) =>
        TestServer.Start(Setup.All[0],
            new LabApplication(new RouterApplication(Introduce.FirstMessage, duplicates), scope, hasRouter: true));
}
