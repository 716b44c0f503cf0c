// POST /v1/send and /v1/send/batch, as a back-end uses them: what arrives, what is counted, and what is refused, with field and rule.

using System.Net;
using System.Text;
using System.Text.Json;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Tests.Support;

namespace RawWs.Tests.Admin;

public sealed class AdminSendTests
{
    [Test]
    public async Task ToAUid_ArrivesAtEachOfItsConnections_AndIsCounted()
    {
        await using AdminRoom room = await AdminRoom.Open();
        RawClient[] alice = [room.Enter("alice"), room.Enter("alice")];
        RawClient bob = room.Enter("bob");
        JsonElement answer = await room.Post("/v1/send", """{"uid":"alice","text":"héllo"}""");
        Assert.That(answer.GetRawText(), Is.EqualTo("""{"delivered":2,"tooSlow":0,"offline":[]}"""));
        foreach (RawClient client in alice) Assert.That(client.ReadText(), Is.EqualTo("héllo"));
        await room.Post("/v1/send", """{"uid":"bob","text":"after"}""");
        Assert.That(bob.ReadText(), Is.EqualTo("after"), "bob had nothing before");
    }

    [Test]
    public async Task ToSeveral_SaysWhoIsOffline_AndSendsOnceToEach()
    {
        await using AdminRoom room = await AdminRoom.Open();
        RawClient alice = room.Enter("alice"), bob = room.Enter("bob");
        JsonElement answer = await room.Post("/v1/send", """{"uids":["alice","nobody","bob","alice","无"],"text":"hi"}""");
        Assert.That(answer.GetProperty("delivered").GetInt32(), Is.EqualTo(2));
        Assert.That(answer.GetProperty("offline").EnumerateArray().Select(static uid => uid.GetString()),
            Is.EquivalentTo(["nobody", "无"]));
        await room.Post("/v1/send", """{"all":true,"text":"end"}""");
        foreach (RawClient client in (RawClient[])[alice, bob])
            Assert.That((client.ReadText(), client.ReadText()), Is.EqualTo(("hi", "end")));
    }

    [Test]
    public async Task ToEverybody_ExceptSome([Values(1, 5000)] int length)
    {
        await using AdminRoom room = await AdminRoom.Open();
        RawClient alice = room.Enter("alice"), bob = room.Enter("bob"), unnamed = room.Enter();
        string text = new('x', length);
        JsonElement answer = await room.Post("/v1/send", $$"""{"all":true,"except":["bob","carol"],"text":"{{text}}"}""");
        Assert.That(answer.GetProperty("delivered").GetInt32(), Is.EqualTo(2));
        await room.Post("/v1/send", """{"all":true,"text":"end"}""");
        Assert.That(bob.ReadText(), Is.EqualTo("end"));
        foreach (RawClient client in (RawClient[])[alice, unnamed])
            Assert.That((client.ReadText(), client.ReadText()), Is.EqualTo((text, "end")));
    }

    // What is there, and is asked for in another way, is not said to be missing.
    [TestCase("GET", "/v1/send", null, 405, "/v1/send takes POST, not GET.")]
    [TestCase("PUT", "/v1/connections/1", "text/plain", 405, "/v1/connections/1 takes DELETE, GET, not PUT.")]
    [TestCase("POST", "/readyz", "text/plain", 405, "/readyz takes GET, HEAD, not POST.")]
    [TestCase("POST", "/v1/send", "text/plain", 415, "/v1/send takes Content-Type: application/json, not text/plain.")]
    [TestCase("POST", "/v1/send/batch", "json", 415, "/v1/send/batch takes Content-Type: application/json, not json.")]
    [TestCase("POST", "/v1/send", null, 415, "/v1/send takes Content-Type: application/json, and there is none.")]
    [TestCase("GET", "/v1/nothing", null, 404, "GET /v1/nothing is not there.")]
    public async Task WhatIsAskedForInAnotherWay_IsToldWhichWayItTakes(
        string method, string path, string? type, int status, string detail)
    {
        await using AdminRoom room = await AdminRoom.Open();
        using HttpRequestMessage request = new(new HttpMethod(method), path);
        if (type is not null || method == "POST") request.Content = new ByteArrayContent("{}"u8.ToArray());
        if (type is not null) request.Content!.Headers.TryAddWithoutValidation("Content-Type", type);
        using HttpResponseMessage response = await room.Http.SendAsync(request);
        string text = await response.Content.ReadAsStringAsync();
        Assert.That(response.Content.Headers.ContentType?.MediaType, Is.EqualTo("application/problem+json"), text);
        using JsonDocument problem = JsonDocument.Parse(text);
        Assert.That(((int)response.StatusCode, problem.RootElement.GetProperty("detail").GetString()), Is.EqualTo((status, detail)));
        if (status == 405)
            Assert.That(response.Content.Headers.Allow.Order(), Is.EqualTo(detail.Split(" takes ")[1].Split(", not")[0].Split(", ")));
    }

    [Test]
    public async Task Base64_IsABinaryMessage()
    {
        await using AdminRoom room = await AdminRoom.Open();
        RawClient alice = room.Enter("alice");
        foreach (byte[] bytes in (byte[][])[[], [0xFF], [0, 1], [0xC3, 0x28, 0], Encoding.UTF8.GetBytes("text")])
        {
            await room.Post("/v1/send", JsonSerializer.Serialize(new { uid = "alice", base64 = Convert.ToBase64String(bytes) }));
            Assert.That(alice.ReadFrame(), Is.EqualTo((Opcode.Binary, bytes)).Using<(Opcode, byte[])>(
                static (one, other) => one.Item1 == other.Item1 && one.Item2.AsSpan().SequenceEqual(other.Item2)));
        }
    }

    [Test]
    public async Task AReceiverThatDoesNotRead_IsCounted_AndOthersAreServed()
    {
        await using AdminRoom room = await AdminRoom.Open(static options => options with { SendBufferBytesMax = 64 * 1024 });
        room.Enter("slow", receiveBuffer: 4096);
        RawClient alice = room.Enter("alice");
        string text = new('x', 100_000), body = $$"""{"uids":["slow","alice"],"text":"{{text}}"}""";
        (int Delivered, int TooSlow) counted = (2, 0);
        // The kernel takes some megabytes for it, and never says how many.
        for (int i = 0; i < 500 && counted.TooSlow == 0; i++)
        {
            JsonElement answer = await room.Post("/v1/send", body);
            counted = (answer.GetProperty("delivered").GetInt32(), answer.GetProperty("tooSlow").GetInt32());
            Assert.That(counted.Delivered + counted.TooSlow, Is.EqualTo(2));
            Assert.That(alice.ReadText(), Is.EqualTo(text));
        }

        Assert.That(counted, Is.EqualTo((1, 1)));
    }

    [Test]
    public async Task ABatch_KeepsItsOrder_AndCountsEach()
    {
        await using AdminRoom room = await AdminRoom.Open();
        RawClient alice = room.Enter("alice");
        const int Count = 10_000;
        string messages = string.Join(',', Enumerable.Range(0, Count).Select(static i => $$"""{"uid":"alice","text":"{{i}}"}"""));
        Task<JsonElement> sending = room.Post("/v1/send/batch", $$"""{"messages":[{{messages}}]}""");
        for (int i = 0; i < Count; i++) Assert.That(alice.ReadText(), Is.EqualTo($"{i}"));
        JsonElement answer = await sending;
        Assert.That((answer.GetProperty("delivered").GetInt32(), answer.GetProperty("results").GetArrayLength()),
            Is.EqualTo((Count, Count)));
    }

    [Test]
    public async Task AMillionInBatches_AreCounted_AndArriveOnceEach_InOrder()
    {
        const int Batches = 100, InBatch = 10_000, Receivers = 10;
        await using AdminRoom room = await AdminRoom.Open();
        RawClient[] clients = [.. Enumerable.Range(0, Receivers).Select(i => room.Enter($"u{i}"))];
        Task<long>[] reading =
            [.. clients.Select(static client => Task.Factory.StartNew(() => Count(client), TaskCreationOptions.LongRunning))];
        long delivered = 0, tooSlow = 0;
        for (int batch = 0; batch < Batches; batch++)
        {
            int first = batch * InBatch;
            string messages = string.Join(',', Enumerable.Range(first, InBatch)
                .Select(static i => $$"""{"uid":"u{{i % Receivers}}","text":"{{i}}"}"""));
            JsonElement answer = await room.Post("/v1/send/batch", $$"""{"messages":[{{messages}}]}""");
            delivered += answer.GetProperty("delivered").GetInt64();
            tooSlow += answer.GetProperty("results").EnumerateArray().Sum(static one => one.GetProperty("tooSlow").GetInt32());
        }

        Assert.That(delivered + tooSlow, Is.EqualTo(Batches * InBatch));
        room.Server.Directory.Kick(MessageTarget.Everybody, 4100);
        Assert.That((await Task.WhenAll(reading)).Sum(), Is.EqualTo(delivered));

        // Up to the Close; the numbers only grow.
        static long Count(RawClient client)
        {
            int last = -1;
            for (long count = 0; ; count++)
            {
                (Opcode opcode, byte[] payload) = client.ReadFrame()!.Value;
                if (opcode == Opcode.Close)
                {
                    client.Send(Opcode.Close, payload);
                    return count;
                }

                int number = int.Parse(payload, null);
                Assert.That(number > last);
                last = number;
            }
        }
    }

    [Test]
    public async Task ABatchWithOneThatIsWrong_SendsNothing()
    {
        await using AdminRoom room = await AdminRoom.Open();
        RawClient alice = room.Enter("alice");
        JsonElement problem = await room.Post("/v1/send/batch",
            """{"messages":[{"uid":"alice","text":"one"},{"uid":"","text":"two"}]}""", HttpStatusCode.BadRequest);
        Assert.That(problem.GetProperty("field").GetString(), Is.EqualTo("messages[1].uid"));
        await room.Post("/v1/send", """{"uid":"alice","text":"end"}""");
        Assert.That(alice.ReadText(), Is.EqualTo("end"));
    }

    [TestCase("""{}""", "uid", "one of uid, uids and all")]
    [TestCase("""{"uid":"a"}""", "text", "one of text and base64")]
    [TestCase("""{"uid":"a","text":"x","base64":""}""", "text", "one of text and base64")]
    [TestCase("""{"uid":"a","uids":["b"],"text":"x"}""", "uid", "not 2 of them")]
    [TestCase("""{"uid":"","text":"x"}""", "uid", "1 to 256 bytes")]
    [TestCase("""{"uids":[],"text":"x"}""", "uids", "1 to 10000 uids, not 0")]
    [TestCase("""{"uids":["a",null],"text":"x"}""", "uids[1]", "1 to 256 bytes")]
    [TestCase("""{"uids":["a",7],"text":"x"}""", "uids[1]", "an array of strings")]
    [TestCase("""{"all":false,"text":"x"}""", "all", "it is true, or not there")]
    [TestCase("""{"uid":"a","except":["b"],"text":"x"}""", "except", "with all only")]
    [TestCase("""{"uid":3,"text":"x"}""", "uid", "a string is needed")]
    [TestCase("""{"uid":"a","text":"\ud800"}""", "text", "UTF-8")]
    [TestCase("""{"uid":"a","base64":"?"}""", "base64", "RFC 4648")]
    [TestCase("""{"uid":"a","base64":"QQ"}""", "base64", "padding")]
    [TestCase("""{"uid":"a","txet":"x"}""", "txet", "no such field")]
    [TestCase("""{"uid":"a","uid":"b","text":"x"}""", "uid", "once")]
    [TestCase("""{"uid":"a","text":"x" """, "body", "not the JSON")]
    [TestCase("""["a"]""", "body", "not the JSON")]
    [TestCase("""null""", "body", "an object")]
    [TestCase("", "body", "not the JSON")]
    public async Task WhatIsWrong_IsNamed_WithTheRule(string body, string field, string rule)
    {
        await using AdminRoom room = await AdminRoom.Open();
        JsonElement problem = await room.Post("/v1/send", body, HttpStatusCode.BadRequest);
        Assert.That(problem.GetProperty("field").GetString(), Is.EqualTo(field), problem.GetRawText());
        Assert.That(problem.GetProperty("detail").GetString(), Does.StartWith(field + ": ").And.Contain(rule));
        Assert.That(problem.GetProperty("status").GetInt32(), Is.EqualTo(400));
    }

    [Test]
    public async Task WhatIsTooMuch_IsRefused()
    {
        await using AdminRoom room = await AdminRoom.Open();
        string uids = string.Join(',', Enumerable.Repeat("\"a\"", 10_001)), message = """{"uid":"a","text":"x"}""";
        string messages = string.Join(',', Enumerable.Repeat(message, 10_001));
        await room.Post("/v1/send", $$"""{"uids":[{{uids}}],"text":"x"}""", HttpStatusCode.BadRequest);
        await room.Post("/v1/send/batch", $$"""{"messages":[{{messages}}]}""", HttpStatusCode.BadRequest);
        await room.Post("/v1/send/batch", """{"messages":[]}""", HttpStatusCode.BadRequest);
        await room.Post("/v1/send/batch", """{"messages":[null]}""", HttpStatusCode.BadRequest);
        room.Http.DefaultRequestHeaders.ExpectContinue = true; // else it may be closed while the client still sends
        string text = new('x', 8 * 1024 * 1024);
        await room.Post("/v1/send", $$"""{"uid":"a","text":"{{text}}"}""", HttpStatusCode.RequestEntityTooLarge);
    }

    [Test]
    public async Task ABodyOfAnotherType_IsRefused()
    {
        await using AdminRoom room = await AdminRoom.Open();
        using StringContent content = new("""{"uid":"a","text":"x"}""", Encoding.UTF8, "text/plain");
        using HttpResponseMessage response = await room.Http.PostAsync(new Uri("/v1/send", UriKind.Relative), content);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.UnsupportedMediaType));
    }
}
