// The PROXY header on a running server, over both transports: whole, byte by byte, before TLS; whose word is taken; what becomes of the
// others, in the log, in the count and on the wire; the deadline. And the fields of HTTP.

using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Proxies;
using RawWs.Tests.Proxies;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.Transports))]
public sealed class ProxyProtocolTests(TransportKind transport)
{
    private const string Header = "PROXY TCP4 203.0.113.9 198.51.100.2 50123 443\r\n";

    private static byte[] Binary { get; } = ProxyVector.All.First(static vector => vector.Client == "[2001:db8::1]:50123"
        && vector.Text.StartsWith('\\')).Bytes();

    private static IEnumerable<ProxyVector> Broken => ProxyVector.All.Where(static vector => vector.Rule is not null)
        .DistinctBy(static vector => vector.Rule);

    [Test]
    public async Task TheClientOfTheHeader_IsWhomTheApplicationAndTheLogSee()
    {
        using RecordedLog log = new(LogLevel.Debug);
        ReportedEcho echo = new();
        await using TestServer server = await Start(echo, log);
        foreach ((byte[] header, string client) in (ReadOnlySpan<(byte[], string)>)
            [(Encoding.ASCII.GetBytes(Header), "203.0.113.9:50123"), (Binary, "[2001:db8::1]:50123")])
        {
            using RawClient raw = RawClient.Connect(server.Port);
            byte[] request = Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
            raw.Send([.. header, .. request, .. RawClient.Frame(Opcode.Text, "hi"u8)]);
            Assert.That(raw.ReadHead(), Does.StartWith("HTTP/1.1 101 "));
            Assert.That(raw.ReadText(), Is.EqualTo("hi"));
            Assert.That(echo.Opened().Result.RemoteEndPoint.ToString(), Is.EqualTo(client));
            log.WaitFor("is a proxy's, for " + client);
            log.WaitFor($"from {client} is open");
        }
    }

    [Test]
    public async Task AHeader_ByteByByte_IsTheSame_AndHoldsNothingAfterwards()
    {
        ReportedEcho echo = new();
        await using TestServer server = await Start(echo);
        using RawClient raw = RawClient.Connect(server.Port);
        foreach (byte one in Binary)
        {
            raw.Send([one]);
            server.CatchUp(); // so that each comes alone, or nearly so
        }

        raw.Open();
        raw.SendText("hi");
        Assert.That(raw.ReadText(), Is.EqualTo("hi"));
        Assert.That((await echo.Opened()).RemoteEndPoint.ToString(), Is.EqualTo("[2001:db8::1]:50123"));
        server.HoldsNothing(connections: 1);
    }

    // LOCAL and UNKNOWN tell no client: it is the proxy itself.
    [Test]
    public async Task AHeaderWithoutAClient_LeavesThePeer()
    {
        ReportedEcho echo = new();
        await using TestServer server = await Start(echo);
        foreach (ProxyVector vector in ProxyVector.All.Where(static vector => vector.Client == ""))
        {
            using RawClient raw = RawClient.Connect(server.Port);
            raw.Send(vector.Bytes());
            raw.Open();
            Assert.That((await echo.Opened()).RemoteEndPoint, Is.EqualTo(raw.Socket.LocalEndPoint), vector.ToString());
        }
    }

    [Test]
    public async Task TheHeader_ComesBeforeTls()
    {
        ReportedEcho echo = new();
        await using TestServer server = await Start(echo, isTls: true);
        using TlsClient client = TlsClient.Connect(server.Port, before: Header);
        client.Open();
        Assert.That((await echo.Opened()).RemoteEndPoint.ToString(), Is.EqualTo("203.0.113.9:50123"));
    }

    [Test]
    public async Task EveryBrokenHeader_EndsItsConnection_WithAReason_AndIsCounted()
    {
        using RecordedLog log = new(LogLevel.Information);
        List<string> counted = [];
        using MeterListener listener = Listen(counted);
        await using WebSocketServer server = new(Options(log, isTls: false), new ReportedEcho());
        using ServerMetrics metrics = new(server);
        await server.StartAsync();
        foreach (ProxyVector vector in Broken)
        {
            using RawClient raw = RawClient.Connect(server.EndPoints[0].Port);
            raw.Send(vector.Bytes());
            AssertEnds(raw);
            ProxyRule rule = ProxyRules.All.Single(rule => rule.Name == vector.Rule);
            log.WaitFor($"ProxyFailed, code none, rule {rule.Name},", $"reason \"{rule.Text}\"");
        }

        using (RawClient cut = RawClient.Connect(server.EndPoints[0].Port))
        {
            cut.Send(Binary.AsSpan(0, 20));
            cut.Socket.Shutdown(SocketShutdown.Send);
            AssertEnds(cut);
            log.WaitFor("ProxyFailed", "rule ProxyCut");
        }

        // Whoever only looks whether the port is open breaks nothing.
        using (RawClient silent = RawClient.Connect(server.EndPoints[0].Port)) silent.Socket.Shutdown(SocketShutdown.Send);
        log.WaitFor("PeerVanished");
        lock (counted) Assert.That(counted, Is.EquivalentTo(Broken.Select(static vector => vector.Rule).Append("ProxyCut")));
    }

    [Test]
    public async Task WhoIsNoTrustedProxy_IsNotListenedTo()
    {
        using RecordedLog log = new(LogLevel.Information);
        await using TestServer server = await Start(new ReportedEcho(), log, trusted: "10.0.0.0/8");
        using RawClient silent = RawClient.Connect(server.Port); // it need not say anything
        AssertEnds(silent);
        log.WaitFor($"from {silent.Socket.LocalEndPoint} ended: closed by server: ProxyFailed", "rule ProxyUntrusted");
        using RawClient raw = RawClient.Connect(server.Port);
        raw.Send(Header);
        AssertEnds(raw);
    }

    [Test]
    public async Task AHeaderThatTakesTooLong_IsReset_WithAReason()
    {
        FakeTimeProvider time = new();
        using RecordedLog log = new(LogLevel.Information);
        await using TestServer server = await Start(
            new ReportedEcho(), log, isTls: true, change: options => options with { TimeProvider = time });
        using RawClient raw = RawClient.Connect(server.Port);
        raw.Send(Binary.AsSpan(0, 20));
        TestServer.Eventually(() => server.Server.Budget.HeldBytes > 0, "it has come");
        server.Pass(time, seconds: 10.1);
        Assert.That(() => raw.Socket.Receive(new byte[1]), Throws.TypeOf<SocketException>());
        log.WaitFor("ProxyFailed", "PROXY header timeout");
    }

    // The header's client may be a proxy of HTTP, which is trusted, or not.
    [TestCase("203.0.113.9", "198.51.100.1", "203.0.113.9:50123")]
    [TestCase("10.0.0.9", "198.51.100.1, 203.0.113.1", "203.0.113.1:0")]
    public async Task TheField_IsReadOfATrustedProxyOnly(string proxy, string field, string client)
    {
        ReportedEcho echo = new();
        await using TestServer server = await Start(
            echo, change: static options => options with { TrustedProxies = ["127.0.0.0/8", "10.0.0.0/8"] });
        using RawClient raw = RawClient.Connect(server.Port);
        raw.Send(Header.Replace("203.0.113.9", proxy, StringComparison.Ordinal));
        raw.Open(fields: $"X-Forwarded-For: {field}\r\n");
        Assert.That((await echo.Opened()).RemoteEndPoint.ToString(), Is.EqualTo(client));
    }

    [TestCase(ForwardedField.XForwardedFor, "127.0.0.1", "203.0.113.1:0")]
    [TestCase(ForwardedField.Forwarded, "127.0.0.1", "[2001:db8::1]:80")]
    [TestCase(ForwardedField.XForwardedFor, "10.0.0.0/8", null)]
    public async Task OnAPlainAddress_TheFieldAlone_TellsTheClient(ForwardedField field, string trusted, string? client)
    {
        ReportedEcho echo = new();
        using RecordedLog log = new(LogLevel.Information);
        await using TestServer server = await TestServer.Start(new Setup(transport, 1), echo,
            options => options with { TrustedProxies = [trusted], ForwardedField = field, LoggerFactory = log });
        using RawClient raw = RawClient.Connect(server.Port);
        raw.Open(fields: "X-Forwarded-For: 203.0.113.1\r\nForwarded: for=\"[2001:db8::1]:80\"\r\n");
        string expected = client ?? raw.Socket.LocalEndPoint!.ToString()!;
        Assert.That((await echo.Opened()).RemoteEndPoint.ToString(), Is.EqualTo(expected));
        raw.Send(Opcode.Close, []);
        log.WaitFor($"from {expected} ended");
    }

    // Both come through the same proxy.
    [Test]
    public async Task TheLimitOfAnAddress_IsTheClients()
    {
        await using TestServer server = await Start(
            new ReportedEcho(), change: static options => options with { ConnectionsPerAddressMax = 1 });
        using (Enter(server.Port, "203.0.113.1", 101))
        using (Enter(server.Port, "203.0.113.2", 101))
        using (Enter(server.Port, "203.0.113.1", 429))
        {
            TestServer.Eventually(() => server.Server.Count >= 2, "two are there");
        }

        TestServer.Eventually(() => server.Server.Count == 0, "they have gone");
        using RawClient again = Enter(server.Port, "203.0.113.1", 101);
    }

    // Who looks for an address finds the client of the proxy, from the moment in which it is known.
    [Test]
    public async Task AnObservationOfAnAddress_SeesTheClient()
    {
        await using TestServer server = await Start(new ReportedEcho());
        using Observation observation = await server.Server.ObserveAsync(
            new ObservationOptions { Address = IPAddress.Parse("203.0.113.9") });
        using RawClient raw = RawClient.Connect(server.Port);
        raw.Send(Header);
        raw.Open();
        Assert.That(await observation.WaitToReadAsync().AsTask().WaitAsync(TestServer.Patience));
        Assert.That(observation.TryRead(out ConnectionEvent? first));
        Assert.That((first!.Kind, first.Connection!.RemoteEndPoint.Port), Is.EqualTo((ConnectionEventKind.Begun, 50123)));
    }

    private static RawClient Enter(int port, string client, int status)
    {
        RawClient raw = RawClient.Connect(port);
        raw.Send(Header.Replace("203.0.113.9", client, StringComparison.Ordinal));
        raw.Send($"GET / HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
        Assert.That(raw.ReadHead(), Does.StartWith($"HTTP/1.1 {status} "));
        return raw;
    }

    private static void AssertEnds(RawClient raw)
    {
        try
        {
            Assert.That(raw.Socket.Receive(new byte[1]), Is.Zero);
        }
        catch (SocketException exception)
        {
            Assert.That(exception.SocketErrorCode, Is.EqualTo(SocketError.ConnectionReset)); // what it had sent was not all read
        }
    }

    private static MeterListener Listen(List<string> counted)
    {
        MeterListener listener = new()
        {
            InstrumentPublished = static (instrument, self) =>
            {
                if (instrument.Name == "rawws.server.proxy.refusals") self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) =>
        {
            lock (counted) counted.Add((string)tags[0].Value!);
        });
        listener.Start();
        return listener;
    }

    private Task<TestServer> Start(ReportedEcho echo, RecordedLog? log = null, bool isTls = false, string trusted = "127.0.0.1",
        Func<ServerOptions, ServerOptions>? change = null) => TestServer.Start(new Setup(transport, 1), echo, _ =>
        {
            ServerOptions options = Options(log, isTls, trusted);
            return change is null ? options : change(options);
        });

    private ServerOptions Options(RecordedLog? log, bool isTls, string trusted = "127.0.0.1")
    {
        ServerOptions options = new()
        {
            ListenEndPoints = [],
            Listeners = [new ListenAddress(new IPEndPoint(IPAddress.Loopback, 0)) { HasProxyHeader = true, IsTls = isTls }],
            TrustedProxies = [trusted],
            Certificates = isTls ? TestCertificate.ForLocalhost : null,
            Transport = transport,
            Loops = 1,
        };
        return log is null ? options : options with { LoggerFactory = log };
    }
}
