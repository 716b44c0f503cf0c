// The listening sockets, from bind to close, and the accept loop: each new connection is handed to the next event loop. If the event loops
// use epoll, one of them accepts in its turns (EpollAccept); otherwise Socket.AcceptAsync does. An error of one connection (ECONNABORTED)
// costs that connection only. When descriptors or memory have run out, accepting waits a little, logs it, and goes on. A socket that
// somebody else has bound, and goes on listening on, is used and closed like one of ours.

using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using RawWs.Server.Loops;
using RawWs.Server.Native;

namespace RawWs.Server.Listening;

/// <summary>Gets what the listener accepts. Any thread.</summary>
internal interface IAcceptor
{
    /// <summary>A connection to the address of this number, counted as they were bound.</summary>
    [SupportedOSPlatform("linux")]
    void Accept(int listener, int descriptor, PeerAddress peer);

    /// <summary>The same.</summary>
    void Accept(int listener, Socket socket);

    /// <summary>Accepting failed because something has run out, and waits for so long.</summary>
    void OnBackOff(TimeSpan wait, string error);
}

internal sealed class Listener : IAsyncDisposable
{
    private const int Backlog = 4096;

    private readonly List<Socket> _sockets = [];
    private readonly List<Task> _accepting = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly IAcceptor _acceptor;
    private readonly TimeProvider _time;
    private EpollAccept? _epollAccept;

    private Listener(IAcceptor acceptor, TimeProvider time)
    {
        _acceptor = acceptor;
        _time = time;
    }

    /// <summary>Where it listens, with the ports that the system chose.</summary>
    public IReadOnlyList<ListenAddress> Addresses { get; private set; } = [];

    /// <summary>Binds every address; all or none.</summary>
    /// <param name="addresses">The addresses.</param>
    /// <param name="given">Sockets that listen already, each on one of the addresses: that one is not bound.</param>
    /// <param name="acceptor">Gets what is accepted.</param>
    /// <param name="time">The clock for waits.</param>
    /// <exception cref="ListenException">An address can't be listened on; the message says which and why.</exception>
    /// <exception cref="StartException">A given socket listens on none of the addresses.</exception>
    public static Listener Bind(
        IReadOnlyList<ListenAddress> addresses, IReadOnlyList<Socket> given, IAcceptor acceptor, TimeProvider time)
    {
        Listener listener = new(acceptor, time);
        List<Socket> left = [.. given];
        try
        {
            List<ListenAddress> bound = [];
            foreach (ListenAddress address in addresses)
            {
                Socket? found = left.Find(socket => IsOn(socket, address));
                if (found is not null) left.Remove(found);
                Socket socket = found ?? Bind(address);
                listener._sockets.Add(socket);
                bound.Add(Prepare(address, socket, isGiven: found is not null));
            }

            // Its clients would wait for ever.
            if (left.Count > 0)
                throw new StartException(
                    $"a socket that was handed over listens on {left[0].LocalEndPoint}, which is none of the addresses");

            listener.Addresses = bound;
        }
        catch
        {
            foreach (Socket socket in listener._sockets) socket.Dispose();
            throw;
        }

        return listener;
    }

    /// <summary>Begins to accept: in the turns of <paramref name="loop"/>, if that is an epoll loop.</summary>
    /// <exception cref="StartException">The system refuses what it takes.</exception>
    public void Start(EventLoop loop)
    {
        try
        {
            if (OperatingSystem.IsLinux() && loop is EpollLoop epoll) _epollAccept = EpollAccept.Start(epoll, _sockets, _acceptor);
            else for (int i = 0; i < _sockets.Count; i++) _accepting.Add(AcceptAsync(i));
        }
        catch (SocketException exception)
        {
            throw new StartException(exception.Message, exception);
        }
    }

    /// <summary>Stops accepting. The system refuses what is in the backlog.</summary>
    public async ValueTask DisposeAsync()
    {
        if (OperatingSystem.IsLinux()) _epollAccept?.Stop();
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_accepting).ConfigureAwait(false);
        foreach (Socket socket in _sockets) socket.Dispose();
        _stop.Dispose();
    }

    private static bool IsOn(Socket socket, ListenAddress address) => address.SocketPath is { } path
        ? new UnixDomainSocketEndPoint(path).Equals(socket.LocalEndPoint)
        : address.EndPoint!.Equals(socket.LocalEndPoint);

    // Answers the address with the port that the system has chosen.
    private static ListenAddress Prepare(ListenAddress address, Socket socket, bool isGiven)
    {
        try
        {
            if (isGiven && address.EndPoint is not null) socket.NoDelay = true; // accepted sockets inherit it
            return address.EndPoint is null ? address : address with { EndPoint = (IPEndPoint)socket.LocalEndPoint! };
        }
        catch (SocketException exception)
        {
            throw new ListenException(address, exception);
        }
    }

    private static Socket Bind(ListenAddress address)
    {
        Socket? socket = null;
        try
        {
            socket = address.SocketPath is { } path ? SocketFile.Bind(path, address.SocketMode) : Bind(address.EndPoint!);
            socket.Listen(Backlog);
            return socket;
        }
        catch (Exception exception) when (exception is SocketException or IOException or UnauthorizedAccessException)
        {
            socket?.Dispose();
            throw new ListenException(address, exception);
        }
        catch (TypeInitializationException exception)
        {
            // With the first socket the runtime makes its engine for asynchronous operations.
            socket?.Dispose();
            throw new StartException("the runtime cannot set up its sockets", exception);
        }
    }

    private static Socket Bind(IPEndPoint endPoint)
    {
        Socket socket = new(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (endPoint.AddressFamily == AddressFamily.InterNetworkV6) socket.DualMode = false;
            // On Unix a port whose old connections linger (TIME_WAIT) can be bound again without a further option. With ReuseAddress two
            // servers could share the port there, and each would miss half of the connections.
            if (OperatingSystem.IsWindows()) socket.ExclusiveAddressUse = true;
            socket.NoDelay = true; // accepted sockets inherit it
            socket.Bind(endPoint);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task AcceptAsync(int listener)
    {
        AcceptWait wait = new();
        int failures = 0; // connections in a row that failed by an error of their own
        while (!_stop.IsCancellationRequested)
        {
            string? shortage = wait.IsOver ? null : Descriptors.Shortage();
            Socket? accepted = null;
            try
            {
                if (shortage is null)
                {
                    accepted = await _sockets[listener].AcceptAsync(_stop.Token).ConfigureAwait(false);
                    if (OperatingSystem.IsLinux()) shortage = Descriptors.ShortageAfter((int)accepted.Handle);
                    _acceptor.Accept(listener, accepted);
                    failures = 0;
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException exception) when (IsOfTheConnection(exception) && ++failures < AcceptWait.FailuresMax)
            {
                continue; // it ended in the backlog: accept the next one
            }
            catch (Exception exception)
            {
                accepted?.Dispose(); // nobody else has it
                failures = 0;
                shortage = Describe(exception);
            }

            if (shortage is null)
            {
                wait.End();
                continue;
            }

            await Task.Delay(wait.Begin(_acceptor, shortage), _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // The same as Errno.IsOfTheConnection, for other systems. The runtime does not report the system's own error. One that it has no name
    // for counts as this process's.
    private static bool IsOfTheConnection(SocketException exception) => exception.SocketErrorCode
        is SocketError.ConnectionAborted or SocketError.ConnectionReset or SocketError.NetworkDown or SocketError.NetworkUnreachable
        or SocketError.HostDown
        or SocketError.HostUnreachable or SocketError.OperationNotSupported or SocketError.ProtocolOption or SocketError.Interrupted;

    private static string Describe(Exception exception) => exception is SocketException socket
        ? $"accept failed with {socket.SocketErrorCode} ({socket.Message})"
        : exception.Message;
}
