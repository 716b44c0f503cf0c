// Connections and uids through the admin port: pages that miss nobody, filters, a report so far, and ends.

using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Tests.Support;

namespace RawWs.Tests.Admin;

[TestFixtureSource(nameof(Setups))]
public sealed class AdminConnectionsTests(Setup setup)
{
    // One of each transport.
    private static IEnumerable<Setup> Setups => Setup.All.Where(static setup => !setup.Layered).DistinctBy(static setup => setup.Transport);

    [Test]
    public async Task Pages_HaveEverybodyOnce()
    {
        await using AdminRoom room = await Open();
        for (int i = 0; i < 25; i++) room.Enter($"u{i % 5}");
        List<long> ids = [];
        string next = "";
        do
        {
            JsonElement page = await room.Get($"/v1/connections?limit=10{next}");
            Assert.That(page.GetProperty("total").GetInt32(), Is.EqualTo(25));
            ids.AddRange(page.GetProperty("connections").EnumerateArray().Select(static one => one.GetProperty("id").GetInt64()));
            next = page.TryGetProperty("next", out JsonElement after) ? $"&after={after}" : "";
        }
        while (next.Length > 0);
        Assert.That(ids, Is.EqualTo(room.Server.Directory.GetConnections().Select(static one => one.Id).Order()));
    }

    [Test]
    public async Task Filters_HoldTogether()
    {
        FakeTimeProvider time = new();
        await using AdminRoom room = await Open(options => options with { TimeProvider = time });
        room.Enter("alice");
        time.Advance(TimeSpan.FromSeconds(90));
        room.Enter("alice");
        room.Enter("bob");
        foreach ((string query, int expected) in ((string, int)[])[
            ("", 3), ("?uid=alice", 2), ("?uid=nobody", 0), ("?address=127.0.0.1", 3), ("?address=::ffff:127.0.0.1", 3),
            ("?address=127.0.0.2", 0), ("?minAge=60", 1), ("?maxAge=60", 2), ("?uid=alice&maxAge=60", 1), ("?minQueued=1", 0)])
        {
            JsonElement page = await room.Get("/v1/connections" + query);
            Assert.That(page.GetProperty("total").GetInt32(), Is.EqualTo(expected), query);
            Assert.That(page.GetProperty("connections").GetArrayLength(), Is.EqualTo(expected), query);
        }
    }

    [Test]
    public async Task WhatWaits_IsAFilter()
    {
        await using AdminRoom room = await Open();
        room.Enter("alice");
        room.Enter("slow", receiveBuffer: 4096);
        WebSocketConnection slow = room.Server.Directory.Find("slow")[0];
        TestServer.Eventually(
            () => slow.TrySend(MessageKind.Binary, new byte[100_000]) == SendResult.Full && slow.IsStalled && slow.QueuedBytes > 500_000,
            "the kernel takes no more");
        JsonElement page = await room.Get("/v1/connections?minQueued=50000");
        JsonElement found = page.GetProperty("connections").EnumerateArray().Single();
        Assert.That(found.GetProperty("uid").GetString(), Is.EqualTo("slow"));
        Assert.That(found.GetProperty("queuedBytes").GetInt64(), Is.GreaterThanOrEqualTo(50_000));
    }

    [Test]
    public async Task OneConnection_HasItsReportSoFar()
    {
        await using AdminRoom room = await Open();
        RawClient alice = room.Enter("alice");
        alice.SendText("alice:hello");
        Assert.That(alice.ReadText(), Is.EqualTo("hello"));
        alice.Send(Opcode.Ping, "p"u8);
        alice.ReadFrame();
        long id = room.Server.Directory.Find("alice")[0].Id;
        JsonElement one = await room.Get($"/v1/connections/{id}");
        IPEndPoint own = (IPEndPoint)alice.Socket.LocalEndPoint!;
        Assert.That((one.GetProperty("id").GetInt64(), one.GetProperty("uid").GetString(), one.GetProperty("address").GetString(),
            one.GetProperty("port").GetInt32()), Is.EqualTo((id, "alice", "127.0.0.1", own.Port)));
        JsonElement report = one.GetProperty("report");
        Assert.That((report.GetProperty("messagesIn").GetInt64(), report.GetProperty("messagesOut").GetInt64()), Is.EqualTo((1, 1)));
        Assert.That(report.GetProperty("bytesIn").GetInt64(), Is.GreaterThan(150));
        Assert.That(report.GetProperty("framesIn").GetRawText(), Does.Contain("\"text\":1").And.Contain("\"continuation\":0"));
        Assert.That(report.GetProperty("framesOut").GetProperty("text").GetInt64(), Is.EqualTo(1));
        Assert.That(report.GetProperty("bytesOut").GetInt64(), Is.GreaterThan(100));
        Assert.That(report.GetProperty("idleSeconds").GetDouble(), Is.GreaterThanOrEqualTo(0));
        if (OperatingSystem.IsLinux())
            Assert.That(report.GetProperty("roundTripMilliseconds").GetDouble(), Is.GreaterThan(0).And.LessThan(10_000));
    }

    [Test]
    public async Task AConnectionIsClosed_WithCodeAndReason()
    {
        await using AdminRoom room = await Open();
        RawClient alice = room.Enter("alice");
        long id = room.Server.Directory.Find("alice")[0].Id;
        JsonElement answer = await room.Delete($"/v1/connections/{id}?code=4100&reason=see%20you");
        Assert.That(answer.GetProperty("closed").GetInt32(), Is.EqualTo(1));
        Assert.That(alice.ReadClose(answer: true), Is.EqualTo(((ushort?)4100, "see you")));
        TestServer.Eventually(() => room.Server.Count == 0, "it has ended");
        await room.Delete($"/v1/connections/{id}", HttpStatusCode.NotFound);
        await room.Get($"/v1/connections/{id}", HttpStatusCode.NotFound);
    }

    [Test]
    public async Task AUid_IsSeen_AndClosed()
    {
        await using AdminRoom room = await Open();
        RawClient[] alice = [room.Enter("a/l%ice"), room.Enter("a/l%ice")];
        JsonElement uid = await room.Get("/v1/uids/a%2Fl%25ice");
        Assert.That(uid.GetRawText(), Is.EqualTo("""{"uid":"a/l%ice","online":true,"connections":2}"""));
        Assert.That((await room.Delete("/v1/uids/a%2Fl%25ice?code=4100")).GetProperty("closed").GetInt32(), Is.EqualTo(2));
        foreach (RawClient client in alice) Assert.That(client.ReadClose(answer: true).Code, Is.EqualTo(4100));
        uid = await room.Get("/v1/uids/a%2Fl%25ice");
        Assert.That(uid.GetRawText(), Is.EqualTo("""{"uid":"a/l%ice","online":false,"connections":0}"""));
        Assert.That((await room.Delete("/v1/uids/nobody")).GetProperty("closed").GetInt32(), Is.Zero);
    }

    [Test]
    public async Task Uids_HavePages_AndAPrefix()
    {
        await using AdminRoom room = await Open();
        for (int i = 0; i < 12; i++) room.Enter($"u{i:00}");
        room.Enter("other");
        room.Enter();
        JsonElement page = await room.Get("/v1/uids?prefix=u&limit=10");
        Assert.That((page.GetProperty("total").GetInt32(), page.GetProperty("next").GetString()), Is.EqualTo((12, "u09")));
        page = await room.Get("/v1/uids?prefix=u&limit=10&after=u09");
        Assert.That(page.GetProperty("uids").EnumerateArray().Select(static one => one.GetProperty("uid").GetString()),
            Is.EqualTo((string[])["u10", "u11"]));
        Assert.That(page.TryGetProperty("next", out _), Is.False);
    }

    [TestCase("/v1/connections?limit=0", "limit")]
    [TestCase("/v1/connections?limit=1001", "limit")]
    [TestCase("/v1/connections?limit=1&limit=2", "limit")]
    [TestCase("/v1/connections?adress=127.0.0.1", "adress")]
    [TestCase("/v1/connections?address=home", "address")]
    [TestCase("/v1/connections?minAge=-1", "minAge")]
    [TestCase("/v1/connections?uid=", "uid")]
    [TestCase("/v1/connections?after=x", "after")]
    [TestCase("/v1/connections/x", "id")]
    [TestCase("/v1/connections/1?what=1", "what")]
    [TestCase("/v1/uids?after=", "after")]
    [TestCase("/v1/server?x=1", "x")]
    public async Task WhatIsWrong_IsNamed(string path, string field)
    {
        await using AdminRoom room = await Open();
        JsonElement problem = await room.Get(path, HttpStatusCode.BadRequest);
        Assert.That(problem.GetProperty("field").GetString(), Is.EqualTo(field));
    }

    [TestCase("code=1005", "code")]
    [TestCase("code=1010", "code")]
    [TestCase("code=70000", "code")]
    [TestCase("reason=%E6%97%A0TOO_LONG", "reason")]
    [TestCase("cod=1000", "cod")]
    public async Task ACloseThatMayNotBeSent_IsNamed_AndClosesNobody(string query, string field)
    {
        await using AdminRoom room = await Open();
        query = query.Replace("TOO_LONG", new string('x', 121), StringComparison.Ordinal);
        room.Enter("alice");
        long id = room.Server.Directory.Find("alice")[0].Id;
        foreach (string path in (string[])[$"/v1/connections/{id}", "/v1/uids/alice"])
        {
            JsonElement problem = await room.Delete($"{path}?{query}", HttpStatusCode.BadRequest);
            Assert.That(problem.GetProperty("field").GetString(), Is.EqualTo(field));
        }

        Assert.That(room.Server.Directory.Count, Is.EqualTo(1));
    }

    [Test]
    public async Task TheServer_SaysWhatItDoes()
    {
        await using AdminRoom room = await Open();
        room.Enter("alice");
        JsonElement server = await room.Get("/v1/server");
        Assert.That((server.GetProperty("state").GetString(), server.GetProperty("connections").GetInt32(),
            server.GetProperty("open").GetInt32(), server.GetProperty("uids").GetInt32()), Is.EqualTo(("ready", 1, 1, 1)));
        Assert.That(server.GetProperty("addresses")[0].GetString(), Is.EqualTo(room.Server.EndPoints[0].ToString()));
        await room.Get("/v1/nothing", HttpStatusCode.NotFound);
    }

    private Task<AdminRoom> Open(Func<ServerOptions, ServerOptions>? change = null) => AdminRoom.Open(change, setup);
}
