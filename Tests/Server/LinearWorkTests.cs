// What comes in small pieces is not moved with each of them: twice the bytes are twice the copying. It is counted, not timed.

using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using RawWs.Frame;
using RawWs.Server.Applications;
using RawWs.Server.Channels;
using RawWs.Server.Memory;
using RawWs.Server.Native;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class LinearWorkTests
{
    private const int CopiesMax = 6; // of each byte

    [Test]
    public async Task AHeadInPieces_IsMovedInLinearTime([Values(1, 7, 100)] int pieceBytes)
    {
        long once = await MovedFor(Head(8_000), pieceBytes), doubled = await MovedFor(Head(16_000), pieceBytes);
        Check(8_000, once, doubled);
    }

    // A control frame is taken when it is whole, a data frame's header with the first byte of its payload.
    [TestCase(Opcode.Ping, 125, 1)]
    [TestCase(Opcode.Ping, 125, 10)]
    [TestCase(Opcode.Text, 125, 1)]
    [TestCase(Opcode.Text, 1, 1)]
    [TestCase(Opcode.Binary, 126, 3)]
    [TestCase(Opcode.Pong, 0, 1)]
    public async Task FramesInPieces_AreMovedInLinearTime(Opcode opcode, int payloadBytes, int pieceBytes)
    {
        byte[] frame = RawClient.Frame(opcode, new byte[payloadBytes]);
        byte[] frames = [.. Enumerable.Repeat(frame, 20).SelectMany(static bytes => bytes)];
        long once = await MovedFor(frames, pieceBytes, opened: true), doubled =
            await MovedFor([.. frames, .. frames], pieceBytes, opened: true);
        Check(frames.Length, once, doubled);
    }

    // A reader above the bytes may leave as much as it likes: one that wants all of a head's limit many times over.
    [Test]
    public async Task MoreThanTheLoopsBufferHasRoomFor_IsMovedInLinearTime()
    {
        const int Bytes = 1 << 20;
        long once = await LeftFor(Bytes), doubled = await LeftFor(2 * Bytes);
        Check(Bytes, once, doubled);
    }

    private static byte[] Head(int bytes)
    {
        const string Begin = "GET / HTTP/1.1\r\n";
        StringBuilder head = new(Begin);
        while (head.Length < bytes) head.Append(CultureInfo.InvariantCulture, $"X-{head.Length}: {new string('x', 400)}\r\n");
        return Encoding.ASCII.GetBytes(head.ToString());
    }

    private static async Task<long> MovedFor(byte[] bytes, int pieceBytes, bool opened = false)
    {
        await using MemoryConnection peer = new(new EchoApplication(), opened: opened);
        long before = peer.Loop.Loop.Buffer.MovedBytes;
        foreach (byte[] piece in bytes.Chunk(pieceBytes)) peer.Arrive(piece);
        return peer.Loop.Loop.Buffer.MovedBytes - before;
    }

    private static async Task<long> LeftFor(int bytes)
    {
        await using LeavingReader reader = new();
        for (int at = 0; at < bytes; at += 1000) reader.Arrive(1000);
        Assert.That(reader.Seen, Is.GreaterThanOrEqualTo(bytes));
        return reader.MovedBytes;
    }

    private static void Check(int bytes, long once, long doubled)
    {
        TestContext.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{bytes} bytes: {once} moved, {doubled} for twice as many"));
        Assert.That(once, Is.LessThanOrEqualTo(CopiesMax * bytes));
        Assert.That(doubled, Is.LessThanOrEqualTo(CopiesMax * 2 * bytes));
    }

    /// <summary>Looks at all that is there, and leaves it.</summary>
    private sealed class LeavingReader : ITransportOwner, IAsyncDisposable
    {
        private readonly MemoryBudget _budget = new(64 << 20);
        private readonly ManualLoop _loop;
        private readonly MemoryChannel _channel = new();
        private readonly Transport _transport;

        public LeavingReader()
        {
            _loop = new ManualLoop(new FakeTimeProvider(), _budget);
            _transport = new Transport(_loop, _channel, this);
            _ = ReadAsync();
        }

        public long Seen { get; private set; }

        public long MovedBytes => _loop.Buffer.MovedBytes;

        public void Arrive(int bytes)
        {
            Assert.That(_channel.IsReadFrom, "it is read from");
            _loop.Turn(() => _channel.Arrive(new byte[bytes]));
            Assert.That(_channel.IsEmpty, "what arrived has been received");
        }


        public ValueTask DisposeAsync()
        {
            _transport.Close(reset: false);
            Assert.That(_budget.HeldBytes, Is.Zero);
            return ValueTask.CompletedTask;
        }

        void ITransportOwner.OnWritable()
        {
        }

        void ITransportOwner.OnBroken(string failure)
        {
        }

        void ITransportOwner.OnBatchSent(ReadOnlySpan<byte> bytes, int taken)
        {
        }

        void ITransportOwner.OnReceived(ReadOnlySpan<byte> bytes)
        {
        }

        void ITransportOwner.OnStreamEnd()
        {
        }

        bool ITransportOwner.TryGetRoom(out ArraySegment<byte> room)
        {
            room = default;
            return false;
        }

        void ITransportOwner.OnFailed(Exception exception) => Assert.Fail(exception.ToString());

        void ITransportOwner.OnBytesLost() => Assert.Fail("there is memory enough");

        void ITransportOwner.OnClientNamed(PeerAddress client) => Assert.Fail("there is no proxy");

        private async Task ReadAsync()
        {
            while (true)
            {
                ReadResult read = await _transport.ReadAsync();
                Seen = read.Buffer.Length;
                _transport.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            }
        }
    }
}
