// Runs the load matrix for the report.

using RawWs.Benchmarks.Load;

namespace RawWs.Benchmarks.Report;

/// <summary>Whole servers.</summary>
internal static class ServerRun
{
    /// <summary>Measures all servers that are installed.</summary>
    /// <param name="run">What is known of the run before.</param>
    /// <param name="output">Gets a line for each measurement.</param>
    /// <param name="cancellation">Ends it early.</param>
    public static Results<ServerFigure> Measure(RunInfo run, TextWriter output, CancellationToken cancellation)
    {
        Dictionary<string, string> versions = new(run.Versions);
        versions.Remove("BenchmarkDotNet");
        foreach (string program in (string[])["node", "bun"])
            if (Surroundings.FirstLineOf(program, "--version") is { } version) versions[program] = version.TrimStart('v');
        IReadOnlyList<ServerFigure> figures = LoadMatrix.Run(new LoadMatrixOptions { Brief = run.Brief }, output, cancellation).GetAwaiter().GetResult();
        IEnumerable<string> failures = figures.Where(static figure => figure.Problem is not null)
            .Select(static figure => $"{figure.Server}, {figure.Cell}: {figure.Problem}").Distinct();
        return new Results<ServerFigure>(run with { Versions = versions, Failures = [.. run.Failures, .. failures] }, figures);
    }
}
