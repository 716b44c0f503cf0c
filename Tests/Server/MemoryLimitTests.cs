// The memory limit as the most that peers can make the server hold, whatever they do: it is asked before, it counts what things cost, and
// while it is reached those who have nothing waiting are served. The limit is low here; the load harness shows the same of resident memory,
// at full size (load attack).

using Microsoft.Extensions.Time.Testing;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class MemoryLimitTests(Setup setup)
{
    private const int Limit = 4 << 20;
    private const int Peers = 150;

    // What must go out is counted and not asked for: a control frame and a queue for it, for each of the peers.
    private const int UnaskedBytes = Peers * 4096;

    [Test]
    public Task PingsWhosePongsAreNotRead() => Flood(new EchoApplication(), RawClient.Frame(Opcode.Ping, []));

    [Test]
    public Task LongPingsWhosePongsAreNotRead() => Flood(new EchoApplication(), RawClient.Frame(Opcode.Ping, new byte[125]));

    [Test]
    public Task TinyMessagesWhoseEchoIsNotRead() => Flood(new EchoApplication(), RawClient.Frame(Opcode.Text, []));

    [Test]
    public Task LongMessagesWhoseEchoIsNotRead() => Flood(new EchoApplication(), RawClient.Frame(Opcode.Binary, new byte[100_000]));

    [Test]
    public Task MessagesToAllThatAreNotRead() => Flood(NewRouter(), RawClient.Frame(Opcode.Text, [.. "all:"u8, .. new byte[500]]));

    [Test]
    public Task LongMessagesToAllThatAreNotRead() => Flood(NewRouter(), RawClient.Frame(Opcode.Binary, [.. "all:"u8, .. new byte[50_000]]));

    [Test]
    public Task MessagesToAUidOfManyThatAreNotRead() =>
        Flood(NewRouter(), RawClient.Frame(Opcode.Binary, [.. "many:"u8, .. new byte[3000]]));

    [Test]
    public async Task UnfinishedHeads_HaveTheirShare_AndAreToldAtTheLimit()
    {
        await using TestServer server = await Start(new EchoApplication());
        byte[] head = new byte[32_000];
        Array.Fill(head, (byte)'x');
        "GET / HTTP/1.1\r\nHost: a\r\nX: "u8.CopyTo(head);
        RawClient[] peers = [.. Enumerable.Range(0, Peers).Select(_ => RawClient.Connect(server.Port))];
        foreach (RawClient peer in peers)
        {
            peer.Send(head);
            Assert.That(server.Server.Budget.HeldBytes, Is.LessThanOrEqualTo(Limit + UnaskedBytes));
        }

        TestServer.Eventually(() => peers.Any(static peer => peer.Socket.Available > 0), "somebody is told");
        Assert.That(peers.First(static peer => peer.Socket.Available > 0).ReadHead(), Does.StartWith("HTTP/1.1 503 "));
        foreach (RawClient peer in peers) peer.Dispose();
        server.HoldsNothing();
        using RawClient next = RawClient.Open(server.Port);
        next.SendText("room again");
        Assert.That(next.ReadText(), Is.EqualTo("room again"));
    }

    [Test]
    public async Task MessagesThatWaitForAHandler_AreCharged()
    {
        TaskCompletionSource finish = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await Start(new ProtocolOverTcpTests.Handler(async (_, _, message) =>
        {
            if (message.Length > 10) await finish.Task;
        }));
        byte[] burst = [.. Enumerable.Repeat(RawClient.Frame(Opcode.Binary, new byte[20_000]), 5).SelectMany(static frame => frame)];
        RawClient[] peers = [.. Enumerable.Range(0, Peers).Select(_ => RawClient.Open(server.Port))];
        foreach (RawClient peer in peers)
        {
            peer.Send(burst);
            Assert.That(server.Server.Budget.HeldBytes, Is.LessThanOrEqualTo(Limit + UnaskedBytes));
        }

        server.CatchUp();
        Assert.That(server.Server.Budget.HeldBytes, Is.LessThanOrEqualTo(Limit + UnaskedBytes));
        finish.SetResult();
        foreach (RawClient peer in peers) peer.Dispose();
        server.HoldsNothing();
    }

    // Two who send tiny messages at full speed to one who reads at full speed: it stays, and what it does not get is told to its sender.
    [Test]
    public async Task WhoReads_IsNotTooSlow_AndWhatIsSentIsDeliveredOrTold()
    {
        const int Senders = 2, Each = 100_000;
        await using TestServer server =
            await TestServer.Start(setup, NewRouter(), static options => options with { SendBufferBytesMax = 16 * 1024 });
        using RawClient receiver = RawClient.Open(server.Port, "/?uid=r");
        Task<int> receiving = Task.Factory.StartNew(() => CountUntilEnd(receiver), TaskCreationOptions.LongRunning);
        int[] told = await Task.WhenAll(
            Enumerable.Range(0, Senders).Select(_ => Task.Factory.StartNew(() => SendAll(server.Port), TaskCreationOptions.LongRunning)));
        using RawClient last = RawClient.Open(server.Port);
        TestServer.Eventually(
            () =>
            {
                last.SendText("r:end");
                last.Send(Opcode.Ping, []);
                return last.ReadFrame()!.Value.Opcode == Opcode.Pong || last.ReadFrame() is null; // else it was told, and the Pong follows
            },
            "the end is queued");
        Assert.That(await receiving, Is.EqualTo((Senders * Each) - told.Sum()));
        TestServer.Eventually(() => server.Server.Count == 2, "nobody but the senders has gone");

        static int CountUntilEnd(RawClient receiver)
        {
            int count = 0;
            while (receiver.ReadText() != "end") count++;
            return count;
        }

        // Answers are read on a thread of their own, or both sides would wait.
        static int SendAll(int port)
        {
            using RawClient sender = RawClient.Open(port);
            Task<int> answers = Task.Factory.StartNew(
                () =>
                {
                    int count = 0;
                    while (sender.ReadFrame() is { Opcode: not Opcode.Pong }) count++;
                    return count;
                },
                TaskCreationOptions.LongRunning);
            byte[] thousand = [.. Enumerable.Repeat(RawClient.Frame(Opcode.Text, "r:"u8), 1000).SelectMany(static frame => frame)];
            for (int i = 0; i < Each / 1000; i++) sender.Send(thousand);
            sender.Send(Opcode.Ping, []);
            return answers.Result;
        }
    }

    private static RouterApplication NewRouter() => new(Introduce.Query, DuplicateUid.Share);

    private Task<TestServer> Start(IWebSocketApplication application) =>
        TestServer.Start(setup, application, static options =>
            options with { MemoryBytesMax = Limit, TimeProvider = new FakeTimeProvider() });

    // Many send all that is taken from them, and read nothing. An honest client is served all the while.
    private async Task Flood(IWebSocketApplication application, byte[] frame)
    {
        setup.PassOverLayers("they hold bytes back, and then even an honest one needs memory to be answered");
        await using TestServer server = await Start(application);
        byte[] burst = [.. Enumerable.Repeat(frame, Math.Max(1, 64 * 1024 / frame.Length)).SelectMany(static bytes => bytes)];
        List<Flooder> flooders = [.. Enumerable.Range(0, Peers).Select(_ => new Flooder(server.Port, "/?uid=many", burst))];
        long most = 0;
        for (int round = 0; round < 20; round++)
        {
            foreach (Flooder flooder in flooders)
            {
                flooder.Push();
                most = Math.Max(most, server.Server.Budget.HeldBytes);
            }

            server.CatchUp();
            most = Math.Max(most, server.Server.Budget.HeldBytes);
        }

        Assert.That(most, Is.LessThanOrEqualTo(Limit + UnaskedBytes));
        using (RawClient honest = RawClient.Open(server.Port, "/?uid=honest"))
        {
            honest.SendText("honest:served");
            while (honest.ReadFrame() is { } read && !read.Payload.AsSpan().EndsWith("served"u8))
            {
                Assert.That(read.Opcode, Is.Not.EqualTo(Opcode.Close));
                if (read.Payload.AsSpan().StartsWith("error:"u8)) honest.SendText("honest:served"); // it is told, and sends again
            }
        }

        flooders.ForEach(static flooder => flooder.Dispose());
        server.HoldsNothing();
    }
}
