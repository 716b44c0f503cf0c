// Peers that mean no good, many at once: each is ended for its own reason, what they make the server hold has a bound, and an honest
// client is served all the while. What they leave behind is nothing, and that is looked at before the server stops.

using System.Collections.Concurrent;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Channels;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class HarmTests(Setup setup)
{
    private const int Declarers = 100;
    private const int Dribblers = 1000;
    private const int Flooders = 100;

    [Test]
    public async Task AThousandConnectionsAtOnce_AreServed()
    {
        await using TestServer server = await TestServer.Start(setup, new EchoApplication());
        List<RawClient> clients = [.. Enumerable.Range(0, 1000).Select(_ => RawClient.Connect(server.Port))];
        foreach (RawClient client in clients) client.Send($"GET / HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
        foreach (RawClient client in clients) Assert.That(client.ReadHead(), Does.StartWith("HTTP/1.1 101 "));
        Assert.That(server.Server.Count, Is.EqualTo(1000));
        for (int i = 0; i < clients.Count; i++) clients[i].SendText($"number {i}");
        for (int i = 0; i < clients.Count; i++) Assert.That(clients[i].ReadText(), Is.EqualTo($"number {i}"));
        clients.ForEach(static client => client.Dispose());
        server.HoldsNothing();
    }

    // The frame that is cut is the peer's, of which the server holds a part, or the server's, of which the kernel has taken a part.
    [Test]
    public async Task TwoHundredResets_InTheMiddleOfAFrame_LeaveNothingBehind([Values] bool ofTheServers)
    {
        const int Dying = 200;
        ConcurrentQueue<CloseReport> reports = new();
        ConcurrentQueue<WebSocketConnection> opened = new();
        await using TestServer server = await TestServer.Start(
            setup, new ProtocolOverTcpTests.Handler(Echo) { Opened = opened.Enqueue, Closed = reports.Enqueue }, static options =>
                options with { SendBufferBytesMax = 8 << 20 });
        List<RawClient> clients = [.. Enumerable.Range(0, Dying).Select(_ => RawClient.Open(server.Port, receiveBuffer: 4096))];
        TestServer.Eventually(() => opened.Count == Dying, "all are open");
        if (ofTheServers)
        {
            byte[] payload = new byte[8 << 20]; // more than the kernel takes
            using SharedMessage message = server.Server.TryShare(MessageKind.Binary, payload)!;
            server.Server.Broadcast(message);
            TestServer.Eventually(() => opened.All(connection => connection.QueuedBytes is > 0 and var queued && queued < payload.Length),
                "all have a part");
        }
        else
        {
            foreach (RawClient client in clients) client.Send([0x82, 0xFE, 0x10, 0, 1, 2, 3, 4, 5, 6, 7]);
            // an array is 1 KiB at least
            TestServer.Eventually(() => server.Server.Budget.HeldBytes >= Dying * 1024, "a part of each frame is held");
        }

        using RawClient witness = RawClient.Open(server.Port);
        clients.ForEach(static client => client.Reset());
        witness.SendText("here");
        Assert.That(witness.ReadText(), Is.EqualTo("here"));
        server.HoldsNothing(connections: 1);
        Assert.That(reports.Select(static report => (report.Cause, report.Clean)),
            Is.EquivalentTo(Enumerable.Repeat((EndCause.PeerVanished, false), Dying)));
    }

    // The clock is the test's: a second passes when everybody has had a turn, and then each dribbler sends its byte.
    [Test]
    public async Task DribblersFloodersAndDeclarers_AreEndedForTheirReasons_AndOthersAreServed()
    {
        FakeTimeProvider time = new();
        ConcurrentQueue<CloseReport> reports = new();
        ConcurrentQueue<WebSocketConnection> opened = new();
        await using TestServer server = await TestServer.Start(
            setup, new ProtocolOverTcpTests.Handler(Echo) { Opened = opened.Enqueue, Closed = reports.Enqueue }, options =>
                options with { TimeProvider = time });
        using RawClient honest = RawClient.Open(server.Port);
        List<RawClient> dribblers = [.. Enumerable.Range(0, Dribblers).Select(_ => Harmful(server, [0x82, 0xFE, 0x10, 0, 1, 2, 3, 4]))];
        List<RawClient> declarers =
            [.. Enumerable.Range(0, Declarers).Select(_ => Harmful(server, [0x82, 0xFF, 0, 0, 0, 0, 0, 0x10, 0, 0, 1, 2, 3, 4, 5]))];
        byte[] flood = RawClient.Frame(Opcode.Binary, new byte[60_000]);
        List<Flooder> flooders = [.. Enumerable.Range(0, Flooders).Select(_ => new Flooder(server.Port, "/ws/flood", flood))];
        TestServer.Eventually(
            () =>
            {
                flooders.ForEach(static flooder => flooder.Push());
                return opened.Count(static connection =>
                    connection.Endpoint == "/ws/flood" && connection.Transport.PausedBy.HasFlag(ReadPauseReasons.SendQueue)) == Flooders;
            },
            "the flooders are not read from"); // what is queued may be less again by then: reading is resumed when all of it has been sent

        long mostHeld = 0;
        List<RawClient> waiting = [.. dribblers, .. declarers];
        for (int second = 0; server.Server.Count > 1; second++)
        {
            Assert.That(second, Is.LessThan(100), "seconds until the harmful are gone");
            ReadCloses(waiting, second);
            foreach (RawClient dribbler in waiting.Take(waiting.Count - Declarers)) dribbler.Send([0]);
            flooders.ForEach(static flooder => flooder.Push());
            string served = $"served in second {second}?";
            honest.SendText(served);
            (Opcode opcode, byte[] payload) = honest.ReadFrame()!.Value;
            for (; opcode == Opcode.Ping; (opcode, payload) = honest.ReadFrame()!.Value) honest.Send(Opcode.Pong, payload);
            Assert.That(Encoding.ASCII.GetString(payload), Is.EqualTo(served));
            mostHeld = Math.Max(mostHeld, server.Server.Budget.HeldBytes);
            time.Advance(TimeSpan.FromSeconds(1));
            server.CatchUp();
        }

        // A flooder's queue stops at 64 KiB and one message, and its tail at what one receive brings; the others hold a KiB each.
        Assert.That(mostHeld, Is.LessThan((Flooders * 768L * 1024) + ((Dribblers + Declarers) * 2048L)));
        Assert.That(waiting, Is.Empty, "all were told");
        Assert.That(reports.GroupBy(static report => report.Cause)
            .ToDictionary(static group => group.Key, static group => group.Count()), Is.EquivalentTo(new Dictionary<EndCause, int>
            {
                [EndCause.MessageTimeout] = Dribblers + Declarers,
                [EndCause.StalledSend] = Flooders,
            }));
        server.HoldsNothing(connections: 1);
        foreach (IDisposable client in dribblers.Concat<IDisposable>(declarers).Concat(flooders)) client.Dispose();
    }

    // Names are never used again, so that a byte meant for whoever had the slot before is known for what it is.
    [Test]
    public async Task SlotsAreUsedAgain_WhileOthersSendToThem_AndNoByteGoesAstray()
    {
        const int Slots = 50, Rounds = 20;
        string[] names = [.. Enumerable.Repeat("nobody", Slots)];
        await using TestServer server = await TestServer.Start(setup, new RouterApplication(Introduce.Query, DuplicateUid.Share));
        using CancellationTokenSource stop = new();
        Task[] senders = [.. Enumerable.Range(0, 4)
            .Select(_ => Task.Factory.StartNew(() => SendToAll(server, names, stop.Token), TaskCreationOptions.LongRunning))];
        for (int round = 0; round < Rounds; round++)
        {
            RawClient[] receivers = [.. Enumerable.Range(0, Slots)
                .Select(i => RawClient.Open(server.Port, $"/?uid={round}.{i}", receiveBuffer: i % 2 == 0 ? 8192 : 0))];
            for (int i = 0; i < Slots; i++) Volatile.Write(ref names[i], $"{round}.{i}");
            for (int i = 0; i < Slots; i++)
            {
                for (int n = 0; n < 3; n++) CheckBody(receivers[i].ReadText(), $"{round}.{i}");
                if ((i + round) % 3 == 0) receivers[i].Reset();
                else if ((i + round) % 3 == 1) receivers[i].Dispose();
                else Leave(receivers[i], $"{round}.{i}");
            }
        }

        await stop.CancelAsync();
        await Task.WhenAll(senders);
        server.HoldsNothing();
    }

    private static ValueTask Echo(WebSocketConnection connection, MessageKind kind, ReadOnlyMemory<byte> message)
    {
        connection.TrySend(kind, message.Span);
        return ValueTask.CompletedTask;
    }

    private static RawClient Harmful(TestServer server, byte[] bytes)
    {
        RawClient client = RawClient.Open(server.Port);
        client.Send(bytes);
        return client;
    }

    // Takes out whoever has been told that its message took too long; nobody is before its 30 seconds are over.
    private static void ReadCloses(List<RawClient> waiting, int second) => waiting.RemoveAll(client =>
    {
        while (client.Socket.Available > 0)
        {
            (Opcode opcode, byte[] payload) = client.ReadFrame()!.Value;
            if (opcode == Opcode.Ping) continue;
            Assert.That((opcode, Encoding.ASCII.GetString(payload, 2, payload.Length - 2)), Is.EqualTo((Opcode.Close, "message timeout")));
            Assert.That(second, Is.GreaterThanOrEqualTo(30));
            return true;
        }

        return false;
    });

    // Sends each name to itself, small, large, and larger than what a receive buffer takes; who is gone is said to be offline.
    private static void SendToAll(TestServer server, string[] names, CancellationToken stop)
    {
        using RawClient sender = RawClient.Open(server.Port);
        for (int turn = 0; !stop.IsCancellationRequested; turn++)
        {
            for (int i = 0; i < names.Length; i++)
            {
                string name = Volatile.Read(ref names[i]);
                int times = ((turn + i) % 20) switch { 0 => 4000, 1 => 300, _ => 1 };
                sender.SendText($"{name}:{string.Concat(Enumerable.Repeat(name + ' ', times))}");
            }

            sender.Send(Opcode.Ping, []);
            while (sender.ReadFrame() is { } frame && frame.Opcode != Opcode.Pong)
                Assert.That(Encoding.ASCII.GetString(frame.Payload), Does.StartWith("error:offline:").Or.StartWith("error:too-slow:"));
        }
    }

    private static void CheckBody(string body, string name) =>
        Assert.That(body.Replace(name + ' ', "", StringComparison.Ordinal), Is.Empty);

    private static void Leave(RawClient receiver, string name)
    {
        receiver.Send(Opcode.Close, []);
        while (receiver.ReadFrame() is { } frame && frame.Opcode == Opcode.Text) CheckBody(Encoding.ASCII.GetString(frame.Payload), name);
        Assert.That(receiver.ReadFrame(), Is.Null, "Nothing follows a Close.");
        receiver.Dispose();
    }
}
