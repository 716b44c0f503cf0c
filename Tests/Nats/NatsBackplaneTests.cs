// Nodes over a real nats-server.

using System.Net.WebSockets;
using System.Text;
using RawWs.Benchmarks.Backplane;
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
        await using BackplaneNode one = await BackplaneNode.StartAsync(_nats.Url, "one"), two = await BackplaneNode.StartAsync(_nats.Url, "two");
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
        await using BackplaneNode one = await BackplaneNode.StartAsync(_nats.Url, "one");
        await Assert.ThatAsync(() => BackplaneNode.StartAsync(_nats.Url, "one"), Throws.InvalidOperationException);
    }

    private static Task Say(ClientWebSocket client, string text) =>
        client.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, CancellationToken.None);

    private static async Task<string> Hear(ClientWebSocket client)
    {
        byte[] buffer = new byte[4096];
        WebSocketReceiveResult result = await client.ReceiveAsync(buffer, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
        return Encoding.UTF8.GetString(buffer, 0, result.Count);
    }
}
