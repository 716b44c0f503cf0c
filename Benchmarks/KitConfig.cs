// What all tables have in common: allocated bytes, time per frame, payload per second, and the job for figures. A --job on the command
// line takes the place of that job.

using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Reports;
using Perfolizer.Horology;

namespace RawWs.Benchmarks;

internal sealed class KitConfig : ManualConfig
{
    /// <summary>Long enough for figures, and short enough for some hundred rows.</summary>
    public static Job ForFigures { get; } =
        Job.Default.WithWarmupCount(3).WithIterationCount(8).WithIterationTime(TimeInterval.FromMilliseconds(100)).WithId("Figures");

    /// <summary>Each run builds a project of its own, which takes its time on a small machine.</summary>
    public static TimeSpan BuildPatience { get; } = TimeSpan.FromMinutes(10);

    public KitConfig(IEnumerable<string> arguments)
    {
        Add(DefaultConfig.Instance);
        AddDiagnoser(MemoryDiagnoser.Default);
        AddColumn(new WorkColumn("ns/frame", "Mean time per frame, in nanoseconds", static (work, ns) => ns / work.Frames));
        AddColumn(new WorkColumn("GB/s", "Payload bytes per nanosecond of mean time (10^9 bytes per second)", static (work, ns) => work.PayloadBytes / ns));
        HideColumns(Column.Error, Column.StdDev, Column.Median, Column.RatioSD, Column.Gen0, Column.Gen1, Column.Gen2);
        Orderer = new DeclaredOrder();
        SummaryStyle = SummaryStyle.Default.WithMaxParameterColumnWidth(60);
        BuildTimeout = BuildPatience;
        if (arguments.Any(static argument => argument is "--job" or "-j")) return;
        AddJob(ForFigures);
    }
}
