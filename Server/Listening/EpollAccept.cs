// The accept loop as a part of an event loop. The listeners are in its interest set, and it accepts what has come by accept4 on their
// handles, a bounded number at a time. A connection is a bare descriptor, without a Socket object (some 700 bytes). A thread of its own
// would cost a switch of threads there and back for each batch (docs/decisions/0005). A connection of the same loop begins at once; one of
// another loop is posted there.
// The listeners' events are edge-triggered: each arrival is reported once. So no listener has to leave the interest set while accepting
// waits, and a call that keeps failing does not wake the loop again and again. In return this code must come back by itself for what is
// left in a backlog: after a full batch by a post, after a wait by the timer.

using System.Net.Sockets;
using System.Runtime.Versioning;
using RawWs.Server.Loops;
using RawWs.Server.Native;
using RawWs.Server.Time;

namespace RawWs.Server.Listening;

[SupportedOSPlatform("linux")]
internal sealed class EpollAccept : TimerEntry, IListenEvents, ILoopWork
{
    private const int AcceptsPerEventMax = 64; // so that the connected clients have their turn

    private readonly EpollLoop _loop;
    private readonly int[] _listeners;
    private readonly IAcceptor _acceptor;
    private readonly Lock _accepting = new(); // held while it accepts: Stop waits for that
    private AcceptWait _wait = new();
    private int _failures; // connections in a row that failed by an error of their own
    private bool _stopped;

    private EpollAccept(EpollLoop loop, List<Socket> sockets, IAcceptor acceptor)
    {
        (_loop, _acceptor) = (loop, acceptor);
        foreach (Socket socket in sockets) socket.Blocking = false;
        _listeners = [.. sockets.Select(static socket => (int)socket.Handle)];
    }

    /// <summary>Begins to accept in the turns of <paramref name="loop"/>.</summary>
    /// <exception cref="StartException">The kernel has no room for it.</exception>
    /// <exception cref="SocketException">A listener cannot be set up.</exception>
    public static EpollAccept Start(EpollLoop loop, List<Socket> sockets, IAcceptor acceptor)
    {
        EpollAccept accept = new(loop, sockets, acceptor);
        loop.Listening = accept;
        for (int i = 0; i < accept._listeners.Length; i++)
        {
            if (loop.TryListen(accept._listeners[i], i)) continue;
            int error = Linux.LastError;
            accept.Stop();
            throw new StartException(Errno.Describe("epoll_ctl", error));
        }

        return accept;
    }

    /// <summary>
    /// Stops accepting. When it returns, nothing is being accepted. Any thread. If it is called on the loop's own thread, from inside an
    /// accept, that accept is the last one.
    /// </summary>
    public void Stop()
    {
        lock (_accepting) _stopped = true;
        // Closing does it only where nobody else has the socket, and others may go on listening on it.
        foreach (int listener in _listeners) _loop.TryUnregister(listener);
    }

    void IListenEvents.OnReadable(int index) => Accept(index, index + 1);

    void ILoopWork.OnPosted() => Accept(0, _listeners.Length);

    internal override void OnDue(long now)
    {
        lock (_accepting)
        {
            if (_stopped) return;
            if (Descriptors.Shortage() is { } shortage)
            {
                BackOff(shortage);
                return;
            }
        }

        Accept(0, _listeners.Length);
    }

    private void Accept(int first, int end)
    {
        lock (_accepting)
        {
            if (_stopped || IsArmed) return; // it waits, and will try all listeners then
            bool more = false;
            for (int i = first; i < end; i++)
            {
                if (AcceptSome(i, ref more) is not { } shortage) continue;
                if (!_stopped) BackOff(shortage);
                return;
            }

            if (more) _loop.Post(this);
            else if (_failures == 0) _wait.End();
        }
    }

    // Null, or what the process has run out of. `more` says that there may be more to accept.
    private string? AcceptSome(int index, ref bool more)
    {
        int listener = _listeners[index];
        Span<byte> address = stackalloc byte[128];
        for (int i = 0; i < AcceptsPerEventMax; i++)
        {
            // An accept that finds nobody makes a socket and a file first, which costs three times what the question costs. Mostly there is
            // one connection; where there are two, there are probably many.
            if (i == 1 && !Linux.IsConnectionThere(listener)) return null;
            int descriptor = Linux.Accept(listener, address, out int length);
            if (descriptor < 0)
            {
                int error = Linux.LastError;
                if (error == Linux.Eagain) return null;
                if (Errno.IsOfTheConnection(error) && ++_failures < AcceptWait.FailuresMax) continue;
                _failures = 0;
                return Errno.Describe("accept4", error);
            }

            _failures = 0;
            try
            {
                _acceptor.Accept(index, descriptor, PeerAddress.FromSockaddr(address[..length]));
            }
            catch (Exception exception)
            {
                Linux.Close(descriptor); // nobody else has it
                return exception.Message;
            }

            if (_stopped) return null; // the called code has stopped it
            if (Descriptors.ShortageAfter(descriptor) is { } few) return few;
        }

        more = true;
        return null;
    }

    private void BackOff(string shortage)
    {
        TimeSpan wait = _wait.Begin(_acceptor, shortage);
        if (!_stopped) _loop.Wheel.Arm(this, _loop.Now + (long)wait.TotalMilliseconds);
    }
}
