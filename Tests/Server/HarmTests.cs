// Peers that mean no good, many at once: each is ended for its own reason, what they make the server hold has a bound, and an honest
// client is served all the while.

using System.Collections.Concurrent;
using System.Net.Sockets;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class HarmTests(Setup setup)
{
    private const int Declarers = 100;
    private const int Dribblers = 500;
    private const int Flooders = 100;

    [Test]
    public async Task DribblersFloodersAndDeclarers_AreEndedForTheirReasons_AndOthersAreServed()
    {
        ConcurrentQueue<Verdict> verdicts = new();
        await using TestServer server = await TestServer.Start(setup, new ConversationOverTcpTests.Handler(static (connection, kind, message) =>
        {
            connection.TrySend(kind, message.Span);
            return ValueTask.CompletedTask;
        })
        { Closed = verdicts.Enqueue }, static options => options with
        {
            MessageTimeout = TimeSpan.FromSeconds(2),
            SendTimeout = TimeSpan.FromSeconds(2),
            CloseTimeout = TimeSpan.FromSeconds(1),
        });
        using RawClient honest = RawClient.Open(server.Port);
        List<RawClient> clients = [];
        for (int i = 0; i < Dribblers; i++) clients.Add(Harmful(server, [0x81]));
        for (int i = 0; i < Declarers; i++) clients.Add(Harmful(server, [0x82, 0xFF, 0, 0, 0, 0, 0, 0x10, 0, 0, 1, 2, 3, 4, 5]));
        byte[] flood = RawClient.Frame(Opcode.Binary, new byte[60_000]);
        for (int i = 0; i < Flooders; i++) clients.Add(Flood(server, flood));

        long mostHeld = 0;
        TestServer.Eventually(
            () =>
            {
                honest.SendText("served?");
                Assert.That(honest.ReadText(), Is.EqualTo("served?"));
                mostHeld = Math.Max(mostHeld, server.Server.Budget.HeldBytes);
                return server.Server.Count == 1;
            },
            "the harmful are gone");
        clients.ForEach(static client => client.Dispose());

        // A flooder's outbox stops at 64 KiB and one message, and its tail at what one receive brings; the others hold a KiB each.
        Assert.That(mostHeld, Is.LessThan((Flooders * 768L * 1024) + ((Dribblers + Declarers) * 2048L)));
        Assert.That(verdicts.GroupBy(static verdict => verdict.Cause).ToDictionary(static group => group.Key, static group => group.Count()), Is.EquivalentTo(new Dictionary<EndCause, int>
        {
            [EndCause.MessageTimeout] = Dribblers + Declarers,
            [EndCause.StalledSend] = Flooders,
        }));
    }

    [Test]
    public async Task SlotsAreUsedAgain_WhileOthersSendToThem_AndNoByteGoesAstray()
    {
        await using TestServer server = await TestServer.Start(setup, new RawWs.Server.Applications.RouterApplication(
            RawWs.Server.Applications.Introduce.Query, RawWs.Server.Routing.DuplicateUid.Share));
        using CancellationTokenSource stop = new();
        Task[] senders = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            using RawClient sender = RawClient.Open(server.Port);
            sender.Socket.ReceiveBufferSize = 1 << 20;
            for (int i = 0; !stop.IsCancellationRequested; i = (i + 1) % 50)
            {
                sender.SendText($"u{i}:to u{i}");
                while (sender.Socket.Available > 0) sender.ReadFrame();
            }
        }))];
        for (int round = 0; round < 40; round++)
        {
            RawClient[] receivers = [.. Enumerable.Range(0, 50).Select(i => RawClient.Open(server.Port, $"/?uid=u{i}"))];
            for (int i = 0; i < receivers.Length; i++)
            {
                for (int n = 0; n < 2; n++) Assert.That(receivers[i].ReadText(), Is.EqualTo($"to u{i}"));
                if ((i + round) % 2 == 0) receivers[i].Reset();
                else receivers[i].Dispose();
            }
        }

        await stop.CancelAsync();
        await Task.WhenAll(senders);
    }

    private static RawClient Harmful(TestServer server, byte[] bytes)
    {
        RawClient client = RawClient.Open(server.Port);
        client.Send(bytes);
        return client;
    }

    // Sends until the kernels on both sides are full, and never reads.
    private static RawClient Flood(TestServer server, byte[] message)
    {
        RawClient client = RawClient.Open(server.Port, receiveBuffer: 8192);
        client.Socket.SendBufferSize = 64 * 1024;
        client.Socket.Blocking = false;
        int at = 0, idle = 0;
        while (idle < 3)
        {
            int sent = client.Socket.Send(message.AsSpan(at), SocketFlags.None, out SocketError error);
            if (error == SocketError.WouldBlock) idle = client.Socket.Poll(5_000, SelectMode.SelectWrite) ? 0 : idle + 1;
            else if (error != SocketError.Success) break;
            else at = (at + sent) % message.Length;
        }

        return client;
    }
}
