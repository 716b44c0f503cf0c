// GET /v1/trace: what is told of a connection is what it did, without payload unless that is asked for; other connections notice nothing; a
// reader that does not read loses events and hears of it; there are so many traces and no more.

using System.Net;
using System.Text.Json;
using RawWs.Frame;
using RawWs.Tests.Support;

namespace RawWs.Tests.Admin;

public sealed class TraceTests
{
    [TestCase("uid=alice", false)]
    [TestCase("uid=alice&payload=1", true)]
    [TestCase("address=127.0.0.1", false)]
    [TestCase("id=1&payload=1", true)]
    public async Task AConnectionIsTold_FrameByFrame(string query, bool withPayload)
    {
        await using AdminRoom room = await AdminRoom.Open();
        RawClient alice = room.Enter("alice");
        room.Enter("bob");
        using Trace trace = await Trace.Open(room, query);
        alice.SendText("alice:geheim");
        Assert.That(alice.ReadText(), Is.EqualTo("geheim"));
        alice.Send(Opcode.Close, [3, 232]);
        alice.ReadClose();
        alice.Dispose();
        List<JsonElement> events = await trace.ReadTo("Ended", connection: 1);
        JsonElement[] received =
            [.. events.Where(static one => Kind(one) == "FrameReceived").Select(static one => one.GetProperty("frame"))];
        Assert.That(received.Select(static frame => frame.GetProperty("opcode").GetString()), Is.EqualTo(["Text", "Close"]));
        Assert.That((received[0].GetProperty("payloadLength").GetInt32(), received[0].GetProperty("masked").GetBoolean(),
            received[0].GetProperty("fin").GetBoolean()), Is.EqualTo((12, true, true)));
        Assert.That(events.Count(static one => Kind(one) == "FrameSent"), Is.EqualTo(2));
        Assert.That(events[^1].GetProperty("report").GetString(), Does.Contain("PeerClosed"));
        byte[] sent = [.. events.Where(static one => Kind(one) == "Sent")
            .SelectMany(static one => one.GetProperty("bytes").GetBytesFromBase64())];
        Assert.That(sent, withPayload ? Is.EqualTo((byte[])[0x81, 6, .. "geheim"u8, 0x88, 2, 3, 232]) : Is.Empty);
        if (!withPayload) Assert.That(trace.Text, Does.Not.Contain("\"bytes\"").And.Not.Contain("maskingKey"));
    }

    [TestCase("", "uid")]
    [TestCase("payload=1", "uid")]
    [TestCase("uid=alice&payload=yes", "payload")]
    [TestCase("id=0", "id")]
    [TestCase("address=x", "address")]
    [TestCase("path=/", "path")]
    public async Task WhatIsWrong_IsNamed(string query, string field)
    {
        await using AdminRoom room = await AdminRoom.Open();
        JsonElement problem = await room.Get("/v1/trace?" + query, HttpStatusCode.BadRequest);
        Assert.That(problem.GetProperty("field").GetString(), Is.EqualTo(field));
    }

    [Test]
    public async Task SoManyTraces_AndNoMore_UntilOneEnds()
    {
        await using AdminRoom room = await AdminRoom.Open();
        Trace[] traces = new Trace[8];
        for (int i = 0; i < traces.Length; i++) traces[i] = await Trace.Open(room, "uid=alice");
        await room.Get("/v1/trace?uid=alice", HttpStatusCode.ServiceUnavailable);
        traces[0].Dispose();
        using CancellationTokenSource patience = new(TestServer.Patience);
        while (true)
        {
            using HttpRequestMessage request = new(HttpMethod.Get, "/v1/trace?uid=alice");
            using HttpResponseMessage response =
                await room.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
            if (response.StatusCode == HttpStatusCode.OK) break;
        }

        foreach (Trace trace in traces) trace.Dispose();
    }

    // Nobody reads: the queue is full, and everybody is served all the same.
    [Test]
    public async Task AReaderThatDoesNotRead_HoldsUpNobody_AndHearsOfItsLoss()
    {
        await using AdminRoom room = await AdminRoom.Open();
        RawClient alice = room.Enter("alice");
        using Trace trace = await Trace.Open(room, "uid=alice&payload=1");
        string body = new('x', 60_000);
        for (int i = 0; i < 400; i++)
        {
            alice.SendText("alice:" + body);
            Assert.That(alice.ReadText(), Has.Length.EqualTo(body.Length));
        }

        alice.Dispose();
        Assert.That(Kind((await trace.ReadTo("Lost"))[^1]), Is.EqualTo("Lost"));
    }

    [Test]
    public async Task TheEndOfTheServer_EndsTheTrace()
    {
        await using AdminRoom room = await AdminRoom.Open();
        using Trace trace = await Trace.Open(room, "uid=alice");
        await room.Server.StopAsync(TimeSpan.Zero);
        Assert.That(await trace.ReadAll(), Is.Empty);
    }

    private static string Kind(JsonElement told) => told.GetProperty("kind").GetString()!;

    /// <summary>A trace that is read like any stream of server-sent events.</summary>
    private sealed class Trace : IDisposable
    {
        private readonly HttpResponseMessage _response;
        private readonly StreamReader _reader;

        private Trace(HttpResponseMessage response, Stream stream) => (_response, _reader) = (response, new StreamReader(stream));

        public string Text { get; private set; } = "";

        public static async Task<Trace> Open(AdminRoom room, string query)
        {
            using HttpRequestMessage request = new(HttpMethod.Get, "/v1/trace?" + query);
            HttpResponseMessage response = await room.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            Assert.That((response.StatusCode, response.Content.Headers.ContentType?.MediaType),
                Is.EqualTo((HttpStatusCode.OK, "text/event-stream")));
            Trace trace = new(response, await response.Content.ReadAsStreamAsync());
            Assert.That(await trace.Line(), Is.EqualTo(": observing"));
            return trace;
        }

        /// <summary>The events up to the first of a kind, of one connection or of all.</summary>
        public async Task<List<JsonElement>> ReadTo(string kind, long? connection = null)
        {
            List<JsonElement> events = [];
            while (await Next() is { } told)
            {
                if (connection is not null && told.GetProperty("connection").GetInt64() != connection) continue;
                events.Add(told);
                if (Kind(told) == kind) return events;
            }

            throw new AssertionException($"The trace ended without {kind}.");
        }

        public async Task<List<JsonElement>> ReadAll()
        {
            List<JsonElement> events = [];
            while (await Next() is { } told) events.Add(told);
            return events;
        }

        public void Dispose()
        {
            _reader.Dispose();
            _response.Dispose();
        }

        private async Task<JsonElement?> Next()
        {
            while (await Line() is { } line)
            {
                if (!line.StartsWith("data: ", StringComparison.Ordinal)) continue;
                if (Text.Length < 100_000) Text += line;
                return JsonDocument.Parse(line[6..]).RootElement;
            }

            return null;
        }

        private async Task<string?> Line()
        {
            using CancellationTokenSource patience = new(TestServer.Patience);
            return await _reader.ReadLineAsync(patience.Token);
        }
    }
}
