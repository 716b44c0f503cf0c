// Every server under every load, in turns: A B C, A B C, and so on, so that a machine that changes its speed changes it for all.

namespace RawWs.Benchmarks.Load;

/// <summary>What is to be measured, and for how long.</summary>
public sealed record LoadMatrixOptions
{
    /// <summary>The servers, in the order of their turns. Null: all that are installed.</summary>
    public IReadOnlyList<LoadServer>? Servers { get; init; }

    /// <summary>The loads. Null: <see cref="LoadCell.Brief"/> when brief, else <see cref="LoadCell.All"/>.</summary>
    public IReadOnlyList<LoadCell>? Cells { get; init; }

    /// <summary>How often each server has its turn in each cell.</summary>
    public int Rounds { get; init; } = 5;

    /// <summary>One short round, for a run that shows that everything runs. Its figures mean little.</summary>
    public bool Brief { get; init; }

    /// <summary>The server has processor 0 and the generator processor 1. Only with two processors or more.</summary>
    public bool Pin { get; init; } = true;

    /// <summary>How long each measurement takes, without the time that the server has to warm up.</summary>
    public TimeSpan Measure { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>How long each server is warmed up before a measurement, under the same load.</summary>
    public TimeSpan WarmUp { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>Messages per second in the latency cells; 0 is half of what each server does with one in flight on each connection.</summary>
    public double LatencyRate { get; init; }
}

/// <summary>Measures servers side by side.</summary>
public static class LoadMatrix
{
    /// <summary>Starts each server in turn, measures it and ends it.</summary>
    /// <param name="options">What is to be measured.</param>
    /// <param name="log">Gets a line for each measurement as it is made.</param>
    /// <param name="cancellation">Ends it early; the server that runs is ended too.</param>
    /// <returns>The figures, by cell and in it by server; a cell can have several units.</returns>
    public static Task<IReadOnlyList<ServerFigure>> Run(LoadMatrixOptions options, TextWriter log, CancellationToken cancellation) =>
        throw new NotImplementedException();
}
