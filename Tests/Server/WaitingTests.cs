// What an application can wait for: room for a message, the end of a connection, the moment from which nothing can be sent any more. And
// that a connection that nobody waits for is not larger for it.

using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class WaitingTests
{
    private const int Bound = 64 * 1024;

    private static readonly byte[] Payload = new byte[16 * 1024];

    [Test]
    public void AnIdleConnection_IsNoLargerThanItWas()
    {
        RuntimeHelpers.GetUninitializedObject(typeof(WebSocketConnection)); // the first call makes what the runtime needs for it
        long before = GC.GetAllocatedBytesForCurrentThread();
        object connection = RuntimeHelpers.GetUninitializedObject(typeof(WebSocketConnection));
        long bytes = GC.GetAllocatedBytesForCurrentThread() - before;
        TestContext.Out.WriteLine($"{bytes} bytes");
        Assert.That(bytes, Is.LessThanOrEqualTo(240));
        GC.KeepAlive(connection);
    }

    [Test]
    public async Task Send_WaitsForRoom_AndKeepsTheOrder()
    {
        await using MemoryConnection peer = Full(out int queued);
        ValueTask<SendResult> waiting = default;
        peer.Turn(() => waiting = peer.Connection.SendAsync("at last"));
        Assert.That(waiting.IsCompleted, Is.False);
        peer.Room = int.MaxValue;
        peer.BecomeWritable();
        Assert.That(await waiting, Is.EqualTo(SendResult.Queued));
        peer.Turn();
        Assert.That(peer.Taken, Has.Length.EqualTo((queued * (Payload.Length + 4)) + 2 + "at last".Length));
        Assert.That(peer.Taken[^7..], Is.EqualTo("at last"u8.ToArray()));
    }

    [Test]
    public async Task Send_WithRoom_IsDoneAtOnce()
    {
        await using MemoryConnection peer = new(new EchoApplication());
        Task<SendResult>[] sent = [];
        peer.Turn(() => sent =
        [
            peer.Connection.SendAsync("a").AsTask(),
            peer.Connection.SendAsync(MessageKind.Binary, "b"u8.ToArray()).AsTask(),
            peer.Connection.SendAsync(WebSocketMessage.Text("c")).AsTask(),
        ]);
        foreach (Task<SendResult> one in sent) Assert.That((one.IsCompleted, await one), Is.EqualTo((true, SendResult.Queued)));
        Assert.That(peer.Taken, Is.EqualTo((byte[])[0x81, 1, (byte)'a', 0x82, 1, (byte)'b', 0x81, 1, (byte)'c']));
    }

    [Test]
    public async Task ASendThatIsCancelled_SendsNothing()
    {
        await using MemoryConnection peer = Full(out int queued);
        using CancellationTokenSource cancel = new();
        ValueTask<SendResult> waiting = peer.Connection.SendAsync("never", cancel.Token);
        await cancel.CancelAsync();
        Assert.That(async () => await waiting, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(async () => await peer.Connection.SendAsync("nor this", cancel.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(async () => await peer.Connection.SendAsync(WebSocketMessage.Text("nor this"), cancel.Token),
            Throws.InstanceOf<OperationCanceledException>());
        peer.Room = int.MaxValue;
        peer.BecomeWritable();
        peer.Turn();
        Assert.That(peer.Taken, Has.Length.EqualTo(queued * (Payload.Length + 4)));
    }

    [Test]
    public async Task ASendThatWaits_IsToldOfTheEnd([Values] bool breaks)
    {
        await using MemoryConnection peer = Full(out _);
        ValueTask<SendResult> waiting = peer.Connection.SendAsync(WebSocketMessage.Binary(Payload));
        if (breaks) peer.Break();
        else peer.Turn(() => peer.Connection.Close());
        Assert.That(await waiting, Is.EqualTo(SendResult.Closed));
        Assert.That(await peer.Connection.SendAsync("too late"), Is.EqualTo(SendResult.Closed));
    }

    // A connection with a send queue at its bound.
    private static MemoryConnection Full(out int queued)
    {
        MemoryConnection peer = new(new EchoApplication(), static options => options with { SendBufferBytesMax = Bound }) { Room = 0 };
        int sent = 0;
        peer.Turn(() =>
        {
            while (peer.Connection.TrySend(MessageKind.Binary, Payload) == SendResult.Queued) sent++;
        });
        queued = sent;
        return peer;
    }

    [TestFixtureSource(typeof(Setup), nameof(Setup.All))]
    [FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
    public sealed class Ends(Setup setup)
    {
        private readonly TaskCompletionSource<WebSocketConnection> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource<CloseReport> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        [Test]
        public async Task CloseAsync_GivesTheReport_WhenTheConnectionHasEnded()
        {
            await using TestServer server = await Start();
            using RawClient client = RawClient.Open(server.Port);
            WebSocketConnection connection = await _opened.Task;
            CancellationToken closed = connection.ConnectionClosed;
            Assert.That(closed.IsCancellationRequested, Is.False);
            Task<CloseReport> waiting = connection.CloseAsync(4321, "that is all"), another = connection.CloseAsync();
            Assert.That(waiting.IsCompleted, Is.False, "the peer has not answered");
            using CancellationTokenSource cancelled = new();
            await cancelled.CancelAsync();
            Assert.That(async () => await connection.CloseAsync(cancellationToken: cancelled.Token),
                Throws.InstanceOf<OperationCanceledException>());
            Assert.That(client.ReadClose(answer: true), Is.EqualTo(((ushort?)4321, "that is all")));
            client.Dispose();
            CloseReport report = await waiting.WaitAsync(TestServer.Patience);
            Assert.That((report.Cause, report.Code, report.Clean), Is.EqualTo((EndCause.ApplicationClosed, (int?)4321, true)));
            Assert.That(await another.WaitAsync(TestServer.Patience), Is.SameAs(report));
            Assert.That(await _closed.Task.WaitAsync(TestServer.Patience), Is.SameAs(report));
            Assert.That(await connection.CloseAsync().WaitAsync(TestServer.Patience), Is.SameAs(report), "it has ended");
            Assert.That(closed.IsCancellationRequested && connection.ConnectionClosed.IsCancellationRequested);
            Assert.That(() => connection.CloseAsync(1005), Throws.ArgumentException);
        }

        [TestCase("the peer closes")]
        [TestCase("the peer is gone")]
        [TestCase("it is aborted")]
        [TestCase("a rule is broken")]
        [TestCase("the server stops")]
        public async Task TheToken_IsCancelled_OnAThreadThatIsNotTheLoops(string end)
        {
            await using TestServer server = await Start();
            using RawClient client = RawClient.Open(server.Port);
            WebSocketConnection connection = await _opened.Task;
            TaskCompletionSource<bool> told = new(TaskCreationOptions.RunContinuationsAsynchronously);
            connection.ConnectionClosed.Register(() => told.TrySetResult(RawWs.Server.Loops.EventLoop.Current is null));
            switch (end)
            {
                case "the peer closes": client.Send(Opcode.Close, [0x03, 0xE8]); break;
                case "the peer is gone": client.Reset(); break;
                case "it is aborted": connection.Abort(); break;
                case "a rule is broken": client.Send([0xFF, 0x80, 0, 0, 0, 0]); break;
                default: _ = server.Server.StopAsync(TimeSpan.Zero); break;
            }

            Assert.That(await told.Task.WaitAsync(TestServer.Patience), "on a thread of the pool");
        }

        // The end waits for the handler, and the handler for the end: the token releases both.
        [Test]
        public async Task AHandlerThatWaits_LearnsThatThePeerIsGone()
        {
            FakeTimeProvider time = new();
            TaskCompletionSource began = new(TaskCreationOptions.RunContinuationsAsynchronously);
            await using TestServer server = await Start(async (connection, _, _) =>
            {
                began.SetResult();
                await Task.Delay(Timeout.Infinite, connection.ConnectionClosed).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }, options => options with { TimeProvider = time });
            using RawClient client = RawClient.Open(server.Port);
            client.SendText("wait");
            await began.Task.WaitAsync(TestServer.Patience);
            client.Reset();
            // Where nothing is received meanwhile, it is the next Ping that learns it.
            TestServer.Eventually(() =>
            {
                time.Advance(server.Server.Options.PingInterval / 4);
                server.CatchUp();
                return _closed.Task.IsCompleted;
            }, "the connection has ended");
            Assert.That((await _closed.Task.WaitAsync(TestServer.Patience)).Cause, Is.EqualTo(EndCause.PeerVanished));
        }

        [Test]
        public async Task ACallbackThatThrows_CostsNothing()
        {
            RecordedLog log = new(LogLevel.Error);
            await using TestServer server = await Start(change: options => options with { LoggerFactory = log });
            using RawClient client = RawClient.Open(server.Port);
            (await _opened.Task).ConnectionClosed.Register(static () => throw new InvalidOperationException("as the test says"));
            client.Send(Opcode.Close, []);
            await _closed.Task.WaitAsync(TestServer.Patience);
            log.WaitFor("the application threw");
            using RawClient next = RawClient.Open(server.Port);
        }

        // A handler that waits for its own connection's end is released when the time for the closing is over.
        [Test]
        public async Task AHandlerThatWaitsForItsOwnEnd_IsReleased()
        {
            FakeTimeProvider time = new();
            TaskCompletionSource<EndCause> awaited = new(TaskCreationOptions.RunContinuationsAsynchronously);
            await using TestServer server = await Start(
                async (connection, _, _) => awaited.SetResult((await connection.CloseAsync()).Cause), options =>
                    options with { TimeProvider = time });
            using RawClient client = RawClient.Open(server.Port);
            client.SendText("close");
            Assert.That(client.ReadFrame()!.Value.Opcode, Is.EqualTo(Opcode.Close));
            server.Pass(time, 6);
            Assert.That(await awaited.Task.WaitAsync(TestServer.Patience), Is.EqualTo(EndCause.CloseDeadline));
            Assert.That((await _closed.Task.WaitAsync(TestServer.Patience)).Cause, Is.EqualTo(EndCause.CloseDeadline));
        }

        private Task<TestServer> Start(
            Func<WebSocketConnection, MessageKind, ReadOnlyMemory<byte>, ValueTask>? onMessage = null, Func<ServerOptions,
                ServerOptions>? change = null) =>
            TestServer.Start(
                setup,
                new ProtocolOverTcpTests.Handler(
                    onMessage ?? (static (_, _, _) => ValueTask.CompletedTask))
                { Opened = _opened.SetResult, Closed = _closed.SetResult },
                change);
    }
}
