// How much one operation does, told by a benchmark's parameter; the columns divide by it. Where no parameter tells, they are empty.

using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace RawWs.Benchmarks;

/// <summary>A parameter that knows how much one operation does.</summary>
public interface IWork
{
    /// <summary>Frames on the wire, control frames among them.</summary>
    long Frames { get; }

    /// <summary>Payload bytes in all these frames.</summary>
    long PayloadBytes { get; }

    /// <summary>Each message's payload.</summary>
    PayloadSize Size { get; }
}

/// <summary>One payload in one frame.</summary>
/// <param name="Bytes">The payload's length in bytes.</param>
public sealed record PayloadSize(int Bytes) : IWork
{
    /// <summary>The sizes of the corpus: around each step of the length field, and up to 1 MiB.</summary>
    public static IReadOnlyList<PayloadSize> All { get; } =
        [new(0), new(1), new(16), new(125), new(126), new(1024), new(64 * 1024), new(1024 * 1024)];

    public long Frames => 1;

    public long PayloadBytes => Bytes;

    PayloadSize IWork.Size => this;

    public override string ToString() => Bytes switch
    {
        >= 1024 * 1024 => $"{Bytes >> 20} MiB",
        >= 1024 => $"{Bytes >> 10} KiB",
        _ => $"{Bytes} B",
    };
}

internal sealed class WorkColumn(string name, string legend, Func<IWork, double, double> value) : IColumn
{
    public string Id => $"{nameof(WorkColumn)}.{name}";

    public string ColumnName => name;

    public string Legend => legend;

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Custom;

    public int PriorityInCategory => 0;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public bool IsAvailable(Summary summary) => summary.BenchmarksCases.Any(static benchmark => WorkOf(benchmark) is not null);

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase) => GetValue(summary, benchmarkCase, summary.Style);

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style)
    {
        if (WorkOf(benchmarkCase) is not { } work || summary[benchmarkCase]?.ResultStatistics is not { } statistics) return "-";
        double figure = value(work, statistics.Mean);
        return figure > 0 ? figure.ToString(figure < 100 ? "F2" : "F0", CultureInfo.InvariantCulture) : "-";
    }

    /// <summary>What one operation does; null where no parameter tells.</summary>
    internal static IWork? WorkOf(BenchmarkCase benchmark) =>
        benchmark.Parameters.Items.Select(static parameter => parameter.Value).OfType<IWork>().FirstOrDefault();
}
