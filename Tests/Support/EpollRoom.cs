// An event loop over epoll that is never started: the test runs its turns. And real sockets, for channels of the test's own on it.

using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using Microsoft.Extensions.Time.Testing;
using RawWs.Server.Loops;
using RawWs.Server.Memory;

namespace RawWs.Tests.Support;

[SupportedOSPlatform("linux")]
internal sealed class EpollRoom : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public EpollRoom(FakeTimeProvider time, MemoryBudget budget, bool usesRing)
    {
        Loop = new EpollLoop(0, time, budget, usesRing);
        Loop.Open();
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
    }

    public EpollLoop Loop { get; }

    /// <summary>Two ends of a connection. Whoever makes a channel of the descriptor owns it; its calls do not wait.</summary>
    public (int Descriptor, Socket Client) Connect()
    {
        Socket client = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 30_000 };
        client.Connect(_listener.LocalEndPoint!);
        Socket accepted = _listener.Accept();
        accepted.Blocking = false;
        int descriptor = (int)accepted.Handle;
        accepted.SafeHandle.SetHandleAsInvalid(); // it is the channel's from here on
        return (descriptor, client);
    }

    /// <summary>Bytes of chance, pinned, as those that are sent have to be.</summary>
    public static byte[] Bytes(int length, int seed)
    {
        byte[] bytes = GC.AllocateArray<byte>(length, pinned: true);
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await Loop.StopAsync();
    }
}
