// How many descriptors the process has left. The last few stay for the process itself: without one the runtime cannot even load the code that would
// say so. The kernel gives the lowest number that is free, so a high one tells.

using System.Runtime.Versioning;
using RawWs.Server.Native;

namespace RawWs.Server.Listening;

internal static class Descriptors
{
    private const int Kept = 32;
    private const string TooManyFiles = "the process has too many open files (EMFILE)";

    private static int _max = OperatingSystem.IsLinux() ? Linux.OpenFilesMax() : int.MaxValue;

    /// <summary>What is short, if only the kept ones are left; else null. Asks the system.</summary>
    public static string? Shortage()
    {
        if (!OperatingSystem.IsLinux()) return null;
        _max = Linux.OpenFilesMax();
        int probe = Linux.EventFd();
        if (probe < 0) return TooManyFiles;
        Linux.Close(probe);
        return ShortageAfter(probe);
    }

    /// <summary>The same by the number of a descriptor that the system has just given out.</summary>
    public static string? ShortageAfter(int descriptor) => descriptor >= _max - Kept ? TooManyFiles : null;

    /// <summary>What an error of accept4 says has run out; null when it is only that the connection died in the backlog (ECONNABORTED, EPROTO ...).</summary>
    [SupportedOSPlatform("linux")]
    public static string? ShortageOf(int error) => error switch
    {
        Linux.Emfile => TooManyFiles,
        Linux.Enfile => "the system has too many open files (ENFILE)",
        Linux.Enobufs => "no buffer space (ENOBUFS)",
        Linux.Enomem => "no memory (ENOMEM)",
        _ => null,
    };
}
