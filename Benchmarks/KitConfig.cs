// What all tables have in common: allocated bytes, time per frame, payload per second, the spread, and the job for figures. A --job on
// the command line takes the place of that job.
//
// Code is measured that is compiled to the end. By default the runtime compiles twice: quickly at the first call, and well after thirty
// calls and a pause in compiling of 100 ms (ten times that on one processor), on another thread; what the base library has precompiled is
// replaced in the same way. A measurement that begins before that measures something else. So the processes that measure have no tiers,
// and no precompiled code either, which without tiers would never be replaced: everything, ours and the others', is compiled once, to the
// end, at its first call.

using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Reports;
using Perfolizer.Horology;

namespace RawWs.Benchmarks;

internal sealed class KitConfig : ManualConfig
{
    /// <summary>The runtime's settings under which everything is compiled to the end at its first call.</summary>
    public static IReadOnlyList<EnvironmentVariable> CompiledToTheEnd { get; } =
        [new("DOTNET_TieredCompilation", "0"), new("DOTNET_ReadyToRun", "0")];

    /// <summary>Long enough for figures, and short enough for some hundred rows.</summary>
    public static Job ForFigures { get; } = Job.Default
        .WithWarmupCount(3).WithIterationCount(8).WithIterationTime(TimeInterval.FromMilliseconds(100))
        .WithEnvironmentVariables([.. CompiledToTheEnd]).WithId("Figures");

    /// <summary>
    /// As a program has it that sets nothing: tiers, and a profile by which calls are opened. Three seconds of warm-up are many times
    /// what was seen to suffice (the figures do not change any more after half a second).
    /// </summary>
    public static Job AsByDefault { get; } = Job.Default
        .WithWarmupCount(30).WithIterationCount(8).WithIterationTime(TimeInterval.FromMilliseconds(100))
        .WithId("Tiers");

    /// <summary>Each run builds a project of its own, which takes its time on a small machine.</summary>
    public static TimeSpan BuildPatience { get; } = TimeSpan.FromMinutes(10);

    public KitConfig(IReadOnlyCollection<string> arguments)
    {
        Add(DefaultConfig.Instance);
        AddDiagnoser(MemoryDiagnoser.Default);
        AddColumn(new WorkColumn("ns/frame", "Mean time per frame, in nanoseconds", static (work, ns) => ns / work.Frames));
        AddColumn(
            new WorkColumn("GB/s", "Payload bytes per nanosecond of mean time (10^9 bytes per second)", static (work, ns) =>
                work.PayloadBytes / ns));
        HideColumns(Column.Error, Column.Median, Column.RatioSD, Column.Gen0, Column.Gen1, Column.Gen2);
        Orderer = new DeclaredOrder();
        SummaryStyle = SummaryStyle.Default.WithMaxParameterColumnWidth(60);
        BuildTimeout = BuildPatience;
        if (arguments.Any(static argument => argument is "--job" or "-j")) return;
        AddJob(ForFigures);
    }
}
