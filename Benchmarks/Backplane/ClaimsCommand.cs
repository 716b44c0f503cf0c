// What it costs that a uid has one connection in the whole cluster (docs/decisions/0016): the claims of the real code, in the JetStream of
// a real nats-server, for so many uids. It prints how long a claim takes alone, how many are made, looked at again and given back in a
// second, the memory of each in the node and in the NATS server, and how long a node that begins reads those that are there.

using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using NATS.Client.Core;
using RawWs.Benchmarks.Load;
using RawWs.Server;
using RawWs.Server.Nats;

namespace RawWs.Benchmarks.Backplane;

internal static class ClaimsCommand
{
    private const int Alone = 2_000; // claims that are made one after the other
    private const int AtOnce = 64; // the others

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    [SupportedOSPlatform("linux")]
    public static async Task<int> RunAsync(IReadOnlyList<int> counts, TextWriter output)
    {
        output.WriteLine("| uids | one alone, µs p50 | µs p99 | claims/s | B/claim node | B/claim NATS server | read all, ms "
            + "| looked at again/s | given back/s |");
        output.WriteLine("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        foreach (int count in counts) await MeasureAsync(count, output);
        return 0;
    }

    [SupportedOSPlatform("linux")]
    private static async Task MeasureAsync(int count, TextWriter output)
    {
        using NatsServer nats = new();
        await using NatsConnection connection = new(NatsBackplaneOptions.DefaultNats with { Url = nats.Url });
        NatsClaimStore store = new(connection, "claims", 1, new ClaimHolder("one", 1), TimeProvider.System);
        bool areUsed = true;
        UidClaims claims = new(store, _ => Volatile.Read(ref areUsed), TimeProvider.System, Patience);
        await using ClaimKeeper keeper = new(store, claims, TimeProvider.System);
        await keeper.StartAsync(CancellationToken.None);
        double[] took = new double[Alone];
        for (int i = 0; i < Alone; i++)
        {
            long since = Stopwatch.GetTimestamp();
            await ClaimAsync(claims, -1 - i);
            took[i] = Stopwatch.GetElapsedTime(since).TotalMicroseconds;
        }

        Array.Sort(took);
        (long managed, long server) = (GC.GetTotalMemory(true), new ServerProcess(nats.ProcessId).ResidentBytes);
        double claimed = await PerSecondAsync(count, () => Parallel.ForAsync(
            0, count, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (uid, _) => await ClaimAsync(claims, uid)));
        server = new ServerProcess(nats.ProcessId).ResidentBytes - server;
        managed = GC.GetTotalMemory(true) - managed;
        Stopwatch reading = Stopwatch.StartNew();
        int read = 0;
        await foreach (Claim _ in store.ListAsync(CancellationToken.None)) read++;
        reading.Stop();
        int all = count + Alone;
        if (read != all) throw new InvalidOperationException($"{all:N0} uids were claimed, and {read:N0} are in the store");
        double regained = await PerSecondAsync(all, () => claims.RegainAsync(CancellationToken.None));
        Volatile.Write(ref areUsed, false);
        double released = await PerSecondAsync(all, async () =>
        {
            for (int uid = -Alone; uid < count; uid++) claims.OnLeft(BackplaneCommand.UidOf(uid));
            while (claims.Count > 0) await Task.Delay(1);
        });
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {count:N0} | {took[Alone / 2]:N0} | {took[Alone * 99 / 100]:N0} | {claimed:N0} | {managed / count:N0} "
            + $"| {server / count:N0} | {reading.Elapsed.TotalMilliseconds:N0} | {regained:N0} | {released:N0} |"));
    }

    // And joined under it.
    private static async Task ClaimAsync(UidClaims claims, int uid)
    {
        byte[] name = BackplaneCommand.UidOf(uid);
        UidClaim claim = await claims.ClaimAsync(name, DuplicateUid.Replace);
        if (claim != UidClaim.Granted || !claims.OnJoined(name)) throw new InvalidOperationException($"a claim was not granted: {claim}");
    }

    private static async Task<double> PerSecondAsync(int count, Func<Task> act)
    {
        Stopwatch watch = Stopwatch.StartNew();
        await act();
        return count / watch.Elapsed.TotalSeconds;
    }
}
