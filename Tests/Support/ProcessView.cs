// What /proc says of a process: whether it rests, and which of its descriptors is the other end of a client's connection. Linux only.

using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace RawWs.Tests.Support;

internal static class ProcessView
{
    /// <summary>
    /// Waits until none of its threads runs, nor has run for a number of looks in a row. One that goes round and round never rests: not
    /// even one that is kept from running looks like that, for it wants to.
    /// </summary>
    public static void Rests(int process)
    {
        const int Looks = 10;
        string before = "";
        int same = 0;
        TestServer.Eventually(
            () =>
            {
                string? now = Look(process);
                same = now is not null && now == before ? same + 1 : 0;
                before = now ?? "";
                return same == Looks;
            },
            "the process rests");
    }

    /// <summary>The number of the descriptor in the process that is connected with this socket of ours.</summary>
    public static int DescriptorOf(int process, Socket client)
    {
        int ours = ((IPEndPoint)client.LocalEndPoint!).Port, its = ((IPEndPoint)client.RemoteEndPoint!).Port;
        // Local and remote address, as hexadecimal address:port, and as the tenth word the socket's inode.
        string[][] connections =
            [.. File.ReadLines("/proc/net/tcp").Skip(1).Select(static line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))];
        // One of the same ports that has ended a while ago (TIME_WAIT) has no inode any more.
        string[] theirs = connections.Single(words => words[9] != "0"
            && words[1].EndsWith($":{its:X4}", StringComparison.Ordinal) && words[2].EndsWith($":{ours:X4}", StringComparison.Ordinal));
        string link = $"socket:[{theirs[9]}]";
        foreach (string descriptor in Directory.GetFiles($"/proc/{process}/fd"))
            if (new FileInfo(descriptor).LinkTarget == link) return int.Parse(Path.GetFileName(descriptor), CultureInfo.InvariantCulture);
        throw new AssertionException("The server has no such connection.");
    }

    // Null while a thread runs or wants to; else how often each has been switched away from.
    private static string? Look(int process)
    {
        List<string> threads = [];
        try
        {
            foreach (string task in Directory.GetDirectories($"/proc/{process}/task"))
            {
                string[] lines = File.ReadAllLines(Path.Combine(task, "status"));
                if (!lines.Any(static line => line.StartsWith("State:\tS", StringComparison.Ordinal))) return null;
                threads.Add(task + string.Concat(lines.Where(static line => line.Contains("ctxt_switches", StringComparison.Ordinal))));
            }
        }
        catch (IOException)
        {
            return null; // a thread has just ended
        }

        return string.Concat(threads);
    }
}
