// What is not ours may throw: the log, the application, its callbacks, its clock. It costs a line, or the connection that it was called
// for, and nothing else: no other connection, no loop, no process.

using System.Collections.Concurrent;
using Microsoft.Extensions.Time.Testing;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class ThrowingLogTests(Setup setup)
{
    // How the clients go: by a Close, by the end of the stream, by a reset, by a broken rule, in the handshake.
    private static readonly Action<RawClient>[] Ends =
    [
        static client => client.Send(Opcode.Close, [0x03, 0xE8]),
        static client => client.Dispose(),
        static client => client.Reset(),
        static client => client.Send([0xFF, 0xFF]),
    ];

    [Test]
    public async Task ALogThatThrows_CostsItsLines_AndNothingElse([Values] Throwing when)
    {
        ThrowingLog loggers = new(when);
        await using TestServer server =
            await TestServer.Start(setup, new EchoApplication(), options => options with { LoggerFactory = loggers });
        using RawClient witness = RawClient.Open(server.Port);
        for (int round = 0; round < 10; round++)
        {
            RawClient[] clients = [.. Ends.Select(_ => RawClient.Open(server.Port))];
            for (int i = 0; i < clients.Length; i++) Ends[i](clients[i]);
            using RawClient bad = RawClient.Connect(server.Port);
            bad.Send("nonsense\r\n\r\n");
            Assert.That(bad.ReadToEnd(), Does.StartWith("HTTP/1.1 400 "));
            Echoes(witness);
            foreach (RawClient client in clients) client.Dispose();
        }

        server.HoldsNothing(connections: 1);
        Assert.That(loggers.Thrown, Is.Positive);
    }

    // The log runs in the middle of receiving and of sending, and may use the server like anybody: it sends and closes on the connection of
    // which the line is.
    [Test]
    public async Task ALogThatUsesTheConnection_HarmsNobody()
    {
        ThrowingLog loggers = new(Throwing.Never);
        WebSocketConnection? first = null;
        int lines = 0;
        loggers.Called = line =>
        {
            if (first is null || !line.Contains("connection 2 ", StringComparison.Ordinal)) return;
            if (++lines < 40) first.TrySend(MessageKind.Binary, "line"u8);
            else first.Close(4000, "enough");
        };
        await using TestServer server = await TestServer.Start(setup, new ProtocolOverTcpTests.Handler((connection, kind, message) =>
        {
            if (connection.Id == 2) first = connection;
            connection.TrySend(kind, message.Span);
            return ValueTask.CompletedTask;
        }), options => options with { LoggerFactory = loggers });
        using RawClient witness = RawClient.Open(server.Port), client = RawClient.Open(server.Port);
        for (int i = 0; i < 5; i++)
            client.Send(
                [.. RawClient.Frame(Opcode.Text, "x"u8), .. RawClient.Frame(Opcode.Ping, "x"u8),
                    .. RawClient.Frame(Opcode.Binary, new byte[3000])]);
        Assert.That(client.ReadClose(answer: true), Is.EqualTo(((ushort?)4000, "enough")));
        client.Dispose();
        Echoes(witness);
        server.HoldsNothing(connections: 1);
    }

    // A handler that fails after an await, and one whose connection ends meanwhile: what goes on then is on no thread of ours.
    [Test]
    public async Task ALogThatThrows_WhereHandlersAwait_CostsItsLines()
    {
        ThrowingLog loggers = new(Throwing.Always);
        TaskCompletionSource gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await TestServer.Start(setup, new ProtocolOverTcpTests.Handler(async (connection, kind, message) =>
        {
            if (message.Length > 4) await gate.Task;
            if (message.Length > 5) throw new OperationCanceledException("later");
            connection.TrySend(kind, message.Span);
        }), options => options with { LoggerFactory = loggers });
        using RawClient failing = RawClient.Open(server.Port), leaving = RawClient.Open(server.Port), witness = RawClient.Open(server.Port);
        failing.SendText("failing");
        leaving.SendText("leave");
        leaving.Reset();
        gate.SetResult();
        Assert.That(failing.ReadClose(answer: true).Code, Is.EqualTo(1011));
        failing.Dispose();
        witness.SendText("here");
        Assert.That(witness.ReadText(), Is.EqualTo("here"));
        server.HoldsNothing(connections: 1);
    }

    [Test]
    public async Task AnApplicationThatThrowsEverywhere_CostsTheConnection([Values] bool logThrows)
    {
        ThrowingLog loggers = new(logThrows ? Throwing.Always : Throwing.Never);
        await using TestServer server =
            await TestServer.Start(setup, new ThrowingApplication(), options => options with { LoggerFactory = loggers });
        using RawClient witness = RawClient.Open(server.Port, "/ws/calm");
        foreach (string target in new[] { "/ws/upgrade", "/ws/upgrade-later", "/ws/upgrade-timeout" })
        {
            using RawClient refused = RawClient.Connect(server.Port);
            refused.Send($"GET {target} HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
            Assert.That(refused.ReadToEnd(), Does.StartWith("HTTP/1.1 500 "), target);
        }

        using (RawClient open = RawClient.Open(server.Port, "/ws/open")) Assert.That(open.ReadClose(answer: true).Code, Is.EqualTo(1011));
        using (RawClient message = RawClient.Open(server.Port, "/ws/message"))
        {
            message.SendText("x");
            Assert.That(message.ReadClose(answer: true).Code, Is.EqualTo(1011));
        }

        using (RawClient close = RawClient.Open(server.Port, "/ws/close")) close.Reset();
        Echoes(witness);
        server.HoldsNothing(connections: 1);
    }

    [Test]
    public async Task AHeartbeatThatThrows_CostsTheConnection([Values] bool logThrows)
    {
        FakeTimeProvider time = new();
        ThrowingLog loggers = new(logThrows ? Throwing.Always : Throwing.Never);
        await using TestServer server = await TestServer.Start(
            setup, new ThrowingApplication(), options =>
                options with { LoggerFactory = loggers, TimeProvider = time, Heartbeat = TimeSpan.FromSeconds(10) });
        using RawClient silent = RawClient.Open(server.Port, "/ws/calm");
        server.CatchUp();
        for (int i = 0; i < 15; i++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            server.CatchUp();
        }

        Assert.That(silent.ReadClose(answer: true).Code, Is.EqualTo(3008));
    }

    // The queue of a peer that does not read is full: whoever broadcasts is told, and throws.
    [Test]
    public async Task ARefusedCallbackThatThrows_CostsTheConnectionItWasToldOf([Values(2000, 100_000)] int bytes)
    {
        ThrowingLog loggers = new(Throwing.Always);
        ConcurrentQueue<CloseReport> reports = new();
        ProtocolOverTcpTests.Handler echo = new(static (connection, kind, message) =>
        {
            connection.TrySend(kind, message.Span);
            return ValueTask.CompletedTask;
        })
        {
            Closed = reports.Enqueue,
        };
        await using TestServer server = await TestServer.Start(
            setup, echo, options => options with { LoggerFactory = loggers, SendBufferBytesMax = 64 * 1024 });
        using RawClient slow = RawClient.Open(server.Port, receiveBuffer: 4096);
        byte[] payload = new byte[bytes];
        TestServer.Eventually(
            () =>
            {
                server.Server.TryBroadcast(MessageKind.Binary, payload, static _ =>
                    throw new InvalidOperationException("as the test says"));
                using SharedMessage message = server.Server.TryShare(MessageKind.Binary, payload)!;
                server.Server.Broadcast(message, static _ => throw new InvalidOperationException("as the test says"));
                return server.Server.Loops.All(static loop =>
                    loop.Members.Snapshot.ToArray().All(static member => member is not WebSocketConnection { IsOpen: true }));
            },
            "it is ended for it");
        slow.Reset();
        TestServer.Eventually(() => reports.Count == 1, "it has ended");
        Assert.That(reports.Single().Cause, Is.EqualTo(EndCause.HandlerError));
        using RawClient witness = RawClient.Open(server.Port);
        Echoes(witness);
        witness.Dispose();
        server.HoldsNothing();
    }

    [Test]
    public async Task ADeliveryThatThrows_CostsTheSendersConnection([Values] bool later)
    {
        ThrowingDelivery delivery = new(later);
        await using TestServer server = await TestServer.Start(
            setup, new RouterApplication(Introduce.Query, DuplicateUid.Share) { Delivery = delivery }, static options =>
                options with { LoggerFactory = new ThrowingLog(Throwing.Always) });
        using RawClient sender = RawClient.Open(server.Port, "/?uid=1"), witness = RawClient.Open(server.Port, "/?uid=2");
        sender.SendText("2:hello");
        Assert.That(sender.ReadClose(answer: true).Code, Is.EqualTo(1011));
        delivery.ToEverybody = server.Server.Directory;
        witness.SendText("all:here");
        Assert.That(witness.ReadText(), Is.EqualTo("here"));
    }

    // From inside of a line that says how a connection has ended: it sends, closes, and stops the server.
    [Test]
    public async Task ALogThatCallsBack_IsServed()
    {
        ConcurrentQueue<WebSocketConnection> opened = new();
        TestServer? started = null;
        Task? stop = null;
        ThrowingLog loggers = new(Throwing.Never);
        loggers.Called = line =>
        {
            if (!line.Contains("ended:", StringComparison.Ordinal) || !opened.TryDequeue(out WebSocketConnection? other)) return;
            other.TrySend(MessageKind.Text, "one has ended"u8);
            other.Close();
            stop ??= started!.Server.StopAsync(TimeSpan.FromSeconds(5));
        };
        await using (started = await TestServer.Start(
            setup, new ProtocolOverTcpTests.Handler(static (_, _, _) => ValueTask.CompletedTask) { Opened = opened.Enqueue }, options =>
                options with { LoggerFactory = loggers }))
        {
            using RawClient other = RawClient.Open(started.Port), leaving = RawClient.Open(started.Port);
            TestServer.Eventually(() => opened.Count == 2, "both are open");
            leaving.Reset();
            Assert.That(other.ReadText(), Is.EqualTo("one has ended"));
            Assert.That(other.ReadClose(answer: true).Code, Is.EqualTo(1000));
            other.Dispose();
            TestServer.Eventually(() => stop is { IsCompletedSuccessfully: true }, "it has stopped");
        }
    }

    // Its timestamps, its timers and its time of day.
    [Test]
    public async Task AClockThatThrows_CostsNothingButTime()
    {
        ThrowingTime time = new();
        await using TestServer server =
            await TestServer.Start(setup, new EchoApplication(), options => options with { TimeProvider = time });
        using RawClient before = RawClient.Open(server.Port);
        time.Throws = true;
        using RawClient meanwhile = RawClient.Open(server.Port);
        Echoes(before);
        Echoes(meanwhile);
        time.Throws = false;
        using RawClient after = RawClient.Open(server.Port);
        Echoes(after);
        time.Throws = true;
    }

    private static void Echoes(RawClient client)
    {
        client.SendText("still here?");
        Assert.That(client.ReadText(), Is.EqualTo("still here?"));
    }
}
