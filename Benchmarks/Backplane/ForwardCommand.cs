// What it costs when the receiver is on another node (docs/ops/cluster.md). One nats-server and two nodes of the program are started;
// clients on one node send to clients on the other, each to one, and those send back. Beside it, in the same run and in turns: the same
// pairs on a node alone, and on a node with a backplane where all receivers are its own. Needs nats-server.

using System.Globalization;
using System.Runtime.Versioning;
using RawWs.Benchmarks.Load;

namespace RawWs.Benchmarks.Backplane;

internal static class ForwardCommand
{
    private const int Rounds = 5;

    private static readonly string[] Ways = ["alone", "with a backplane, all receivers local", "to the other node"];

    [SupportedOSPlatform("linux")]
    public static int Run(string program, TextWriter output)
    {
        using NatsServer nats = new();
        string backplane = $"{program} --listen 127.0.0.1:{{port}} --backplane {nats.Url} --cluster forward --node-id";
        using RunningServer alone = RunningServer.Start($"{program} --listen 127.0.0.1:{{port}}", pinning: null, CancellationToken.None);
        using RunningServer one = RunningServer.Start($"{backplane} one", pinning: null, CancellationToken.None);
        using RunningServer two = RunningServer.Start($"{backplane} two", pinning: null, CancellationToken.None);
        output.WriteLine("| pairs | way | messages/s | node's processor, µs a message | messages per processor-second of a node "
            + "| p50 µs | p99 µs |");
        output.WriteLine("| ---: | --- | ---: | ---: | ---: | ---: | ---: |");
        foreach (int connections in (int[])[2, 200])
        {
            List<LoadResult>[] results = [[], [], []];
            for (int round = 0; round < Rounds; round++)
            {
                for (int way = 0; way < Ways.Length; way++)
                    results[way].Add(Measure(way == 0 ? alone : one, way == 2 ? two : null, connections));
            }

            for (int way = 0; way < Ways.Length; way++) Write(output, connections / 2, way, results[way]);
        }

        return 0;
    }

    [SupportedOSPlatform("linux")]
    private static LoadResult Measure(RunningServer server, RunningServer? second, int connections) => LoadRun.Run(new LoadOptions
    {
        EndPoint = server.EndPoint,
        SecondEndPoint = second?.EndPoint,
        Host = server.EndPoint.ToString(),
        Connections = connections,
        Pairs = true,
        Prefix = "%p:",
        Expect = "",
        Hello = "%d:hello",
        SizeBytes = 64,
        ProcessId = server.ProcessId,
        Seconds = TimeSpan.FromSeconds(4),
        WarmUp = TimeSpan.FromSeconds(3),
    });

    [SupportedOSPlatform("linux")]
    private static void Write(TextWriter output, int pairs, int way, List<LoadResult> results)
    {
        double Median(Func<LoadResult, double> figure) => results.Select(figure).Order().ElementAt(results.Count / 2);
        double perSecond = Median(static result => result.MessagesPerSecond);
        // Of what goes to another node, each node receives one half from its clients and the other half from the other node.
        double processor = Median(static result => 1 / result.MessagesPerServerSecond!.Value);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {pairs} | {Ways[way]} | {perSecond:N0} | {processor * 1e6:N2} | {1 / processor:N0} "
            + $"| {Median(static result => result.Microseconds(50) ?? 0):N0} "
            + $"| {Median(static result => result.Microseconds(99) ?? 0):N0} |"));
    }
}
