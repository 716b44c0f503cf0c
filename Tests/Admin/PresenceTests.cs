// GET /v1/presence on one server: who is there, then who comes and goes; there are so many readers and no more.

using System.Net;
using System.Text.Json;
using RawWs.Frame;
using RawWs.Tests.Support;

namespace RawWs.Tests.Admin;

public sealed class PresenceTests
{
    [Test]
    public async Task WhoIsThere_ThenWhoComesAndGoes()
    {
        await using AdminRoom room = await AdminRoom.Open();
        room.Enter("alice");
        TestServer.Eventually(() => room.Server.Directory.UidCount == 1, "alice is there");
        using EventStream all = await EventStream.Open(room.Http, "/v1/presence"),
            named = await EventStream.Open(room.Http, "/v1/presence?uid=b%2Fo%3Db&uid=nobody");
        Assert.That(await all.Next(), Is.EqualTo("""{"kind":"came","uid":"alice"}"""));
        foreach (EventStream stream in (EventStream[])[all, named]) Assert.That(await stream.Next(), Is.EqualTo("""{"kind":"whole"}"""));
        RawClient bob = room.Enter("b/o=b"), again = room.Enter("b/o=b");
        foreach (EventStream stream in (EventStream[])[all, named])
            Assert.That(await stream.Next(), Is.EqualTo("""{"kind":"came","uid":"b/o=b"}"""));
        foreach (RawClient client in (RawClient[])[bob, again])
        {
            client.Send(Opcode.Close, [3, 232]);
            client.ReadClose();
            client.Dispose();
        }

        foreach (EventStream stream in (EventStream[])[all, named])
            Assert.That(await stream.Next(), Is.EqualTo("""{"kind":"went","uid":"b/o=b"}"""));
    }

    [Test]
    public async Task WhereThereAreTooMany_ItSaysSo_AndEnds()
    {
        await using AdminRoom room = await AdminRoom.Open();
        foreach (string uid in (string[])["ann", "bob"]) room.Enter(uid);
        TestServer.Eventually(() => room.Server.Directory.UidCount == 2, "two are there");
        using EventStream stream = await EventStream.Open(room.Http, "/v1/presence?most=1");
        Assert.That(await stream.Next(), Does.StartWith("""{"kind":"came","uid":"""));
        Assert.That(await stream.Next(), Is.EqualTo("""{"kind":"tooMany"}"""));
        Assert.That(await stream.Next(), Is.Null);
    }

    [TestCase("uid=", "uid")]
    [TestCase("uid=alice&uid=", "uid")]
    [TestCase("most=0", "most")]
    [TestCase("most=10000001", "most")]
    [TestCase("most=2&most=2", "most")]
    [TestCase("prefix=a", "prefix")]
    public async Task WhatIsWrong_IsNamed(string query, string field)
    {
        await using AdminRoom room = await AdminRoom.Open();
        JsonElement problem = await room.Get("/v1/presence?" + query, HttpStatusCode.BadRequest);
        Assert.That(problem.GetProperty("field").GetString(), Is.EqualTo(field));
    }

    // A request's first line has room for so many of three digits, and not of four.
    [Test]
    public async Task MoreUidsThanMayBeNamed_OrFit_AreRefused()
    {
        await using AdminRoom room = await AdminRoom.Open();
        JsonElement problem = await room.Get("/v1/presence?" + Named(0, 1001), HttpStatusCode.BadRequest);
        Assert.That(problem.GetProperty("detail").GetString(), Does.StartWith("uid: Uids: 1 to 1000 uids"));
        using HttpResponseMessage response = await room.Http.GetAsync(new Uri("/v1/presence?" + Named(1000, 1000), UriKind.Relative));
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.RequestUriTooLong));

        static string Named(int first, int count) => string.Join('&', Enumerable.Range(first, count).Select(static i => $"uid={i}"));
    }

    [Test]
    public async Task SoManyReaders_AndNoMore_UntilOneEnds()
    {
        await using AdminRoom room = await AdminRoom.Open();
        EventStream[] streams = new EventStream[16];
        for (int i = 0; i < streams.Length; i++) streams[i] = await EventStream.Open(room.Http, "/v1/presence");
        await room.Get("/v1/presence", HttpStatusCode.ServiceUnavailable);
        streams[0].Dispose();
        using CancellationTokenSource patience = new(TestServer.Patience);
        while (true)
        {
            using HttpRequestMessage request = new(HttpMethod.Get, "/v1/presence");
            using HttpResponseMessage response =
                await room.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
            if (response.StatusCode == HttpStatusCode.OK) break;
        }

        foreach (EventStream stream in streams) stream.Dispose();
    }

    [Test]
    public async Task TheEndOfTheServer_EndsTheStream()
    {
        await using AdminRoom room = await AdminRoom.Open();
        using EventStream stream = await EventStream.Open(room.Http, "/v1/presence?uid=alice");
        Assert.That(await stream.Next(), Is.EqualTo("""{"kind":"whole"}"""));
        await room.Server.StopAsync(TimeSpan.Zero);
        Assert.That(await stream.Next(), Is.Null);
    }
}
