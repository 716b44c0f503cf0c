// What it costs when the receiver is on another node (docs/ops/cluster.md). One nats-server and two nodes of the program are started;
// clients on one node send to clients on the other, each to one, and those send back. Beside it, in the same run and in turns: the same
// pairs on a node alone, and on a node with a backplane where all receivers are its own. What the nodes allocate is read from their
// metrics, in a round of its own. Needs nats-server.

using System.Globalization;
using System.Runtime.Versioning;
using RawWs.Benchmarks.Load;

namespace RawWs.Benchmarks.Backplane;

internal static class ForwardCommand
{
    private const int Rounds = 5;

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan Margin = TimeSpan.FromMilliseconds(500); // in which nothing is read of the metrics

    private static readonly string[] Ways = ["alone", "with a backplane, all receivers local", "to the other node"];

    [SupportedOSPlatform("linux")]
    public static async Task<int> RunAsync(string program, TextWriter output)
    {
        using NatsServer nats = new();
        string backplane = $"{program} --backplane {nats.Url} --cluster forward --node-id";
        using MeasuredNode alone = new(program), one = new($"{backplane} one"), two = new($"{backplane} two");
        output.WriteLine("| pairs | way | messages/s | node's processor, µs a message | messages per processor-second of a node "
            + "| p50 µs | p99 µs | bytes allocated a message |");
        output.WriteLine("| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |");
        MeasuredNode[][] ways = [[alone], [one], [one, two]];
        foreach (int connections in (int[])[2, 200])
        {
            List<LoadResult>[] results = [[], [], []];
            for (int round = 0; round < Rounds; round++)
                for (int way = 0; way < Ways.Length; way++) results[way].Add(Measure(ways[way], connections));
            for (int way = 0; way < Ways.Length; way++)
                Write(output, connections / 2, way, results[way], await AllocatedAsync(ways[way], connections));
        }

        return 0;
    }

    // Of each message that clients send, by all nodes that it passes.
    [SupportedOSPlatform("linux")]
    private static async Task<double> AllocatedAsync(MeasuredNode[] nodes, int connections)
    {
        Task<LoadResult> load = Task.Run(() => Measure(nodes, connections));
        await Task.Delay(WarmUp + Margin);
        (double bytesBefore, double messagesBefore) = await ReadAsync();
        await Task.Delay(Measured - Margin - Margin);
        (double bytes, double messages) = await ReadAsync();
        await load;
        return (bytes - bytesBefore) / (messages - messagesBefore);

        async Task<(double Bytes, double Messages)> ReadAsync()
        {
            double bytes = 0, messages = 0;
            foreach (MeasuredNode node in nodes)
            {
                MetricSample[] samples = await node.ReadMetricsAsync();
                bytes += samples.Single(static sample => sample.Name == "dotnet_gc_heap_total_allocated_bytes_total").Value;
                messages += samples.Where(static sample => sample.Name == "rawws_server_messages_total"
                    && sample.Labels.Contains("receive", StringComparison.Ordinal)).Sum(static sample => sample.Value);
            }

            return (bytes, messages);
        }
    }

    [SupportedOSPlatform("linux")]
    private static LoadResult Measure(MeasuredNode[] nodes, int connections) => LoadRun.Run(new LoadOptions
    {
        EndPoint = nodes[0].Server.EndPoint,
        SecondEndPoint = nodes.ElementAtOrDefault(1)?.Server.EndPoint,
        Host = nodes[0].Server.EndPoint.ToString(),
        Connections = connections,
        Pairs = true,
        Prefix = "%p:",
        Expect = "",
        Hello = "%d:hello",
        SizeBytes = 64,
        ProcessId = nodes[0].Server.ProcessId,
        Seconds = Measured,
        WarmUp = WarmUp,
    });

    [SupportedOSPlatform("linux")]
    private static void Write(TextWriter output, int pairs, int way, List<LoadResult> results, double allocated)
    {
        double Median(Func<LoadResult, double> figure) => results.Select(figure).Order().ElementAt(results.Count / 2);
        double perSecond = Median(static result => result.MessagesPerSecond);
        // Of what goes to another node, each node receives one half from its clients and the other half from the other node.
        double processor = Median(static result => 1 / result.MessagesPerServerSecond!.Value);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {pairs} | {Ways[way]} | {perSecond:N0} | {processor * 1e6:N2} | {1 / processor:N0} "
            + $"| {Median(static result => result.Microseconds(50) ?? 0):N0} "
            + $"| {Median(static result => result.Microseconds(99) ?? 0):N0} | {allocated:N1} |"));
    }
}
