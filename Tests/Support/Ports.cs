// Ports for programs that must be told one, and cannot say which they have chosen.

using System.Net;
using System.Net.Sockets;

namespace RawWs.Tests.Support;

internal static class Ports
{
    /// <summary>One on 127.0.0.1 that was free a moment ago.</summary>
    public static int Free()
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
