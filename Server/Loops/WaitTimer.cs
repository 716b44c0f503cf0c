// Ends a loop's wait at a time. A timeout given to epoll_wait is set up and taken down by the kernel at each call, which a connection that
// waits for one answer after another pays for each message. This timer is a descriptor among those that epoll_wait watches: it stays set
// from one wait to the next, and is set anew only when something is due earlier than what it is set for. Where the kernel refuses to make
// or to set it, the caller gives epoll_wait a timeout instead.

using System.Runtime.Versioning;
using RawWs.Server.Native;

namespace RawWs.Server.Loops;

/// <summary>A timer that one epoll instance watches. The owning loop's thread only.</summary>
[SupportedOSPlatform("linux")]
internal sealed class WaitTimer
{
    private const int None = -1;
    private const long MillisecondsMax = int.MaxValue;

    private int _descriptor = None;
    private long _setFor = long.MaxValue; // in the loop's milliseconds; long.MaxValue: it is not set

    /// <summary>Makes the timer, and has it watched under a key. When the kernel refuses, there is none.</summary>
    public void Open(int epoll, ulong key)
    {
        _descriptor = Linux.TimerFd();
        if (_descriptor < 0 || Linux.EpollControl(epoll, Linux.EpollCtlAdd, _descriptor, Linux.EpollIn | Linux.EpollEdge, key) == 0) return;
        Close();
    }

    /// <summary>
    /// Makes sure that the wait ends at a time or before, both in the loop's milliseconds. False when that is left to the caller.
    /// </summary>
    public bool TrySet(long due, long now)
    {
        if (_descriptor < 0) return false;
        if (_setFor <= due && _setFor > now) return true;
        if (!Linux.SetTimer(_descriptor, Math.Clamp(due - now, 1, MillisecondsMax)))
        {
            Close();
            return false;
        }

        _setFor = due;
        return true;
    }

    /// <summary>It has expired.</summary>
    public void OnExpired() => _setFor = long.MaxValue;

    /// <summary>Gives the descriptor back, if there is one.</summary>
    public void Close()
    {
        if (_descriptor >= 0) Linux.Close(_descriptor);
        _descriptor = None;
    }
}
