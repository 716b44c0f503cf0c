// `report` as a program of its own: the short run of every benchmark, and its end by a signal.

using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using RawWs.Benchmarks.Parsers;
using RawWs.Benchmarks.Report;

namespace RawWs.Tests.Report;

public sealed partial class ReportRunTests
{
    private string _directory = "";

    [SetUp]
    public void MakeDirectory() => _directory = Directory.CreateTempSubdirectory("rawws-report-").FullName;

    [TearDown]
    public void DeleteDirectory() => Directory.Delete(_directory, recursive: true);

    [Test, CancelAfter(600_000)]
    public async Task AShortRun_HasAResultForEveryBenchmarkAndParser(CancellationToken cancellation)
    {
        using Process process = Start();
        Task<string> output = process.StandardOutput.ReadToEndAsync(cancellation);
        string errors = await process.StandardError.ReadToEndAsync(cancellation);
        await process.WaitForExitAsync(cancellation);
        Assert.That(process.ExitCode, Is.Zero, () => $"{output.Result}\n{errors}");

        Results<KitFigure> kit = RawData.Read<KitFigure>(_directory, "kit")!;
        Assert.That(kit.Run.Failures, Is.Empty);
        Assert.That(kit.Figures.Where(static figure => figure.Error is not null || !(figure.MeanNs >= 0) || figure.AllocatedBytes is null), Is.Empty);
        Assert.That(kit.Figures.Select(static figure => $"{figure.Benchmark}.{figure.Method}").Distinct(), Is.EquivalentTo(Benchmarks()));
        Assert.That(ParsersOf(kit, nameof(RawWs.Benchmarks.FrameDecodeBenchmark)), Is.EquivalentTo(ParserGate.RightParsers));
        Assert.That(ParsersOf(kit, nameof(RawWs.Benchmarks.ConversationBenchmark)), Is.EquivalentTo(ParserGate.RightParsers));
        Assert.That(File.ReadAllLines(Path.Combine(_directory, "kit.csv")), Has.Length.EqualTo(kit.Figures.Count + 1));
        Written.Check(_directory);
    }

    [Test, CancelAfter(120_000), Platform("Linux")]
    public async Task ASignal_EndsIt_AndLeavesNothingHalfWritten(CancellationToken cancellation)
    {
        using Process process = Start();
        while (await process.StandardOutput.ReadLineAsync(cancellation) is { } line)
            if (line.StartsWith(nameof(RawWs.Benchmarks.BroadcastDeflateBenchmark), StringComparison.Ordinal)) break;
        Assert.That(Send(process.Id, 2), Is.Zero);
        Task<string> rest = process.StandardOutput.ReadToEndAsync(cancellation);
        string errors = await process.StandardError.ReadToEndAsync(cancellation);
        await process.WaitForExitAsync(cancellation);
        await rest;
        Assert.That(process.ExitCode, Is.EqualTo(130));
        Assert.That(errors.TrimEnd().Split('\n'), Has.Length.EqualTo(1));
        Assert.That(Directory.GetFiles(_directory), Is.Empty);
    }

    private static IEnumerable<string> Benchmarks() =>
        from type in typeof(ReportCommand).Assembly.GetTypes()
        from method in type.GetMethods()
        where !type.IsAbstract && method.GetCustomAttribute<BenchmarkAttribute>() is not null
        select $"{type.Name}.{method.Name}";

    private static IEnumerable<string> ParsersOf(Results<KitFigure> kit, string benchmark) =>
        kit.Figures.Where(figure => figure.Benchmark == benchmark).Select(static figure => figure.Contender).Distinct();

    private Process Start()
    {
        string[] words = [typeof(ReportCommand).Assembly.Location, "report", "--short", "--only", "kit", "--out", _directory];
        return Process.Start(new ProcessStartInfo("dotnet", words) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _directory })!;
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Send(int process, int signal);
}
