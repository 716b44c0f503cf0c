// Accepting, in an epoll loop's turns and by tasks, for an acceptor that cannot take what comes: it waits, longer each time, and comes back on every address.

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
    // A log that throws is a bug of the application's: it costs the line, not the loop and not the listeners.
    [Test]
    public async Task AfterShortages_EveryAddressIsAcceptedOnAgain([Values] bool logThrows, [Values] bool epoll)
    {
        const int Shortages = 9;
        FakeTimeProvider time = new();
        Acceptor acceptor = new(Shortages, logThrows);
        MemoryBudget budget = new(long.MaxValue);
        EventLoop loop = epoll ? new EpollLoop(0, time, budget, usesRing: true) : new SocketLoop(0, time, budget);
        await using (Listener listener = Listener.Bind([new IPEndPoint(IPAddress.Loopback, 0), new IPEndPoint(IPAddress.Loopback, 0)], acceptor, time))
        {
            loop.Start();
            listener.Start(loop);
            for (int i = 0; i <= Shortages; i++)
            {
                using Socket first = Connect(listener.EndPoints[0]), second = Connect(listener.EndPoints[1]);
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

    private static Socket Connect(IPEndPoint endPoint)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(endPoint);
        return socket;
    }

    private sealed class Acceptor(int shortages, bool logThrows) : IAcceptor
    {
        private int _refused;
        private int _seen;

        public int Seen => Volatile.Read(ref _seen);

        public int Taken { get; private set; }

        public List<TimeSpan> Waits { get; } = [];

        public void Accept(int descriptor, PeerAddress peer)
        {
            Take();
            Linux.Close(descriptor);
        }

        public void Accept(Socket socket)
        {
            Take();
            socket.Dispose();
        }

        public void OnBackOff(TimeSpan wait, string error)
        {
            lock (Waits) Waits.Add(wait);
            if (logThrows) throw new InvalidOperationException(error);
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
