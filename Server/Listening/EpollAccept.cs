// The accept loop as a part of an event loop: the listeners are in its interest set, and it accepts by accept4 on their handles what has come, so many at a time.
// A connection is a bare descriptor, without a Socket object (some 700 bytes). A thread of its own would cost a switch of threads there and back for each batch (docs/decisions/0005). A connection of the same loop begins at once; another loop's is posted there.

using System.Net.Sockets;
using System.Runtime.Versioning;
using RawWs.Server.Loops;
using RawWs.Server.Native;
using RawWs.Server.Time;

namespace RawWs.Server.Listening;

[SupportedOSPlatform("linux")]
internal sealed class EpollAccept : TimerEntry, IListenEvents
{
    private const int AcceptsPerEventMax = 64; // so that those who are connected have their turn

    private readonly EpollLoop _loop;
    private readonly int[] _listeners;
    private readonly IAcceptor _acceptor;
    private readonly Lock _accepting = new(); // held while it accepts: who stops it waits for that
    private AcceptWait _wait = new();
    private bool _stopped;

    private EpollAccept(EpollLoop loop, List<Socket> sockets, IAcceptor acceptor)
    {
        (_loop, _acceptor) = (loop, acceptor);
        foreach (Socket socket in sockets) socket.Blocking = false;
        _listeners = [.. sockets.Select(static socket => (int)socket.Handle)];
    }

    /// <summary>Begins to accept in the turns of <paramref name="loop"/>.</summary>
    /// <exception cref="IOException">The kernel has no room for it.</exception>
    public static EpollAccept Start(EpollLoop loop, List<Socket> sockets, IAcceptor acceptor)
    {
        EpollAccept accept = new(loop, sockets, acceptor);
        loop.Listening = accept;
        if (!accept.TryListen()) throw new IOException($"epoll_ctl failed with errno {Linux.LastError}.");
        return accept;
    }

    /// <summary>Accepts nothing more: when it returns, nothing is being accepted. Any thread.</summary>
    public void Stop()
    {
        lock (_accepting)
        {
            _stopped = true;
            Rest();
        }
    }

    void IListenEvents.OnReadable(int index)
    {
        lock (_accepting)
        {
            if (_stopped) return;
            if (AcceptSome(_listeners[index]) is { } shortage) BackOff(shortage);
            else _wait.End();
        }
    }

    internal override void OnDue(long now)
    {
        lock (_accepting)
        {
            if (_stopped) return;
            if (Descriptors.Shortage() is { } shortage) BackOff(shortage);
            else if (!TryListen()) BackOff(Descriptors.ShortageOf(Linux.LastError) ?? "epoll_ctl failed");
        }
    }

    // Null, or what has run out.
    private string? AcceptSome(int listener)
    {
        Span<byte> address = stackalloc byte[128];
        for (int i = 0; i < AcceptsPerEventMax; i++)
        {
            int descriptor = Linux.Accept(listener, address, out int length);
            if (descriptor < 0)
            {
                int error = Linux.LastError;
                if (error == Linux.Eagain) return null;
                if (Descriptors.ShortageOf(error) is { } shortage) return shortage;
                continue;
            }

            try
            {
                _acceptor.Accept(descriptor, PeerAddress.FromSockaddr(address[..length]));
            }
            catch (Exception exception)
            {
                Linux.Close(descriptor); // nobody has it
                return exception.Message;
            }

            if (Descriptors.ShortageAfter(descriptor) is { } few) return few;
        }

        return null;
    }

    // A listener that is readable would wake the loop again and again: it leaves the interest set for a while.
    private void BackOff(string shortage)
    {
        Rest();
        TimeSpan wait = _wait.Begin(_acceptor, shortage);
        _loop.Wheel.Arm(this, _loop.Now + (long)wait.TotalMilliseconds);
    }

    private bool TryListen()
    {
        for (int i = 0; i < _listeners.Length; i++)
            if (!_loop.TryListen(_listeners[i], i)) return false;
        return true;
    }

    private void Rest()
    {
        foreach (int listener in _listeners) _loop.Unregister(listener);
    }
}
