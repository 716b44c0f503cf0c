// Sockets that the service manager has bound before it started the program (sd_listen_fds(3)): LISTEN_FDS says how many, from descriptor 3
// on, LISTEN_PID for which process they are, and LISTEN_FDNAMES has their names. They stay open while the program is stopped and started,
// and so nobody who connects meanwhile is refused.

using System.Globalization;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using RawWs.Server.Console.Log;
using RawWs.Server.Listening;
using RawWs.Server.Log;

namespace RawWs.Server.Console.Systemd;

internal static class ServiceSockets
{
    private const int FirstDescriptor = 3;

    /// <summary>Takes the sockets over; none where no service manager has handed over any. The caller owns them.</summary>
    /// <param name="log">Told of each.</param>
    /// <exception cref="StartException">Something else was handed over than sockets that listen for streams.</exception>
    public static IReadOnlyList<Socket> Take(ILogger log)
    {
        // The variables are inherited. A program that the one they are meant for has started is not meant.
        if (Environment.GetEnvironmentVariable("LISTEN_PID") != Environment.ProcessId.ToString(CultureInfo.InvariantCulture)) return [];
        if (!int.TryParse(Environment.GetEnvironmentVariable("LISTEN_FDS"), NumberStyles.None, CultureInfo.InvariantCulture, out int count))
            throw new StartException("LISTEN_FDS is no number");
        string[] names = (Environment.GetEnvironmentVariable("LISTEN_FDNAMES") ?? "").Split(':');
        Socket[] sockets = new Socket[count];
        for (int i = 0; i < count; i++)
        {
            string name = i < names.Length ? LogText.Escape(names[i]) : "";
            sockets[i] = Open(FirstDescriptor + i, name);
            log.SocketTakenOver(sockets[i].LocalEndPoint!.ToString()!, name);
        }

        return sockets;
    }

    // The mark "close on exec" stays away. The runtime shuts a socket down before it closes it, which would end it for everybody; what is
    // not marked so it takes for shared, and only closes.
    private static Socket Open(int descriptor, string name)
    {
        Exception? cause = null;
        try
        {
            Socket socket = new(new SafeSocketHandle(descriptor, ownsHandle: true));
            bool listens = socket.SocketType == SocketType.Stream
                && (int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.AcceptConnection)! != 0;
            bool isTcp = socket.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6;
            if (listens && (isTcp || socket.AddressFamily == AddressFamily.Unix)) return socket;
        }
        catch (Exception exception) when (exception is SocketException or ArgumentException)
        {
            cause = exception;
        }

        throw new StartException(
            $"descriptor {descriptor} (\"{name}\") from the service manager is no socket that listens for TCP or on a socket file", cause);
    }
}
