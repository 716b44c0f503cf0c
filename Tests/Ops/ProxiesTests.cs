// Real proxies in front of the server, configured as docs/ops/behind-a-proxy.md says: upgrades over TLS, over HTTP/2 where the proxy has
// that, and silence, which the proxies end, and Pings, which outlive it. A second stands for their minute.

using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using RawWs.Frame;
using RawWs.Tests.Support;

namespace RawWs.Tests.Ops;

[Platform("Linux")]
[TestFixture("nginx")]
[TestFixture("haproxy")]
public sealed class ProxiesTests(string name)
{
    private AdminRoom _room = null!;
    private AdminRoom _silentRoom = null!;
    private RunningProxy _proxy = null!;
    private RunningProxy _silentProxy = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        Tools.Require(name);
        _room = await AdminRoom.Open(static options => options with
        {
            PingInterval = TimeSpan.FromSeconds(0.1),
            TrustedProxies = ["127.0.0.1"],
        });
        _silentRoom = await AdminRoom.Open(static options => options with { PingInterval = TimeSpan.FromDays(1) });
        _proxy = Before(_room);
        _silentProxy = Before(_silentRoom);

    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        _proxy?.Dispose();
        _silentProxy?.Dispose();
        if (_room is not null) await _room.DisposeAsync();
        if (_silentRoom is not null) await _silentRoom.DisposeAsync();
    }

    // nginx has no WebSockets over HTTP/2; then a client that would have liked one comes with HTTP/1.1.
    [TestCase("1.1", false)]
    [TestCase("2.0", false)]
    [TestCase("2.0", true)]
    public async Task AMessage_GoesThroughTheProxy(string version, bool isExact)
    {
        if (isExact && name == "nginx") Assert.Pass("It has no WebSockets over HTTP/2.");
        using ClientWebSocket client = new();
        client.Options.HttpVersion = Version.Parse(version);
        client.Options.HttpVersionPolicy = isExact ? HttpVersionPolicy.RequestVersionExact : HttpVersionPolicy.RequestVersionOrLower;
        client.Options.CollectHttpResponseDetails = true;
        using HttpMessageInvoker invoker = new(TrustingHandler());
        using CancellationTokenSource patience = new(TestServer.Patience);
        await client.ConnectAsync(new Uri($"wss://localhost:{_proxy.Port}/?uid=alice"), invoker, patience.Token);
        Assert.That(client.HttpStatusCode,
            Is.EqualTo(version == "2.0" && name == "haproxy" ? HttpStatusCode.OK : HttpStatusCode.SwitchingProtocols));
        await client.SendAsync(Encoding.UTF8.GetBytes("alice:hello"), WebSocketMessageType.Text, true, patience.Token);
        byte[] answer = new byte[100];
        ValueWebSocketReceiveResult received = await client.ReceiveAsync(answer.AsMemory(), patience.Token);
        Assert.That(Encoding.UTF8.GetString(answer, 0, received.Count), Is.EqualTo("hello"));
        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, "", patience.Token);
        Assert.That(client.CloseStatus, Is.EqualTo(WebSocketCloseStatus.NormalClosure));
    }

    // It comes from another address than the proxy has.
    [Test]
    public async Task TheClientsAddress_IsSeenThroughTheProxy()
    {
        using ClientWebSocket client = new();
        SocketsHttpHandler handler = TrustingHandler();
        handler.ConnectCallback = async (_, cancellation) =>
        {
            Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0));
            await socket.ConnectAsync(IPAddress.Loopback, _proxy.Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        };
        using HttpMessageInvoker invoker = new(handler);
        using CancellationTokenSource patience = new(TestServer.Patience);
        await client.ConnectAsync(new Uri($"wss://localhost:{_proxy.Port}/?uid=bob"), invoker, patience.Token);
        Assert.That((await _room.Get("/v1/connections?uid=bob")).ToString(), Does.Contain("\"address\":\"127.0.0.2\""));
    }

    [Test]
    public void Silence_IsEndedByTheProxy()
    {
        using TlsClient client = TlsClient.Connect(_silentProxy.Port);
        client.Open();
        Assert.That(client.Tls.Read(new byte[1]), Is.Zero, "the end, and no Close before it");
        TestServer.Eventually(() => _silentRoom.Server.Count == 0, "the server has seen the end too");
    }

    [Test]
    public void Pings_OutliveTheProxysTime()
    {
        using TlsClient client = TlsClient.Connect(_proxy.Port);
        client.Open();
        for (int i = 0; i < 15; i++)
        {
            Assert.That(client.Read(2), Is.EqualTo((byte[])[0x89, 0x00]));
            client.Tls.Write(RawClient.Frame(Opcode.Pong, []));
        }
    }

    [Test]
    public async Task WhoDrains_IsSentNobody()
    {
        if (name == "nginx") Assert.Pass("It asks no server how it is.");
        await using AdminRoom room = await AdminRoom.Open();
        using RunningProxy proxy = Before(room);
        using HttpClient http = new(TrustingHandler()) { BaseAddress = new Uri($"https://localhost:{proxy.Port}/") };
        using CancellationTokenSource patience = new(TestServer.Patience);
        Assert.That(await Status(), Is.EqualTo(HttpStatusCode.UpgradeRequired), "the server answers");
        room.Readiness.BeginDrain();
        HttpStatusCode status;
        while ((status = await Status()) == HttpStatusCode.UpgradeRequired) Assert.That(patience.IsCancellationRequested, Is.False);
        Assert.That(status, Is.EqualTo(HttpStatusCode.ServiceUnavailable));

        async Task<HttpStatusCode> Status()
        {
            using HttpResponseMessage response = await http.GetAsync(new Uri("/", UriKind.Relative), patience.Token);
            return response.StatusCode;
        }
    }

    private RunningProxy Before(AdminRoom room) => new(name, room.Server.EndPoints[0].Port, new Uri(room.Port.Address).Port);

    private static SocketsHttpHandler TrustingHandler() =>
        new() { SslOptions = new() { RemoteCertificateValidationCallback = static (_, shown, _, _) => shown?.Subject == "CN=localhost" } };
}
