// Observers: whom one is about and from when on it is told, one that does not read, one that throws, and how it begins and ends.

using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;
using static RawWs.Tests.Support.ObservedTraffic;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class ObserversTests(Setup setup)
{
    // Whom it is about: by number, address, path and uid. The one who is looked for by path is seen from its first byte on.
    [Test]
    public async Task OnlyWhoIsAskedFor()
    {
        await using TestServer server = await Start(new RouterApplication(Introduce.Query, DuplicateUid.Share));
        using Observation byPath = await server.Server.ObserveAsync(new ObservationOptions { Path = "/lab/try/7", Payload = true });
        using Observation byUid = await server.Server.ObserveAsync(new ObservationOptions { Uid = "ann"u8.ToArray(), Payload = true });
        using Observation byId = await server.Server.ObserveAsync(new ObservationOptions { ConnectionId = 2, Payload = true });
        using Observation nobody = await server.Server.ObserveAsync(
            new ObservationOptions { Address = System.Net.IPAddress.Parse("192.0.2.1") });
        using Observation all = await server.Server.ObserveAsync(
            new ObservationOptions { Address = System.Net.IPAddress.Parse("::ffff:127.0.0.1") });
        RecordingClient[] clients = new RecordingClient[3];
        string[] targets = ["/lab/try/7?uid=bob", "/?uid=ann", "/lab/try/8?uid=eve"];
        for (int i = 0; i < clients.Length; i++)
        {
            clients[i] = new RecordingClient(server.Port);
            string head = $"GET {targets[i]} HTTP/1.1\r\n{RawClient.Upgrade}\r\n";
            clients[i].Send(head[..30]);
            clients[i].Send(head[30..]);
            clients[i].ReadUntil(static bytes => bytes.AsSpan().EndsWith("\r\n\r\n"u8));
            clients[i].Send([.. RawClient.Frame(Opcode.Text, "ping"u8), .. Goodbye]);
            clients[i].ReadToEnd();
            clients[i].Dispose();
        }

        Compare(byPath, [clients[0]]);
        Compare(byId, [clients[1]]);
        ObservedStreams ann = ObservedStreams.UntilEnded(byUid, 1).Values.Single();
        Assert.That(ann.Events[0].Connection!.Uid.ToArray(), Is.EqualTo("ann"u8.ToArray()));
        Assert.That(ann.Sent, Is.EqualTo(clients[1].Received), "from the answer on");
        Assert.That(ann.Events[0].Offset + ann.Received.Length, Is.EqualTo(clients[1].Sent.Count));
        Dictionary<long, ObservedStreams> headers = [];
        List<ConnectionEvent> events = [];
        TestServer.Eventually(() =>
        {
            while (all.TryRead(out ConnectionEvent? told)) events.Add(told);
            return events.Count(static told => told.Kind == ConnectionEventKind.Ended) == 3;
        }, "all three have ended");
        Assert.That(events.Select(static told => told.Kind), Has.None.AnyOf(ConnectionEventKind.Received, ConnectionEventKind.Sent));
        Assert.That(events.Where(static told => told.Kind == ConnectionEventKind.FrameReceived)
            .Select(static told => (told.Header.Masked, told.Header.MaskingKey)),
            Has.Exactly(6).Items.And.All.EqualTo((true, 0u)), "header fields without the key");
        Assert.That(nobody.TryRead(out _), Is.False);
    }

    // It begins in the middle of a connection's life, and says where.
    [Test]
    public async Task WhoIsHereAlready_IsToldOfFromHereOn()
    {
        await using TestServer server = await Start(new EchoApplication());
        using RecordingClient client = new(server.Port);
        client.Upgrade();
        client.Send(RawClient.Frame(Opcode.Text, "before"u8));
        client.Read(8);
        server.CatchUp();
        (int sent, int received) = (client.Sent.Count, client.Received.Count);
        using Observation observation = await Everything(server);
        client.Send([.. RawClient.Frame(Opcode.Text, "after"u8), .. Goodbye]);
        client.ReadToEnd();
        client.Dispose();
        ObservedStreams streams = ObservedStreams.UntilEnded(observation, 1).Values.Single();
        Assert.That((streams.Events[0].Offset, streams.Events[0].SentOffset), Is.EqualTo((sent, received)));
        Assert.That(streams.Received, Is.EqualTo(client.Sent.Skip(sent)));
        Assert.That(streams.Sent, Is.EqualTo(client.Received.Skip(received)));
        Assert.That(streams.Of(ConnectionEventKind.FrameSent).First().Offset, Is.EqualTo(received));
    }

    [Test]
    public async Task NamedOnAnotherThread_ItIsToldOfFromThenOn()
    {
        await using TestServer server = await Start(new EchoApplication());
        using Observation observation =
            await server.Server.ObserveAsync(new ObservationOptions { Uid = "late"u8.ToArray(), Payload = true });
        using RecordingClient client = new(server.Port), another = new(server.Port);
        client.Upgrade();
        another.Upgrade();
        WebSocketConnection named = server.Server.Directory.GetConnections().Single(one => one.RemoteEndPoint.Port == client.LocalPort);
        Assert.That(server.Server.Directory.TryJoin(named, "late"u8.ToArray()));
        server.CatchUp();
        int sent = client.Sent.Count;
        another.Send(Goodbye);
        client.Send(Goodbye);
        client.ReadToEnd();
        client.Dispose();
        ObservedStreams streams = ObservedStreams.UntilEnded(observation, 1).Values.Single();
        Assert.That(streams.Events.Take(2)
            .Select(static told => told.Kind), Is.EqualTo([ConnectionEventKind.Begun, ConnectionEventKind.Named]));
        Assert.That(streams.Received, Is.EqualTo(client.Sent.Skip(sent)));
    }

    // Nobody reads: what does not fit is lost, all of it is counted, and nobody else notices anything.
    [Test]
    public async Task AnObserverThatDoesNotRead_LosesEvents_AndNothingElse()
    {
        await using TestServer server = await Start(new EchoApplication());
        using Observation all = await Everything(server);
        using Observation slow = await server.Server.ObserveAsync(
            new ObservationOptions { Payload = true, WaitingBytesMax = ObservationOptions.WaitingBytesMin });
        RecordingClient client = new(server.Port);
        client.Upgrade();
        foreach (int length in new[] { 100, 40_000, 40_000, 100, 300_000 })
        {
            client.Send(RawClient.Frame(Opcode.Binary, Some(length)));
            client.Read(length + (length < 126 ? 2 : length < 65_536 ? 4 : 10));
        }

        server.CatchUp();
        Assert.That(slow.Lost, Is.Positive);
        Assert.That(slow.WaitingBytes, Is.LessThanOrEqualTo(slow.Options.WaitingBytesMax));
        List<ConnectionEvent> told = [];
        while (slow.TryRead(out ConnectionEvent? one)) told.Add(one);
        client.Send(Goodbye);
        client.ReadToEnd();
        client.Dispose();
        ObservedStreams complete = Compare(all, [client])[0];
        TestServer.Eventually(() =>
        {
            while (slow.TryRead(out ConnectionEvent? one)) told.Add(one);
            return told[^1].Kind == ConnectionEventKind.Ended;
        }, "the end is told");
        List<ConnectionEvent> losses = [.. told.Where(static one => one.Kind == ConnectionEventKind.Lost)];
        Assert.That(losses.Sum(static one => one.Lost), Is.EqualTo(slow.Lost));
        Assert.That(told.Count - losses.Count + slow.Lost, Is.EqualTo(complete.Events.Count));
        Assert.That(told.Sum(static one => one.Bytes.Length + one.LostBytes),
            Is.EqualTo(complete.Events.Sum(static one => one.Bytes.Length)));
        Assert.That(slow.WaitingBytes, Is.Zero);
    }

    [Test]
    public async Task AnObserverThatThrows_CostsNobodyAnything()
    {
        await using TestServer server = await Start(new EchoApplication());
        using Observation observation = await Everything(server);
        Task reader = Task.Run(async () =>
        {
            await foreach (ConnectionEvent told in observation.ReadAllAsync())
                if (told.Kind == ConnectionEventKind.FrameReceived) throw new InvalidOperationException("an observer's bug");
        });
        using RawClient client = RawClient.Open(server.Port);
        for (int i = 0; i < 100; i++)
        {
            client.SendText($"{i}");
            Assert.That(client.ReadText(), Is.EqualTo($"{i}"));
        }

        Assert.That(async () => await reader, Throws.InvalidOperationException.With.Message.EqualTo("an observer's bug"));
        client.Send(Opcode.Close, []);
        Assert.That(client.ReadClose().Code, Is.Null);
        client.Dispose();
        server.HoldsNothing();
    }

    // Once nobody observes any more, nothing is watched; and an observation ends with its server.
    [Test]
    public async Task ItBegins_AndEnds()
    {
        WebSocketServer never = new(new ServerOptions { Loops = 2 }, new EchoApplication());
        using (Observation before = await never.ObserveAsync())
            Assert.That(never.Loops.Select(static loop => loop.WatchesFrames), Is.All.True);
        Assert.That(never.Loops.Select(static loop => loop.WatchesFrames || loop.WatchesConnections), Is.All.False);
        Assert.That(async () => await never.ObserveAsync(new ObservationOptions { WaitingBytesMax = 1 }),
            Throws.ArgumentException.With.Message.StartsWith("WaitingBytesMax: 64 KiB to 1 GiB, not 1 bytes."));
        await never.DisposeAsync();
        Assert.That(async () => await never.ObserveAsync(), Throws.InvalidOperationException);

        await using TestServer server = await Start(new EchoApplication());
        Observation[] many = await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => server.Server.ObserveAsync()));
        Assert.That(async () => await server.Server.ObserveAsync(), Throws.InvalidOperationException);
        foreach (Observation one in many) one.Dispose();
        server.CatchUp();
        Assert.That(server.Server.Loops.Select(static loop => loop.WatchesFrames || loop.WatchesConnections), Is.All.False);
        Observation last = await server.Server.ObserveAsync();
        await server.Server.StopAsync(TimeSpan.Zero);
        Assert.That(await last.WaitToReadAsync(), Is.False);
    }

    private Task<TestServer> Start(IWebSocketApplication application) => TestServer.Start(setup, application);
}
