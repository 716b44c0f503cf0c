// Real proxies in front of the server, configured as docs/ops/behind-a-proxy.md says: upgrades over TLS, over HTTP/2 where the proxy has
// that, and silence, which the proxies end, and Pings, which outlive it. A few seconds stand for their minute. What one of the two alone
// has is in its own fixture.

using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using RawWs.Frame;
using RawWs.Tests.Support;

namespace RawWs.Tests.Ops;

public abstract class ProxiesTests(string name)
{
    // A client that does not answer two of them is closed: it must be longer than a machine under load makes one wait. Two fit into the
    // time after which the proxy ends what is silent.
    private const int PingSeconds = 2;

    /// <summary>The time of a proxy that is to end nothing.</summary>
    protected const int ProxySeconds = 5;

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
            PingInterval = TimeSpan.FromSeconds(PingSeconds),
            TrustedProxies = ["127.0.0.1"],
        });
        _silentRoom = await AdminRoom.Open(static options => options with { PingInterval = TimeSpan.FromDays(1) });
        _proxy = Before(_room, ProxySeconds);
        _silentProxy = Before(_silentRoom, seconds: 1);
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        _proxy?.Dispose();
        _silentProxy?.Dispose();
        if (_room is not null) await _room.DisposeAsync();
        if (_silentRoom is not null) await _silentRoom.DisposeAsync();
    }

    [Test]
    public Task AMessage_GoesThroughTheProxy() => AssertGoesThrough("1.1", isExact: false, HttpStatusCode.SwitchingProtocols);

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
        ValueTask<ValueWebSocketReceiveResult> received = client.ReceiveAsync(new Memory<byte>(new byte[100]), patience.Token);
        Assert.That((await _room.Get("/v1/connections?uid=bob")).ToString(), Does.Contain("\"address\":\"127.0.0.2\""));
        await client.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", patience.Token);
        Assert.That((await received).MessageType, Is.EqualTo(WebSocketMessageType.Close));
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
        for (int i = 0; i < 3; i++) // which is longer than its time
        {
            Assert.That(client.Read(2), Is.EqualTo((byte[])[0x89, 0x00]));
            client.Tls.Write(RawClient.Frame(Opcode.Pong, []));
        }
    }

    /// <summary>Connects over a version of HTTP, or the best below it that there is, sends a message to itself and closes.</summary>
    /// <param name="version">The version that the client would like.</param>
    /// <param name="isExact">Whether it takes no other.</param>
    /// <param name="status">What its request is answered with.</param>
    protected async Task AssertGoesThrough(string version, bool isExact, HttpStatusCode status)
    {
        using ClientWebSocket client = new();
        client.Options.HttpVersion = Version.Parse(version);
        client.Options.HttpVersionPolicy = isExact ? HttpVersionPolicy.RequestVersionExact : HttpVersionPolicy.RequestVersionOrLower;
        client.Options.CollectHttpResponseDetails = true;
        using HttpMessageInvoker invoker = new(TrustingHandler());
        using CancellationTokenSource patience = new(TestServer.Patience);
        await client.ConnectAsync(new Uri($"wss://localhost:{_proxy.Port}/?uid=alice"), invoker, patience.Token);
        Assert.That(client.HttpStatusCode, Is.EqualTo(status));
        byte[] answer = new byte[100];
        ValueTask<ValueWebSocketReceiveResult> receiving = client.ReceiveAsync(answer.AsMemory(), patience.Token);
        await client.SendAsync(Encoding.UTF8.GetBytes("alice:hello"), WebSocketMessageType.Text, true, patience.Token);
        ValueWebSocketReceiveResult received = await receiving;
        Assert.That(Encoding.UTF8.GetString(answer, 0, received.Count), Is.EqualTo("hello"));
        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, "", patience.Token);
        Assert.That(client.CloseStatus, Is.EqualTo(WebSocketCloseStatus.NormalClosure));
    }

    private protected RunningProxy Before(AdminRoom room, int seconds) =>
        new(name, room.Server.EndPoints[0].Port, new Uri(room.Port.Address).Port, seconds);

    internal static SocketsHttpHandler TrustingHandler() =>
        new() { SslOptions = new() { RemoteCertificateValidationCallback = static (_, shown, _, _) => shown?.Subject == "CN=localhost" } };
}
