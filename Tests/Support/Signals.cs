// Signals to other processes, by their numbers on Linux.

using System.Runtime.InteropServices;

namespace RawWs.Tests.Support;

internal static partial class Signals
{
    public const int Continue = 18, Stop = 19;

    /// <returns>Zero, or below it where there is no such process.</returns>
    [LibraryImport("libc", EntryPoint = "kill")]
    public static partial int Send(int process, int signal);
}
