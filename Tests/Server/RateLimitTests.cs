// The rates of messages, of bytes and of messages to all: one connection over memory, with a clock that the test turns.

using Microsoft.Extensions.Time.Testing;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Connections;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class RateLimitTests
{
    private readonly FakeTimeProvider _time = new();
    private int _delivered;
    private CloseReport? _report;

    [Test]
    public async Task Messages_AreDelayed_AndNoneIsLost([Values] bool inPieces)
    {
        await using MemoryConnection peer = Open(static options => options with { MessageRate = new(10, 5) });
        byte[] frames = [.. Enumerable.Range(0, 20).SelectMany(_ => Message(inPieces))];
        peer.Arrive(frames);
        for (int i = 0; i < 5; i++) peer.Turn();
        Assert.That((_delivered, peer.IsReadFrom), Is.EqualTo((5, false)));
        Pass(peer, 0.5);
        Assert.That(_delivered, Is.InRange(9, 10));
        Pass(peer, 3);
        Assert.That((_delivered, peer.IsReadFrom), Is.EqualTo((20, true)));
        peer.Arrive(frames[..(frames.Length / 4)]); // a rest has brought tokens again
        Assert.That((_delivered, peer.Connection.IsOpen), Is.EqualTo((25, true)));
    }

    [Test]
    public async Task WithClose_WhatIsTooMuch_IsNotDelivered([Values] bool inPieces)
    {
        await using MemoryConnection peer = Open(
            static options => options with { MessageRate = new(10, 5), OverRate = OverRate.Close });
        peer.Arrive([.. Enumerable.Range(0, 7).SelectMany(_ => Message(inPieces))]);
        Assert.That((_delivered, peer.Connection.IsOpen), Is.EqualTo((5, false)));
        Assert.That(peer.Taken, Is.EqualTo(CloseFrame(4002, "too many messages")));
        peer.Arrive(RawClient.Frame(Opcode.Close, [0x0F, 0xA2]));
        peer.Break();
        TestServer.Eventually(() => _report is not null, "it has ended");
        Assert.That((_report!.Cause, _report.Code, _report.Reason), Is.EqualTo((EndCause.TooFast, 4002, "too many messages")));
    }

    // Bytes are counted as they come, control frames too; a message larger than the bucket comes through, and is paid for afterwards.
    [Test]
    public async Task Bytes_AreDelayed()
    {
        await using MemoryConnection peer = Open(static options => options with { ByteRate = new(1000, 2000) });
        peer.Arrive(RawClient.Frame(Opcode.Binary, new byte[2992])); // 3,000 bytes with its header
        Assert.That((_delivered, peer.IsReadFrom), Is.EqualTo((1, false)));
        Pass(peer, 0.9);
        Assert.That(peer.IsReadFrom, Is.False);
        Pass(peer, 0.2);
        Assert.That(peer.IsReadFrom);
        Pass(peer, 10);
        peer.Arrive([.. Enumerable.Range(0, 25).SelectMany(static _ => RawClient.Frame(Opcode.Ping, new byte[100]))]);
        Assert.That(peer.IsReadFrom, Is.False, "Pings are bytes");
    }

    [Test]
    public async Task Bytes_Close_BeforeTheNextAreHandled()
    {
        await using MemoryConnection peer = Open(static options => options with { ByteRate = new(1000, 2000), OverRate = OverRate.Close });
        peer.Arrive(RawClient.Frame(Opcode.Binary, new byte[2992]));
        Assert.That((_delivered, peer.Connection.IsOpen), Is.EqualTo((1, true)));
        peer.Arrive(RawClient.Frame(Opcode.Binary, new byte[10]));
        Assert.That((_delivered, peer.Taken), Is.EqualTo((1, CloseFrame(4002, "too many bytes"))));
    }

    // While this server does not read, nobody is silent; and its Close is answered.
    [Test]
    public async Task WhoIsDelayed_IsNotSilent_AndCanBeClosed()
    {
        await using MemoryConnection peer = Open(
            static options => options with { ByteRate = new(100, 100), Heartbeat = TimeSpan.FromSeconds(10) });
        peer.Arrive(RawClient.Frame(Opcode.Binary, new byte[2400]));
        Pass(peer, 20);
        Assert.That((peer.Connection.IsOpen, peer.IsReadFrom), Is.EqualTo((true, false)));
        Pass(peer, 5);
        Assert.That((peer.Connection.IsOpen, peer.IsReadFrom), Is.EqualTo((true, true)), "its silence counts from now on");
        peer.Arrive(RawClient.Frame(Opcode.Binary, new byte[2400]));
        peer.Turn(() => peer.Connection.Close(1000, "bye"));
        peer.Turn();
        Assert.That(peer.IsReadFrom, "the peer's Close is waited for");
        peer.Arrive(RawClient.Frame(Opcode.Close, [0x03, 0xE8]));
        Assert.That(peer.IsShut);
    }

    // Whoever sends too much is the cause of the pauses: a message whose end never comes still has a deadline.
    [Test]
    public async Task WhoSendsPingsAboveItsRate_DoesNotMoveTheDeadlineOfItsMessage()
    {
        await using MemoryConnection peer = Open(
            static options => options with { ByteRate = new(100, 100), MessageTimeout = TimeSpan.FromSeconds(10) });
        peer.Arrive(RawClient.Frame(Opcode.Text, "begun"u8, fin: false));
        byte[] pings = [.. Enumerable.Range(0, 10).SelectMany(static _ => RawClient.Frame(Opcode.Ping, new byte[20]))];
        double passed = 0;
        for (; passed < 60 && peer.Connection.IsOpen; passed += 0.05)
        {
            if (peer.IsReadFrom) peer.Arrive([.. pings]);
            Pass(peer, 0.05);
        }

        Assert.That(passed, Is.InRange(10, 20), "the first pause may be one for what came before");
        Assert.That(peer.Taken[^19..], Is.EqualTo(CloseFrame(4001, "message timeout")));
    }

    // What comes no faster than it may has all the time that this takes.
    [Test]
    public async Task AMessageThatIsDelayed_HasTheTimeThatItsBytesTake([Values] bool behindAnother)
    {
        await using MemoryConnection peer = Open(
            static options => options with { ByteRate = new(100, 100), MessageTimeout = TimeSpan.FromSeconds(5) });
        byte[] before = behindAnother ? RawClient.Frame(Opcode.Binary, new byte[3000]) : [];
        peer.Arrive([.. before, .. RawClient.Frame(Opcode.Text, "begin"u8, fin: false)]);
        Assert.That(peer.IsReadFrom, Is.EqualTo(!behindAnother));
        for (int i = 0; i < 8; i++)
        {
            while (!peer.IsReadFrom) Pass(peer, 0.05);
            Assert.That(peer.Connection.IsOpen, $"piece {i}");
            peer.Arrive(RawClient.Frame(Opcode.Continuation, new byte[400], fin: i == 7));
        }

        Assert.That((_delivered, peer.Connection.IsOpen), Is.EqualTo((behindAnother ? 2 : 1, true)));
    }

    [Test]
    public async Task ToAll_HasABucketOfItsOwn([Values] OverRate overRate)
    {
        List<bool> answers = [];
        await using MemoryConnection peer = Open(
            options => options with { BroadcastRate = new(1, 2), OverRate = overRate },
            connection => answers.Add(connection.TryTakeBroadcast()));
        for (int i = 0; i < 3 && peer.IsReadFrom && peer.Connection.IsOpen; i++) peer.Arrive(Message(inPieces: false));
        Assert.That(answers, Is.EqualTo(overRate == OverRate.Close ? (bool[])[true, true, false] : [true, true]));
        Assert.That((peer.IsReadFrom, peer.Connection.IsOpen), Is.EqualTo((overRate == OverRate.Close, overRate == OverRate.Delay)));
        if (overRate == OverRate.Close) Assert.That(peer.Taken, Is.EqualTo(CloseFrame(4002, "too many messages to all")));
        Assert.That(() => peer.Connection.TryTakeBroadcast(), Throws.InvalidOperationException, "not in its handler");
    }

    // What a rate has delayed ends its pause as it began.
    [Test]
    public async Task ARateThatChanges_HoldsAtOnce_WithAFullBucket()
    {
        ServerOptions first = new() { MessageRate = new(1, 2), TimeProvider = _time };
        await using MemoryConnection peer = Open(static options => options with { MessageRate = new(1, 2) });
        ServerContext context = peer.Connection.Context;
        peer.Arrive([.. Message(false), .. Message(false), .. Message(false)]);
        Assert.That((_delivered, peer.IsReadFrom), Is.EqualTo((2, false)));
        context.ChangeLimits(first with { MessageRate = new(1, 5) });
        Assert.That(peer.IsReadFrom, Is.False);
        Pass(peer, 1.1);
        Assert.That((_delivered, peer.IsReadFrom), Is.EqualTo((3, true)));
        peer.Arrive([.. Enumerable.Range(0, 4).SelectMany(static _ => Message(inPieces: true))]);
        Assert.That((_delivered, peer.IsReadFrom), Is.EqualTo((7, false)), "one and four are five");
        context.ChangeLimits(first with { MessageRate = null });
        Pass(peer, 1.1);
        peer.Arrive([.. Enumerable.Range(0, 100).SelectMany(static _ => Message(inPieces: false))]);
        Assert.That((_delivered, peer.IsReadFrom), Is.EqualTo((107, true)));
        context.ChangeLimits(first with { MessageRate = new(1, 1), OverRate = OverRate.Close });
        peer.Arrive([.. Message(false), .. Message(false)]);
        Assert.That((_delivered, peer.Connection.IsOpen), Is.EqualTo((108, false)));
    }

    [Test]
    public async Task WithoutLimits_NothingIsKept()
    {
        await using MemoryConnection peer = Open(static options => options);
        peer.Arrive([.. Enumerable.Range(0, 1000).SelectMany(static _ => Message(inPieces: false))]);
        Assert.That((_delivered, peer.Connection.Limits, peer.Connection.TryTakeBroadcast()), Is.EqualTo((1000, (object?)null, true)));
    }

    private static byte[] Message(bool inPieces) => inPieces
        ? [.. RawClient.Frame(Opcode.Text, "a"u8, fin: false), .. RawClient.Frame(Opcode.Continuation, "b"u8)]
        : RawClient.Frame(Opcode.Text, "ab"u8);

    private static byte[] CloseFrame(ushort code, string reason)
    {
        byte[] frame = new byte[FrameWriter.HeaderBytesMax + FrameWriter.ControlPayloadBytesMax];
        return frame[..FrameWriter.WriteClose(frame, code, System.Text.Encoding.ASCII.GetBytes(reason))];
    }

    private void Pass(MemoryConnection peer, double seconds)
    {
        const double Step = 0.05;
        for (double left = seconds; left > 0.001; left -= Step)
        {
            _time.Advance(TimeSpan.FromSeconds(Math.Min(left, Step)));
            peer.Turn();
        }
    }

    private MemoryConnection Open(Func<ServerOptions, ServerOptions> change, Action<WebSocketConnection>? onMessage = null) => new(
        new ProtocolOverTcpTests.Handler((connection, _, _) =>
        {
            _delivered++;
            onMessage?.Invoke(connection);
            return ValueTask.CompletedTask;
        })
        {
            Closed = report => _report = report,
        },
        options => change(options with { TimeProvider = _time }));
}
