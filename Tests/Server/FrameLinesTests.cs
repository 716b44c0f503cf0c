// What the log says of each frame at the level Trace: the fields of its header, once for each frame received and once for each that the
// kernel has taken, and nothing of any payload.

using System.Text;
using Microsoft.Extensions.Logging;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class FrameLinesTests(Setup setup) : IDisposable
{
    private const string Category = "RawWs.Frames";

    private readonly RecordedLog _log = new(LogLevel.Trace);

    public void Dispose() => _log.Dispose();

    [Test]
    public async Task AnEcho_IsALineEachWay([Values(0, 12, 125, 126, 5000, 70_000)] int length)
    {
        await using TestServer server = await Start(new EchoApplication());
        using RawClient client = RawClient.Open(server.Port);
        client.Send(Opcode.Binary, new byte[length]);
        Assert.That(client.ReadFrame()!.Value.Payload, Has.Length.EqualTo(length));
        Lines(
            $"connection 1 received: fin 1, rsv 000, opcode Binary, masked 1, length {length}",
            $"connection 1 sent: fin 1, rsv 000, opcode Binary, masked 0, length {length}");
        Assert.That(_log.All.Where(static line => line.Category == Category)
            .Select(static line => line.Level), Is.All.EqualTo(LogLevel.Trace));
    }

    [Test]
    public async Task FragmentsAndControlFrames_AreALineEach([Values] bool cut)
    {
        await using TestServer server = await Start(new EchoApplication());
        using RawClient client = RawClient.Open(server.Port);
        byte[] all =
        [
            .. RawClient.Frame(Opcode.Text, "one"u8, fin: false), .. RawClient.Frame(Opcode.Ping, "12345"u8),
            .. RawClient.Frame(Opcode.Continuation, [], fin: false),
            .. RawClient.Frame(Opcode.Continuation, Encoding.ASCII.GetBytes(new string('a', 200))), .. RawClient.Frame(Opcode.Pong, []),
            .. RawClient.Frame(Opcode.Close, [0x03, 0xE8, (byte)'b', (byte)'y', (byte)'e']),
        ];
        if (!cut) client.Send(all);
        else foreach (byte one in all) client.Send([one]);
        client.ReadToEnd();
        _log.WaitFor("sent: fin 1, rsv 000, opcode Close, masked 0, length 2");
        Assert.That(Of("received"), Is.EqualTo(
        [
            "connection 1 received: fin 0, rsv 000, opcode Text, masked 1, length 3",
            "connection 1 received: fin 1, rsv 000, opcode Ping, masked 1, length 5",
            "connection 1 received: fin 0, rsv 000, opcode Continuation, masked 1, length 0",
            "connection 1 received: fin 1, rsv 000, opcode Continuation, masked 1, length 200",
            "connection 1 received: fin 1, rsv 000, opcode Pong, masked 1, length 0",
            "connection 1 received: fin 1, rsv 000, opcode Close, masked 1, length 5",
        ]));
        Assert.That(Of("sent"), Is.EqualTo(
        [
            "connection 1 sent: fin 1, rsv 000, opcode Pong, masked 0, length 5",
            "connection 1 sent: fin 1, rsv 000, opcode Text, masked 0, length 203",
            "connection 1 sent: fin 1, rsv 000, opcode Close, masked 0, length 2",
        ]));
    }

    [Test]
    public async Task CompressedFrames_ShowTheirBit_AndTheirOwnLength([Values] bool takeover)
    {
        await using TestServer server =
            await Start(new EchoApplication(), options => options with { Compression = true, CompressionTakeover = takeover });
        using RawClient client = RawClient.Connect(server.Port);
        client.Send($"GET / HTTP/1.1\r\n{RawClient.Upgrade}Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
        Assert.That(client.ReadHead(), Does.Contain("permessage-deflate"));
        byte[] compressed = Deflate.Compress(Deflate.Text(20_000));
        byte[] frame = new byte[compressed.Length + FrameWriter.HeaderBytesMax];
        client.Send(frame.AsSpan(0, FrameWriter.WriteMasked(frame, Opcode.Text, compressed, 7, reserved: ReservedBits.Rsv1)));
        _log.WaitFor($"received: fin 1, rsv 100, opcode Text, masked 1, length {compressed.Length}");
        string sent = _log.WaitFor("sent: fin 1, rsv 100, opcode Text, masked 0, length ");
        Assert.That(int.Parse(sent.AsSpan(sent.LastIndexOf(' ') + 1), System.Globalization.CultureInfo.InvariantCulture),
            Is.LessThan(20_000));
        Assert.That(_log.Of(Category), Has.Length.EqualTo(2));
    }

    [TestCase(new byte[] { 0xC1 },
        "fin 1, rsv 100, opcode Text, masked 0, length 0; it breaks ReservedBitsNotNegotiated, seen in the first 1 bytes of its header")]
    [TestCase(new byte[] { 0xB3, 0x80, 0, 0, 0, 0 }, "fin 1, rsv 011, opcode 3, masked 1, length 0; it breaks ReservedBitsNotNegotiated")]
    [TestCase(new byte[] { 0x81, 0x01, 0x61 }, "fin 1, rsv 000, opcode Text, masked 0, length 1; it breaks UnmaskedClientFrame")]
    [TestCase(new byte[] { 0x81, 0x82, 0, 0, 0, 0, 0xC3, 0x28 }, "fin 1, rsv 000, opcode Text, masked 1, length 2; it breaks TextNotUtf8")]
    [TestCase(new byte[] { 0x88, 0x81, 0, 0, 0, 0, 0 }, "fin 1, rsv 000, opcode Close, masked 1, length 1; it breaks ")]
    public async Task ABrokenFrame_NamesItsRule(byte[] bytes, string line)
    {
        setup.PassOverLayers("in pieces less of the frame has been seen when it fails");
        await using TestServer server = await Start(new EchoApplication());
        using RawClient client = RawClient.Open(server.Port);
        client.Send(bytes);
        client.ReadClose();
        _log.WaitFor("sent: fin 1, rsv 000, opcode Close");
        Assert.That(Of("received"), Has.Exactly(1).Items.And.One.StartsWith($"connection 1 received: {line}"));
    }

    // The frame is told of when it begins, and once.
    [Test]
    public async Task AFrameThatBreaksARuleInItsMiddle_IsOneLine()
    {
        await using TestServer server = await Start(new EchoApplication());
        using RawClient client = RawClient.Open(server.Port);
        client.Send([0x81, 0xFE, 0x10, 0x00, 0, 0, 0, 0, (byte)'a']);
        _log.WaitFor("received: fin 1, rsv 000, opcode Text, masked 1, length 4096");
        client.Send([0xFF]);
        client.ReadClose();
        Assert.That(Of("received"), Has.Exactly(1).Items);
        _log.WaitFor("open -> draining, begun by the server: ProtocolViolation, code 1007, rule TextNotUtf8");
    }

    // From the cork, the batch, the send queue, the broadcast log, and shared: whatever way a frame goes, it is told of once.
    [Test]
    public async Task WhateverWayAFrameLeaves_ItIsOneLine()
    {
        await using TestServer server = await Start(new RouterApplication(Introduce.Query, DuplicateUid.Share));
        using RawClient one = RawClient.Open(server.Port, "/?uid=1"), two = RawClient.Open(server.Port, "/?uid=2");
        foreach (int length in new[] { 10, 3000, 100_000 })
        {
            string body = new('b', length);
            foreach (string target in new[] { "all", "1", "2" })
            {
                one.SendText($"{target}:{body}");
                if (target != "2") Assert.That(one.ReadText(), Is.EqualTo(body));
                if (target != "1") Assert.That(two.ReadText(), Is.EqualTo(body));
            }

            string end = $"fin 1, rsv 000, opcode Text, masked 0, length {length}";
            TestServer.Eventually(() => Of($"sent: {end}").Length == 4, $"all, all, 1, 2:\n{string.Join('\n', _log.Of(Category))}");
            Assert.That(Of($"connection 1 sent: {end}"), Has.Length.EqualTo(2));
        }
    }

    // A peer that reads late: the kernel takes pieces, and a frame is told of when it has all of it.
    [Test]
    public async Task APeerThatReadsLate_GetsEachFrameOnce()
    {
        const int Messages = 60, Length = 60_000;
        await using TestServer server = await Start(new EchoApplication(), static options => options with { SendBufferBytesMax = 1 << 24 });
        using RawClient client = RawClient.Open(server.Port, receiveBuffer: 8192);
        byte[] frame = RawClient.Frame(Opcode.Binary, new byte[Length]), ping = RawClient.Frame(Opcode.Ping, "p"u8);
        Task sending = Task.Run(() =>
        {
            for (int i = 0; i < Messages; i++)
            {
                client.Send(frame);
                if (i % 10 == 0) client.Send(ping);
            }
        });
        // Some bytes wait by now, as the client has read nothing.
        _log.WaitFor("received: fin 1, rsv 000, opcode Binary");
        int echoes = 0, pongs = 0;
        while (echoes < Messages)
        {
            Opcode opcode = client.ReadFrame()!.Value.Opcode;
            if (opcode == Opcode.Pong) pongs++;
            else echoes++;
        }

        await sending;
        TestServer.Eventually(() => Of($"sent: fin 1, rsv 000, opcode Binary, masked 0, length {Length}").Length == Messages,
            "each echo is told of once");
        Assert.That(Of("sent: fin 1, rsv 000, opcode Pong").Length, Is.EqualTo(pongs).Or.EqualTo(pongs + 1), "and each Pong that left");
        Assert.That(Of("received"), Has.Length.EqualTo(Messages + 6));
    }

    // The words stand for anything that people write. They are in data, in control frames, in a reason, compressed or not, in broken
    // frames.
    [Test]
    public async Task NothingOfAPayload_IsEverInALine()
    {
        await using TestServer server =
            await Start(new EchoApplication(), static options => options with { Compression = true, CompressionBytesMin = 1 });
        using RawClient client = RawClient.Open(server.Port), other = RawClient.Open(server.Port);
        client.SendText("SECRET one");
        client.Send(Opcode.Ping, "SECRET two"u8);
        client.Send(Opcode.Pong, "SECRET three"u8);
        client.Send(Opcode.Text, "SECRET "u8, fin: false);
        client.Send(Opcode.Continuation, "four"u8);
        client.Send(Opcode.Text, [.. "SECRET five"u8, 0xFF]);
        client.ReadClose();
        other.Send(Opcode.Close, [0x83, 0xE8, .. "SECRET six"u8]);
        other.ReadClose();
        _log.WaitFor("connection 2", "Close");
        foreach (LogLine line in _log.All)
            Assert.That(line.Text, Does.Not.Contain("SECRET").And.Not.Contain(Convert.ToHexString("SECRET"u8)).IgnoreCase);
    }

    // §7.1.6: the reason of a Close is a payload too. At Information it has always been in the line of the end, escaped; no line of Debug
    // or Trace has it.
    [Test]
    public async Task TheReasonOfAClose_IsInNoFrameLine()
    {
        await using TestServer server = await Start(new EchoApplication());
        using RawClient client = RawClient.Open(server.Port);
        client.Send(Opcode.Close, [0x03, 0xE8, .. "SECRET"u8]);
        client.ReadToEnd();
        client.Dispose();
        _log.WaitFor("SECRET");
        Assert.That(
            _log.All.Where(
                static line => line.Level < LogLevel.Information && line.Text.Contains("SECRET", StringComparison.Ordinal)), Is.Empty);
    }

    [Test]
    public async Task ALogThatThrowsAtEachLine_CostsItsLines()
    {
        RecordedLog log = new(LogLevel.Trace) { Throws = true };
        await using TestServer server =
            await TestServer.Start(setup, new EchoApplication(), options => options with { LoggerFactory = log });
        using RawClient client = RawClient.Open(server.Port);
        for (int i = 0; i < 100; i++)
        {
            client.SendText($"{i}");
            Assert.That(client.ReadText(), Is.EqualTo($"{i}"));
        }

        client.Send(Opcode.Close, [0x03, 0xE8]);
        Assert.That(client.ReadClose().Code, Is.EqualTo(1000));
        client.Dispose();
        server.HoldsNothing();
    }

    // The logger is not asked for each message, and not called.
    [Test]
    public async Task WithoutTrace_TheLogIsNotAskedForEachFrame()
    {
        const int Messages = 5000;
        _log.Level = LogLevel.Debug;
        await using TestServer server = await Start(new EchoApplication());
        using RawClient client = RawClient.Open(server.Port);
        long before = Interlocked.Read(ref _log.Asked);
        byte[] batch = [.. Enumerable.Repeat(RawClient.Frame(Opcode.Text, "x"u8), 100).SelectMany(static frame => frame)];
        for (int i = 0; i < Messages / 100; i++)
        {
            client.Send(batch);
            for (int j = 0; j < 100; j++) Assert.That(client.ReadText(), Is.EqualTo("x"));
        }

        Assert.That(_log.Of(Category), Is.Empty);
        Assert.That(Interlocked.Read(ref _log.Asked) - before, Is.LessThan(Messages / 10), "how often the log was asked");
    }

    private string[] Of(string words) => [.. _log.Of(Category).Where(line => line.Contains(words, StringComparison.Ordinal))];

    private void Lines(params string[] lines)
    {
        _log.WaitFor(lines[^1]);
        Assert.That(_log.Of(Category), Is.EqualTo(lines));
    }

    private Task<TestServer> Start(IWebSocketApplication application, Func<ServerOptions, ServerOptions>? change = null) =>
        TestServer.Start(setup, application, options => (change is null ? options : change(options)) with { LoggerFactory = _log });
}
