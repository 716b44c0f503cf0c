// Nodes over a real nats-server.

using System.Net.WebSockets;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using RawWs.Benchmarks.Backplane;
using RawWs.Server;
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
        (BackplaneNode first, BackplaneNode second) = await BackplaneNode.StartTwoAsync(_nats.Url, "one", "two");
        await using BackplaneNode one = first, two = second;
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

    // What comes wakes the node: it waits for no tick of the clock. So the clock stands still here.
    [Test]
    public async Task AMessage_WaitsForNoTime()
    {
        FakeTimeProvider time = new();
        await using BackplaneNode one = await StartAsync("one", time);
        await using BackplaneNode two = await StartAsync("two", time);
        await PassUntilAsync(() => AreOne(one, two), time).WaitAsync(TestServer.Patience);
        using ClientWebSocket ann = await one.ConnectAsync("ann"), bob = await two.ConnectAsync("bob");
        await one.KnowsAsync("bob");
        for (int i = 0; i < 10; i++)
        {
            await Say(ann, $"bob:{i}");
            Assert.That(await Hear(bob), Is.EqualTo($"{i}"));
        }

        await Say(ann, "ann:the answers have come too");
        Assert.That(await Hear(ann), Is.EqualTo("the answers have come too"));
    }

    [Test]
    public async Task AServerThatTakesTinyMessagesOnly_IsRefused()
    {
        string file = Path.Combine(Directory.CreateTempSubdirectory("rawws-tiny-").FullName, "nats.conf");
        await File.WriteAllTextAsync(file, "max_payload: 512\n");
        using NatsServer tiny = new("--config", file);
        await Assert.ThatAsync(() => BackplaneNode.StartAsync(tiny.Url, "one"), Throws.InvalidOperationException
            .With.Message.StartsWith("NATS takes messages of 512 bytes (max_payload), and a node needs 1024"));
        Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
    }

    [Test]
    public async Task MoreCopiesThanServers_AreRefused_AndTheSettingIsNamed()
    {
        await Assert.ThatAsync(
            () => BackplaneNode.StartAsync(_nats.Url, "one", DuplicateUid.Reject, claimReplicas: 3),
            Throws.InvalidOperationException.With.Message.StartsWith("NATS cannot keep which node has a uid, for which it needs "
                + "JetStream, and 3 servers for 3 copies (claim-replicas): JetStream: "));
    }

    // NATS is there again, and takes shorter messages than before.
    [Test]
    public async Task AServerThatTakesLessThanBefore_GetsShorterMessages()
    {
        string folder = Directory.CreateTempSubdirectory("rawws-short-").FullName, file = Path.Combine(folder, "nats.conf");
        await File.WriteAllTextAsync(file, "max_payload: 2048\n");
        string port = $"{Ports.Free()}", text = new('x', 30_000);
        NatsServer nats = new("--port", port);
        try
        {
            (BackplaneNode first, BackplaneNode second) = await BackplaneNode.StartTwoAsync(nats.Url, "one", "two");
            await using BackplaneNode one = first, two = second;
            using ClientWebSocket ann = await one.ConnectAsync("ann"), bob = await two.ConnectAsync("bob");
            await one.KnowsAsync("bob");
            await Say(ann, $"bob:{text}");
            Assert.That(await Hear(bob), Is.EqualTo(text));
            nats.Dispose();
            await TestServer.EventuallyAsync(() => !one.Backplane.IsConnected && !two.Backplane.IsConnected, "both have lost NATS");
            nats = new NatsServer("--port", port, "--config", file);
            await TestServer.EventuallyAsync(() => AreOne(one, two) && one.Backplane.HasRemote("bob"), "they are one again");
            await Say(ann, $"bob:{text}");
            Assert.That(await Hear(bob), Is.EqualTo(text));
            Assert.That(one.Backplane.NatsErrors, Is.Zero);
        }
        finally
        {
            nats.Dispose();
            Directory.Delete(folder, recursive: true);
        }
    }

    [Test]
    public async Task ASecondNodeOfOneId_RefusesToStart()
    {
        await using BackplaneNode one = await BackplaneNode.StartAsync(_nats.Url, "one");
        await Assert.ThatAsync(() => BackplaneNode.StartAsync(_nats.Url, "one"), Throws.InvalidOperationException);
    }

    private async Task<BackplaneNode> StartAsync(string id, FakeTimeProvider time)
    {
        Task<BackplaneNode> starting = BackplaneNode.StartAsync(_nats.Url, id, time: time);
        await PassUntilAsync(() => starting.IsCompleted, time).WaitAsync(TestServer.Patience);
        return await starting;
    }

    // Time passes slowly enough for NATS, whose time is the real one.
    private static async Task PassUntilAsync(Func<bool> condition, FakeTimeProvider time)
    {
        while (!condition())
        {
            time.Advance(TimeSpan.FromMilliseconds(20));
            await Task.Delay(1);
        }
    }

    private static bool AreOne(params BackplaneNode[] nodes) =>
        nodes.All(node => node.Backplane.IsReady && node.Backplane.OtherNodes == nodes.Length - 1);

    private static Task Say(ClientWebSocket client, string text) =>
        client.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, CancellationToken.None);

    private static async Task<string> Hear(ClientWebSocket client)
    {
        byte[] buffer = new byte[64 * 1024];
        WebSocketReceiveResult result = await client.ReceiveAsync(buffer, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
        return Encoding.UTF8.GetString(buffer, 0, result.Count);
    }
}
