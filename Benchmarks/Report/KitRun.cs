// Runs every benchmark class and takes the figures out of BenchmarkDotNet's summaries. For figures each contender in each row runs in a
// process of its own, which BenchmarkDotNet builds; short, everything runs once in this one.

using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Filters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Mathematics;
using BenchmarkDotNet.Parameters;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using RawWs.Benchmarks.Corpus;
using RawWs.Benchmarks.Parsers;

namespace RawWs.Benchmarks.Report;

/// <summary>The benchmarks of parts.</summary>
internal static class KitRun
{
    /// <summary>Runs all benchmarks of this assembly.</summary>
    /// <param name="run">What is known of the run before; what goes wrong is added to its failures.</param>
    /// <param name="rows">Which rows, as BenchmarkDotNet's filters have them, with semicolons between; null for all.</param>
    /// <param name="output">Gets a line now and then.</param>
    public static Results<KitFigure> Measure(RunInfo run, string? rows, TextWriter output)
    {
        IReadOnlyList<string> wrongParsers = ParserGate.Judge(output);
        // BenchmarkDotNet looks for the project to build from the working directory on.
        if (!run.Brief) Environment.CurrentDirectory = Surroundings.Root;
        Summary[] summaries = BenchmarkRunner.Run(typeof(KitRun).Assembly, new Config(run.Brief, output, rows));
        return Collect(run, wrongParsers, summaries);
    }

    private static Results<KitFigure> Collect(RunInfo run, IReadOnlyList<string> wrongParsers, Summary[] summaries)
    {
        KitFigure[] figures =
            [.. from summary in summaries from benchmark in summary.BenchmarksCases select Figure(benchmark, summary[benchmark])];
        IEnumerable<string> invalid =
            from summary in summaries from error in summary.ValidationErrors where error.IsCritical select error.Message;
        IEnumerable<string> failed = figures.Where(static figure => figure.Error is not null)
            .Select(static figure => $"{figure.Benchmark}.{figure.Method}, {figure.Contender}, {figure.Case}: {figure.Error}");
        return new Results<KitFigure>(
            run with { Failures = [.. run.Failures, .. wrongParsers, .. invalid.Distinct(), .. failed] }, figures);
    }

    private static KitFigure Figure(BenchmarkCase benchmark, BenchmarkReport? report)
    {
        // A parser is a contender, as a method of the other classes is; all other parameters make the row.
        ParameterInstance? parser = benchmark.Parameters.Items.FirstOrDefault(
            static parameter => parameter.Name == nameof(ParserBenchmark.Parser));
        IEnumerable<string> values = benchmark.Parameters.Items.Where(parameter => parameter != parser)
            .OrderBy(static parameter => parameter.Value is not IWork).Select(Text);
        IWork? work = WorkColumn.WorkOf(benchmark);
        Statistics? statistics = report?.ResultStatistics;
        return new KitFigure(
            benchmark.Descriptor.Type.Name + (benchmark.Job.Id == KitConfig.AsByDefault.Id ? KitSection.WithTiers : ""),
            benchmark.Descriptor.WorkloadMethod.Name,
            parser?.Value.ToString() ?? benchmark.Descriptor.WorkloadMethodDisplayInfo.Trim('\''),
            string.Join(", ", values),
            work?.Size.Bytes,
            work?.Frames,
            work?.PayloadBytes,
            statistics?.Mean,
            statistics?.Median,
            statistics?.N > 1 ? statistics.StandardDeviation : null,
            statistics?.N ?? 0,
            statistics is null ? null : report!.GcStats.GetBytesAllocatedPerOperation(benchmark),
            statistics is null ? ErrorOf(report) : null);
    }

    private static string Text(ParameterInstance parameter) => parameter.Value switch
    {
        IWork work => work.ToString()!,
        string words => words,
        Enum kind => kind.ToString(),
        IFormattable number =>
            $"{parameter.Name.ToLowerInvariant()} {number.ToString("N0", System.Globalization.CultureInfo.InvariantCulture)}",
        _ => $"{parameter.Value}",
    };

    private static string ErrorOf(BenchmarkReport? report)
    {
        string? line = report?.ExecuteResults.SelectMany(static result => result.Errors).FirstOrDefault(static line => line.Length > 0);
        return line ?? "no result; the log in BenchmarkDotNet.Artifacts says why";
    }

    /// <summary>What runs, and how: all classes for figures, and a few rows with tiers too; or everything once.</summary>
    internal sealed class Config : ManualConfig
    {
        private static readonly PayloadSize[] BriefSizes = [new(16), new(1024), new(64 * 1024)];

        public Config(bool brief, TextWriter output, string? rows = null)
        {
            if (rows is not null) AddFilter(new GlobFilter(rows.Split(';')));
            if (brief) AddJob(Job.Dry.WithToolchain(InProcessEmitToolchain.Instance));
            else AddJob(KitConfig.ForFigures, KitConfig.AsByDefault);
            AddDiagnoser(MemoryDiagnoser.Default);
            AddLogger(new ProgressLogger(output));
            Orderer = new DeclaredOrder();
            BuildTimeout = KitConfig.BuildPatience;
            // With tiers, only the few rows that show what difference they make.
            AddFilter(new SimpleFilter(static benchmark => benchmark.Job.Id != KitConfig.AsByDefault.Id || IsAlsoWithTiers(benchmark)));
            if (!brief) return;
            // A short run's times are no figures, so code that is not optimised does as well, and so do some of the corpus's sizes: every
            // method and every parser runs with them, on each path that the length field has. The gate reads all sizes all the same.
            WithOptions(ConfigOptions.DisableOptimizationsValidator);
            AddFilter(new SimpleFilter(static benchmark =>
                WorkColumn.WorkOf(benchmark)?.Size is not { } size || !PayloadSize.All.Contains(size) || BriefSizes.Contains(size)));
        }

        private static bool IsAlsoWithTiers(BenchmarkCase benchmark) =>
            benchmark.Descriptor.Type == typeof(FrameDecodeBenchmark)
            && WorkColumn.WorkOf(benchmark) is Traffic traffic
            && traffic is { Arrival: Arrival.Whole or Arrival.Packed, Kind: PayloadKind.Binary or PayloadKind.Mixed }
            && traffic.Size.Bytes is 16 or 1024 or 64 * 1024;
    }

    /// <summary>Of all that BenchmarkDotNet says (its log file has it), each class as it begins, with the time that is left.</summary>
    private sealed class ProgressLogger(TextWriter output) : ILogger
    {
        private const string CaseBegins = "// Benchmark: ";
        private const string CaseEnded = "// ** Remained ";

        private string _class = "";
        private string _remained = "";

        public string Id => nameof(ProgressLogger);

        public int Priority => 0;

        public void Write(LogKind logKind, string text) => Look(text);

        public void WriteLine()
        {
        }

        public void WriteLine(LogKind logKind, string text) => Look(text);

        public void Flush() => output.Flush();

        private void Look(string text)
        {
            if (text.StartsWith(CaseEnded, StringComparison.Ordinal)) _remained = text[CaseEnded.Length..].TrimEnd(' ', '*', '\r', '\n');
            if (!text.StartsWith(CaseBegins, StringComparison.Ordinal)) return;
            string name = text[CaseBegins.Length..].Split('.', ':')[0];
            if (name == _class) return;
            _class = name;
            output.WriteLine(_remained.Length == 0 ? name : $"{name}; left: {_remained}");
        }
    }
}
