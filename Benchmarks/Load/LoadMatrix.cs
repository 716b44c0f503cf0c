// Every server under every load, in turns: A B C, A B C, and so on, so that a machine that changes its speed changes it for all. Each
// turn has a process of its own, warmed up with the load that is measured; in a brief run a process stays for all cells that it can serve.

namespace RawWs.Benchmarks.Load;

/// <summary>What is to be measured, and for how long.</summary>
public sealed record LoadMatrixOptions
{
    private static readonly TimeSpan BriefTime = TimeSpan.FromSeconds(0.25);

    /// <summary>The servers, in the order of their turns. Null: all that are installed.</summary>
    public IReadOnlyList<LoadServer>? Servers { get; init; }

    /// <summary>The loads. Null: <see cref="LoadCell.Brief"/> when brief, else <see cref="LoadCell.All"/>.</summary>
    public IReadOnlyList<LoadCell>? Cells { get; init; }

    /// <summary>How often each server has its turn in each cell; once when brief.</summary>
    public int Rounds { get; init; } = 5;

    /// <summary>One short round, for a run that shows that everything runs. Its figures mean little.</summary>
    public bool Brief { get; init; }

    /// <summary>The server has the first processor and the generator the second; with only one processor they share it.</summary>
    public bool Pin { get; init; } = true;

    /// <summary>How long each measurement takes; a quarter of a second when brief.</summary>
    public TimeSpan Measure { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long each server is warmed up before a measurement, under the same load; a quarter of a second when brief.</summary>
    public TimeSpan WarmUp { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Messages per second in the latency cells; 0 is half of what each server does with one in flight on each connection.
    /// </summary>
    public double LatencyRate { get; init; }

    internal IReadOnlyList<LoadCell> EffectiveCells => Cells ?? (Brief ? LoadCell.Brief : LoadCell.All);

    internal int EffectiveRounds => Brief ? 1 : Rounds;

    internal TimeSpan EffectiveMeasure => Brief ? BriefTime : Measure;

    internal TimeSpan EffectiveWarmUp => Brief ? BriefTime : WarmUp;
}

/// <summary>Measures servers side by side.</summary>
public static class LoadMatrix
{
    /// <summary>Starts each server in turn, measures it and ends it. Linux only.</summary>
    /// <param name="options">What is to be measured.</param>
    /// <param name="log">Gets a line for each measurement as it is made.</param>
    /// <param name="cancellation">Ends it early; the server that runs is ended too.</param>
    /// <returns>The figures, by cell, in it by unit, and in it by server.</returns>
    public static Task<IReadOnlyList<ServerFigure>> Run(LoadMatrixOptions options, TextWriter log, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(log);
        // A thread of its own: it is pinned, and it blocks.
        return Task.Factory.StartNew(() =>
            Measure(options, log, cancellation), cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    private static IReadOnlyList<ServerFigure> Measure(LoadMatrixOptions options, TextWriter log, CancellationToken cancellation)
    {
        if (!OperatingSystem.IsLinux()) throw new PlatformNotSupportedException("The load harness runs on Linux only.");
        List<string> missing = [];
        IReadOnlyList<LoadServer> servers = options.Servers ?? LoadServer.FindInstalled(missing);
        foreach (string line in missing) log.WriteLine($"left out: {line}");
        using Pinning? pinning = options.Pin ? Pinning.Begin() : null;
        log.WriteLine(pinning?.What ?? "server and generator share all processors");
        using MatrixTurns turns = new(options, pinning, cancellation);
        List<(LoadCell Cell, LoadServer Server, Turn Turn)> done = [];
        for (int round = 1; round <= options.EffectiveRounds; round++)
        {
            foreach ((LoadCell cell, LoadServer server) in Order(options, servers))
            {
                Turn turn = turns.Take(cell, server);
                done.Add((cell, server, turn));
                log.WriteLine($"round {round}  {cell.Name,-20} {server.Name,-13} {turn}");
            }
        }

        return [.. from cell in options.EffectiveCells
                   from unit in LoadUnit.Of(cell.Kind)
                   from server in servers
                   select Sum(cell, unit, server,
                       [.. done.Where(entry => entry.Cell == cell && entry.Server == server).Select(static entry => entry.Turn)])];
    }

    private static IEnumerable<(LoadCell Cell, LoadServer Server)> Order(
        LoadMatrixOptions options, IReadOnlyList<LoadServer> servers) => options.Brief
        ? from server in servers from cell in options.EffectiveCells.OrderBy(static cell => cell.UsesRouter) select (cell, server)
        : from cell in options.EffectiveCells from server in servers select (cell, server);

    private static ServerFigure Sum(LoadCell cell, string unit, LoadServer server, IReadOnlyList<Turn> turns)
    {
        double[] rounds = [.. turns.Where(turn => turn.Figures.ContainsKey(unit)).Select(turn => turn.Figures[unit])];
        return new ServerFigure(server.Name, cell.Name, unit, LoadUnit.HigherIsBetter(unit), Median(rounds), rounds,
            turns.Select(static turn => turn.Problem).FirstOrDefault(static problem => problem is not null));
    }

    private static double Median(double[] values)
    {
        if (values.Length == 0) return double.NaN;
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
