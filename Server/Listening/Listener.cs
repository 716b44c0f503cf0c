// The accept loop: a listening Socket for each address, and every connection that arrives is handed to the next event loop. On
// Linux a thread of its own accepts by accept4 on the listeners' handles: a connection is a bare descriptor, without a Socket object
// (some 700 bytes) unless the transport wants one. Elsewhere Socket.AcceptAsync does. Errors of the one connection (ECONNABORTED) cost that one; when descriptors or
// memory have run out it waits a little, says so, and goes on.

using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using RawWs.Server.Native;

namespace RawWs.Server.Listening;

/// <summary>Takes what the listener accepts. Any thread.</summary>
internal interface IAcceptor
{
    void Accept(int descriptor, PeerAddress peer);

    void Accept(Socket socket);

    /// <summary>Accepting failed for want of something, and waits for so long.</summary>
    void OnBackOff(TimeSpan wait, string error);
}

internal sealed class Listener : IAsyncDisposable
{
    private const int Backlog = 4096;
    private const int DescriptorsKept = 32;
    private const string TooManyFiles = "the process has too many open files (EMFILE)";
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);

    private readonly List<Socket> _sockets = [];
    private readonly List<Task> _accepting = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly IAcceptor _acceptor;
    private readonly TimeProvider _time;
    private int _openFilesMax;

    private Listener(IAcceptor acceptor, TimeProvider time)
    {
        _acceptor = acceptor;
        _time = time;
    }

    /// <summary>Where it listens, with the ports that the system chose.</summary>
    public IReadOnlyList<IPEndPoint> EndPoints { get; private set; } = [];

    /// <summary>Binds every address; all or none.</summary>
    /// <exception cref="ListenException">An address can't be listened on; the message says which and why.</exception>
    public static Listener Bind(IReadOnlyList<IPEndPoint> endPoints, IAcceptor acceptor, TimeProvider time)
    {
        Listener listener = new(acceptor, time);
        try
        {
            foreach (IPEndPoint endPoint in endPoints) listener._sockets.Add(Bind(endPoint));
        }
        catch
        {
            foreach (Socket socket in listener._sockets) socket.Dispose();
            throw;
        }

        listener.EndPoints = [.. listener._sockets.Select(static socket => (IPEndPoint)socket.LocalEndPoint!)];
        return listener;
    }

    /// <summary>Begins to accept.</summary>
    public void Start()
    {
        if (OperatingSystem.IsLinux()) _accepting.Add(StartThread());
        else foreach (Socket socket in _sockets) _accepting.Add(AcceptAsync(socket));
    }

    /// <summary>Accepts nothing more; whoever is in the backlog is refused by the system.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_accepting).ConfigureAwait(false);
        foreach (Socket socket in _sockets) socket.Dispose();
        _stop.Dispose();
    }

    private static Socket Bind(IPEndPoint endPoint)
    {
        Socket? socket = null;
        try
        {
            socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            if (endPoint.AddressFamily == AddressFamily.InterNetworkV6) socket.DualMode = false;
            // On Unix a port whose old connections linger (TIME_WAIT) can be bound again without being asked for it. Asking for ReuseAddress there would let
            // two servers share the port, and each miss half of what comes.
            if (OperatingSystem.IsWindows()) socket.ExclusiveAddressUse = true;
            socket.NoDelay = true; // accepted sockets inherit it
            socket.Bind(endPoint);
            socket.Listen(Backlog);
            return socket;
        }
        catch (SocketException exception)
        {
            socket?.Dispose();
            throw new ListenException(endPoint, exception);
        }
    }

    [SupportedOSPlatform("linux")]
    private Task StartThread()
    {
        TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int wake = Linux.EventFd();
        _stop.Token.Register(() => Linux.Signal(wake));
        Thread thread = new(() =>
        {
            try
            {
                AcceptOnThread(wake);
                ended.SetResult();
            }
            catch (Exception exception)
            {
                ended.SetException(exception);
            }
            finally
            {
                Linux.Close(wake);
            }
        })
        { IsBackground = true, Name = "RawWs accept" };
        thread.Start();
        return ended.Task;
    }

    [SupportedOSPlatform("linux")]
    private void AcceptOnThread(int wake)
    {
        int[] descriptors = new int[_sockets.Count + 1];
        for (int i = 0; i < _sockets.Count; i++)
        {
            _sockets[i].Blocking = false;
            descriptors[i] = (int)_sockets[i].Handle;
        }

        descriptors[^1] = wake;
        bool[] ready = new bool[descriptors.Length];
        TimeSpan wait = FirstWait;
        while (!_stop.IsCancellationRequested)
        {
            string? error = HasDescriptorsLeft() ? null : TooManyFiles;
            if (error is null) Linux.PollReadable(descriptors, ready, Timeout.Infinite);
            int accepted = 0;
            for (int i = 0; i < _sockets.Count && error is null && !_stop.IsCancellationRequested; i++)
                if (ready[i]) error = AcceptAll(descriptors[i], ref accepted);
            if (accepted > 0 || error is null) wait = FirstWait;
            if (error is null) continue;

            _acceptor.OnBackOff(wait, error);
            _stop.Token.WaitHandle.WaitOne(wait);
            wait = wait * 2 > LongestWait ? LongestWait : wait * 2;
        }
    }

    // Accepts whatever is there. Null when that is done, else what has run out.
    [SupportedOSPlatform("linux")]
    private string? AcceptAll(int listener, ref int accepted)
    {
        Span<byte> address = stackalloc byte[128];
        while (!_stop.IsCancellationRequested)
        {
            int descriptor = Linux.Accept(listener, address, out int length);
            if (descriptor >= 0)
            {
                try
                {
                    _acceptor.Accept(descriptor, PeerAddress.FromSockaddr(address[..length]));
                }
                catch (Exception exception)
                {
                    Linux.Close(descriptor); // nobody has it
                    return exception.Message;
                }

                accepted++;
                if (IsOneOfTheLast(descriptor)) return TooManyFiles;
                continue;
            }

            int error = Linux.LastError;
            if (error == Linux.Eagain) return null;
            string? shortage = error switch
            {
                Linux.Emfile => TooManyFiles,
                Linux.Enfile => "the system has too many open files (ENFILE)",
                Linux.Enobufs => "no buffer space (ENOBUFS)",
                Linux.Enomem => "no memory (ENOMEM)",
                _ => null, // the connection died in the backlog (ECONNABORTED, EPROTO ...): the next one
            };
            if (shortage is not null) return shortage;
        }

        return null;
    }

    // The kernel gives the lowest number that is free, so a high one tells how many are left. The last few stay for the process itself: without
    // a descriptor the runtime cannot even load the code that would say so.
    [SupportedOSPlatform("linux")]
    private bool IsOneOfTheLast(int descriptor) => descriptor >= _openFilesMax - DescriptorsKept;

    [SupportedOSPlatform("linux")]
    private bool HasDescriptorsLeft()
    {
        _openFilesMax = Linux.OpenFilesMax();
        int probe = Linux.EventFd();
        if (probe < 0) return false;
        Linux.Close(probe);
        return !IsOneOfTheLast(probe);
    }

    private async Task AcceptAsync(Socket listener)
    {
        TimeSpan wait = FirstWait;
        while (true)
        {
            try
            {
                Socket accepted = await listener.AcceptAsync(_stop.Token).ConfigureAwait(false);
                wait = FirstWait;
                _acceptor.Accept(accepted);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException exception) when (exception.SocketErrorCode
                is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable or SocketError.SystemNotReady)
            {
                _acceptor.OnBackOff(wait, exception.Message);
                await Task.Delay(wait, _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                wait = wait * 2 > LongestWait ? LongestWait : wait * 2;
            }
            catch (SocketException)
            {
                // The connection died in the backlog: the next one.
            }
        }
    }
}

/// <summary>An address can't be listened on.</summary>
public sealed class ListenException : IOException
{
    internal ListenException(IPEndPoint endPoint, SocketException cause)
        : base(Describe(endPoint, cause), cause) => EndPoint = endPoint;

    /// <summary>The address.</summary>
    public IPEndPoint EndPoint { get; }

    private static string Describe(IPEndPoint endPoint, SocketException cause) => cause.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => $"cannot listen on {endPoint}: the port is in use",
        SocketError.AccessDenied => $"cannot listen on {endPoint}: not permitted (ports below 1024 need a privilege)",
        SocketError.AddressNotAvailable => $"cannot listen on {endPoint}: this machine has no such address",
        SocketError.AddressFamilyNotSupported => $"cannot listen on {endPoint}: this machine has no {endPoint.AddressFamily}",
        _ => $"cannot listen on {endPoint}: {cause.Message}",
    };
}
