// How many descriptors the process has left. A connection needs one, a loop three, and the runtime two for each assembly that it loads. The
// last few are kept for the process itself: without one the runtime cannot even load the code that reports the shortage. The kernel gives
// out the lowest free number, so a high number means that few are left.
//
// They are counted before the start. If there are not enough for the server and a few clients it does not start; it would listen and serve
// nobody.

using System.Globalization;
using RawWs.Server.Native;

namespace RawWs.Server.Listening;

internal static class Descriptors
{
    private const int Kept = 32;

    private const int UsedByLoop = 3; // epoll, eventfd, io_uring

    // What the runtime opens, counted: until the loops are made (assemblies, pipes, outputs), from there to the first accept, and for the
    // first connection (System.IO.Pipelines, the epoll of System.Net.Sockets). With fewer than UsedForSettings left the settings cannot
    // be read.
    private const int UsedForSettings = 60;
    private const int UsedBeforeLoops = 66;
    private const int UsedAtStart = 9;
    private const int UsedByFirst = 3;

    // The fewest clients for which the server starts. More than one, because a client that has just left still has its descriptor when the
    // next one comes, and because the runtime's own need differs by a few between machines.
    private const int FewestClients = 8;

    private const int UnlimitedConnections = 10_000; // where the system does not say

    private static int _max = OperatingSystem.IsLinux() ? Linux.OpenFilesMax() : int.MaxValue;

    /// <summary>The process's limit of open files.</summary>
    public static int Limit => _max;

    /// <summary>What is short, if only the kept descriptors are left; else null. Asks the system.</summary>
    public static string? Shortage()
    {
        if (!OperatingSystem.IsLinux()) return null;
        _max = Linux.OpenFilesMax();
        int probe = Linux.EventFd();
        if (probe < 0) return Errno.Describe("eventfd", Linux.LastError);
        Linux.Close(probe);
        return ShortageAfter(probe);
    }

    /// <summary>The same, judged by the number of a descriptor that the system has just given out.</summary>
    public static string? ShortageAfter(int descriptor) =>
        descriptor >= _max - Kept ? $"the process has too many open files: {descriptor} of {_max}" : null;

    /// <summary>
    /// A sentence, if there are too few descriptors to read the settings with; else null. A program calls this first; nothing is loaded for
    /// it.
    /// </summary>
    public static string? FindShortageForSettings()
    {
        if (!OperatingSystem.IsLinux()) return null;
        int used = Count();
        if (_max - used >= UsedForSettings) return null;
        int needed = Math.Max(0, UsedBeforeLoops - used) + UsedByLoop + 1 + UsedAtStart + UsedByFirst + Kept + FewestClients;
        return Sentence(used, needed, "itself and a few clients", "raise the limit (ulimit -n)");
    }

    /// <summary>A sentence, if there are too few for so many loops, listeners and a few clients; else null.</summary>
    public static string? FindShortage(int loops, bool epoll, int listeners)
    {
        if (!OperatingSystem.IsLinux()) return null;
        int used = Count();
        long needed = ((long)loops * (epoll ? UsedByLoop : 0)) + listeners + UsedAtStart + UsedByFirst + Kept + FewestClients;
        if (_max - used >= needed) return null;
        string help = epoll && loops > 1 ? "raise the limit (ulimit -n), or set fewer loops (--loops)" : "raise the limit (ulimit -n)";
        return Sentence(used, needed, $"its loops ({loops}), its addresses ({listeners}) and a few clients", help);
    }

    /// <summary>For how many connections there are descriptors, once the loops run and the listeners are bound; at least one.</summary>
    public static int RoomNow() => OperatingSystem.IsLinux() ? Math.Max(1, _max - Count() - UsedByFirst - Kept) : UnlimitedConnections;

    /// <summary>The same before the start, for a server with so many loops; 0 if it would not start.</summary>
    public static int RoomOnceStarted(int loops)
    {
        if (!OperatingSystem.IsLinux()) return UnlimitedConnections;
        int room = _max - Math.Max(Count(), UsedBeforeLoops) - (loops * UsedByLoop) - 1 - UsedAtStart - UsedByFirst - Kept;
        return room < FewestClients ? 0 : room;
    }

    private static string Sentence(int used, long needed, string forWhat, string help) =>
        $"the limit of open files is {_max}, and {used} are open; the server needs {needed} more, for {forWhat}: {help}";

    // How many numbers below the limit are used. A number above it was open before the limit was set, and does not count.
    private static int Count()
    {
        int count = 0;
        try
        {
            foreach (string path in Directory.GetFileSystemEntries("/proc/self/fd"))
                if (int.TryParse(Path.GetFileName(path.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
                    && number < _max) count++;
            return count - 1; // one of them was open for this very reading
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // There is no /proc, or no descriptor to read it through.
            int probe = OperatingSystem.IsLinux() ? Linux.EventFd() : 0;
            if (probe < 0) return _max;
            if (OperatingSystem.IsLinux()) Linux.Close(probe);
            return probe;
        }
    }
}
