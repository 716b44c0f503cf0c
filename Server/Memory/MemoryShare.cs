// How much of the process's memory connections may hold. The collector knows what the process may have: the machine's memory, or three
// quarters of a container's, or a hard limit that was set for it. From that goes what the server needs for itself: code and tables, and
// of each loop the buffers. Of the rest a quarter is for what is charged to the budget, and half of it at most may be asked for: pools
// keep what has come back, large arrays leave gaps, and the runtime does not survive everywhere that its heap is full.

namespace RawWs.Server.Memory;

internal static class MemoryShare
{
    /// <summary>The least that a budget may be, in bytes.</summary>
    public const long BudgetBytesMin = 1024 * 1024;

    private const long OwnBytes = 12L * 1024 * 1024;
    private const long LoopBytes = 1024 * 1024;

    // At rest a quarter of it; in the handshake, with its timers and tasks, more.
    private const long ConnectionBytes = 2048;

    /// <summary>What the process may have, in bytes.</summary>
    public static long AvailableBytes => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>The most that connections can be given, in bytes. Below zero when the server itself needs more than there is.</summary>
    public static long LargestBudget(int loops) => LargestBudget(AvailableBytes, loops);

    /// <summary>The same of so many bytes.</summary>
    public static long LargestBudget(long availableBytes, int loops) => (availableBytes - OwnBytes - (loops * LoopBytes)) / 2;

    /// <summary>What connections are given unless somebody has said how much, in bytes.</summary>
    public static long DefaultBudget(int loops) => LargestBudget(loops) / 2;

    /// <summary>How many connections there is memory for, if nobody has said how many: the objects of one are not in the budget.</summary>
    public static int ConnectionsMax(int loops) => (int)Math.Clamp(DefaultBudget(loops) / ConnectionBytes, 1, int.MaxValue);

    /// <summary>What is missing, if the default is no budget; else null.</summary>
    public static string? FindShortage(int loops) => FindShortage(AvailableBytes, loops);

    /// <summary>The same with so many bytes.</summary>
    public static string? FindShortage(long availableBytes, int loops)
    {
        if (LargestBudget(availableBytes, loops) / 2 >= BudgetBytesMin) return null;
        long needed = OwnBytes + (loops * LoopBytes) + (4 * BudgetBytesMin);
        return $"the process may have {availableBytes >> 20} MiB of memory, and the server needs {needed >> 20} MiB with {loops} loops; "
            + "raise the limit (the container's, or DOTNET_GCHeapHardLimit), or set fewer loops (--loops)";
    }
}
