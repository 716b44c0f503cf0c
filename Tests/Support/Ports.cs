// Ports for programs that must be told one, and cannot say which they have chosen; and whether they listen there yet.

using System.Net;
using System.Net.Sockets;

namespace RawWs.Tests.Support;

internal static class Ports
{
    // Below the ports that a system gives to whoever asks for any (on Linux from 32768 on): nobody else takes one of these by chance, so
    // that a program may even end and have its port again.
    private const int First = 20_000;
    private const int Count = 12_000;

    private static int _next = Random.Shared.Next(Count);

    /// <summary>A port of 127.0.0.1 that is free, and that nobody else in this process is given.</summary>
    public static int Free()
    {
        for (int i = 0; i < Count; i++)
        {
            int port = First + (int)((uint)Interlocked.Increment(ref _next) % Count);
            using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return port;
            }
            catch (SocketException)
            {
                // Somebody has it.
            }
        }

        throw new InvalidOperationException("No port is free.");
    }

    /// <summary>Whether somebody listens there on 127.0.0.1.</summary>
    public static bool IsListening(int port)
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Connect(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
