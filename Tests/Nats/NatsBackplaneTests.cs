// Nodes over a real nats-server.

using System.Net;
using System.Net.WebSockets;
using System.Text;
using NATS.Client.Core;
using RawWs.Benchmarks.Backplane;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Nats;
using RawWs.Tests.Support;

namespace RawWs.Tests.Nats;

public sealed class NatsBackplaneTests
{
    private NatsServer _nats = null!;

    [SetUp]
    public void SetUp()
    {
        Tools.Require("nats-server");
        _nats = new NatsServer();
    }

    [TearDown]
    public void TearDown() => _nats?.Dispose();

    [Test]
    public async Task TwoNodes_AreOne()
    {
        await using Node one = await Node.StartAsync(_nats, "one"), two = await Node.StartAsync(_nats, "two");
        using ClientWebSocket ann = await one.ConnectAsync("ann"), bob = await two.ConnectAsync("bob");
        await one.KnowsAsync("bob");
        await Say(ann, "bob:hi");
        Assert.That(await Hear(bob), Is.EqualTo("hi"));
        await Say(ann, "eve:hi");
        Assert.That(await Hear(ann), Is.EqualTo("error:offline:eve"));
        await Say(ann, "all:x");
        Assert.That(await Hear(bob), Is.EqualTo("x"));
        Assert.That(await Hear(ann), Is.EqualTo("x"));
    }

    [Test]
    public async Task ASecondNodeOfOneId_RefusesToStart()
    {
        await using Node one = await Node.StartAsync(_nats, "one");
        Assert.ThrowsAsync<InvalidOperationException>(() => Node.StartAsync(_nats, "one"));
    }

    private static Task Say(ClientWebSocket client, string text) =>
        client.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, CancellationToken.None);

    private static async Task<string> Hear(ClientWebSocket client)
    {
        byte[] buffer = new byte[4096];
        WebSocketReceiveResult result = await client.ReceiveAsync(buffer, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
        return Encoding.UTF8.GetString(buffer, 0, result.Count);
    }

    private sealed class Node : IAsyncDisposable
    {
        private readonly WebSocketServer _server;
        private readonly NatsBackplane _backplane;

        private Node(WebSocketServer server, NatsBackplane backplane) => (_server, _backplane) = (server, backplane);

        public static async Task<Node> StartAsync(NatsServer nats, string id)
        {
            NatsBackplane backplane = new(new NatsBackplaneOptions { Nats = NatsOpts.Default with { Url = nats.Url }, NodeId = id });
            WebSocketServer server = new(new ServerOptions { ListenEndPoints = [new IPEndPoint(IPAddress.Loopback, 0)] },
                new RouterApplication(Introduce.Query, DuplicateUid.Share) { Delivery = backplane });
            await backplane.StartAsync(server);
            await server.StartAsync();
            return new Node(server, backplane);
        }

        public async Task<ClientWebSocket> ConnectAsync(string uid)
        {
            ClientWebSocket client = new();
            await client.ConnectAsync(new Uri($"ws://{_server.EndPoints[0]}/?uid={uid}"), CancellationToken.None);
            return client;
        }

        public async Task KnowsAsync(string uid)
        {
            while (!_backplane.HasRemote(uid)) await Task.Delay(5);
        }

        public async ValueTask DisposeAsync()
        {
            await _server.StopAsync(TimeSpan.Zero);
            await _backplane.DisposeAsync();
        }
    }
}
