// What it costs that nodes know who is where, in two ways, for so many uids (docs/decisions/0015). Needs nats-server. Two of them are
// started, clustered, on loopback.
//
//   subjects    each uid is a subject of NATS: the node subscribes to it, and NATS tells its servers
//   directory   each node has a table of all uids of all nodes (InterestTable), and tells the others what comes and goes
//
// It prints, per uid: bytes in the node (managed, and of the process), in its server, and in the other server; uids per second; and how
// long a message takes to a uid of this node through NATS, one at a time.

using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using NATS.Client.Core;
using RawWs.Benchmarks.Load;
using RawWs.Server.Nats;

namespace RawWs.Benchmarks.Backplane;

internal static class InterestCommand
{
    private const int Absent = 100_000;
    private const int Messages = 3_000;

    [SupportedOSPlatform("linux")]
    public static async Task<int> RunAsync(IReadOnlyList<int> counts, TextWriter output)
    {
        output.WriteLine(
            "| way | uids | B/uid managed | B/uid process | B/uid own server | B/uid other server | uids/s | p50 µs | p99 µs |");
        output.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        // What a million subscriptions leave behind is collected late, so they come last.
        foreach (int count in counts) await MeasureAsync("directory", count, DirectoryAsync, output);
        foreach (int count in counts) await MeasureAsync("subjects", count, SubjectsAsync, output);

        return 0;
    }

    [SupportedOSPlatform("linux")]
    private static async Task MeasureAsync(string way, int count, Func<NatsConnection, int, Task<Func<int, Task>>> fill, TextWriter output)
    {
        using NatsServer own = new("--cluster", "nats://127.0.0.1:14390", "--cluster_name", "interest");
        using NatsServer other = new(
            "--cluster", "nats://127.0.0.1:14391", "--cluster_name", "interest", "--routes", "nats://127.0.0.1:14390");
        NatsConnection connection = new(new NatsOpts { Url = own.Url, CommandTimeout = TimeSpan.FromMinutes(1) });
        await connection.PingAsync();
        await Task.Delay(1_000); // the two servers find each other
        long managed = GC.GetTotalMemory(true), process = Environment.WorkingSet;
        long ownServer = Resident(own.ProcessId), otherServer = Resident(other.ProcessId);
        Stopwatch watch = Stopwatch.StartNew();
        Func<int, Task> send = await fill(connection, count);
        await connection.PingAsync();
        double perSecond = count / watch.Elapsed.TotalSeconds;
        await Task.Delay(1_500); // the other server is told
        managed = GC.GetTotalMemory(true) - managed;
        process = Environment.WorkingSet - process;
        ownServer = Resident(own.ProcessId) - ownServer;
        otherServer = Resident(other.ProcessId) - otherServer;
        double[] took = new double[Messages];
        Random random = new(1);
        for (int i = 0; i < Messages; i++)
        {
            long since = Stopwatch.GetTimestamp();
            await send(random.Next(count));
            took[i] = Stopwatch.GetElapsedTime(since).TotalMicroseconds;
        }

        Array.Sort(took);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {way} | {count:N0} | {managed / count:N0} | {process / count:N0} | {ownServer / count:N0} | {otherServer / count:N0} "
            + $"| {perSecond:N0} | {took[Messages / 2]:N0} | {took[Messages * 99 / 100]:N0} |"));
        if (way == "subjects")
        {
            long before = Resident(own.ProcessId);
            for (int i = 0; i < Absent; i++) await connection.PublishAsync(Subject(count + i), new byte[64]);
            await connection.PingAsync();
            long grown = (Resident(own.ProcessId) - before) / 1024;
            output.WriteLine($"{Absent:N0} messages to uids that nobody has: the server grows by {grown:N0} KiB");
        }

        try
        {
            await connection.DisposeAsync();
        }
        catch (NatsException exception)
        {
            output.WriteLine($"the end of {count:N0} {way}: {exception.Message}");
        }
    }

    private static async Task<Func<int, Task>> SubjectsAsync(NatsConnection connection, int count)
    {
        INatsSub<byte[]>[] subscriptions = new INatsSub<byte[]>[count];
        for (int i = 0; i < count; i++) subscriptions[i] = await connection.SubscribeCoreAsync<byte[]>(Subject(i));
        return async uid =>
        {
            await connection.PublishAsync(Subject(uid), new byte[64]);
            await subscriptions[uid].Msgs.ReadAsync();
        };
    }

    // As a node does it: the events of a few milliseconds in one message, which another node puts into its table.
    private static async Task<Func<int, Task>> DirectoryAsync(NatsConnection connection, int count)
    {
        const int EventsPerMessage = 1_000;
        INatsSub<byte[]> subscription = await connection.SubscribeCoreAsync<byte[]>("interest.node");
        InterestTable table = new();
        for (int done = 0; done < count;)
        {
            byte[] events = new byte[Math.Min(EventsPerMessage, count - done) * sizeof(ulong)];
            for (int at = 0; at < events.Length; at += sizeof(ulong))
                BitConverter.TryWriteBytes(events.AsSpan(at), UidHash.Of(BackplaneCommand.UidOf(done++)));
            await connection.PublishAsync("interest.node", events);
            byte[] come = (await subscription.Msgs.ReadAsync()).Data!;
            for (int at = 0; at < come.Length; at += sizeof(ulong)) table.Add(BitConverter.ToUInt64(come, at), 1);
        }

        return async uid =>
        {
            ulong hash = UidHash.Of(BackplaneCommand.UidOf(uid));
            if (table.Find(hash).Count != 1) throw new InvalidOperationException("the table has lost a uid");
            await connection.PublishAsync("interest.node", new byte[64]);
            await subscription.Msgs.ReadAsync();
        };
    }

    // Uids come from strangers: dots, stars and spaces cannot stand in a subject.
    private static string Subject(int number) => $"interest.uid.{Convert.ToHexString(BackplaneCommand.UidOf(number))}";

    [SupportedOSPlatform("linux")]
    private static long Resident(int process) => new ServerProcess(process).ResidentBytes;
}
