// With a small limit of the heap (DOTNET_GCHeapHardLimit, a small container) the garbage collector of .NET 10.0.12 reserves few addresses,
// and ends the process with a segmentation fault when large arrays have used them up. More addresses cost no memory, but the collector
// takes their number from the environment and when the process begins. So the program is begun anew, in the same process, with that one
// variable more. Where the variable is there already, or the system forbids it, everything goes on as it is.

using System.Runtime.InteropServices;
using RawWs.Server.Memory;

namespace RawWs.Server.Console;

internal static unsafe partial class SmallHeap
{
    private const string Variable = "DOTNET_GCRegionRange";
    private const long EnoughBytes = 256L * 1024 * 1024;

    /// <summary>Begins the program anew if its heap is small. Then it does not return.</summary>
    public static void GiveAddresses()
    {
        if (!OperatingSystem.IsLinux() || MemoryShare.AvailableBytes >= EnoughBytes) return;
        if (Environment.GetEnvironmentVariable(Variable) is not null) return;
        try
        {
            byte[] arguments = File.ReadAllBytes("/proc/self/cmdline");
            byte[] environment = [.. File.ReadAllBytes("/proc/self/environ"), .. "DOTNET_GCRegionRange=0x40000000\0"u8]; // 1 GiB
            fixed (byte* own = "/proc/self/exe\0"u8, first = arguments, second = environment)
            fixed (nint* firsts = Texts(first, arguments), seconds = Texts(second, environment))
                _ = execve(own, firsts, seconds);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It goes on as it is.
        }
    }

    // The places of texts that each end with a zero, and a zero behind them.
    private static nint[] Texts(byte* memory, byte[] bytes)
    {
        List<nint> texts = [];
        for (int at = 0, length; (length = bytes.AsSpan(at).IndexOf((byte)0)) >= 0; at += length + 1) texts.Add((nint)(memory + at));
        return [.. texts, 0];
    }

    [LibraryImport("libc")] private static partial int execve(byte* path, nint* arguments, nint* environment);
}
