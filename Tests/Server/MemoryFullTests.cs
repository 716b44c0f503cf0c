// The memory limit is reached, and a connection is in the midst of something: over memory, so that each case is one moment and no race. Who
// takes what he is sent, and pings, is not closed; and what was accepted to be sent is sent, or its loss is told.

using System.Buffers.Binary;
using System.Text;
using Microsoft.Extensions.Logging;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class MemoryFullTests : IDisposable
{
    private const int Limit = 1 << 20;

    // Longer than what a queue has room for by itself.
    private static readonly byte[] ToAll = ServerFrame(Opcode.Binary, new byte[1900]);

    private readonly List<CloseReport> _reports = [];
    private readonly LinesLog _log = new();

    public void Dispose() => _log.Dispose();

    // §5.5.2: the first Pong waits behind a message to all, and that finds no memory to be queued behind the Pong.
    [Test]
    public async Task PingsWhileAMessageToAllIsOnItsWay_AreAnswered_AndNobodyIsClosed([Values] bool fullBefore)
    {
        await using MemoryConnection peer = Open();
        byte[] taken = fullBefore ? Fill(peer) : [];
        SendToAll(peer);
        peer.Turn(() =>
        {
            if (!fullBefore) taken = Fill(peer);
            peer.Receive([.. RawClient.Frame(Opcode.Ping, "1"u8), .. RawClient.Frame(Opcode.Ping, "2"u8)]);
        });
        peer.Turn();
        Assert.That(peer.Connection.IsOpen);
        Assert.That(peer.Taken, Is.EqualTo((byte[])[.. ServerFrame(Opcode.Pong, "1"u8), .. ServerFrame(Opcode.Pong, "2"u8), .. ToAll]));
        peer.Budget.Return(taken);
    }

    // §5.5.3: of what the kernel does not take the last Pong waits, and is not asked for; so is the rest of one that is begun.
    [TestCase(0)]
    [TestCase(1)]
    [TestCase(3)]
    public async Task PongsThatTheKernelDoesNotTake_Wait(int room)
    {
        await using MemoryConnection peer = Open();
        byte[] taken = Fill(peer);
        peer.Room = room;
        peer.Arrive([.. "123"u8.ToArray().SelectMany(static letter => RawClient.Frame(Opcode.Ping, [letter]))]);
        peer.Turn();
        Assert.That(peer.Connection.IsOpen);
        peer.Room = int.MaxValue;
        peer.BecomeWritable();
        byte[] wanted = room == 0 ? [] : ServerFrame(Opcode.Pong, "1"u8);
        Assert.That(peer.Taken, Is.EqualTo((byte[])[.. wanted, .. ServerFrame(Opcode.Pong, "3"u8)]));
        peer.Arrive(RawClient.Frame(Opcode.Ping, "4"u8));
        Assert.That(peer.Taken.AsSpan().EndsWith("4"u8), "it is read from again");
        peer.Budget.Return(taken);
    }

    // Whoever does not take his Pongs is not read from then: he sends no further Pings that would have to be answered.
    [Test]
    public async Task WhoDoesNotTakeHisPong_IsNotReadFrom()
    {
        await using MemoryConnection peer = Open();
        byte[] taken = Fill(peer);
        peer.Room = 0;
        peer.Arrive(RawClient.Frame(Opcode.Ping, "1"u8));
        Assert.That((peer.Connection.IsOpen, peer.IsReadFrom), Is.EqualTo((true, false)));
        peer.Room = int.MaxValue;
        peer.BecomeWritable();
        Assert.That(peer.IsReadFrom);
        peer.Arrive(RawClient.Frame(Opcode.Ping, "2"u8));
        Assert.That(peer.Taken, Is.EqualTo((byte[])[.. ServerFrame(Opcode.Pong, "1"u8), .. ServerFrame(Opcode.Pong, "2"u8)]));
        peer.Budget.Return(taken);
    }

    [Test]
    public async Task ADrain_SendsBeforeTheCloseWhatWasAccepted([Values] bool behindAPong)
    {
        await using MemoryConnection peer = Open();
        byte[] taken = Fill(peer);
        byte[] first = behindAPong ? ServerFrame(Opcode.Pong, []) : [];
        SendToAll(peer);
        peer.Turn(() =>
        {
            if (behindAPong) peer.Receive(RawClient.Frame(Opcode.Ping, []));
            peer.Connection.Drain();
        });
        Assert.That(peer.Taken, Is.EqualTo((byte[])[.. first, .. ToAll, .. Close(1001, "server shutting down")]));
        peer.Budget.Return(taken);
        End(peer, EndCause.Drain);
    }

    // What waits for the kernel can't be passed by: whoever does not get what follows is told that memory was out.
    [Test]
    public async Task ADrain_TellsWhoMissesSomething([Values] bool foundBefore)
    {
        await using MemoryConnection peer = Open();
        byte[] taken = Stall(peer);
        SendToAll(peer);
        if (foundBefore) peer.Turn(); // and what follows from it is to come
        peer.Turn(peer.Connection.Drain);
        peer.Room = int.MaxValue;
        peer.BecomeWritable();
        Assert.That(peer.Taken, Is.EqualTo((byte[])[.. ServerFrame(Opcode.Text, "first"u8), .. Close(1013, "server out of memory")]));
        peer.Budget.Return(taken);
        End(peer, EndCause.OutOfMemory);
    }

    // The code is the application's, which may mean that the client must not come back; the log has the loss.
    [Test]
    public async Task AnApplicationsClose_KeepsItsCode_AndTheLogTellsWhatIsMissed()
    {
        await using MemoryConnection peer = Open();
        byte[] taken = Stall(peer);
        SendToAll(peer);
        peer.Turn(() => peer.Connection.Close(4600, "away"));
        peer.Room = int.MaxValue;
        peer.BecomeWritable();
        Assert.That(peer.Taken, Is.EqualTo((byte[])[.. ServerFrame(Opcode.Text, "first"u8), .. Close(4600, "away")]));
        Assert.That(_log.Lines, Has.Exactly(1).StartsWith("connection 1 is closed without "));
        peer.Budget.Return(taken);
        End(peer, EndCause.ApplicationClosed);
    }

    // Whoever takes what he is sent needs no memory: his answers follow what was sent to everybody a moment before.
    [Test]
    public async Task AnAnswerBehindAMessageToAll_IsSent([Values] bool behindAPong, [Values(2, 1000)] int length)
    {
        byte[] message = new byte[length];
        await using MemoryConnection peer = Open(new EchoApplication());
        byte[] taken = Fill(peer);
        byte[] pong = behindAPong ? ServerFrame(Opcode.Pong, []) : [];
        SendToAll(peer);
        peer.Turn(() => peer.Receive(
            [.. behindAPong ? RawClient.Frame(Opcode.Ping, []) : [], .. RawClient.Frame(Opcode.Binary, message)]));
        Assert.That(peer.Connection.IsOpen);
        Assert.That(peer.Taken, Is.EqualTo((byte[])[.. pong, .. ToAll, .. ServerFrame(Opcode.Binary, message)]));
        peer.Budget.Return(taken);
    }

    // A sender who cannot even be told that his message is lost is told by a Close.
    [Test]
    public async Task ANoticeForWhichThereIsNoMemory_IsAClose()
    {
        TaskCompletionSource<DeliveryResult> result = new();
        RouterApplication router = new(Introduce.None, DuplicateUid.Share) { Delivery = new LaterDelivery(result.Task) };
        await using MemoryConnection peer = Open(router);
        peer.Arrive(RawClient.Frame(Opcode.Text, "a:b"u8));
        byte[] taken = Fill(peer);
        SynchronizationContext? context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null); // else another thread would go on
        result.SetResult(DeliveryResult.Offline); // the router goes on in this call, and nobody handles the peer's bytes
        SynchronizationContext.SetSynchronizationContext(context);
        peer.Turn();
        Assert.That(peer.Taken, Is.EqualTo(Close(1013, "server out of memory")));
        peer.Budget.Return(taken);
        Task<CloseReport> ended = peer.Connection.Life.WhenEnded();
        peer.Break();
        Assert.That((await ended).Cause, Is.EqualTo(EndCause.OutOfMemory));
    }

    private MemoryConnection Open(IWebSocketApplication? application = null) => new(
        application ?? new ProtocolOverTcpTests.Handler(static (_, _, _) => ValueTask.CompletedTask) { Closed = _reports.Add },
        options => options with { MemoryBytesMax = Limit, LoggerFactory = _log });

    private static byte[] Fill(MemoryConnection peer) => peer.Budget.Rent(Limit);

    // The kernel takes nothing, something waits for it, and then there is no memory.
    private static byte[] Stall(MemoryConnection peer)
    {
        peer.Room = 0;
        peer.Turn(() => peer.Connection.TrySend(MessageKind.Text, "first"u8));
        return Fill(peer);
    }

    private static void SendToAll(MemoryConnection peer)
    {
        Assert.That(peer.Loop.Broadcasts.TryAppend(ToAll, refused: null, out bool toAll) && toAll, "it is accepted, for everybody");
    }

    private void End(MemoryConnection peer, EndCause cause)
    {
        peer.Break();
        Assert.That(_reports.Select(static report => report.Cause), Is.EqualTo((EndCause[])[cause]));
    }

    private static byte[] Close(ushort code, string reason)
    {
        byte[] payload = new byte[2 + reason.Length];
        BinaryPrimitives.WriteUInt16BigEndian(payload, code);
        Encoding.ASCII.GetBytes(reason).CopyTo(payload, 2);
        return ServerFrame(Opcode.Close, payload);
    }

    private static byte[] ServerFrame(Opcode opcode, ReadOnlySpan<byte> payload)
    {
        byte[] frame = new byte[FrameWriter.HeaderBytesMax + payload.Length];
        return frame[..FrameWriter.Write(frame, opcode, payload)];
    }

    private sealed class LaterDelivery(Task<DeliveryResult> result) : IDelivery
    {
        public ValueTask<DeliveryResult> Publish(in MessageTarget target, in WebSocketMessage message) => new(result);
    }

    private sealed class LinesLog : ILoggerFactory, ILogger
    {
        public List<string> Lines { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public void Dispose()
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?,
            string> formatter) =>
            Lines.Add(formatter(state, exception));
    }
}
