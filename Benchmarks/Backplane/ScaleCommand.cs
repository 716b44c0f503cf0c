// What it costs fifty nodes that each knows who is where, with a million uids (docs/scale.md). All of it is in one process: the nodes and
// their tables are real, and the backplane is simulated, so that time passes when it is told to. It prints what each step costs a node:
// processor time, bytes that it publishes and receives, and how long it takes, in the simulation's time, until all nodes know the same.

using System.Diagnostics;
using System.Globalization;
using RawWs.Server;

namespace RawWs.Benchmarks.Backplane;

internal static class ScaleCommand
{
    private const int StepMilliseconds = 5;

    /// <param name="nodes">How many nodes; 0 for fifty.</param>
    /// <param name="uids">How many uids; 0 for a million.</param>
    /// <param name="output">Gets the table.</param>
    public static async Task<int> RunAsync(int nodes, int uids, TextWriter output)
    {
        if (nodes == 0) nodes = 50;
        if (uids == 0) uids = 1_000_000;
        Random random = new(1);
        SimulatedCluster cluster = new() { Delay = (_, _) => random.Next(1, 10) };
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{nodes} nodes, {uids:N0} uids, 1 to 9 ms from node to node; what one node costs, on average"));
        output.WriteLine();
        output.WriteLine("| step | processor, ms | published, KB | received, KB | until all know, ms |");
        output.WriteLine("| --- | ---: | ---: | ---: | ---: |");
        long before = GC.GetTotalMemory(true);
        Step("the nodes find each other", () =>
        {
            for (int i = 0; i < nodes; i++) Begin(cluster.Add($"n{i}", static settings => settings with { PeersMax = 10_000 }));
        });
        Step("every uid comes", () =>
        {
            for (int uid = 0; uid < uids; uid++) cluster.Nodes[uid % nodes].Join(Uid(uid));
        });
        long each = (GC.GetTotalMemory(true) - before) / nodes;
        Step("nothing happens for ten seconds", () => cluster.Pass(10_000, StepMilliseconds));
        Step("one in a hundred moves to another node", () =>
        {
            for (int uid = 0; uid < uids; uid += 101) Move(uid);
        });
        Step("one more node begins", () => Begin(cluster.Add("new")));
        SimulatedNode dead = cluster.Nodes[0];
        Step("a node is killed", () =>
        {
            dead.IsRunning = false;
            dead.IsAttached = false;
            cluster.Pass(4_500, StepMilliseconds);
        });
        DeliveryResult sent = await SendAsync(Uid(nodes)); // it was the dead node's
        Step("a minute later it is forgotten", () => cluster.Pass(61_000, StepMilliseconds));
        Func<SimulatedNode, SimulatedNode, long> whole = cluster.Delay;
        int half = cluster.Nodes.Count / 2;
        Step("two halves do not hear each other for 20 s, and one in a hundred moves", () =>
        {
            cluster.Delay = (from, to) => cluster.Nodes.IndexOf(from) < half == cluster.Nodes.IndexOf(to) < half ? whole(from, to) : -1;
            for (int uid = 50; uid < uids; uid += 101)
                if (uid % nodes != 0 && (uid + 1) % nodes != 0) Move(uid); // the first node is dead
            cluster.Pass(20_000, StepMilliseconds);
        }, isWhole: false);
        Step("they hear each other again", () => cluster.Delay = whole);
        output.WriteLine();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"memory: {each / (double)uids:N1} B a uid in each node, its own uids and the simulation's included"));
        output.WriteLine($"a uid of the killed node: {sent}");
        return 0;

        void Step(string name, Action act, bool isWhole = true)
        {
            (long published, long received, long began) = (cluster.BytesPublished, cluster.BytesReceived, cluster.Now);
            Stopwatch watch = Stopwatch.StartNew();
            act();
            do
            {
                cluster.Pass(StepMilliseconds, StepMilliseconds);
            }
            while (isWhole && !AllKnowAll());
            watch.Stop();
            int count = cluster.Nodes.Count;
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {name} | {watch.Elapsed.TotalMilliseconds / count:N1} | {(cluster.BytesPublished - published) / 1e3 / count:N1} "
                + $"| {(cluster.BytesReceived - received) / 1e3 / count:N1} | {cluster.Now - began:N0} |"));
        }

        bool AllKnowAll()
        {
            SimulatedNode[] running = [.. cluster.Nodes.Where(static node => node.IsRunning)];
            // What is on its way to a node does not make it incomplete.
            return cluster.NewsOnTheWay == 0 && running.All(node => node.Node.IsComplete && node.Node.PeersHere == running.Length - 1);
        }

        void Move(int uid)
        {
            string name = Uid(uid);
            cluster.Nodes[uid % nodes].Leave(name);
            cluster.Nodes[(uid + 1) % nodes].Join(name);
        }

        async Task<DeliveryResult> SendAsync(string uid)
        {
            Task<DeliveryResult> result = cluster.Nodes[1].Send(uid, "hi");
            while (!result.IsCompleted)
            {
                cluster.Pass(StepMilliseconds);
                await Task.Yield();
            }

            return await result;
        }

        void Begin(SimulatedNode node) => node.Node.OnConnected(cluster.Now);
    }

    private static string Uid(int number) => string.Create(CultureInfo.InvariantCulture, $"user-{number}");
}
