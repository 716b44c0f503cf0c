// How much of the process's memory connections may hold. The garbage collector knows how much the process may have: the machine's memory,
// or three quarters of a container's, or a hard limit that was set. The server's own need is subtracted: code and tables, and buffers for
// each loop. What is left is the rest. The budget is a quarter of the rest by default, and half of the rest at most. The other half is
// needed because pools keep what was returned, large arrays leave gaps, and not every runtime survives a full heap.

namespace RawWs.Server.Memory;

internal static class MemoryShare
{
    /// <summary>The least that a budget may be, in bytes.</summary>
    public const long BudgetBytesMin = 1024 * 1024;

    private const long OwnBytes = 12L * 1024 * 1024;
    private const long LoopBytes = 1024 * 1024;

    // An idle connection needs a quarter of this; one in its handshake, with timers and tasks, more.
    private const long ConnectionBytes = 2048;

    // With TLS: an idle one needs some 20 KB for what OpenSSL and the runtime hold, and one that sends or receives 17 to 34 KB more.
    private const long TlsConnectionBytes = 48 * 1024;

    /// <summary>What the process may have, in bytes.</summary>
    public static long AvailableBytes => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>The largest budget for connections, in bytes. Below zero when the server itself needs more than there is.</summary>
    public static long LargestBudget(int loops) => LargestBudget(AvailableBytes, loops);

    /// <summary>The same of so many bytes.</summary>
    public static long LargestBudget(long availableBytes, int loops) => (availableBytes - OwnBytes - (loops * LoopBytes)) / 2;

    /// <summary>The default budget for connections, in bytes.</summary>
    public static long DefaultBudget(int loops) => LargestBudget(loops) / 2;

    /// <summary>
    /// How many connections there is memory for, as the default. The objects of a connection are not charged to the budget.
    /// </summary>
    public static int ConnectionsMax(int loops, bool isTls = false) =>
        (int)Math.Clamp(DefaultBudget(loops) / (isTls ? TlsConnectionBytes : ConnectionBytes), 1, int.MaxValue);

    /// <summary>What is missing, if the default budget would be too small; else null.</summary>
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
