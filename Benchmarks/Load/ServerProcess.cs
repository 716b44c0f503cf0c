// What the operating system says about a server: the processor time of all its threads, and its resident memory. Processes that it has
// started are counted with it.

using System.Globalization;
using System.Runtime.Versioning;

namespace RawWs.Benchmarks.Load;

[SupportedOSPlatform("linux")]
internal sealed class ServerProcess(int id)
{
    /// <summary>User and system time so far, in seconds. The kernel's clock of a process has no ticks: it counts nanoseconds.</summary>
    public double ProcessorSeconds => Tree().Sum(ClientCalls.ProcessorSeconds);

    /// <summary>VmRSS of /proc/PID/status, in bytes.</summary>
    public long ResidentBytes => Tree().Sum(ReadResident);

    /// <summary>How many descriptors are open: one for each connection, and some.</summary>
    public int Descriptors => Tree().Sum(CountDescriptors);

    /// <summary>Whether there is such a process, whose figures may be read.</summary>
    public static bool Exists(int id) => Directory.Exists($"/proc/{id}") && ClientCalls.ProcessorSeconds(id) > 0;

    private List<int> Tree()
    {
        List<int> tree = [id];
        for (int i = 0; i < tree.Count; i++) AddChildren(tree, tree[i]);
        return tree;
    }

    private static void AddChildren(List<int> tree, int parent)
    {
        try
        {
            foreach (string thread in Directory.EnumerateDirectories($"/proc/{parent}/task"))
            {
                foreach (string child in File.ReadAllText(thread + "/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))
                    tree.Add(int.Parse(child, CultureInfo.InvariantCulture));
            }
        }
        catch (IOException)
        {
            // The process or one of its threads has just ended, or this kernel does not list children.
        }
    }

    private static int CountDescriptors(int process)
    {
        try
        {
            return Directory.EnumerateFileSystemEntries($"/proc/{process}/fd").Count();
        }
        catch (IOException)
        {
            return 0; // it has just ended
        }
    }

    private static long ReadResident(int process)
    {
        const string Field = "VmRSS:";
        try
        {
            foreach (string line in File.ReadLines($"/proc/{process}/status"))
            {
                if (line.StartsWith(Field, StringComparison.Ordinal))
                    return long.Parse(line.AsSpan(Field.Length).Trim(" \tkB"), CultureInfo.InvariantCulture) * 1024;
            }
        }
        catch (IOException)
        {
            // It has just ended.
        }

        return 0;
    }
}
