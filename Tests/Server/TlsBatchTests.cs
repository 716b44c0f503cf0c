// The loop's batch over TLS. What joins it is sealed when it does, and waits for the others. It stays in its order with whatever TLS itself
// has to say, and what the kernel does not take of it is kept. Over real sockets, with a ring and without.

using System.Buffers;
using System.IO.Pipelines;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using System.Runtime.Versioning;
using Microsoft.Extensions.Time.Testing;
using RawWs.Server.Channels;
using RawWs.Server.Loops;
using RawWs.Server.Memory;
using RawWs.Server.Native;
using RawWs.Server.Tls;
using RawWs.Tests.Support;
using static RawWs.Tests.Support.EpollRoom;

namespace RawWs.Tests.Server;

[Platform("Linux")]
[SupportedOSPlatform("linux")]
[TestFixture(true)]
[TestFixture(false)]
public sealed class TlsBatchTests(bool usesRing)
{
    private readonly List<Peer> _peers = [];
    private readonly MemoryBudget _budget = new(1 << 30);
    private EpollRoom _room = null!;

    private EpollLoop Loop => _room.Loop;

    [SetUp]
    public void SetUp() => _room = new EpollRoom(new FakeTimeProvider(), _budget, usesRing);

    [TearDown]
    public async Task TearDown()
    {
        foreach (Peer peer in _peers) peer.Dispose();
        _peers.Clear();
        await _room.DisposeAsync();
        Assert.That(_budget.HeldBytes, Is.Zero);
    }

    // More of them than the batch has room for: 64 KiB.
    [Test]
    public void EachGetsItsOwn_WhenTheBatchIsSent([Values(1, 3)] int rounds)
    {
        for (int i = 0; i < 20; i++) Connect();
        for (int round = 0; round < rounds; round++)
        {
            int[] before = [.. _peers.Select(static peer => peer.Client.Available)];
            for (int i = 0; i < 20; i++) Assert.That(_peers[i].Transport.TryAddToBatch(Bytes(3000 + i, seed: i)));
            Assert.That(_peers[^1].Client.Available, Is.EqualTo(before[^1]), "it waits");
            Loop.SubmitBatch();
            for (int i = 0; i < 20; i++) Assert.That(_peers[i].Read(3000 + i), Is.EqualTo(Bytes(3000 + i, seed: i)));
        }

        Assert.That(_peers.SelectMany(static peer => peer.Told), Is.Empty, "nobody is told of a send that was taken whole");
    }

    [Test]
    public void ALongOne_IsNotSealedForIt()
    {
        Peer peer = Connect();
        byte[] bytes = Bytes(SendBatch.BytesMax, seed: 1);
        Assert.That(peer.Transport.TryAddToBatch(bytes), Is.False);
        Assert.That(peer.Transport.TryWrite(bytes, more: false), Is.EqualTo(bytes.Length));
        Assert.That(peer.Read(bytes.Length), Is.EqualTo(bytes));
    }

    // An alert, or the answer to a key update: sealed later, so it goes later.
    [Test]
    public void WhatTlsSaysItself_DoesNotOvertakeIt()
    {
        Peer peer = Connect();
        peer.Client.Receive(new byte[64 * 1024]); // what the handshake has left
        Assert.That(peer.Transport.TryAddToBatch(Bytes(100, seed: 1)));
        peer.Seal("said"u8);
        byte[] received = new byte[1000];
        int length = 0;
        while (!received.AsSpan(0, length).EndsWith("said"u8)) length += peer.Client.Receive(received.AsSpan(length));
        Assert.That(received[0], Is.EqualTo(23), "application data");
        Assert.That(length, Is.GreaterThan(100));
        Assert.That(Loop.IsBatchEmpty);
    }

    // The owner hears that all of it was taken, and that some is on its way.
    [Test]
    public void WhatTheKernelDoesNotTake_IsKept_AndLeavesWhenThereIsRoom()
    {
        Peer full = Connect(), other = Connect();
        int filled = full.FillKernel();
        byte[] bytes = Bytes(3000, seed: 1);
        Assert.That(full.Transport.TryAddToBatch(bytes));
        Assert.That(other.Transport.TryAddToBatch(Bytes(5, seed: 2)));
        Loop.SubmitBatch();
        Assert.That(other.Read(5), Is.EqualTo(Bytes(5, seed: 2)));
        Assert.That(full.Told, Is.EqualTo(new[] { (3000, 3000) }));
        Assert.That((full.Transport.IsSending, _budget.HeldBytes > 0), Is.EqualTo((true, true)));
        Assert.That(full.Transport.TryAddToBatch(Bytes(1, seed: 3)), Is.False, "nothing more is sealed meanwhile");

        full.DrainKernel(filled);
        full.Transport.OnReady(Linux.EpollOut);
        Assert.That((full.Transport.IsSending, full.Writable), Is.EqualTo((false, 1)));
        Assert.That(full.Read(3000), Is.EqualTo(bytes));
    }

    [Test]
    public void ClosedWithWhatIsKept_ItIsReset()
    {
        Peer full = Connect();
        int filled = full.FillKernel();
        Assert.That(full.Transport.TryAddToBatch(Bytes(3000, seed: 1)));
        full.Transport.Close(reset: false);
        Assert.That(() => full.DrainKernel(filled + 1), Throws.InstanceOf<SocketException>());
    }

    [Test]
    public void BeforeItsSocketIsClosed_ItIsSent_AndTheGoodbyeBehindIt()
    {
        Peer peer = Connect();
        Assert.That(peer.Transport.TryAddToBatch(Bytes(5, seed: 1)));
        peer.Transport.Close(reset: false);
        Assert.That(peer.Read(5), Is.EqualTo(Bytes(5, seed: 1)));
        Assert.That(peer.Tls.ReadByte(), Is.EqualTo(-1));
        Assert.That(peer.Client.Poll(0, SelectMode.SelectRead) && peer.Client.Available == 0, "the good-bye, and then the stream's end");
    }

    // Nor inside of SslStream: an exception for each end costs more than the rest of it.
    [Test]
    public void TheEnd_ThrowsNothing()
    {
        Peer peer = Connect();
        List<Exception> thrown = [];
        int thread = Environment.CurrentManagedThreadId;
        AppDomain.CurrentDomain.FirstChanceException += Note;
        peer.Transport.Close(reset: true);
        AppDomain.CurrentDomain.FirstChanceException -= Note;
        Assert.That(thrown, Is.Empty);

        void Note(object? sender, FirstChanceExceptionEventArgs told)
        {
            if (Environment.CurrentManagedThreadId == thread) thrown.Add(told.Exception);
        }
    }

    [Test]
    public void AConnectionThatWasReset_CostsNobodyElse()
    {
        Peer dead = Connect(), other = Connect();
        dead.Client.LingerState = new LingerOption(true, 0);
        dead.Client.Dispose();
        Assert.That(dead.Transport.TryAddToBatch(Bytes(5, seed: 1)));
        Assert.That(other.Transport.TryAddToBatch(Bytes(5, seed: 2)));
        Loop.SubmitBatch();
        Assert.That(other.Read(5), Is.EqualTo(Bytes(5, seed: 2)));
        Assert.That(dead.Told, Is.EqualTo(new[] { (5, -1) }));
    }

    // Full records, of which more come at once than the reader has room for.
    [Test]
    public void AReaderWithLittleRoom_GetsAllOfALongStream()
    {
        Peer peer = Connect();
        peer.Transport.IsBusy = true;
        byte[] bytes = Bytes(1_000_000, seed: 1);
        Task written = Task.Run(() => peer.Tls.Write(bytes));
        Assert.That(peer.Receive(bytes.Length), Is.EqualTo(bytes));
        Assert.That(written.Wait(TestServer.Patience));
    }

    private Peer Connect()
    {
        SynchronizationContext.SetSynchronizationContext(null); // as on a loop's thread: each step of TLS runs inline
        (int descriptor, Socket client) = _room.Connect();
        Peer peer = new(Loop, descriptor, client);
        _peers.Add(peer);
        return peer;
    }

    /// <summary>A connection, and both of its ends: the handshake is over.</summary>
    private sealed class Peer : ITransportOwner, IDisposable
    {
        private readonly int _descriptor;
        private readonly TlsChannel _channel;

        public Peer(EpollLoop loop, int descriptor, Socket client)
        {
            (_descriptor, Client) = (descriptor, client);
            _channel = new TlsChannel(new EpollChannel(descriptor), TestCertificate.ForLocalhost, new TlsHandshakes(int.MaxValue));
            Transport = new Transport(loop, _channel, this);
            Tls = new SslStream(new NetworkStream(client));
            Task handshake = Tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null,
            });
            _ = Transport.Read();
            TestServer.Eventually(
                () =>
                {
                    Transport.OnReady(Linux.EpollIn);
                    return Transport.IsReadCompleted || (handshake.IsCompleted && Transport.Opening == OpeningLayer.None);
                },
                "the handshake ends");
            Assert.That($"{Transport.Fault}{handshake.Exception}", Is.Empty);
            Assert.That(Transport.IsReadCompleted, Is.False, "the stream has not ended");
        }

        public Transport Transport { get; }

        public Socket Client { get; }

        public SslStream Tls { get; }

        public List<(int Length, int Sent)> Told { get; } = [];

        public int Writable { get; private set; }

        public void Seal(ReadOnlySpan<byte> records) => ((ITlsSink)_channel).OnSealed(records);

        public byte[] Read(int length)
        {
            byte[] bytes = new byte[length];
            Tls.ReadExactly(bytes);
            return bytes;
        }

        /// <summary>What the transport's reader gets, until it has so much or the stream ends.</summary>
        public byte[] Receive(int length)
        {
            List<byte> received = [];
            TestServer.Eventually(
                () =>
                {
                    Transport.OnReady(Linux.EpollIn);
                    if (!Transport.IsReadCompleted) return false;
                    ReadResult result = Transport.EndRead();
                    received.AddRange(result.Buffer.ToArray());
                    Transport.AdvanceTo(result.Buffer.End);
                    if (result.IsCompleted) return true;
                    _ = Transport.Read();
                    return received.Count == length;
                },
                "it comes");
            return [.. received];
        }

        /// <summary>Sends past TLS until the kernel takes no more. Returns how much.</summary>
        public int FillKernel()
        {
            Transport.TryWrite([1], more: false);
            Read(1); // and with it what the handshake has left
            int filled = 0;
            byte[] bytes = new byte[10_000];
            while (Linux.Send(_descriptor, bytes, more: false) is > 0 and nint sent) filled += (int)sent;
            return filled;
        }

        public void DrainKernel(int filled)
        {
            byte[] bytes = new byte[10_000];
            while (filled > 0) filled -= Client.Receive(bytes.AsSpan(0, Math.Min(bytes.Length, filled)));
        }

        public void Dispose()
        {
            Transport.Close(reset: false);
            Tls.Dispose();
            Client.Dispose();
        }

        public void OnWritable() => Writable++;

        public void OnBroken(string failure)
        {
        }

        public void OnBatchSent(ReadOnlySpan<byte> frames, int sent) => Told.Add((frames.Length, sent));

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

        public void OnBytesLost()
        {
        }

        public void OnClientNamed(PeerAddress client)
        {
        }

        public void OnFailed(Exception exception)
        {
        }
    }
}
