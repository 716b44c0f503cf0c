// The router with clients in it: a real server on a free port, two loops, and the framework's own client.

using System.Net;
using System.Net.WebSockets;
using System.Text;
using RawWs.Server;
using RawWs.Server.Applications;

namespace RawWs.Tests.Support;

/// <summary>A server with a router, and the reports of the connections that have ended.</summary>
internal sealed class RouterRoom : IAsyncDisposable
{
    private readonly List<RouterPeer> _peers = [];
    private readonly RouterWitness _witness;
    private readonly WebSocketServer _server;

    private RouterRoom(RouterApplication router, TimeProvider time)
    {
        Router = router;
        _witness = new RouterWitness(router);
        ServerOptions options = new() { ListenEndPoints = [new IPEndPoint(IPAddress.Loopback, 0)], Loops = 2, TimeProvider = time };
        _server = new WebSocketServer(options, _witness);
    }

    public RouterApplication Router { get; }

    public static async Task<RouterRoom> Open(
        Introduce introduce = Introduce.FirstMessage, DuplicateUid duplicates = DuplicateUid.Share, TimeProvider? time = null)
    {
        RouterRoom room = new(new RouterApplication(introduce, duplicates), time ?? TimeProvider.System);
        await room._server.StartAsync();
        return room;
    }

    public Uri Uri(string query) => new($"ws://{_server.EndPoints[0]}/{query}");

    public async Task<RouterPeer> Enter(string query = "")
    {
        RouterPeer peer = new();
        _peers.Add(peer);
        await peer.Connect(Uri(query));
        // The client's handshake is over before OnOpen has run: its first answer is after it.
        await peer.Send("@");
        Assert.That(await peer.Receive(), Is.EqualTo("error:no-colon:write uid:body"));
        return peer;
    }

    /// <summary>Waits until a connection has ended for this cause, and gives its code.</summary>
    public async Task<int?> WaitForEnd(EndCause cause) => (await _witness.Ended(cause).WaitAsync(RouterPeer.Patience)).Code;

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        foreach (RouterPeer peer in _peers) peer.Dispose();
        Assert.That(_server.Count, Is.Zero);
        Assert.That(_server.Budget.HeldBytes, Is.Zero);
        Assert.That(Router.UidCount, Is.Zero);
    }
}

/// <summary>Hands everything on to the router, and keeps what OnClose was told.</summary>
internal sealed class RouterWitness(RouterApplication router) : IWebSocketApplication
{
    private readonly Dictionary<EndCause, TaskCompletionSource<CloseReport>> _ends = [];

    public Task<CloseReport> Ended(EndCause cause) => Source(cause).Task;

    public void OnStart(WebSocketServer server) => router.OnStart(server);

    public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) => router.OnUpgrade(context);

    public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message) =>
        router.OnMessage(connection, message);

    public void OnClose(WebSocketConnection connection, CloseReport report) => Source(report.Cause).TrySetResult(report);

    private TaskCompletionSource<CloseReport> Source(EndCause cause)
    {
        lock (_ends)
        {
            if (!_ends.TryGetValue(cause, out TaskCompletionSource<CloseReport>? source))
                _ends[cause] = source = new(TaskCreationOptions.RunContinuationsAsynchronously);
            return source;
        }
    }
}

/// <summary>A client.</summary>
internal sealed class RouterPeer : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly ClientWebSocket _socket = new();
    private readonly CancellationTokenSource _patience = new(Patience);
    private readonly byte[] _buffer = new byte[256 * 1024];

    public Task Connect(Uri uri) => _socket.ConnectAsync(uri, _patience.Token);

    public Task Send(string text, WebSocketMessageType type = WebSocketMessageType.Text) =>
        _socket.SendAsync(Encoding.UTF8.GetBytes(text), type, endOfMessage: true, _patience.Token);

    public async Task Introduce(string uid)
    {
        await Send(uid + ":hello");
        Assert.That(await Receive(), Is.EqualTo("hello"));
    }

    public async Task<string> Receive(WebSocketMessageType type = WebSocketMessageType.Text)
    {
        WebSocketReceiveResult result = await _socket.ReceiveAsync(_buffer, _patience.Token);
        string close = $"{result.CloseStatus} {result.CloseStatusDescription}";
        Assert.That((result.MessageType, result.EndOfMessage), Is.EqualTo((type, true)), close);
        return Encoding.UTF8.GetString(_buffer, 0, result.Count);
    }

    /// <summary>Reads on until the Close, and answers it.</summary>
    public async Task<WebSocketCloseStatus?> ReceiveClose()
    {
        WebSocketReceiveResult result;
        do result = await _socket.ReceiveAsync(_buffer, _patience.Token);
        while (result.MessageType != WebSocketMessageType.Close);
        await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, _patience.Token);
        return result.CloseStatus;
    }

    public Task Leave() => _socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, _patience.Token);

    public void Dispose()
    {
        _socket.Dispose();
        _patience.Dispose();
    }
}
