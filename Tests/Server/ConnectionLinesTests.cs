// What the log says of each connection at the level Debug: its request, what was agreed on or why it was refused, its uid, its phases and
// who began them. Nothing that a stranger sends makes a second line, or a long one.

using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class ConnectionLinesTests(Setup setup) : IDisposable
{
    private const string Category = "RawWs.Connections";

    private readonly RecordedLog _log = new(LogLevel.Debug);

    public void Dispose() => _log.Dispose();

    [Test]
    public async Task AnOpenedConnection_SaysWhoWhereAndWhatWasAgreedOn()
    {
        await using TestServer server = await Start(new RouterApplication(Introduce.Query, DuplicateUid.Share),
            static options => options with { Compression = true, Subprotocols = ["chat.v2"] });
        using RawClient client = Ask(server, "/chat?uid=alice",
            "Sec-WebSocket-Protocol: chat.v1, chat.v2\r\nSec-WebSocket-Extensions: x-other, permessage-deflate; "
                + "client_max_window_bits=12\r\n", "101");
        string peer = client.Socket.LocalEndPoint!.ToString()!;
        _log.WaitFor($"from {peer} is GET \"/chat\", host \"127.0.0.1\", origin \"\", subprotocols \"chat.v1, chat.v2\", "
            + "extensions \"x-other, permessage-deflate; client_max_window_bits=12\"");
        _log.WaitFor("offers x-other, which is declined: OtherExtension");
        _log.WaitFor($"from {peer} is open: endpoint \"/chat\", uid \"alice\", subprotocol \"chat.v2\", "
            + "extensions \"permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits=12\"");
        Assert.That(_log.All.Where(static line => line.Category == Category)
            .Select(static line => line.Level), Is.All.EqualTo(LogLevel.Debug));
    }

    [Test]
    public async Task WithNothingAgreedOn_TheLineSaysSo()
    {
        await using TestServer server = await Start(new EchoApplication());
        using RawClient client = RawClient.Open(server.Port, "/a%20b?token=secret");
        _log.WaitFor("is open: endpoint \"/a b\", uid \"\", subprotocol \"\", extensions \"\"");
        Assert.That(_log.All.Select(static line => line.Text), Has.None.Contains("secret"), "a query is not logged");
    }

    [Test]
    public async Task AUid_ThatComesLater_IsALine_AndTheLineOfTheEndHasIt()
    {
        await using TestServer server = await Start(new RouterApplication(Introduce.FirstMessage, DuplicateUid.Share));
        using RawClient client = RawClient.Open(server.Port);
        client.SendText("张三\u202e:hello");
        Assert.That(client.ReadText(), Is.EqualTo("hello"));
        _log.WaitFor("connection 1 has the uid \"张三\\u{202e}\"");
        client.Send(Opcode.Close, [0x03, 0xE8]);
        client.ReadToEnd();
        client.Dispose();
        string line = _log.WaitFor("connection 1 from ", " ended: closed by peer");
        Assert.That(line, Does.Contain(", uid \"张三\\u{202e}\", ended: "));
        Assert.That(_log.All.Single(found => found.Text == line), Has.Property("Category").EqualTo("RawWs").And.Property("Level")
            .EqualTo(LogLevel.Information));
    }

    [Test]
    public async Task AConnectionWithoutUid_EndsInTheLineOfOld()
    {
        await using TestServer server = await Start(new EchoApplication());
        using RawClient client = RawClient.Open(server.Port);
        client.Send(Opcode.Close, []);
        client.ReadToEnd();
        client.Dispose();
        Assert.That(_log.WaitFor(" ended: "),
            Does.Match(@"^connection 1 from 127\.0\.0\.1:\d+ ended: closed by peer: PeerClosed, code none, clean, "));
    }

    [Test]
    public async Task ThePeersClose_GoesFromOpenToDraining()
    {
        await using TestServer server = await Start(new EchoApplication());
        using RawClient client = RawClient.Open(server.Port);
        client.Send(Opcode.Close, [0x03, 0xE8]);
        client.ReadToEnd();
        client.Dispose();
        Phases("connection 1: open -> draining, begun by the peer: PeerClosed, code 1000",
            "connection 1: draining -> ended, begun by the peer: PeerClosed, code 1000");
    }

    [Test]
    public async Task TheApplicationsClose_WaitsForThePeers()
    {
        await using TestServer server = await Start(new ProtocolOverTcpTests.Handler(static (connection, _, _) =>
        {
            connection.Close(4000, "enough");
            return ValueTask.CompletedTask;
        }));
        using RawClient client = RawClient.Open(server.Port);
        client.SendText("x");
        Assert.That(client.ReadFrame()!.Value.Opcode, Is.EqualTo(Opcode.Close));
        client.Send(Opcode.Close, [0x0F, 0xA0]);
        client.ReadToEnd();
        client.Dispose();
        Phases(
            "connection 1: open -> closing, begun by the application: ApplicationClosed, code 4000",
            "connection 1: closing -> draining, begun by the application: ApplicationClosed, code 4000",
            "connection 1: draining -> ended, begun by the application: ApplicationClosed, code 4000");
    }

    [Test]
    public async Task ABrokenRule_IsNamed()
    {
        await using TestServer server = await Start(new EchoApplication());
        using RawClient client = RawClient.Open(server.Port);
        client.Send([0xC1, 0x80, 0, 0, 0, 0]);
        client.ReadClose();
        client.Dispose();
        const string Cause = "begun by the server: ProtocolViolation, code 1002, rule ReservedBitsNotNegotiated";
        Phases($"connection 1: open -> draining, {Cause}", $"connection 1: draining -> ended, {Cause}");
    }

    [Test]
    public async Task APeerThatIsGone_AndAnAbort()
    {
        await using TestServer server = await Start(new ProtocolOverTcpTests.Handler(static (connection, _, _) =>
        {
            connection.Abort();
            return ValueTask.CompletedTask;
        }));
        RawClient.Open(server.Port).Reset();
        _log.WaitFor("connection 1: ", " -> ended, begun by the peer: PeerVanished");
        using RawClient client = RawClient.Open(server.Port);
        client.SendText("x");
        _log.WaitFor("connection 2: open -> draining, begun by the application: Aborted");
        _log.WaitFor("connection 2: draining -> ended, begun by the application: Aborted");
    }

    [Test]
    public async Task TheServersStop_IsALineOfEach()
    {
        TestServer server = await Start(new EchoApplication());
        using RawClient one = RawClient.Open(server.Port), two = RawClient.Open(server.Port);
        await server.DisposeAsync();
        for (int i = 1; i <= 2; i++)
        {
            _log.WaitFor($"connection {i}: open -> ", "begun by the server: Drain, code 1001");
            _log.WaitFor($"connection {i}: ", " -> ended, begun by the server: Drain, code 1001");
        }
    }

    [TestCase("POST / HTTP/1.1\r\nHost: a\r\n\r\n", "is refused: 405 by rule MethodNotAllowed: ")]
    [TestCase("nonsense\r\n\r\n", "is refused: 400 by rule ")]
    [TestCase("GET /x HTTP/1.1\r\nHost: a\r\n\r\n", "is refused: 426 by rule ")]
    [TestCase("GET / HTTP/1.1\r\n" + RawClient.Upgrade
        + "Origin: https://evil.example\r\n\r\n", "is refused: 403 by rule OriginNotAllowed: ")]
    [TestCase("GET /?uid=all HTTP/1.1\r\n" + RawClient.Upgrade + "\r\n", "is refused: 400: This uid is reserved.")]
    public async Task ARefusal_SaysWhy(string request, string why)
    {
        await using TestServer server = await Start(new RouterApplication(Introduce.Query, DuplicateUid.Share));
        using RawClient client = RawClient.Connect(server.Port);
        client.Send(request);
        client.ReadToEnd();
        client.Dispose();
        _log.WaitFor("request 1 from 127.0.0.1:", why);
        _log.WaitFor("connection 1: handshake -> draining, begun by the server: Http, code ");
        _log.WaitFor("connection 1: draining -> ended, begun by the server: Http, code ");
    }

    // What strangers write: control characters, quotes, and as much as a request may have.
    [Test]
    public async Task WhatAStrangerWrites_StaysOnItsLine_AndShort()
    {
        await using TestServer server =
            await Start(new RouterApplication(Introduce.Query, DuplicateUid.Share), static options => options with { Compression = true });
        string much = new('x', 3000);
        using RawClient client = Ask(server, $"/a%E2%80%AE%C2%9B%22{much}?uid=%E2%80%AEb",
            $"Origin: http://localhost\r\nSec-WebSocket-Extensions: {much}; a=\"b\", y\r\nSec-WebSocket-Protocol: {much}\r\n", "101");
        using RawClient refused = Ask(server, $"/{much}", $"Origin: https://{much}\r\n", "403");
        refused.ReadToEnd();
        Assert.That(_log.WaitFor("is open"), Does.Contain("endpoint \"/a\\u{202e}\\u{9b}\\\"xxx").And.Contain("uid \"\\u{202e}b\""));
        _log.WaitFor("is refused: 403");
        foreach (LogLine line in _log.All)
        {
            Assert.That(line.Text, Has.Length.LessThan(1500));
            Assert.That(line.Text.Any(static c => char.IsControl(c) || c == '\u202e'), Is.False, line.Text);
        }
    }

    [Test]
    public async Task AtInformation_NothingIsSaid_UntilTheLevelIsChanged()
    {
        _log.Level = LogLevel.Information;
        FakeTimeProvider time = new();
        await using TestServer server = await Start(new EchoApplication(), options => options with { TimeProvider = time });
        using RawClient before = RawClient.Open(server.Port);
        before.SendText("x");
        Assert.That(before.ReadText(), Is.EqualTo("x"));
        Assert.That(_log.All, Has.None.Property("Category").EqualTo(Category));
        _log.Level = LogLevel.Debug;
        server.Pass(time, 1.1);
        using RawClient after = RawClient.Open(server.Port);
        _log.WaitFor("connection 2 from ", "is open");
    }

    private void Phases(params string[] lines)
    {
        _log.WaitFor(lines[^1]);
        Assert.That(_log.Of(Category).Where(static line => line.Contains("->", StringComparison.Ordinal)), Is.EqualTo(lines));
    }

    private static RawClient Ask(TestServer server, string target, string fields, string status)
    {
        RawClient client = RawClient.Connect(server.Port);
        client.Send(Encoding.Latin1.GetBytes($"GET {target} HTTP/1.1\r\n{RawClient.Upgrade}{fields}\r\n"));
        Assert.That(client.ReadHead(), Does.StartWith($"HTTP/1.1 {status} "));
        return client;
    }

    private Task<TestServer> Start(IWebSocketApplication application, Func<ServerOptions, ServerOptions>? change = null) =>
        TestServer.Start(setup, application, options => (change is null ? options : change(options)) with { LoggerFactory = _log });
}
