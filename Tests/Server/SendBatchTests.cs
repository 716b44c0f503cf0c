// Sends that wait in the batch for the end of a turn's events. Each reaches its own peer, in order and whole, whatever the kernel accepts,
// and nothing else that happens to the socket overtakes it. Over real sockets, with a ring and without.

using System.Net.Sockets;
using System.Runtime.Versioning;
using Microsoft.Extensions.Time.Testing;
using RawWs.Server.Channels;
using RawWs.Server.Loops;
using RawWs.Server.Memory;
using RawWs.Server.Native;
using RawWs.Tests.Support;
using static RawWs.Tests.Support.EpollRoom;

namespace RawWs.Tests.Server;

[Platform("Linux")]
[SupportedOSPlatform("linux")]
[TestFixture(true)]
[TestFixture(false)]
public sealed class SendBatchTests(bool usesRing)
{
    private readonly FakeTimeProvider _time = new();
    private readonly List<Peer> _peers = [];
    private EpollRoom _room = null!;

    private EpollLoop Loop => _room.Loop;

    [SetUp]
    public void SetUp() => _room = new EpollRoom(_time, new MemoryBudget(long.MaxValue), usesRing);

    [TearDown]
    public async Task TearDown()
    {
        foreach (Peer peer in _peers)
        {
            peer.Transport.Close(reset: false);
            peer.Client.Dispose();
        }

        _peers.Clear();
        await _room.DisposeAsync();
    }

    [Test]
    public void EachGetsItsOwn_AndNothingBeforeTheRoundIsOver([Values(1, 2, 63, SendBatch.CountMax)] int count, [Values(1, 7)] int rounds)
    {
        for (int i = 0; i < count; i++) Connect();
        for (int round = 0; round < rounds; round++)
        {
            for (int i = 0; i < count; i++) Assert.That(_peers[i].Transport.TryAddToBatch(Bytes(100 + i, seed: i)));
            Assert.That(_peers.Sum(static peer => peer.Client.Available), Is.Zero);
            Loop.SubmitBatch();
            for (int i = 0; i < count; i++) Assert.That(_peers[i].Receive(100 + i), Is.EqualTo(Bytes(100 + i, seed: i)));
        }

        Assert.That(Loop.IsBatchEmpty);
        Assert.That(_peers.All(static peer => peer.Told.Count == 0), "nobody is told of a send that was taken whole");
    }

    [Test]
    public void OneMoreThanThereIsRoomFor_SendsTheOthers()
    {
        for (int i = 0; i <= SendBatch.CountMax; i++) Assert.That(Connect().Transport.TryAddToBatch(Bytes(10, seed: i)));
        for (int i = 0; i < SendBatch.CountMax; i++) Assert.That(_peers[i].Receive(10), Is.EqualTo(Bytes(10, seed: i)));
        Assert.That(_peers[^1].Client.Available, Is.Zero);
        Loop.SubmitBatch();
        Assert.That(_peers[^1].Receive(10), Is.EqualTo(Bytes(10, seed: SendBatch.CountMax)));
    }

    // What the kernel sends is a beginning of the bytes. The owner is told how long it is, and the transport waits for room.
    [Test]
    public void WhatTheKernelDoesNotTake_IsSaid()
    {
        Peer full = Connect(), other = Connect();
        int taken = Fill(full.Transport);
        Assert.That(full.Transport.TryAddToBatch(Bytes(SendBatch.BytesMax, seed: 1)));
        Assert.That(other.Transport.TryAddToBatch(Bytes(5, seed: 2)));
        Loop.SubmitBatch();
        Assert.That(other.Receive(5), Is.EqualTo(Bytes(5, seed: 2)));
        Assert.That(full.Told, Has.Count.EqualTo(1));
        (byte[] bytes, int rest) = full.Told[0];
        Assert.That(bytes, Is.EqualTo(Bytes(SendBatch.BytesMax, seed: 1)));
        Assert.That(rest, Is.InRange(0, SendBatch.BytesMax - 1));
        full.Receive(taken);
        Assert.That(full.Receive(rest), Is.EqualTo(bytes[..rest]));
    }

    [Test]
    public void AConnectionThatWasReset_CostsNobodyElse()
    {
        Peer dead = Connect(), other = Connect();
        dead.Client.LingerState = new LingerOption(true, 0);
        dead.Client.Dispose();
        TestServer.Eventually(() => dead.Transport.TryWrite([0], more: false) < 0, "the reset arrives");
        Assert.That(dead.Transport.TryAddToBatch(Bytes(5, seed: 1)));
        Assert.That(other.Transport.TryAddToBatch(Bytes(5, seed: 2)));
        Loop.SubmitBatch();
        Assert.That(other.Receive(5), Is.EqualTo(Bytes(5, seed: 2)));
        Assert.That(dead.Told.Select(static told => told.Taken), Is.EqualTo((int[])[-1]));
    }

    [Test]
    public void AnOwnerThatThrows_CostsNobodyElse()
    {
        Peer throwing = Connect(), full = Connect(), other = Connect();
        throwing.Throws = true;
        Fill(throwing.Transport);
        Fill(full.Transport);
        foreach (Peer peer in (Peer[])[throwing, full]) Assert.That(peer.Transport.TryAddToBatch(Bytes(SendBatch.BytesMax, seed: 1)));
        Assert.That(other.Transport.TryAddToBatch(Bytes(5, seed: 2)));
        Assert.That(Loop.SubmitBatch, Throws.Nothing);
        Assert.That(other.Receive(5), Is.EqualTo(Bytes(5, seed: 2)));
        Assert.That((throwing.Told.Count, full.Told.Count, Loop.IsBatchEmpty), Is.EqualTo((1, 1, true)));
    }

    // The kernel gives out a descriptor's number again as soon as it is closed.
    [Test]
    public void BeforeItsSocketIsClosed_ItIsSent()
    {
        Peer first = Connect(), second = Connect();
        Assert.That(first.Transport.TryAddToBatch(Bytes(5, seed: 1)));
        Assert.That(second.Transport.TryAddToBatch(Bytes(5, seed: 2)));
        second.Transport.Close(reset: false);
        Assert.That(second.Receive(5), Is.EqualTo(Bytes(5, seed: 2)));
        Assert.That(second.Client.Receive(new byte[1]), Is.Zero, "the end of the stream");
        Assert.That(first.Receive(5), Is.EqualTo(Bytes(5, seed: 1)), "with everything else in the batch");
    }

    [Test]
    public void NothingOvertakesIt()
    {
        Peer peer = Connect();
        Assert.That(peer.Transport.TryAddToBatch(Bytes(5, seed: 1)));
        Assert.That(() => peer.Transport.TryWrite([1], more: false), Throws.InvalidOperationException);
        Assert.That(() => peer.Transport.TryWrite([1], [2], [new PayloadSegment(1, 0, 1)]), Throws.InvalidOperationException);
        Assert.That(() => peer.Transport.TryAddToBatch([1]), Throws.InvalidOperationException);
        Assert.That(peer.Transport.ShutdownWrite, Throws.InvalidOperationException);
        peer.Transport.SendBatched();
        Assert.That(peer.Transport.TryWrite(Bytes(3, seed: 2), more: false), Is.EqualTo(3));
        Assert.That(peer.Receive(8), Is.EqualTo((byte[])[.. Bytes(5, seed: 1), .. Bytes(3, seed: 2)]));
    }

    [Test]
    public void ALongOne_DoesNotJoinTheBatch()
    {
        Peer peer = Connect();
        Assert.That(peer.Transport.TryAddToBatch(Bytes(SendBatch.BytesMax + 1, seed: 1)), Is.False);
        Assert.That(peer.Transport.TryAddToBatch(Bytes(SendBatch.BytesMax, seed: 1)));
    }

    // The peers of a slow handler get their answers early: a round may last a millisecond, and not more.
    [Test]
    public void WhenARoundTakesLong_WhatIsThereGoesOut()
    {
        Peer first = Connect(), second = Connect();
        Assert.That(first.Transport.TryAddToBatch(Bytes(1, seed: 1)));
        _time.Advance(SendBatch.RoundMax);
        Assert.That(second.Transport.TryAddToBatch(Bytes(1, seed: 2)));
        Loop.Batch.SubmitIfLate();
        Assert.That((first.Client.Available, second.Client.Available), Is.EqualTo((0, 0)));
        _time.Advance(TimeSpan.FromTicks(1));
        Loop.Batch.SubmitIfLate();
        Assert.That((first.Receive(1)[0], second.Receive(1)[0]), Is.EqualTo((Bytes(1, seed: 1)[0], Bytes(1, seed: 2)[0])));

        Assert.That(second.Transport.TryAddToBatch(Bytes(1, seed: 3)));
        Loop.Batch.SubmitIfLate();
        Assert.That(second.Client.Available, Is.Zero, "a round of its own");
        Loop.SubmitBatch();
    }

    private static int Fill(Transport transport)
    {
        int taken = 0, now;
        byte[] bytes = new byte[10_000];
        do
        {
            now = transport.TryWrite(bytes, more: false);
            Assert.That(now, Is.GreaterThanOrEqualTo(0));
            taken += now;
        }
        while (now == bytes.Length);
        return taken;
    }

    private Peer Connect()
    {
        (int descriptor, Socket client) = _room.Connect();
        Peer peer = new(Loop, descriptor, client);
        _peers.Add(peer);
        return peer;
    }

    private sealed class Peer : ITransportOwner
    {
        public Peer(EpollLoop loop, int descriptor, Socket client)
        {
            Transport = new Transport(loop, new EpollChannel(descriptor), this);
            Client = client;
        }

        public Transport Transport { get; }

        public Socket Client { get; }

        public List<(byte[] Bytes, int Taken)> Told { get; } = [];

        public bool Throws { get; set; }

        public byte[] Receive(int length)
        {
            byte[] bytes = new byte[length];
            for (int at = 0, received; at < length; at += received)
            {
                received = Client.Receive(bytes.AsSpan(at));
                Assert.That(received, Is.Positive);
            }

            return bytes;
        }

        public void OnWritable()
        {
        }

        public void OnBroken(string failure)
        {
        }

        public void OnBatchSent(ReadOnlySpan<byte> bytes, int taken)
        {
            Told.Add((bytes.ToArray(), taken));
            if (Throws) throw new InvalidOperationException("as the test says");
        }

        public void OnReceived(ReadOnlySpan<byte> bytes)
        {
        }

        public void OnStreamEnd()
        {
        }

        public bool TryGetRoom(out ArraySegment<byte> room)
        {
            room = default;
            return false;
        }

        public void OnClientNamed(PeerAddress client)
        {
        }

        public void OnBytesLost()
        {
        }

        public void OnFailed(Exception exception)
        {
        }
    }
}
