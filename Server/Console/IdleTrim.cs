// Gives the process's memory back after a peak. The server allocates next to nothing while it runs. So the garbage collector, which runs
// because of allocations, would not run for hours, and memory that a thousand connections needed for a minute would stay. So a timer checks
// every few seconds. If much has been allocated since the last collection, and next to nothing just now, the pools are emptied, and the
// heap is collected and returned. That takes some milliseconds, once, in a quiet moment. During a peak the heap is collected each time that
// some megabytes of arrays have been dropped, because the collector's own threshold may be larger than everything that the server is
// allowed to hold. A program that embeds the server cares for its own collector: it calls WebSocketServer.DropSpareMemory if it likes.

using System.Runtime.InteropServices;

namespace RawWs.Server.Console;

internal sealed partial class IdleTrim : IDisposable
{
    private const long MuchBytes = 24L * 1024 * 1024;
    private const long LittleBytes = 1024 * 1024;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly WebSocketServer _server;
    private readonly ITimer _timer;
    private long _atTrim = GC.GetTotalAllocatedBytes();
    private long _atLook;

    /// <summary>Begins to check.</summary>
    public IdleTrim(WebSocketServer server, TimeProvider time)
    {
        _server = server;
        _server.Budget.Dropped = static () => GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: false);
        _timer = time.CreateTimer(static trim => ((IdleTrim)trim!).Look(), this, Interval, Interval);
    }

    /// <summary>How often memory has been given back.</summary>
    public int Trims { get; private set; }

    public void Dispose()
    {
        _server.Budget.Dropped = null;
        _timer.Dispose();
    }

    private void Look()
    {
        long allocated = GC.GetTotalAllocatedBytes();
        long justNow = allocated - _atLook;
        _atLook = allocated;
        if (allocated - _atTrim < MuchBytes || justNow > LittleBytes) return;
        _server.DropSpareMemory();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        TrimNative();
        _atTrim = _atLook = GC.GetTotalAllocatedBytes();
        Trims++;
    }

    // The compression contexts use the C library's memory. glibc keeps what is freed until somebody asks for it; others have no such call.
    private static void TrimNative()
    {
        if (!OperatingSystem.IsLinux()) return;
        try
        {
            _ = malloc_trim(0);
        }
        catch (EntryPointNotFoundException)
        {
            // Another C library than glibc.
        }
    }

    [LibraryImport("libc")] private static partial int malloc_trim(nuint pad);
}
