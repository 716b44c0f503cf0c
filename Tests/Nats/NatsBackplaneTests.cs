// Nodes over a real nats-server.

using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using NATS.Client.Core;
using RawWs.Benchmarks.Backplane;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Nats;
using RawWs.Tests.Support;

namespace RawWs.Tests.Nats;

[Parallelizable(ParallelScope.Self)]
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

    // Uids come from strangers, and hold what means something to NATS in a subject or a key. Any bytes go to them; each is claimed, too.
    [Test]
    public async Task AnyUid_GetsAnyBytes()
    {
        (BackplaneNode first, BackplaneNode second) = await BackplaneNode.StartTwoAsync(_nats.Url, "one", "two", DuplicateUid.Reject);
        await using BackplaneNode one = first, two = second;
        using ClientWebSocket ann = await one.ConnectAsync("ann");
        byte[] bytes = [.. Enumerable.Range(0, 256).Select(static value => (byte)value)], buffer = new byte[1024];
        foreach (string uid in new[] { "a.b", "*", ">", ".", "a b", "$JS.API.>", "%2F/?#&=", "é日本😀", new string('x', 64) })
        {
            using ClientWebSocket bob = await two.ConnectAsync(Uri.EscapeDataString(uid));
            Assert.That(bob.State, Is.EqualTo(WebSocketState.Open), uid);
            await one.KnowsAsync(uid);
            byte[] message = [.. Encoding.UTF8.GetBytes(uid), (byte)':', .. bytes];
            await ann.SendAsync(message, WebSocketMessageType.Binary, true, CancellationToken.None);
            WebSocketReceiveResult got = await bob.ReceiveAsync(buffer, CancellationToken.None).WaitAsync(TestServer.Patience);
            Assert.That(got.MessageType, Is.EqualTo(WebSocketMessageType.Binary), uid);
            Assert.That(buffer.AsSpan(0, got.Count).SequenceEqual(bytes), uid);
            await TestServer.EventuallyAsync(
                async () =>
                {
                    using ClientWebSocket rival = await one.ConnectAsync(Uri.EscapeDataString(uid));
                    Assert.That(rival.State, Is.Not.EqualTo(WebSocketState.Open), uid);
                    return (int)rival.HttpStatusCode == 409; // 503 where a slow machine has let a lease end
                },
                $"{uid} is taken");
        }
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

    // What the page and the comment of the options promise.
    [Test]
    public void TheClient_SeesADeadLine_AndTriesAgain_AsThePageSays()
    {
        NatsOpts nats = new NatsBackplaneOptions().Nats;
        Assert.That(nats, Is.SameAs(NatsBackplaneOptions.DefaultNats));
        Assert.That((nats.ReconnectWaitMin.TotalSeconds, nats.ReconnectWaitMax.TotalSeconds, nats.ReconnectJitter.TotalSeconds),
            Is.EqualTo((0.25, 0.75, 0.25)));
        Assert.That((nats.PingInterval * (nats.MaxPingOut + 1)).TotalSeconds, Is.EqualTo(12));
        Assert.That((nats.MaxReconnectRetry, nats.IgnoreAuthErrorAbort), Is.EqualTo((-1, true)), "it never gives up");
        Assert.That((nats.ReconnectWaitMax + nats.ReconnectJitter).TotalMilliseconds,
            Is.LessThan(new ClusterSettings { Id = "x", Incarnation = 0 }.ListenFirst),
            "before a node that begins takes it that all have been heard");
        Assert.That(Repository.Read("docs/ops/cluster.md"), Does.Contain("Within 12 s it connects anew")
            .And.Contain("pauses that grow from 0.25 to 0.75 s, and up to 0.25 s more by chance"));
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

    // It is no right that is missing here.
    [Test]
    public async Task AnErrorThatNatsTells_IsTold_AndThenWhatANodeNeeds()
    {
        string file = Path.Combine(Directory.CreateTempSubdirectory("rawws-few-").FullName, "nats.conf");
        await File.WriteAllTextAsync(file, "max_subscriptions: 3\n");
        using NatsServer few = new("--config", file);
        await Assert.ThatAsync(() => BackplaneNode.StartAsync(few.Url, "one"), Throws.InvalidOperationException.With.Message.EqualTo(
            "NATS has told an error: maximum subscriptions exceeded; what a node needs is to publish and to subscribe \"rawws.>\" and "
            + "\"_INBOX.>\"."));
        Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
    }

    [Test]
    public async Task MoreCopiesThanServers_AreRefused_AndTheSettingIsNamed()
    {
        await Assert.ThatAsync(
            () => BackplaneNode.StartAsync(_nats.Url, "one", DuplicateUid.Reject, claimReplicas: 3),
            Throws.InvalidOperationException.With.Message.StartsWith("NATS cannot keep which node has a uid, which duplicate-uid "
                + "replace and reject ask for. It needs JetStream (jetstream { } in its configuration), and 3 servers for 3 copies "
                + "(claim-replicas), and a user that may publish \"$JS.>\" and \"$KV.>\": JetStream: "));
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

    // Its last word is with NATS before its line is closed. The clock of the other one stands still: it would wait for silence in vain.
    [Test]
    public async Task ANodeThatEnds_IsGoneAtOnce()
    {
        FakeTimeProvider time = new();
        await using BackplaneNode one = await StartAsync("one", time);
        await using BackplaneNode two = await BackplaneNode.StartAsync(_nats.Url, "two");
        await PassUntilAsync(() => one.Backplane.OtherNodes == 1, time).WaitAsync(TestServer.Patience);
        await two.DisposeAsync();
        await TestServer.EventuallyAsync(() => one.Backplane.OtherNodes == 0, "it has said so");
    }

    [Test]
    public async Task ABackplane_IsStartedOnce()
    {
        await using BackplaneNode one = await BackplaneNode.StartAsync(_nats.Url, "one");
        await Assert.ThatAsync(() => one.Backplane.StartAsync(one.Server),
            Throws.InvalidOperationException.With.Message.EqualTo("The backplane has been started before."));
        TestServer.Eventually(() => one.Backplane.IsReady, "it goes on");
    }

    // What is there instead of NATS says nothing. Whoever waits for it may end the wait, and so does who disposes.
    [Test]
    public async Task TheStart_CanBeEnded([Values] bool disposes)
    {
        using TcpListener silent = new(IPAddress.Loopback, 0);
        silent.Start();
        NatsBackplane backplane = new(new NatsBackplaneOptions
        {
            Nats = NatsBackplaneOptions.DefaultNats with
            {
                Url = $"nats://{silent.LocalEndpoint}",
                ConnectTimeout = 4 * TestServer.Patience,
            },
        });
        await using WebSocketServer server = new(
            new ServerOptions { ListenEndPoints = [new IPEndPoint(IPAddress.Loopback, 0)] }, new EchoApplication());
        using CancellationTokenSource end = new();
        Task starting = backplane.StartAsync(server, end.Token);
        using TcpClient came = await silent.AcceptTcpClientAsync();
        if (disposes)
        {
            await backplane.DisposeAsync().AsTask().WaitAsync(TestServer.Patience);
            await Assert.ThatAsync(() => starting, Throws.InstanceOf<ObjectDisposedException>());
        }
        else
        {
            await end.CancelAsync();
            await Assert.ThatAsync(() => starting, Throws.InstanceOf<OperationCanceledException>());
        }

        await backplane.DisposeAsync().AsTask().WaitAsync(TestServer.Patience);
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
