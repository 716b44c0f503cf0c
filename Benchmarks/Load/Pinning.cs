// Gives the server one processor and the generator another, so that neither is measured by how much the other leaves it. A child has
// the processors of the thread that started it, so the server is started by a thread that has its processor for a moment.

using System.Globalization;
using System.Runtime.Versioning;

namespace RawWs.Benchmarks.Load;

/// <summary>While it is not disposed, this process has one processor, and a server can be started on another.</summary>
[SupportedOSPlatform("linux")]
internal sealed class Pinning : IDisposable
{
    private const int MaskWords = 16; // 1,024 processors

    private readonly ulong[] _all;
    private readonly ulong[] _server;
    private readonly ulong[] _generator;

    private Pinning(ulong[] all, int server, int generator)
    {
        (_all, _server, _generator) = (all, MaskOf(server), MaskOf(generator));
        SetAllThreads(_generator);
        What = $"server on processor {server}, generator on processor {generator}";
    }

    public string What { get; }

    /// <summary>Takes the first two processors that this process may use. Null when there is one only.</summary>
    public static Pinning? Begin()
    {
        ulong[] all = new ulong[MaskWords];
        if (!ClientCalls.TryGetAffinity(Environment.ProcessId, all)) return null;
        int[] processors = [.. Enumerable.Range(0, MaskWords * 64).Where(i => (all[i / 64] >> (i % 64) & 1) != 0).Take(2)];
        return processors.Length < 2 ? null : new Pinning(all, processors[0], processors[1]);
    }

    /// <summary>Starts something with the server's processor.</summary>
    public T StartServer<T>(Func<T> start)
    {
        ClientCalls.TrySetAffinity(0, _server);
        try
        {
            return start();
        }
        finally
        {
            ClientCalls.TrySetAffinity(0, _generator);
        }
    }

    public void Dispose() => SetAllThreads(_all);

    private static ulong[] MaskOf(int processor)
    {
        ulong[] mask = new ulong[MaskWords];
        mask[processor / 64] = 1UL << (processor % 64);
        return mask;
    }

    // Threads that are made later have the processors of the thread that makes them.
    private static void SetAllThreads(ulong[] mask)
    {
        foreach (string thread in Directory.EnumerateDirectories("/proc/self/task"))
            ClientCalls.TrySetAffinity(int.Parse(Path.GetFileName(thread), CultureInfo.InvariantCulture), mask);
    }
}
