// What a loop does when it cannot go on normally: the kernel refuses to let it wait for events, or a turn has thrown. The loop must not
// end, because posted work (a stop, at last) and due timers must still run. And it must not run in circles. So it waits here instead,
// longer each time, until somebody wakes it, and logs the problem once a second. While it gets no events it is deaf: new connections go to
// other loops, and those that it has end by their deadlines.

using System.Runtime.Versioning;
using RawWs.Server.Native;

namespace RawWs.Server.Loops;

[SupportedOSPlatform("linux")]
internal sealed class LoopTrouble(EventLoop loop)
{
    private const int WaitFirst = 10; // milliseconds
    private const int WaitLongest = 1000;

    private readonly object _monitor = new(); // used with Monitor.Wait and Pulse, so it cannot be a Lock
    private volatile bool _waits;
    private volatile bool _deaf;
    private int _wait;
    private long _saidAt = long.MinValue;

    /// <summary>Whether the kernel reports no events to the loop. Any thread.</summary>
    public bool IsDeaf => _deaf;

    /// <summary>Ends the wait in here, if there is one. Any thread.</summary>
    public void Wake()
    {
        if (!_waits) return;
        lock (_monitor) Monitor.Pulse(_monitor);
    }

    /// <summary>
    /// Handles the result of epoll_wait: <paramref name="count"/> events or, below zero, an error. Returns how many events there are. If
    /// the kernel refused to wait, this waits instead. On the loop's thread.
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

    /// <summary>Handles a turn that has thrown. On the loop's thread.</summary>
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

    // A wake-up directly before the wait is missed. Then what was posted is seen when the wait is over.
    private void Wait(int milliseconds)
    {
        _wait = Math.Clamp(_wait * 2, WaitFirst, WaitLongest);
        lock (_monitor)
        {
            _waits = true;
            Monitor.Wait(_monitor, milliseconds < 0 ? _wait : Math.Min(milliseconds, _wait));
            _waits = false;
        }
    }
}
