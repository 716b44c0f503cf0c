// Plays the service manager: binds the sockets that programs are handed, starts programs with them, and hears what these tell.

using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace RawWs.Tests.Support;

internal sealed partial class ServiceManager : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("rawws-manager").FullName;
    private readonly List<Socket> _listeners = [];

    /// <param name="isAbstract">Whether the address for notices lies outside of the file system.</param>
    public ServiceManager(bool isAbstract = false)
    {
        NoticesAddress = (isAbstract ? "@" : "") + Path.Combine(_folder, "notices");
        Notices = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified)
        {
            ReceiveTimeout = (int)TestServer.Patience.TotalMilliseconds,
        };
        Notices.Bind(new UnixDomainSocketEndPoint(NoticesAddress.Replace('@', '\0')));
    }

    public string NoticesAddress { get; }

    public Socket Notices { get; }

    /// <summary>Binds a socket for programs. Returns its port.</summary>
    public int Listen()
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        Listen(socket, new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    /// <summary>Binds a socket file for programs. Returns its path.</summary>
    public string ListenOnFile()
    {
        string path = Path.Combine(_folder, "listen");
        Listen(new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified), new UnixDomainSocketEndPoint(path));
        return path;
    }

    /// <summary>Starts the program with the sockets.</summary>
    /// <param name="also">What a shell does before, besides handing them over; ":" for nothing.</param>
    /// <param name="arguments">The program's.</param>
    public RunningProgram Start(string also, params string[] arguments)
    {
        StringBuilder shell = new($"export NOTIFY_SOCKET={NoticesAddress} LISTEN_PID=$$ LISTEN_FDS={_listeners.Count} LISTEN_FDNAMES=");
        shell.AppendJoin(':', _listeners.Select(static (_, i) => $"socket{i}"));
        for (int i = 0; i < _listeners.Count; i++)
            shell.Append(CultureInfo.InvariantCulture, $"; exec {3 + i}<&{(int)_listeners[i].Handle}");
        return RunningProgram.StartUnder($"{shell}; {also}", arguments);
    }

    /// <summary>The next notice; there must be one.</summary>
    public string ReadNotice()
    {
        byte[] notice = new byte[4096];
        return Encoding.UTF8.GetString(notice, 0, Notices.Receive(notice));
    }

    public void Dispose()
    {
        foreach (Socket socket in _listeners) socket.Dispose();
        Notices.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private void Listen(Socket socket, EndPoint address)
    {
        _listeners.Add(socket);
        socket.Bind(address);
        socket.Listen(1024);
        const int SetDescriptorFlags = 2;
        Assert.That(Control((int)socket.Handle, SetDescriptorFlags, 0), Is.Zero); // it stays open on exec
    }

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int descriptor, int command, int argument);
}
