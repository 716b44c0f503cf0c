// Accepting in an epoll loop's turns, for an acceptor that cannot take what comes: it waits, longer each time, and comes back on every address.

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
    public async Task AfterShortages_EveryAddressIsAcceptedOnAgain([Values] bool logThrows)
    {
        const int Shortages = 9;
        FakeTimeProvider time = new();
        Acceptor acceptor = new(Shortages, logThrows);
        EpollLoop loop = new(0, time, new MemoryBudget(long.MaxValue));
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
        private int _seen;

        public int Seen => Volatile.Read(ref _seen);

        public int Taken { get; private set; }

        public List<TimeSpan> Waits { get; } = [];

        public void Accept(int descriptor, PeerAddress peer)
        {
            bool refuses = Waits.Count < shortages;
            if (!refuses)
            {
                Linux.Close(descriptor);
                Taken++;
            }

            Interlocked.Increment(ref _seen);
            if (refuses) throw new InvalidOperationException("no room");
        }

        public void Accept(Socket socket) => throw new NotSupportedException();

        public void OnBackOff(TimeSpan wait, string error)
        {
            Waits.Add(wait);
            if (logThrows) throw new InvalidOperationException(error);
        }
    }
}
