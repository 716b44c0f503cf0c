// A test for each class of known hole, for peers that have been let in; those that have not are HostileRequestsTests. What another test
// shows is not shown again here:
//
//   class of hole                             test that shows it
//   a flood of tiny fragments: count, bytes   below; at the byte: WebSocketProtocolTests, the vectors Section_10_4_*
//   the same, over the whole process          below, plain and compressed; in resident memory: ProgramUnderHarmTests
//   a huge declared length                    ProtocolOverTcpTests.ADeclaredLength_ReservesNothing; HarmTests' declarers
//   lengths near 2^31, 2^32, 2^63, sums       below
//   a deflate bomb, whole or in fragments     below; the inflater alone: CompressionInflateTests.ABombIsStoppedAtTheLimit_...
//   a message that never ends                 DeadlineTests.AMessageThatDoesNotEnd_IsClosedWith4001; HarmTests' dribblers
//   a flood of pings, a peer that reads late  below; what waits meanwhile: FlushTests; a flood of messages: HarmTests' flooders
//   garbage in a Close                        below; every code and byte: WebSocketProtocolTests, the vectors Section_5_5_1_*,
// Section_7_4_*
//   headers cut into bytes (81 fe 00)         below; every vector in every cut: WebSocketProtocolTests.Vector_InAnyCut
//   header floods, slow headers, half-open handshakes, smuggling, uid confusion, log injection: HostileRequestsTests

using System.Collections.Concurrent;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Memory;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class HostilityTests(Setup setup)
{
    private const int KiB = 1024;

    [Test]
    public async Task TinyFragments_OneMoreThanAllowed_Is1009_AndHoldsNearlyNothing()
    {
        await using TestServer server = await TestServer.Start(setup, new EchoApplication());
        PeakMemory peak = new(server.Server.Budget);
        byte[] empty = RawClient.Frame(Opcode.Continuation, [], fin: false);
        using RawClient client = RawClient.Open(server.Port);
        client.Send(
            [.. RawClient.Frame(Opcode.Text, "a"u8, fin: false), .. Repeat(empty, 1022), .. RawClient.Frame(Opcode.Continuation, "b"u8)]);
        Assert.That(client.ReadText(), Is.EqualTo("ab"), "1,024 fragments are allowed");
        client.Send([.. RawClient.Frame(Opcode.Text, "a"u8, fin: false), .. Repeat(empty, 1024)]);
        Assert.That(client.ReadClose().Code, Is.EqualTo(1009));
        Assert.That(peak.Bytes, Is.LessThan(16 * KiB));
    }

    [Test]
    public async Task TinyFragments_OneByteMoreThanAllowed_Is1009()
    {
        await using TestServer server =
            await TestServer.Start(setup, new EchoApplication(), static options => options with { MessageBytesMax = 500 });
        PeakMemory peak = new(server.Server.Budget);
        byte[] tiny = RawClient.Frame(Opcode.Continuation, "a"u8, fin: false);
        using RawClient client = RawClient.Open(server.Port);
        client.Send(
            [.. RawClient.Frame(Opcode.Text, "a"u8, fin: false), .. Repeat(tiny, 498), .. RawClient.Frame(Opcode.Continuation, "b"u8)]);
        Assert.That(client.ReadText(), Has.Length.EqualTo(500));
        client.Send([.. RawClient.Frame(Opcode.Text, "a"u8, fin: false), .. Repeat(tiny, 500)]);
        Assert.That(client.ReadClose().Code, Is.EqualTo(1009));
        Assert.That(peak.Bytes, Is.LessThan(16 * KiB));
    }

    // Each keeps to its own limits and leaves its message open: together they would hold several times what the process may.
    [Test]
    public async Task UnfinishedMessages_PastTheProcessTotal_AreClosedWith1013_AndOthersAreServed([Values] bool compressed)
    {
        setup.PassOverLayers("pieces need memory");
        const int MemoryBytesMax = 1024 * KiB;
        await using TestServer server = await TestServer.Start(
            setup, new EchoApplication(), static options => options with { MemoryBytesMax = MemoryBytesMax, Compression = true });
        PeakMemory peak = new(server.Server.Budget);
        byte[] unfinished = compressed
            ? Compressed(Deflate.Compress(new byte[60_000]), fragmentBytes: 3, ends: false)
            : [.. RawClient.Frame(Opcode.Binary, new byte[60], fin: false),
                .. Repeat(RawClient.Frame(Opcode.Continuation, new byte[60], fin: false), 999)];
        using RawClient honest = RawClient.Open(server.Port);
        List<RawClient> holders = [];
        int refused = 0;
        RawClient[] clients = [.. Enumerable.Range(0, 40).Select(_ => OpenDeflate(server))]; // once memory is short, nobody is let in
        foreach (RawClient client in clients)
        {
            client.Send(unfinished);
            client.Send(Opcode.Ping, []);
            (Opcode opcode, byte[] payload) = client.ReadFrame()!.Value;
            if (opcode == Opcode.Pong)
            {
                holders.Add(client);
                continue;
            }

            refused++;
            Assert.That((opcode, (payload[0] << 8) | payload[1]), Is.EqualTo((Opcode.Close, 1013)));
            client.Send(Opcode.Close, payload);
            Assert.That(client.ReadFrame(), Is.Null);
            client.Dispose();
            honest.SendText("served?");
            Assert.That(honest.ReadText(), Is.EqualTo("served?"));
        }

        Assert.That((holders.Count, refused),
            Is.EqualTo((holders.Count, 40 - holders.Count)).And.Not.EqualTo((40, 0)).And.Not.EqualTo((0, 40)));
        // A Close and the tail of a receive are held in any case.
        Assert.That(peak.Bytes, Is.LessThan(MemoryBytesMax + (64 * KiB)));
        holders.ForEach(static client => client.Dispose());
        server.HoldsNothing(connections: 1);
    }

    [TestCase("82ff8000000000000000", 1002, TestName = "Overflow_2To63")]
    [TestCase("82ffffffffffffffffff", 1002, TestName = "Overflow_2To64Minus1")]
    [TestCase("82ff7fffffffffffffff", 1009, TestName = "Overflow_2To63Minus1")]
    [TestCase("82ff0000000100000000", 1009, TestName = "Overflow_2To32")]
    [TestCase("82ff0000000100000005", 1009, TestName = "Overflow_2To32Plus5")]
    [TestCase("82ff0000000080000000", 1009, TestName = "Overflow_2To31")]
    [TestCase("02810000000061 80ff7fffffffffffffff", 1009, TestName = "Overflow_ASumOf2To63")]
    [TestCase("02810000000061 80ff000000007fffffff", 1009, TestName = "Overflow_ASumOf2To31")]
    [TestCase("02810000000061 00ff00000000ffffffff", 1009, TestName = "Overflow_ASumOf2To32")]
    [TestCase("82ff0000000040000000 00000000 6162", 0, TestName = "Overflow_2To30_IsWithinTheLimit")]
    [TestCase("02810000000061 80ff000000003fffffff 00000000 6162", 0, TestName = "Overflow_ASumOf2To30_IsWithinTheLimit")]
    public async Task ALengthNearAnOverflow_WithTheLargestLimit(string hex, int code)
    {
        await using TestServer server =
            await TestServer.Start(setup, new EchoApplication(), static options => options with { MessageBytesMax = 1 << 30 });
        PeakMemory peak = new(server.Server.Budget);
        using RawClient client = RawClient.Open(server.Port);
        client.Send(Hex.Bytes(hex));
        if (code != 0) Assert.That(client.ReadClose().Code, Is.EqualTo(code));
        else TestServer.Eventually(() => server.Server.Budget.HeldBytes > 0, "what there is of the message is held");
        client.Dispose();
        server.HoldsNothing();
        Assert.That(peak.Bytes, Is.LessThan(8 * KiB));
    }

    // Of 64 MiB no more is made than the limit and a byte. The bomb's end is never sent: the report does not wait for it.
    [Test]
    public async Task ADeflateBomb_Is1009_BeforeItHasCome_AndItsMemoryHasABound([Values] bool takeover, [Values] bool inFragments)
    {
        const int MessageBytesMax = 100_000;
        ConcurrentQueue<CloseReport> reports = new();
        await using TestServer server = await TestServer.Start(
            setup,
            new ProtocolOverTcpTests.Handler(
                static (_, _, _) => throw new InvalidOperationException("a bomb was delivered"))
            { Closed = reports.Enqueue },
            options => options with { Compression = true, CompressionTakeover = takeover, MessageBytesMax = MessageBytesMax });
        PeakMemory peak = new(server.Server.Budget);
        byte[] bomb = Deflate.Compress(new byte[64 * KiB * KiB]);
        Assert.That(bomb, Has.Length.LessThan(MessageBytesMax), "what the header declares is within the limit");
        using RawClient client = OpenDeflate(server);
        client.Send(Compressed(bomb, inFragments ? 10 : bomb.Length, ends: false).AsSpan(0, 600));
        Assert.That(client.ReadClose().Code, Is.EqualTo(1009));
        client.Dispose();
        server.HoldsNothing();
        CloseReport report = reports.Single();
        Assert.That((report.Cause, report.Rule, report.MessagesIn),
            Is.EqualTo((EndCause.MessageTooBig, FrameRules.MessageTooBig.Name, 0L)));
        // The message doubles in its array, old and new side by side for a moment, and there is the inflater.
        Assert.That(peak.Bytes, Is.LessThan(3 * 128 * KiB));
    }

    // While the client takes no pong, the answer to the latest ping stands for all (§5.5.3), or the server reads on no more.
    [Test]
    public async Task AFloodOfPings_FromAPeerThatDoesNotRead_IsAnsweredInLittleMemory()
    {
        const int Pings = 120_000, Batch = 400;
        WebSocketConnection? opened = null;
        await using TestServer server = await TestServer.Start(
            setup, new ProtocolOverTcpTests.Handler(
                static (_, _, _) => ValueTask.CompletedTask)
            { Opened = connection => opened = connection });
        PeakMemory peak = new(server.Server.Budget);
        using RawClient client = RawClient.Open(server.Port, receiveBuffer: 4096);
        TestServer.Eventually(() => opened is not null, "open");
        Task sending = Task.Factory.StartNew(() => SendPings(client, Pings, Batch), TaskCreationOptions.LongRunning);
        TestServer.Eventually(() => sending.IsCompleted || opened!.QueuedBytes > 64 * KiB, "all pings are read, or the gate is closed");

        for (int last = -1; last < Pings - 1;)
        {
            (Opcode opcode, byte[] answer) = client.ReadFrame()!.Value;
            int number = BitConverter.ToInt32(answer);
            Assert.That((opcode, answer.Length, number > last), Is.EqualTo((Opcode.Pong, FrameWriter.ControlPayloadBytesMax, true)));
            last = number;
        }

        await sending;
        Assert.That(peak.Bytes, Is.LessThan(512 * KiB));
    }

    [TestCase("", 1000, TestName = "CloseGarbage_None_IsAnEmptyAnswer")]
    [TestCase("03", 1002, TestName = "CloseGarbage_HalfACode")]
    [TestCase("0000", 1002, TestName = "CloseGarbage_Code0")]
    [TestCase("03ED", 1002, TestName = "CloseGarbage_Code1005")]
    [TestCase("03EE", 1002, TestName = "CloseGarbage_Code1006")]
    [TestCase("03F7", 1002, TestName = "CloseGarbage_Code1015")]
    [TestCase("FFFF", 1002, TestName = "CloseGarbage_Code65535")]
    [TestCase("03EDFF", 1002, TestName = "CloseGarbage_TheCodeIsJudgedFirst")]
    [TestCase("03E8FF", 1007, TestName = "CloseGarbage_AByteOfNoCharacter")]
    [TestCase("03E8C080", 1007, TestName = "CloseGarbage_Overlong")]
    [TestCase("03E8EDA080", 1007, TestName = "CloseGarbage_ASurrogate")]
    [TestCase("03E8F4908080", 1007, TestName = "CloseGarbage_PastUnicode")]
    [TestCase("03E8E282", 1007, TestName = "CloseGarbage_ACharacterWithoutItsEnd")]
    [TestCase("03E8000A1B5B324A7F", 1000, TestName = "CloseGarbage_ControlCharactersAreText")]
    public async Task GarbageInAClose(string hex, int code)
    {
        await using TestServer server = await TestServer.Start(setup, new EchoApplication());
        using RawClient client = RawClient.Open(server.Port);
        client.Send(Opcode.Close, Convert.FromHexString(hex));
        (ushort? answered, string reason) = client.ReadClose();
        Assert.That(answered, Is.EqualTo(hex.Length == 0 ? null : (ushort?)code));
        Assert.That(reason, code == 1000 ? Is.Empty : Is.Not.Empty, "the peer's own words do not come back, only ours");
    }

    // Each piece is sent when the server has read the one before: what there is of a header waits in memory of its own.
    [TestCase(126)]
    [TestCase(255)]
    [TestCase(256)]
    [TestCase(65_535)]
    [TestCase(65_536)]
    public async Task AHeaderCutAnywhere_ReadsTheSame(int length)
    {
        await using TestServer server = await TestServer.Start(setup, new EchoApplication());
        using RawClient client = RawClient.Open(server.Port);
        byte[] frame = RawClient.Frame(Opcode.Binary, Deflate.Noise(length));
        for (int cut = 1; cut < frame.Length - length; cut++)
        {
            SendAndBeHeld(server, client, frame.AsSpan(0, cut));
            client.Send(frame.AsSpan(cut));
            Assert.That(client.ReadFrame(), Is.EqualTo((Opcode.Binary, Deflate.Noise(length))), $"cut at {cut}");
            TestServer.Eventually(() => server.Server.Budget.HeldBytes == 0, "nothing is held between two messages");
        }
    }

    [TestCase("81fe00", "7d", 1002, TestName = "SplitHeader_81FE00_125IsNotMinimal")]
    [TestCase("81fe00", "00", 1002, TestName = "SplitHeader_81FE00_0IsNotMinimal")]
    [TestCase("82ff0000000000", "00", 1002, TestName = "SplitHeader_0In64Bits")]
    [TestCase("82ff00000000001000", "01", 1009, TestName = "SplitHeader_PastTheLimit")]
    [TestCase("81fe00", "", null, TestName = "SplitHeader_81FE00_AndTheEnd")]
    [TestCase("81fe", "", null, TestName = "SplitHeader_81FE_AndTheEnd")]
    public async Task AHeaderCutInItsLength_IsJudgedWithItsLastByte(string first, string second, int? code)
    {
        ConcurrentQueue<CloseReport> reports = new();
        await using TestServer server = await TestServer.Start(
            setup, new ProtocolOverTcpTests.Handler(static (_, _, _) => ValueTask.CompletedTask) { Closed = reports.Enqueue });
        using RawClient client = RawClient.Open(server.Port);
        SendAndBeHeld(server, client, Convert.FromHexString(first));
        client.Send(Convert.FromHexString(second));
        if (code is not null) Assert.That(client.ReadClose().Code, Is.EqualTo(code));
        client.Dispose();
        server.HoldsNothing();
        Assert.That(reports.Single().Cause, Is.EqualTo(code switch
        {
            null => EndCause.PeerVanished,
            1009 => EndCause.MessageTooBig,
            _ => EndCause.ProtocolViolation,
        }));
    }

    private static void SendPings(RawClient client, int pings, int batchPings)
    {
        byte[] payload = new byte[FrameWriter.ControlPayloadBytesMax];
        List<byte> batch = [];
        for (int i = 0; i < pings; i++)
        {
            BitConverter.TryWriteBytes(payload, i);
            batch.AddRange(RawClient.Frame(Opcode.Ping, payload));
            if ((i + 1) % batchPings != 0) continue;
            client.Send(batch.ToArray());
            batch.Clear();
        }
    }

    private static void SendAndBeHeld(TestServer server, RawClient client, ReadOnlySpan<byte> bytes)
    {
        client.Send(bytes);
        TestServer.Eventually(() => server.Server.Budget.HeldBytes > 0, "the piece has been read");
    }

    private static RawClient OpenDeflate(TestServer server)
    {
        RawClient client = RawClient.Connect(server.Port);
        client.Send($"GET / HTTP/1.1\r\n{RawClient.Upgrade}Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
        Assert.That(client.ReadHead(), Does.StartWith("HTTP/1.1 101 ").And.Contain("\r\nSec-WebSocket-Extensions: permessage-deflate"));
        return client;
    }

    // A compressed binary message in fragments; without its end, the last one is not marked as the last.
    private static byte[] Compressed(byte[] payload, int fragmentBytes, bool ends)
    {
        List<byte> frames = [];
        for (int at = 0; at < payload.Length; at += fragmentBytes)
        {
            int end = Math.Min(at + fragmentBytes, payload.Length);
            frames.AddRange(RawClient.Frame(
                at == 0 ? Opcode.Binary : Opcode.Continuation, payload.AsSpan(at, end - at), ends && end == payload.Length));
        }

        frames[0] |= (byte)ReservedBits.Rsv1;
        return [.. frames];
    }

    private static byte[] Repeat(byte[] bytes, int count) => [.. Enumerable.Repeat(bytes, count).SelectMany(static each => each)];

    /// <summary>The most that was held at any moment since.</summary>
    private sealed class PeakMemory
    {
        private long _bytes;

        public PeakMemory(MemoryBudget budget) => budget.Witness += (_, leaves) =>
        {
            if (!leaves) return;
            long held = budget.HeldBytes;
            for (long seen = Bytes; held > seen; seen = Bytes) Interlocked.CompareExchange(ref _bytes, held, seen);
        };

        public long Bytes => Interlocked.Read(ref _bytes);
    }
}
