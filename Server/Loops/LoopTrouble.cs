// What a loop does when it cannot go on as it should: the kernel refuses to let it wait for events, or a turn has thrown. Neither may end
// the loop, for what is posted (a stop, at last) and what is due still has to be done; and neither may have it go round and round. So it
// waits here instead, longer each time, until somebody wakes it, and says once a second what is wrong. While it hears no events it is deaf:
// connections that come are given to others, and those it has end by their deadlines.

using System.Runtime.Versioning;
using RawWs.Server.Log;
using RawWs.Server.Native;

namespace RawWs.Server.Loops;

[SupportedOSPlatform("linux")]
internal sealed class LoopTrouble(EventLoop loop)
{
    private const int WaitFirst = 10; // milliseconds
    private const int WaitLongest = 1000;

    private readonly object _gate = new(); // a Monitor's: it is waited on
    private volatile bool _waits;
    private volatile bool _deaf;
    private int _wait;
    private long _saidAt = long.MinValue;

    /// <summary>Whether the kernel tells the loop of no events. Any thread.</summary>
    public bool IsDeaf => _deaf;

    /// <summary>Whoever waits in here goes on. Any thread.</summary>
    public void Wake()
    {
        if (!_waits) return;
        lock (_gate) Monitor.Pulse(_gate);
    }

    /// <summary>
    /// epoll_wait has returned <paramref name="count"/>; below zero, LastError says why not more. Returns how many events there are, after a wait in its place if it
    /// was refused one. The loop's thread only.
    /// </summary>
    public int AfterWait(int count, int timeoutMilliseconds)
    {
        int error = count < 0 ? Linux.LastError : 0;
        if (error == Linux.Eintr) return 0;
        if (error == 0)
        {
            _deaf = false;
            _wait = 0;
            return count;
        }

        _deaf = true;
        if (timeoutMilliseconds == 0) return 0;
        if (MaySay()) loop.Log.CallFailed(Errno.Describe("epoll_wait", error), $"loop {loop.Index} hears nothing of its connections");
        Wait(timeoutMilliseconds);
        return 0;
    }

    /// <summary>A turn has thrown. The loop's thread only.</summary>
    public void OnTurnThrew(Exception exception)
    {
        if (MaySay()) loop.Log.LoopFailed(exception, loop.Index);
        Wait(Timeout.Infinite);
    }

    private bool MaySay()
    {
        long now = Environment.TickCount64;
        if (_saidAt != long.MinValue && now - _saidAt < 1000) return false;
        _saidAt = now;
        return true;
    }

    // A wake-up just before the wait is missed by it: then what was posted is seen when the wait is over.
    private void Wait(int milliseconds)
    {
        _wait = Math.Clamp(_wait * 2, WaitFirst, WaitLongest);
        lock (_gate)
        {
            _waits = true;
            Monitor.Wait(_gate, milliseconds < 0 ? _wait : Math.Min(milliseconds, _wait));
            _waits = false;
        }
    }
}
