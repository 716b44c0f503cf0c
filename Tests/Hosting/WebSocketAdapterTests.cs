// A connection as the framework's WebSocket: a library that knows nothing of this server talks over it, and the contract of WebSocket
// holds.

using System.Net.WebSockets;
using System.Text;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Hosting;
using RawWs.Tests.Support;
using StreamJsonRpc;

namespace RawWs.Tests.Hosting;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class WebSocketAdapterTests(Setup setup) : IDisposable
{
    private readonly TaskCompletionSource<WebSocket> _socket = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<CloseReport> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _patience = new(TestServer.Patience);

    public void Dispose() => _patience.Dispose();

    // Calls both ways, many at once, long ones in parts, errors, and an end that both know of.
    [Test]
    public async Task StreamJsonRpc_TalksOverIt()
    {
        JsonRpc? served = null;
        Application application = new(this)
        {
            Opened = socket =>
            {
                served = new JsonRpc(new WebSocketMessageHandler(socket), new Calculator());
                served.StartListening();
            },
        };
        await using TestServer server = await TestServer.Start(setup, application);
        using ClientWebSocket client = new();
        await client.ConnectAsync(new Uri($"ws://127.0.0.1:{server.Port}/"), _patience.Token);
        using JsonRpc rpc = new(new WebSocketMessageHandler(client), new Echoing());
        rpc.StartListening();
        int[] sums = await Task.WhenAll(
            Enumerable.Range(0, 100).Select(i => rpc.InvokeWithCancellationAsync<int>("Add", [i, 1], _patience.Token)));
        Assert.That(sums, Is.EqualTo(Enumerable.Range(1, 100)));
        string text = string.Concat(Enumerable.Repeat("ä€𝄞", 20_000));
        Assert.That(await rpc.InvokeWithCancellationAsync<string>("Reverse", [text], _patience.Token), Has.Length.EqualTo(text.Length));
        Assert.That(await served!.InvokeWithCancellationAsync<string>("Echo", ["from the server"], _patience.Token),
            Is.EqualTo("from the server"));
        Assert.That(
            async () => await rpc.InvokeWithCancellationAsync<int>("Fail", [], _patience.Token),
            Throws.InstanceOf<RemoteInvocationException>().With.Message.EqualTo("as the test says"));
        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, "done", _patience.Token);
        await served.Completion.WaitAsync(_patience.Token);
        CloseReport report = await _closed.Task.WaitAsync(_patience.Token);
        Assert.That((report.Clean, report.Code), Is.EqualTo((true, (int?)1000)));
    }

    [Test]
    public async Task AMessage_IsReadInParts_AndSentInParts()
    {
        await using TestServer server = await Start();
        using RawClient client = RawClient.Open(server.Port);
        using WebSocket socket = await _socket.Task;
        client.SendText("aä");
        client.Send(Opcode.Binary, []);
        byte[] buffer = new byte[2];
        ValueWebSocketReceiveResult first = await Receive(socket, buffer), second = await Receive(socket, buffer), third =
            await Receive(socket, buffer);
        Assert.That((first.Count, first.MessageType, first.EndOfMessage), Is.EqualTo((2, WebSocketMessageType.Text, false)));
        Assert.That((second.Count, second.MessageType, second.EndOfMessage), Is.EqualTo((1, WebSocketMessageType.Text, true)));
        Assert.That((third.Count, third.MessageType, third.EndOfMessage), Is.EqualTo((0, WebSocketMessageType.Binary, true)));

        // Cut inside of the character.
        byte[] text = Encoding.UTF8.GetBytes("bä");
        await socket.SendAsync(text.AsMemory(0, 2), WebSocketMessageType.Text, endOfMessage: false, _patience.Token);
        await socket.SendAsync(new ArraySegment<byte>(text, 2, 1), WebSocketMessageType.Text, endOfMessage: true, _patience.Token);
        Assert.That(client.ReadText(), Is.EqualTo("bä"));
        Assert.That(async () => await socket.SendAsync(text.AsMemory(0, 2), WebSocketMessageType.Text, endOfMessage: true, _patience.Token),
            Throws.ArgumentException);
        Assert.That(async () => await socket.SendAsync(text, WebSocketMessageType.Close, endOfMessage: true, _patience.Token),
            Throws.ArgumentException);
        Assert.That(
            async () => await socket.SendAsync(new byte[(1 << 20) + 1]
                .AsMemory(), WebSocketMessageType.Binary, endOfMessage: false, _patience.Token), Throws.InstanceOf<WebSocketException>());
        await socket.SendAsync(text.AsMemory(), WebSocketMessageType.Binary, endOfMessage: true, _patience.Token);
        Assert.That(client.ReadFrame()!.Value.Payload, Is.EqualTo(text));
    }

    // What has begun is not mixed with what comes later, and nothing of it is left out in silence.
    [Test]
    public async Task AMessageOfWhichAPartIsNotTaken_IsLost_AndTheNextIsWhole()
    {
        await using TestServer server = await Start();
        using RawClient client = RawClient.Open(server.Port);
        using WebSocket socket = await _socket.Task;
        ValueTask Send(string part, bool isLast, WebSocketMessageType type = WebSocketMessageType.Binary, bool cancelled = false) =>
            socket.SendAsync(
                Encoding.ASCII.GetBytes(part).AsMemory(), type, isLast, cancelled ? new CancellationToken(true) : _patience.Token);

        await Send("AB", isLast: false);
        Assert.That(async () => await Send("CD", isLast: false, cancelled: true), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(async () => await Send("EF", isLast: false), Throws.InstanceOf<WebSocketException>());
        Assert.That(async () => await Send("GH", isLast: true), Throws.InstanceOf<WebSocketException>());
        await Send("whole", isLast: true, WebSocketMessageType.Text);
        Assert.That(client.ReadText(), Is.EqualTo("whole"));

        await Send("begun", isLast: false);
        Assert.That(async () => await Send(new string('x', 1 << 20), isLast: true), Throws.InstanceOf<WebSocketException>());
        await Send("next", isLast: true, WebSocketMessageType.Text);
        Assert.That(client.ReadText(), Is.EqualTo("next"));

        await Send("te", isLast: false, WebSocketMessageType.Text);
        await Send("", isLast: false);
        await Send("xt", isLast: true);
        Assert.That(client.ReadText(), Is.EqualTo("text"), "the first part says what it is");
    }

    [Test]
    public async Task AnEndedConnection_HasNoWebSocket()
    {
        TaskCompletionSource<WebSocketConnection> opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await TestServer.Start(setup, new Keeper(opened));
        using (RawClient client = RawClient.Open(server.Port)) client.Reset();
        WebSocketConnection connection = await opened.Task.WaitAsync(_patience.Token);
        TestServer.Eventually(() => connection.HasEnded && server.Server.Count == 0, "it has ended");
        Assert.That(() => connection.AsWebSocket(), Throws.InvalidOperationException);
    }

    [Test]
    public async Task ThePeersClose_IsReceived_AfterItsMessages()
    {
        await using TestServer server = await Start();
        using RawClient client = RawClient.Open(server.Port);
        using WebSocket socket = await _socket.Task;
        Assert.That((socket.State, socket.CloseStatus, socket.SubProtocol),
            Is.EqualTo((WebSocketState.Open, (WebSocketCloseStatus?)null, (string?)null)));
        client.SendText("last");
        client.Send(Opcode.Close, [0x10, 0x04, (byte)'b', (byte)'y', (byte)'e']);
        byte[] buffer = new byte[10];
        Assert.That((await Receive(socket, buffer)).Count, Is.EqualTo(4));
        client.ReadClose();
        client.Dispose();
        WebSocketReceiveResult close = await socket.ReceiveAsync(new ArraySegment<byte>(buffer), _patience.Token);
        Assert.That((close.MessageType, (int?)close.CloseStatus, close.CloseStatusDescription),
            Is.EqualTo((WebSocketMessageType.Close, (int?)4100, "bye")));
        Assert.That((socket.State, (int?)socket.CloseStatus), Is.EqualTo((WebSocketState.Closed, (int?)4100)));
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, _patience.Token);
        Assert.That(async () => await socket.SendAsync(buffer, WebSocketMessageType.Binary, endOfMessage: true, _patience.Token),
            Throws.InstanceOf<WebSocketException>());
        Assert.That((await _closed.Task.WaitAsync(_patience.Token)).Cause, Is.EqualTo(EndCause.PeerClosed), "the application is told too");
    }

    // A message that nobody has read does not keep the Close from its answer.
    [Test]
    public async Task ItCloses_WithUnreadMessages([Values] bool outputFirst)
    {
        await using TestServer server = await Start();
        using RawClient client = RawClient.Open(server.Port);
        using WebSocket socket = await _socket.Task;
        client.SendText("unread");
        client.SendText("unread too");
        if (outputFirst)
        {
            await socket.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, "away", _patience.Token);
            Assert.That(socket.State, Is.EqualTo(WebSocketState.CloseSent));
        }

        Task closing = socket.CloseAsync(WebSocketCloseStatus.EndpointUnavailable, "away", _patience.Token);
        Assert.That(client.ReadClose(answer: true), Is.EqualTo(((ushort?)1001, "away")));
        client.Dispose();
        await closing;
        Assert.That((await _closed.Task.WaitAsync(_patience.Token)).Clean);
        Assert.That(socket.State, Is.EqualTo(WebSocketState.Closed));
    }

    [Test]
    public async Task APeerThatIsGone_IsAnException_AfterWhatItHasSent([Values] bool disposes)
    {
        await using TestServer server = await Start();
        using RawClient client = RawClient.Open(server.Port);
        WebSocket socket = await _socket.Task;
        byte[] buffer = new byte[10];
        if (disposes)
        {
            ValueTask<ValueWebSocketReceiveResult> receive = Receive(socket, buffer);
            socket.Dispose();
            Assert.That(async () => await receive, Throws.InstanceOf<WebSocketException>());
        }
        else
        {
            client.SendText("there");
            client.SendText("unread");
            Assert.That((await Receive(socket, buffer)).Count, Is.EqualTo(5));
            client.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            Assert.That((await Receive(socket, buffer)).Count, Is.EqualTo(6));
            Assert.That(async () => await Receive(socket, buffer), Throws.InstanceOf<WebSocketException>());
        }

        Assert.That((await _closed.Task.WaitAsync(_patience.Token)).Clean, Is.False);
        Assert.That(socket.State, Is.EqualTo(WebSocketState.Aborted));
        socket.Dispose();
    }

    [Test]
    public async Task AReceiveThatIsCancelled_CostsNothing_AndThereIsOneAtATime()
    {
        await using TestServer server = await Start();
        using RawClient client = RawClient.Open(server.Port);
        using WebSocket socket = await _socket.Task;
        using CancellationTokenSource cancel = new();
        byte[] buffer = new byte[10];
        Task<ValueWebSocketReceiveResult> receive = socket.ReceiveAsync(buffer.AsMemory(), cancel.Token).AsTask();
        Assert.That(async () => await Receive(socket, buffer), Throws.InvalidOperationException);
        await cancel.CancelAsync();
        Assert.That(async () => await receive, Throws.InstanceOf<OperationCanceledException>());
        client.SendText("later");
        Assert.That((await Receive(socket, buffer)).Count, Is.EqualTo(5));
    }

    private ValueTask<ValueWebSocketReceiveResult> Receive(WebSocket socket, byte[] buffer) =>
        socket.ReceiveAsync(buffer.AsMemory(), _patience.Token);

    private Task<TestServer> Start() => TestServer.Start(setup, new Application(this) { Opened = _socket.SetResult });

    private sealed class Application(WebSocketAdapterTests test) : IWebSocketApplication
    {
        public required Action<WebSocket> Opened { get; init; }

        public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) => new(UpgradeDecision.Accept());

        public void OnOpen(WebSocketConnection connection)
        {
            WebSocket socket = connection.AsWebSocket(sentBytesMax: 1 << 20);
            Assert.That(connection.AsWebSocket(), Is.SameAs(socket));
            Opened(socket);
        }

        public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message) =>
            throw new InvalidOperationException("The messages go to the socket.");

        public void OnClose(WebSocketConnection connection, CloseReport report) => test._closed.SetResult(report);
    }

    private sealed class Calculator
    {
        public static int Add(int one, int other) => one + other;

        public static string Reverse(string text) => new([.. text.Reverse()]);

        public static int Fail() => throw new InvalidOperationException("as the test says");
    }

    private sealed class Echoing
    {
        public static string Echo(string text) => text;
    }

    private sealed class Keeper(TaskCompletionSource<WebSocketConnection> opened) : IWebSocketApplication
    {
        public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) => new(UpgradeDecision.Accept());

        public void OnOpen(WebSocketConnection connection) => opened.TrySetResult(connection);

        public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message) => ValueTask.CompletedTask;
    }
}
