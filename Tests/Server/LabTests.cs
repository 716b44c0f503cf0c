// The Lab's server side, tried by a foreign client (System.Net.WebSockets) and over raw sockets: what the feed answers and tells, who may
// have it, and what bounds it.

using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Console.Explain;
using RawWs.Server.Console.Lab;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class LabTests(Setup setup)
{
    [Test]
    public async Task TheOwnConnection_IsToldFromItsFirstByteToItsEnd()
    {
        await using TestServer server = await Start();
        await using LabClient lab = await LabClient.Open(server.Port);
        using RawClient client = RawClient.Open(server.Port, lab.TryPath);
        client.SendText("Hello");
        Assert.That(client.ReadText(), Is.EqualTo("Hello"));
        client.Send(Opcode.Close, [0x03, 0xE8]);
        client.ReadClose();
        client.Dispose();
        JsonElement ended = await lab.Event(static told => Kind(told) == "ended");
        Assert.That(lab.Events.Select(Kind).Where(static kind => kind is "begun" or "opened" or "frameReceived" or "frameSent" or "ended"),
            Is.EqualTo(["begun", "opened", "frameReceived", "frameSent", "frameReceived", "frameSent", "ended"]));
        JsonElement trace = (await lab.Ask($"\"do\":\"trace\",\"connection\":{ended.GetProperty("connection")}")).GetProperty("trace");
        Assert.That(Units(trace), Is.EqualTo(
            ["client request", "server response", "client frame", "server frame", "client frame", "server frame"]));
        Assert.That(trace.GetProperty("code").GetInt32(), Is.EqualTo(1000));
        Assert.That(trace.GetProperty("cause").GetString(), Is.EqualTo("PeerClosed"));
        Assert.That(trace.GetProperty("conversation").GetProperty("units")[1].GetProperty("accept").GetProperty("accept").GetString(),
            Is.EqualTo("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    }

    [Test]
    public async Task NobodyElsesConnection_IsTold_NorTheFeedItself()
    {
        await using TestServer server = await Start();
        await using LabClient lab = await LabClient.Open(server.Port);
        await using LabClient another = await LabClient.Open(server.Port);
        using RawClient stranger = RawClient.Open(server.Port, "/?uid=1");
        using RawClient others = RawClient.Open(server.Port, another.TryPath);
        others.SendText("others");
        others.ReadText();
        using RawClient own = RawClient.Open(server.Port, lab.TryPath);
        own.SendText("own");
        own.ReadText();
        await lab.Event(static told => Kind(told) == "frameSent");
        Assert.That(lab.Events.Where(static told => told.TryGetProperty("connection", out _))
            .Select(static told => told.GetProperty("connection").GetInt64()).Distinct(), Has.Exactly(1).Items);
    }

    // Whoever may write to everybody could tell the page what he likes.
    [Test]
    public async Task WhatIsSentToAll_DoesNotReachTheLab([Values(10, 20_000)] int length)
    {
        await using TestServer server = await Start();
        await using LabClient lab = await LabClient.Open(server.Port);
        using RawClient tried = RawClient.Open(server.Port, lab.TryPath);
        using RawClient client = RawClient.Open(server.Port, "/?uid=1");
        string body = new('x', length);
        for (int i = 0; i < 3; i++)
        {
            client.SendText($"all:{body}");
            Assert.That(client.ReadText(), Is.EqualTo(body));
        }

        tried.SendText("own");
        Assert.That(tried.ReadText(), Is.EqualTo("own"));
        await lab.Ask("\"do\":\"alive\""); // what was not JSON would have failed the client
    }

    [Test]
    public async Task WithAll_EveryConnectionIsTold_ButNoFeed()
    {
        await using TestServer server = await Start(LabScope.All);
        await using LabClient lab = await LabClient.Open(server.Port);
        await using LabClient another = await LabClient.Open(server.Port);
        await another.Ask("\"do\":\"alive\"");
        using RawClient client = RawClient.Open(server.Port, "/?uid=1");
        client.SendText("1:to me");
        Assert.That(client.ReadText(), Is.EqualTo("to me"));
        await lab.Event(static told => Kind(told) == "frameSent");
        Assert.That(lab.Events.Where(static told => Kind(told) == "opened").Select(static told => told.GetProperty("endpoint").GetString()),
            Is.EqualTo(["/"]));
        Assert.That(lab.Events.Where(static told => Kind(told) == "received").Select(static told => told.GetProperty("bytes").GetString()!),
            Has.None.Contains(Convert.ToHexStringLower("/lab/feed"u8)));
    }

    [Test]
    public async Task Raw_WithCuts_IsAnsweredAsOverTcp()
    {
        await using TestServer server = await Start();
        await using LabClient lab = await LabClient.Open(server.Port);
        JsonElement raw = (await lab.Ask("""
            "do":"raw","handshake":true,"chunks":[{"bytes":"81"},{"bytes":"85","pause":0},{"bytes":"37fa213d7f9f4d5158"}]
            """)).GetProperty("raw");
        Assert.That(Units(raw), Is.EquivalentTo(["client request", "server response", "client frame", "server frame"]));
        Assert.That((raw.GetProperty("end").GetString(), raw.GetProperty("sent").GetInt32()), Is.EqualTo(("FIN", 11)));
        Assert.That(raw.GetProperty("cause").GetString(), Is.EqualTo("PeerVanished"));
    }

    [Test]
    public async Task Trace_AsCapture_IsReadAgain()
    {
        await using TestServer server = await Start();
        await using LabClient lab = await LabClient.Open(server.Port);
        byte[] file = await CaptureOf(server, lab);
        Assert.That(CaptureFile.Read(file, out IReadOnlyList<CapturedPacket> packets), Is.Null);
        TcpConversation found = TcpConversation.Assemble(packets, server.Port).Single();
        Assert.That(Encoding.ASCII.GetString(found.FromClient.Bytes), Does.StartWith($"GET {lab.TryPath} HTTP/1.1"));
        Assert.That(Encoding.UTF8.GetString(file),
            Does.Contain("rule UnmaskedClientFrame is broken").And.Contain("ended, ProtocolViolation"));
    }

    [Test]
    public async Task Tshark_SeesHandshakeMasksPingAndComments()
    {
        string tshark = Tools.Require("tshark");
        await using TestServer server = await Start();
        await using LabClient lab = await LabClient.Open(server.Port);
        string path = Path.Combine(Path.GetTempPath(), $"lab-{server.Port}.pcapng");
        await File.WriteAllBytesAsync(path, await CaptureOf(server, lab));
        (_, string output, string errors) = Tools.Run(tshark, "-r", path, "-d", $"tcp.port=={server.Port},http", "-T", "fields",
            "-e", "_ws.col.Info", "-e", "websocket.mask", "-e", "frame.comment");
        File.Delete(path);
        Assert.That(output, Does.Contain("101 Switching Protocols").And.Contain("WebSocket Text").And.Contain("WebSocket Ping"), errors);
        Assert.That(output, Does.Contain("MASKED").IgnoreCase.And.Contain("rule UnmaskedClientFrame is broken"));
    }

    [TestCase("""{"id":7,"do":"dance"}""", "do: allowed")]
    [TestCase("""{"id":7,"do":"explain","bytes":"8g"}""", "bytes: at character 2")]
    [TestCase("""{"id":7,"do":"page","name":"NoSuchRule"}""", "name: ")]
    [TestCase("""{"id":7,"do":"trace","connection":99999}""", "connection: ")]
    [TestCase("""{"id":7,"do":"raw","chunks":[{"bytes":"81","pause":60000}]}""", "chunks: 0: 0 to 5000")]
    [TestCase("""{"id":7,"do":"raw","offer":"a\r\nb"}""", "offer: ")]
    [TestCase("""{"id":7,"do":"explain","more":1}""", "more: there is no such member")]
    public async Task AWrongRequest_IsToldWhatIsWrong(string request, string problem)
    {
        await using TestServer server = await Start();
        await using LabClient lab = await LabClient.Open(server.Port);
        await lab.Send(request);
        JsonElement answer = await lab.Receive();
        Assert.That(answer.GetProperty("id").GetInt32(), Is.EqualTo(7));
        Assert.That(answer.GetProperty("error").GetString(), Does.StartWith(problem));
        Assert.That((await lab.Ask("\"do\":\"alive\"")).TryGetProperty("error", out _), Is.False, "it goes on");
    }

    [TestCase("[]")]
    [TestCase("{")]
    [TestCase("""{"id":"x"}""")]
    public async Task WhatIsNoRequest_IsToldSo(string text)
    {
        await using TestServer server = await Start();
        await using LabClient lab = await LabClient.Open(server.Port);
        await lab.Send(text);
        Assert.That((await lab.Receive()).GetProperty("error").GetString(), Is.Not.Empty);
    }

    [Test]
    public async Task AnotherOrigin_IsRefused_AlsoOneThatTheServerLetsIn()
    {
        await using TestServer server = await Start();
        await using LabClient own = await LabClient.Open(server.Port, $"http://127.0.0.1:{server.Port}");
        foreach (string origin in new[] { "http://evil.example", "http://localhost:3000", "null", "file://" })
            Assert.That(async () => await LabClient.Open(server.Port, origin), Throws.InstanceOf<WebSocketException>(), origin);
    }

    [Test]
    public async Task WithoutTheSubprotocol_OrWithAnIdOfNobody_ItIsRefused()
    {
        await using TestServer server = await Start();
        using RawClient feed = RawClient.Connect(server.Port);
        feed.Send("GET /lab/feed HTTP/1.1\r\n" + RawClient.Upgrade + "\r\n");
        Assert.That(feed.ReadHead(), Does.StartWith("HTTP/1.1 400"));
        using RawClient tries = RawClient.Connect(server.Port);
        tries.Send("GET /lab/try/0123 HTTP/1.1\r\n" + RawClient.Upgrade + "\r\n");
        Assert.That(tries.ReadHead(), Does.StartWith("HTTP/1.1 404"));
    }

    [Test]
    public async Task PastTheBounds_IsToldSo()
    {
        await using TestServer server = await Start();
        await using LabClient lab = await LabClient.Open(server.Port);
        List<RawClient> open = [];
        for (int i = 0; i < LabTries.ConnectionsMax; i++) open.Add(RawClient.Open(server.Port, lab.TryPath));
        using RawClient late = RawClient.Connect(server.Port);
        late.Send($"GET {lab.TryPath} HTTP/1.1\r\n" + RawClient.Upgrade + "\r\n");
        Assert.That(late.ReadHead(), Does.StartWith("HTTP/1.1 503"));
        foreach (RawClient client in open) client.Dispose();
        List<LabClient> feeds = [];
        for (int i = 1; i < LabApplication.FeedsMax; i++) feeds.Add(await LabClient.Open(server.Port));
        Assert.That(async () => await LabClient.Open(server.Port), Throws.InstanceOf<WebSocketException>());
        foreach (LabClient feed in feeds) await feed.DisposeAsync();
    }

    // Else a page that does not hear of its sign of life would take the line for lost.
    [Test]
    public async Task ASignOfLife_IsAnsweredAtOnce_WhateverStandsBeforeIt()
    {
        FakeTimeProvider time = new();
        await using TestServer server = await Start(change: options => options with { TimeProvider = time });
        await using LabClient lab = await LabClient.Open(server.Port);
        await lab.Send("""{"id":1000,"do":"raw","handshake":true,"chunks":[{"bytes":"81","pause":5000}]}""");
        JsonElement answer = await lab.Ask("\"do\":\"alive\"");
        Assert.That(answer.TryGetProperty("error", out _), Is.False);
    }

    [Test]
    public async Task WhenTheWatcherGoes_WhatItWatchedEnds()
    {
        await using TestServer server = await Start();
        LabClient lab = await LabClient.Open(server.Port);
        using RawClient client = RawClient.Open(server.Port, lab.TryPath);
        await lab.DisposeAsync();
        Assert.That(client.ReadClose(answer: true).Code, Is.EqualTo(1001));
        server.HoldsNothing();
    }

    [Test]
    public async Task TheProgramsConnections_AreTheProgramsAlone()
    {
        await using TestServer server = await Start();
        using RawClient client = RawClient.Open(server.Port, "/?uid=7");
        TestServer.Eventually(() => server.Server.Directory.Find("7"u8).Length == 1, "joined");
        WebSocketConnection connection = server.Server.Directory.Find("7"u8).Single();
        Assert.That(connection.Application, Is.InstanceOf<RouterApplication>(), "no message of it passes through the Lab");
        client.SendText("7:to me");
        Assert.That(client.ReadText(), Is.EqualTo("to me"));
    }

    [Test]
    public async Task ThePage_HasItsPartsAndItsPolicy()
    {
        await using TestServer server = await Start();
        foreach (HttpPage page in LabPage.Load())
        {
            using RawClient client = RawClient.Connect(server.Port);
            client.Send($"GET {page.Path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
            string answer = client.ReadToEnd();
            Assert.That(answer, Does.StartWith("HTTP/1.1 200").And.Contain($"Content-Type: {page.ContentType}\r\n"));
            Assert.That(answer, Does.Contain("Content-Security-Policy: default-src 'none'; script-src 'self'").And.Not.Contain("unsafe-"));
        }
    }

    private static string Kind(JsonElement told) => told.GetProperty("kind").GetString()!;

    private static IEnumerable<string> Units(JsonElement trace) => trace.GetProperty("conversation").GetProperty("units").EnumerateArray()
        .Select(static unit => $"{unit.GetProperty("from").GetString()} {unit.GetProperty("kind").GetString()}");

    private static async Task<byte[]> CaptureOf(TestServer server, LabClient lab)
    {
        using RawClient client = RawClient.Open(server.Port, lab.TryPath);
        client.SendText("Hello");
        client.ReadText();
        client.Send(Opcode.Ping, "p"u8);
        client.ReadFrame();
        client.Send([0x81, 0x01, 0x41]); // not masked
        client.ReadClose();
        client.Dispose();
        JsonElement ended = await lab.Event(static told => Kind(told) == "ended");
        JsonElement answer = await lab.Ask($"\"do\":\"trace\",\"form\":\"pcapng\",\"connection\":{ended.GetProperty("connection")}");
        byte[] file = await lab.ReceiveBinary();
        Assert.That(file, Has.Length.EqualTo(answer.GetProperty("pcapng").GetInt32()));
        return file;
    }

    private Task<TestServer> Start(LabScope scope = LabScope.Own, Func<ServerOptions, ServerOptions>? change = null) =>
        LabServer.Start(setup, scope, options => (change ?? (static same => same))(options with { Compression = true }));
}
