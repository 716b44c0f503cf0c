// `report` as a program of its own: the short run of every benchmark, and its end by a signal.

using System.Diagnostics;
using System.Reflection;
using BenchmarkDotNet.Attributes;
using RawWs.Benchmarks;
using RawWs.Benchmarks.Load;
using RawWs.Benchmarks.Report;
using RawWs.Tests.Support;

namespace RawWs.Tests.Report;

[Parallelizable(ParallelScope.Self)]
public sealed class ReportRunTests
{
    private string _directory = "";

    [SetUp]
    public void MakeDirectory() => _directory = Directory.CreateTempSubdirectory("rawws-report-").FullName;

    [TearDown]
    public void DeleteDirectory() => Directory.Delete(_directory, recursive: true);

    [Test, CancelAfter(600_000)]
    public async Task AShortRun_HasAResultForEveryBenchmarkAndParser(CancellationToken cancellation)
    {
        using Process process = Start("kit");
        string said = await WhatItSays(process, cancellation);
        Assert.That(process.ExitCode, Is.Zero, said);

        Results<KitFigure> kit = RawData.Read<KitFigure>(_directory, "kit")!;
        Assert.That(kit.Run.Failures, Is.Empty);
        Assert.That(kit.Figures.Where(
            static figure => figure.Error is not null || !(figure.MeanNs >= 0) || figure.AllocatedBytes is null), Is.Empty);
        Assert.That(kit.Figures.Select(static figure => $"{figure.Benchmark}.{figure.Method}").Distinct(), Is.EquivalentTo(Benchmarks()));
        Assert.That(ParsersOf(kit, nameof(FrameDecodeBenchmark)), Is.EquivalentTo(ParserBenchmark.Parsers));
        Assert.That(ParsersOf(kit, nameof(FragmentDecodeBenchmark)), Is.EquivalentTo(ParserBenchmark.Parsers));
        Assert.That(File.ReadAllLines(Path.Combine(_directory, "kit.csv")), Has.Length.EqualTo(kit.Figures.Count + 1));
        Assert.That(KitPlots.All.Where(plot => plot.Draw(kit.Figures) is null), Is.Empty, "plots that show nothing");
        HashSet<(string, string)> contenders = [.. kit.Figures.Select(static figure => (figure.Benchmark, figure.Contender))];
        Assert.That(KitFindings.Pairs.Where(pair => !contenders.Contains((pair.Benchmark, pair.Ours))
            || !contenders.Contains((pair.Benchmark, pair.Theirs))), Is.Empty, "who is compared and not there");
        Assert.That(KitFloors.Of(kit.Figures).Where(static floor => floor.Figures.Count == 0).Select(static floor => floor.What),
            Is.EqualTo(["16 B, packed, in a program that sets nothing: ns a frame", "1 MiB binary: × the limit",
                "126 B, all kinds of payload, whole and packed: times as long as 125 B"]), "a short run leaves these out");
        Written.Check(_directory);
    }

    [Test, CancelAfter(300_000), Platform("Linux")]
    public async Task AShortRunOfServers_HasAFigureForEveryLoad(CancellationToken cancellation)
    {
        using Process process = Start("servers");
        string said = await WhatItSays(process, cancellation);
        Results<ServerFigure> servers = RawData.Read<ServerFigure>(_directory, "servers")!;
        IEnumerable<ServerFigure> ours = servers.Figures.Where(static figure => figure.Server == LoadServer.RawWs.Name);
        Assert.That(ours.Select(static figure => figure.Cell)
            .Distinct(), Is.EquivalentTo(LoadCell.Brief.Select(static cell => cell.Name)), said);
        // On a machine that is busy with other things a quarter of a second can be too short for a load. Then it is named.
        Assert.That(process.ExitCode, Is.EqualTo(servers.Run.Failures.Count == 0 ? 0 : 1), said);
        Assert.That(ours.Count(static figure => figure.Median > 0),
            Is.GreaterThanOrEqualTo(LoadCell.Brief.Count - servers.Run.Failures.Count), said);
        Written.Check(_directory);
    }

    [Test, CancelAfter(120_000), Platform("Linux")]
    public async Task ASignal_EndsIt_AndLeavesNothingHalfWritten(CancellationToken cancellation)
    {
        using Process process = Start("kit");
        while (await process.StandardOutput.ReadLineAsync(cancellation) is { } line)
            if (line.StartsWith(nameof(BroadcastDeflateBenchmark), StringComparison.Ordinal)) break;
        Assert.That(Signals.Send(process.Id, 2), Is.Zero);
        string said = await WhatItSays(process, cancellation);
        Assert.That(process.ExitCode, Is.EqualTo(130), said);
        Assert.That(said, Does.Contain("report: ended by a signal").And.Not.Contain("Exception"));
        Assert.That(Directory.GetFiles(_directory), Is.Empty);
    }

    private static IEnumerable<string> Benchmarks() =>
        from type in typeof(ReportCommand).Assembly.GetTypes()
        from method in type.GetMethods()
        where !type.IsAbstract && method.GetCustomAttribute<BenchmarkAttribute>() is not null
        select $"{type.Name}.{method.Name}";

    private static IEnumerable<string> ParsersOf(Results<KitFigure> kit, string benchmark) =>
        kit.Figures.Where(figure => figure.Benchmark == benchmark).Select(static figure => figure.Contender).Distinct();

    private static async Task<string> WhatItSays(Process process, CancellationToken cancellation)
    {
        Task<string> output = process.StandardOutput.ReadToEndAsync(cancellation);
        string errors = await process.StandardError.ReadToEndAsync(cancellation);
        await process.WaitForExitAsync(cancellation);
        return await output + errors;
    }

    private Process Start(string only)
    {
        string program = typeof(ReportCommand).Assembly.Location;
        string[] words = [.. Tools.HeedsSignals, "dotnet", program, "report", "--short", "--only", only, "--out", _directory];
        return Process.Start(new ProcessStartInfo(words[0], words[1..])
        { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _directory })!;
    }
}
