// Accepting, in an epoll loop's turns and by tasks, for an acceptor that cannot take what comes: it waits, longer each time, and comes back
// on every address.

using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using RawWs.Server;
using RawWs.Server.Listening;
using RawWs.Server.Loops;
using RawWs.Server.Memory;
using RawWs.Server.Native;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[Platform("Linux")]
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class AcceptTests
{
    private static ListenAddress Loopback => new(new IPEndPoint(IPAddress.Loopback, 0));

    [Test]
    public async Task AfterShortages_EveryAddressIsAcceptedOnAgain([Values] bool epoll)
    {
        const int Shortages = 9;
        FakeTimeProvider time = new();
        Acceptor acceptor = new(Shortages);
        MemoryBudget budget = new(long.MaxValue);
        EventLoop loop = epoll ? new EpollLoop(0, time, budget, usesRing: true) : new SocketLoop(0, time, budget);
        await using (Listener listener = Listener.Bind(
            [Loopback, Loopback], [], acceptor, time))
        {
            loop.Start();
            listener.Start(loop);
            for (int i = 0; i <= Shortages; i++)
            {
                using Socket first = Connect(listener.Addresses[0].EndPoint!), second = Connect(listener.Addresses[1].EndPoint!);
                TestServer.Eventually(
                    () =>
                    {
                        time.Advance(TimeSpan.FromMilliseconds(10));
                        return acceptor.Seen >= 2 * (i + 1);
                    },
                    "both are taken, or refused");
            }

            Assert.That(acceptor.Taken, Is.EqualTo((2 * (Shortages + 1)) - Shortages));
            Assert.That(acceptor.Waits[0], Is.EqualTo(TimeSpan.FromMilliseconds(10)));
            Assert.That(acceptor.Waits, Has.Count.EqualTo(Shortages).And.All.LessThanOrEqualTo(TimeSpan.FromSeconds(1)));
        }

        await loop.StopAsync();
    }

    // More than one batch's: what is told once has to be come back for.
    [Test]
    public async Task ABacklogOfMoreThanABatch_IsAccepted()
    {
        const int Count = 300;
        FakeTimeProvider time = new();
        Acceptor acceptor = new(0);
        EpollLoop loop = new(0, time, new MemoryBudget(long.MaxValue), usesRing: false);
        List<Socket> clients = [];
        await using (Listener listener = Listener.Bind([Loopback], [], acceptor, time))
        {
            for (int i = 0; i < Count; i++) clients.Add(Connect(listener.Addresses[0].EndPoint!));
            loop.Start();
            listener.Start(loop);
            TestServer.Eventually(() => acceptor.Seen == Count, "all are accepted");
        }

        clients.ForEach(static client => client.Dispose());
        await loop.StopAsync();
    }

    // The interest set has these listeners already: the kernel refuses them.
    [Test]
    public async Task AListenerThatTheKernelRefuses_IsASentence()
    {
        FakeTimeProvider time = new();
        EpollLoop loop = new(0, time, new MemoryBudget(long.MaxValue), usesRing: false);
        loop.Start();
        await using (Listener listener = Listener.Bind([Loopback], [], new Acceptor(0), time))
        {
            listener.Start(loop);
            Assert.That(() => listener.Start(loop),
                Throws.TypeOf<StartException>().With.Message.EqualTo("cannot start: epoll_ctl failed with EEXIST"));
        }

        await loop.StopAsync();
    }

    // The number that its eventfd had may be another file's by then.
    [Test]
    public async Task APostAfterTheEnd_WritesNowhere()
    {
        EpollLoop loop = new(0, TimeProvider.System, new MemoryBudget(long.MaxValue), usesRing: true);
        loop.Start();
        await loop.StopAsync();
        int[] others = [.. Enumerable.Range(0, 8).Select(static _ => Linux.EventFd())];
        loop.Post(new Nothing());
        ulong[] counts = [.. others.Select(static other => Count(other))];
        foreach (int other in others) Linux.Close(other);
        Assert.That(counts, Is.All.EqualTo(1UL), "what it was made with");

        static ulong Count(int descriptor)
        {
            const string Name = "eventfd-count:";
            string line = File.ReadLines($"/proc/self/fdinfo/{descriptor}")
                .Single(static line => line.StartsWith(Name, StringComparison.Ordinal));
            return ulong.Parse(line.AsSpan(Name.Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        }
    }

    [Test]
    public async Task AServer_IsNotStartedTwice_NorAfterItsEnd_NorDoesAFailedStartHarmItsEnd([Values] TransportKind transport)
    {
        using Socket holder = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        holder.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        holder.Listen();
        IPEndPoint[] places = [new(IPAddress.Loopback, 0), (IPEndPoint)holder.LocalEndPoint!];
        ServerOptions options = new() { Transport = transport, Loops = 2, ListenEndPoints = places };
        RawWs.Server.Applications.EchoApplication echo = new();
        await using (WebSocketServer failing = new(options, echo))
        {
            Assert.That(async () => await failing.StartAsync(), Throws.TypeOf<ListenException>());
            Assert.That(async () => await failing.StartAsync(), Throws.InvalidOperationException);
            await failing.StopAsync(TimeSpan.Zero);
        }

        await using WebSocketServer server = new(options with { ListenEndPoints = [new IPEndPoint(IPAddress.Loopback, 0)] }, echo);
        await server.StartAsync();
        await server.StopAsync(TimeSpan.Zero);
        Assert.That(async () => await server.StartAsync(), Throws.InvalidOperationException);
    }

    private static Socket Connect(IPEndPoint endPoint)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(endPoint);
        return socket;
    }

    private sealed class Nothing : ILoopWork
    {
        public void OnPosted()
        {
        }
    }

    private sealed class Acceptor(int shortages) : IAcceptor
    {
        private int _refused;
        private int _seen;

        public int Seen => Volatile.Read(ref _seen);

        public int Taken { get; private set; }

        public List<TimeSpan> Waits { get; } = [];

        public void Accept(int listener, int descriptor, PeerAddress peer)
        {
            Take();
            Linux.Close(descriptor);
        }

        public void Accept(int listener, Socket socket)
        {
            Take();
            socket.Dispose();
        }

        public void OnBackOff(TimeSpan wait, string error)
        {
            lock (Waits) Waits.Add(wait);
        }

        // Two addresses may be accepted on at once.
        private void Take()
        {
            lock (Waits)
            {
                if (++_refused > shortages) Taken++;
                _seen++;
                if (_refused <= shortages) throw new InvalidOperationException("no room");
            }
        }
    }
}
