// What an application is asked with and what it may answer: addresses, listener, header fields; a state that the connection has from the
// beginning. And when it is told that the server starts and stops.

using System.Net;
using System.Net.Sockets;
using RawWs.Server;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class UpgradeContextTests(Setup setup)
{
    [Test]
    public async Task AfterTheDecision_NothingIsKnownAnyMore()
    {
        TaskCompletionSource<UpgradeContext> asked = new();
        await using TestServer server = await TestServer.Start(setup, new Asked(context =>
        {
            asked.TrySetResult(context);
            return new(UpgradeDecision.Accept());
        }));
        using RawClient client = RawClient.Open(server.Port);
        UpgradeContext kept = await asked.Task;
        Func<object?>[] members =
        [
            () => kept.ConnectionId, () => kept.RemoteEndPoint, () => kept.LocalEndPoint, () => kept.Listener, () => kept.Request,
            () => kept.FindHeader("host"),
        ];
        foreach (Func<object?> member in members) Assert.That(() => member(), Throws.InvalidOperationException);
        Assert.That(() => UpgradeDecision.Refuse(400, null!), Throws.ArgumentNullException);
    }

    [Test]
    public async Task TheContext_HasBothAddresses_AndTheListener([Values] bool later)
    {
        List<string> seen = [];
        Asked application = new(async context =>
        {
            if (later) await Task.Yield();
            lock (seen) seen.Add($"{context.RemoteEndPoint} {context.LocalEndPoint} {context.Listener}");
            return UpgradeDecision.Accept();
        });
        await using TestServer server = await TestServer.Start(
            setup, application, static options =>
                options with { ListenEndPoints = [new(IPAddress.Loopback, 0), new(IPAddress.Any, 0), new(IPAddress.IPv6Loopback, 0)] });
        foreach (IPEndPoint listener in server.Server.EndPoints)
        {
            IPAddress address = listener.Address.Equals(IPAddress.Any) ? IPAddress.Parse("127.0.0.2") : listener.Address;
            using Socket socket = new(listener.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 30_000 };
            socket.Connect(address, listener.Port);
            socket.Send(System.Text.Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\n{RawClient.Upgrade}\r\n"));
            Assert.That(socket.Receive(new byte[1000]), Is.Positive);
            lock (seen) Assert.That(seen[^1], Is.EqualTo($"{socket.LocalEndPoint} {new IPEndPoint(address, listener.Port)} {listener}"));
        }

        Assert.That(seen, Has.Count.EqualTo(3));
    }

    [Test]
    public async Task TheContext_HasTheHeaderFields_AndTheChosenSubprotocol()
    {
        TaskCompletionSource<string> seen = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Asked application = new(context =>
        {
            int count = 0;
            foreach (RawWs.Handshake.HeaderField _ in context.Headers) count++;
            seen.SetResult($"{context.FindHeader("authorization")} {context.FindHeader("X-None") ?? "none"} {context.Subprotocol} {count}");
            return new(UpgradeDecision.Accept());
        });
        await using TestServer server =
            await TestServer.Start(setup, application, static options => options with { Subprotocols = ["b", "a"] });
        using RawClient client = RawClient.Connect(server.Port);
        client.Send($"GET / HTTP/1.1\r\n{RawClient.Upgrade}Authorization: Bearer \u00e4\r\nSec-WebSocket-Protocol: a, b\r\n\r\n".Replace(
            '\u00e4', '?'));
        client.ReadHead();
        Assert.That(await seen.Task, Is.EqualTo("Bearer ? none b 7"));
    }

    [Test]
    public async Task TheDecisionsState_IsTheConnections()
    {
        object state = new();
        TaskCompletionSource<(long, object?)> opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
        long id = 0;
        Asked application = new(context =>
        {
            id = context.ConnectionId;
            return new(UpgradeDecision.Accept(state: state));
        })
        {
            Opened = connection => opened.SetResult((connection.Id, connection.State)),
        };
        await using TestServer server = await TestServer.Start(setup, application);
        using RawClient client = RawClient.Open(server.Port);
        Assert.That(await opened.Task, Is.EqualTo((id, state)));
    }

    [Test]
    public async Task TheApplication_IsToldOfTheStart_AndOfTheStop()
    {
        List<string> told = [];
        Asked application = new(static _ => new(UpgradeDecision.Accept()))
        {
            Started = server => told.Add($"start {server.EndPoints.Count} {server.Count}"),
            Ended = () => told.Add("close"),
            Stopped = server => told.Add($"stop {server.Count}"),
        };
        TestServer server = await TestServer.Start(setup, application);
        using (RawClient.Open(server.Port)) await server.Server.StopAsync(TimeSpan.Zero);
        await server.DisposeAsync();
        Assert.That(told, Is.EqualTo((string[])["start 1 0", "close", "stop 0"]));
    }

    [Test]
    public async Task AnApplicationThatCannotStart_EndsTheStart()
    {
        bool stopped = false;
        Asked application = new(static _ => new(UpgradeDecision.Accept()))
        {
            Started = static _ => throw new InvalidOperationException("as the test says"),
            Stopped = _ =>
            {
                stopped = true;
                throw new InvalidOperationException("again");
            },
        };
        await using WebSocketServer server =
            new(new ServerOptions { ListenEndPoints = [new(IPAddress.Loopback, 0)], Loops = 1, Transport = setup.Transport }, application);
        Assert.That(server.StartAsync, Throws.InvalidOperationException.With.Message.EqualTo("as the test says"));
        Assert.That((stopped, server.IsListening), Is.EqualTo((true, false)));
    }

    private sealed class Asked(Func<UpgradeContext, ValueTask<UpgradeDecision>> decide) : IWebSocketApplication
    {
        public Action<WebSocketServer>? Started { get; init; }

        public Action<WebSocketConnection>? Opened { get; init; }

        public Action? Ended { get; init; }

        public Action<WebSocketServer>? Stopped { get; init; }

        public void OnStart(WebSocketServer server) => Started?.Invoke(server);

        public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) => decide(context);

        public void OnOpen(WebSocketConnection connection) => Opened?.Invoke(connection);

        public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message) => ValueTask.CompletedTask;

        public void OnClose(WebSocketConnection connection, CloseReport report) => Ended?.Invoke();

        public void OnStop(WebSocketServer server) => Stopped?.Invoke(server);
    }
}
