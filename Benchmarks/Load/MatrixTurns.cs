// One server's turn in one cell: the load, as this server is spoken to, put on a server that is warm, and the figures of it.

using System.Globalization;
using System.Runtime.Versioning;

namespace RawWs.Benchmarks.Load;

/// <summary>What came of a turn.</summary>
/// <param name="Figures">By unit; empty when it failed.</param>
/// <param name="Problem">What went wrong, in one line, or null.</param>
internal sealed record Turn(IReadOnlyDictionary<string, double> Figures, string? Problem)
{
    public override string ToString() => Problem
        ?? string.Join(
            "  ", Figures.Select(static figure => string.Create(CultureInfo.InvariantCulture, $"{figure.Value:N0} {figure.Key}")));
}

[SupportedOSPlatform("linux")]
internal sealed class MatrixTurns(LoadMatrixOptions options, Pinning? pinning, CancellationToken cancellation) : IDisposable
{
    private const int FirstConnections = 200; // enough to have been through everything once, and not to leave memory that is used again

    private RunningServer? _running;

    public Turn Take(LoadCell cell, LoadServer server)
    {
        try
        {
            string command = cell.UsesRouter ? server.RouterCommand ?? server.Command : server.Command;
            if (_running?.Command != command || cell.Kind == LoadKind.Idle || !options.Brief) Start(command);
            LoadOptions load = LoadOf(cell, server.RouterCommand is not null);
            load = load with { EndPoint = _running!.EndPoint, Host = _running.EndPoint.ToString(), ProcessId = _running.ProcessId };
            return cell.Kind switch
            {
                LoadKind.Connect => Connect(load),
                LoadKind.Idle => Idle(load),
                LoadKind.Latency => Latency(load),
                _ => Messages(load),
            };
        }
        catch (LoadFailure failure)
        {
            End(); // whatever state it is in
            return new Turn(new Dictionary<string, double>(), failure.Message);
        }
    }

    public void Dispose() => End();

    /// <summary>A cell as options. A router is told whom to send to, and takes that off again; the others have their paths.</summary>
    internal LoadOptions LoadOf(LoadCell cell, bool isRouter)
    {
        LoadOptions load = new()
        {
            Connections = cell.Connections,
            Pipeline = cell.Pipeline,
            SizeBytes = cell.SizeBytes,
            Seconds = options.EffectiveMeasure,
            WarmUp = options.EffectiveWarmUp,
        };
        return (cell.Kind, isRouter) switch
        {
            (LoadKind.Pairs, true) => load with { Pairs = true, Hello = "%d:here", Prefix = "%p:", Expect = "" },
            (LoadKind.FanOut, true) => load with { Mode = LoadMode.Broadcast, Prefix = "all:", Expect = "" },
            (LoadKind.FanOut, false) => load with { Mode = LoadMode.Broadcast, Path = "/all" },
            (LoadKind.Connect, _) => load with { Mode = LoadMode.Connect },
            (LoadKind.Idle, _) => load with { Mode = LoadMode.Idle },
            _ => load,
        };
    }

    private void Start(string command)
    {
        End();
        _running = RunningServer.Start(command, pinning, cancellation);
    }

    private void End()
    {
        _running?.Dispose();
        _running = null;
    }

    private Turn Messages(LoadOptions load)
    {
        LoadResult result = LoadRun.Run(load, cancellation);
        return MakeTurn(
            result,
            (LoadUnit.MessagesPerCpuSecond, result.MessagesPerServerSecond),
            (LoadUnit.MessagesPerSecond, result.MessagesPerSecond),
            (LoadUnit.Percentile99, result.Microseconds(99)));
    }

    // The first storm compiles what the second is measured with. The second waits until the first one's connections have ended at the
    // server too: their endings are no part of its handshakes.
    private Turn Connect(LoadOptions load)
    {
        ServerProcess server = new(_running!.ProcessId);
        int before = server.Descriptors;
        LoadRun.Run(load, cancellation);
        bool through = Settling.Wait(
            () => (server.Descriptors, server.ProcessorSeconds),
            before + (load.Connections / 20),
            () => cancellation.WaitHandle.WaitOne(Settling.Pause),
            Settling.LooksMax);
        cancellation.ThrowIfCancellationRequested();
        if (!through)
            throw new LoadFailure(
                $"The endings of its warm-up were not through after {Settling.LooksMax * Settling.Pause.TotalSeconds} s.");
        LoadResult result = LoadRun.Run(load, cancellation);
        return MakeTurn(result, (LoadUnit.HandshakesPerCpuSecond, result.HandshakesPerServerSecond));
    }

    private Turn Idle(LoadOptions load)
    {
        LoadRun.Run(load with { Connections = Math.Min(FirstConnections, load.Connections), Seconds = TimeSpan.Zero }, cancellation);
        LoadResult result = LoadRun.Run(load, cancellation);
        return MakeTurn(result, (LoadUnit.BytesPerConnection, result.ResidentBytesPerConnection));
    }

    private Turn Latency(LoadOptions load)
    {
        double rate = options.LatencyRate;
        if (rate == 0)
        {
            LoadResult best = LoadRun.Run(load, cancellation);
            if (best.Errors > 0) return MakeTurn(best);
            rate = Math.Max(1, Math.Round(best.MessagesPerSecond / 2));
        }

        LoadResult result = LoadRun.Run(load with { Rate = rate }, cancellation);
        return MakeTurn(result, (LoadUnit.Percentile99, result.Microseconds(99)), (LoadUnit.MessagesDuePerSecond, rate));
    }

    private static Turn MakeTurn(LoadResult result, params (string Unit, double? Figure)[] figures)
    {
        Dictionary<string, double> known = [];
        if (result.Errors > 0) return new Turn(known, $"{result.Errors} errors, the first: {result.FirstError}");
        foreach ((string unit, double? figure) in figures)
            if (figure is { } value && double.IsFinite(value)) known.Add(unit, value);
        return new Turn(
            known, known.Count == figures.Length ? null : "too short to be measured: no message came back, or no processor time was used.");
    }
}
