// One connection's burst, and the others' turn. What a burst costs is counted, so that nothing here depends on a clock. While the loop
// stands still the burst and an honest message come in. Then the test sees how much of the burst was handled before the honest message was.

using System.Text;
using Microsoft.Extensions.Time.Testing;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Sending;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(nameof(Setups))]
public sealed class FairnessTests(Setup setup)
{
    private const string WithDeflate = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

    public static IEnumerable<Setup> Setups => Setup.All.Where(static setup => setup.Loops == 1);

    [Test]
    public Task ABurstThatCausesDeliveries_LeavesOthersTheirTurn() => MeasureBurst(
        1000, RawClient.Frame(Opcode.Text, "a"u8), most: (TurnShare.WorkMax / (100 * TurnShare.DeliveryWork)) + 2, static other =>
        {
            for (int i = 0; i < 100; i++) other.TrySend(MessageKind.Text, ""u8);
        });

    [Test]
    public Task ABurstThatInflates_LeavesOthersTheirTurn()
    {
        byte[] compressed = Deflate.Compress([.. Enumerable.Repeat((byte)'a', 1 << 20)]);
        byte[] frame = RawClient.Frame(Opcode.Text, compressed);
        frame[0] |= 0x40;
        return MeasureBurst(50, frame, most: 6, static _ => { }, static options => options with { Compression = true });
    }

    // One message may be many times as large as a share. It is inflated in pieces, and other connections come between them.
    [Test]
    public Task OneMessageThatInflatesToMuch_LeavesOthersTheirTurn()
    {
        byte[] compressed = Deflate.Compress([.. Enumerable.Repeat((byte)'a', 64 << 20)]);
        byte[] frame = RawClient.Frame(Opcode.Text, compressed);
        frame[0] |= 0x40;
        return MeasureBurst(1, frame, most: 0, static _ => { }, static options =>
            options with { Compression = true, MessageBytesMax = 64 << 20 });
    }

    // Later: from a thread of the pool's, after an await.
    [TestCase(2000, 4000, false)]
    [TestCase(2000, 4000, true)]
    [TestCase(1 << 20, 12, false)]
    [TestCase(1 << 20, 12, true)]
    public async Task WhoSendsMuchToAll_WaitsUntilItHasLeft_AndWhoReadsMissesNothing(int payloadBytes, int count, bool later)
    {
        const int Receivers = 3;
        WebSocketServer? all = null;
        int refused = 0, partial = 0;
        await using TestServer server = await TestServer.Start(setup, new ProtocolOverTcpTests.Handler(async (_, _, _) =>
        {
            if (later) await Task.Yield();
            if (!all!.TryBroadcast(MessageKind.Binary, new byte[payloadBytes], _ => refused++)) partial++;
        }), static options => options with { TimeProvider = new FakeTimeProvider() }); // however slow this machine is, no time passes
        all = server.Server;
        RawClient[] receivers = [.. Enumerable.Range(0, Receivers).Select(_ => RawClient.Open(server.Port))];
        Task<int>[] reading =
            [.. receivers.Select(receiver => Task.Factory.StartNew(() => Count(receiver), TaskCreationOptions.LongRunning))];
        using RawClient sender = RawClient.Open(server.Port);
        Task<int> own = Task.Factory.StartNew(() => Count(sender), TaskCreationOptions.LongRunning);
        sender.Send([.. Enumerable.Repeat(RawClient.Frame(Opcode.Text, "a"u8), count).SelectMany(static frame => frame)]);
        foreach (Task<int> reader in (Task<int>[])[.. reading, own]) Assert.That(await reader, Is.EqualTo(count));
        Assert.That((refused, partial), Is.EqualTo((0, 0)));
        foreach (RawClient receiver in receivers) receiver.Dispose();

        int Count(RawClient client)
        {
            int received = 0;
            while (received < count)
            {
                Assert.That(client.ReadFrame()!.Value.Payload, Has.Length.EqualTo(payloadBytes));
                received++;
            }

            return received;
        }
    }

    // A receiver that receives nothing holds a sender up for a check or two, and then the sender is told.
    [Test]
    public async Task WhoTakesNothing_DoesNotHoldASenderUp([Values] bool later)
    {
        FakeTimeProvider time = new();
        WebSocketServer? all = null;
        int sent = 0;
        await using TestServer server = await TestServer.Start(
            setup,
            new ProtocolOverTcpTests.Handler(async (_, kind, _) =>
            {
                if (kind != MessageKind.Binary) return;
                if (later) await Task.Yield();
                all!.TryBroadcast(MessageKind.Binary, new byte[1 << 20]);
                Interlocked.Increment(ref sent);
            }),
            options => options with { TimeProvider = time, SendTimeout = TimeSpan.FromDays(1), PingInterval = TimeSpan.FromHours(1) });
        all = server.Server;
        using RawClient deaf = RawClient.Open(server.Port, receiveBuffer: 4096);
        using RawClient sender = RawClient.Open(server.Port);
        Task reading = Task.Factory.StartNew(
            () =>
            {
                while (sender.ReadFrame() is { Opcode: not Opcode.Close })
                {
                }
            },
            TaskCreationOptions.LongRunning);
        const int Burst = 20;
        sender.Send([.. Enumerable.Repeat(RawClient.Frame(Opcode.Binary, "a"u8), Burst).SelectMany(static frame => frame)]);
        PassUntil(server, time, () => Volatile.Read(ref sent) == Burst);
        Assert.That(server.Server.Budget.HeldBytes, Is.LessThan(8 << 20), "what waits for the deaf has a bound");
        sender.Send(Opcode.Close, []);
        PassUntil(server, time, () => reading.IsCompleted);
        await reading;
    }

    // On a thread of the pool's nobody's bytes are being taken; what is sent there is its sender's all the same, and no other's.
    [Test]
    public async Task WhoSendsMuchAfterAnAwait_WaitsUntilItHasLeft_AndOthersWhoAwaitDoNot()
    {
        const int Burst = 20;
        FakeTimeProvider time = new();
        WebSocketServer? all = null;
        int sent = 0;
        await using TestServer server = await TestServer.Start(
            setup,
            new ProtocolOverTcpTests.Handler(async (connection, kind, _) =>
            {
                await Task.Yield();
                if (kind == MessageKind.Text)
                {
                    connection.TrySend(kind, "quiet"u8);
                    return;
                }

                all!.TryBroadcast(MessageKind.Binary, new byte[1 << 20]);
                Interlocked.Increment(ref sent);
            }),
            options => options with
            {
                TimeProvider = time,
                SendTimeout = TimeSpan.FromDays(1),
                PingInterval = TimeSpan.FromHours(1),
                SendBufferBytesMax = 64 << 20,
            });
        all = server.Server;
        using RawClient deaf = RawClient.Open(server.Port, receiveBuffer: 4096);
        using RawClient sender = RawClient.Open(server.Port), quiet = RawClient.Open(server.Port);
        Task reading = Task.Factory.StartNew(
            () =>
            {
                while (sender.ReadFrame() is { Opcode: not Opcode.Close })
                {
                }
            },
            TaskCreationOptions.LongRunning);
        sender.Send([.. Enumerable.Repeat(RawClient.Frame(Opcode.Binary, "a"u8), Burst).SelectMany(static frame => frame)]);
        for (int i = 0; i < 100; i++)
        {
            quiet.SendText("still served?");
            while (quiet.ReadFrame()!.Value.Opcode != Opcode.Text)
            {
            }
        }

        Assert.That(Volatile.Read(ref sent), Is.LessThan(5), "no time has passed in which somebody would have been waited for in vain");
        PassUntil(server, time, () => Volatile.Read(ref sent) == Burst);
        sender.Send(Opcode.Close, []);
        PassUntil(server, time, () => reading.IsCompleted);
        await reading;
    }

    // Who is waited for in vain is looked at as time goes by.
    private static void PassUntil(TestServer server, FakeTimeProvider time, Func<bool> isThrough) => TestServer.Eventually(
        () =>
        {
            time.Advance(TimeSpan.FromMilliseconds(50));
            server.CatchUp();
            return isThrough();
        },
        "the sender gets through");

    // While the loop stands still a burst comes in, and behind it an honest message.
    private async Task MeasureBurst(
        int count, byte[] frame, int most, Action<WebSocketConnection> cause, Func<ServerOptions, ServerOptions>? change = null)
    {
        setup.PassOverLayers("what an honest one has sent takes more than one turn");
        using ManualResetEventSlim stands = new(), released = new();
        TaskCompletionSource<int> burstBeforeHonest = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource burstIsOver = new(TaskCreationOptions.RunContinuationsAsynchronously);
        WebSocketConnection? other = null;
        int taken = 0;
        await using TestServer server = await TestServer.Start(
            setup,
            new ProtocolOverTcpTests.Handler((connection, _, message) =>
            {
                string text = message.Length > 10 ? "a" : Encoding.ASCII.GetString(message.Span);
                if (text == "stand")
                {
                    stands.Set();
                    released.Wait(TestServer.Patience);
                }
                else if (text == "honest")
                {
                    burstBeforeHonest.TrySetResult(taken);
                }
                else
                {
                    cause(other!);
                    if (++taken == count) burstIsOver.TrySetResult();
                }

                return ValueTask.CompletedTask;
            })
            { Opened = connection => other ??= connection },
            change);
        using RawClient first = RawClient.Open(server.Port);
        using RawClient attacker = RawClient.Connect(server.Port);
        attacker.Send($"GET / HTTP/1.1\r\n{RawClient.Upgrade}{(change is null ? "" : WithDeflate)}\r\n");
        Assert.That(attacker.ReadHead(), Does.StartWith("HTTP/1.1 101 "));
        using RawClient honest = RawClient.Open(server.Port);
        honest.SendText("stand");
        Assert.That(stands.Wait(TestServer.Patience));
        attacker.Send([.. Enumerable.Repeat(frame, count).SelectMany(static bytes => bytes)]);
        honest.SendText("honest");
        released.Set();
        Assert.That(await burstBeforeHonest.Task.WaitAsync(TestServer.Patience), Is.LessThanOrEqualTo(most));
        await burstIsOver.Task.WaitAsync(TestServer.Patience);
    }
}
