// Which of the kit's figures are drawn: throughput over payload sizes, for whole rows of the corpus.

namespace RawWs.Benchmarks.Report;

/// <summary>One plot of the kit.</summary>
/// <param name="File">Its file's name without the ending.</param>
/// <param name="Title">Above it.</param>
/// <param name="Benchmark">The class whose figures it shows.</param>
/// <param name="Variant">What follows the size in the rows that it shows.</param>
internal sealed record Plot(string File, string Title, string Benchmark, string Variant)
{
    /// <summary>The plot; null where these figures have none of its rows.</summary>
    public LineChart? Draw(IReadOnlyList<KitFigure> figures)
    {
        KitFigure[] shown = [.. figures.Where(IsShown)];
        if (shown.Length == 0) return null;
        // Nothing has no throughput.
        long[] sizes = [.. shown.Select(static figure => figure.MessageBytes!.Value).Where(static bytes => bytes > 0).Distinct()];
        IEnumerable<Series> lines =
            from contender in shown.GroupBy(static figure => figure.Contender)
            let bySize = contender.ToDictionary(static figure => figure.MessageBytes!.Value)
            select new Series(contender.Key, [.. sizes.Select(size => bySize.GetValueOrDefault(size)?.GBPerSecond)]);
        string[] places = [.. sizes.Select(static size => new PayloadSize((int)size).ToString())];
        return new LineChart(Title, "GB/s of payload", "payload of a message", places, [.. lines]);
    }

    private bool IsShown(KitFigure figure) =>
        figure.Benchmark == Benchmark
        && figure.MessageBytes is { } bytes
        && figure.Case == new PayloadSize((int)bytes) + Variant;
}

/// <summary>The kit's plots.</summary>
internal static class KitPlots
{
    /// <summary>All of them, in the report's order.</summary>
    public static IReadOnlyList<Plot> All { get; } =
    [
        new("frames-mixed", "Reading whole frames: text in several languages", nameof(FrameDecodeBenchmark), " Mixed"),
        new("frames-binary", "Reading whole frames: binary", nameof(FrameDecodeBenchmark), " Binary"),
        new("fragments-mixed", "Reading fragments, cut at random: text in several languages", nameof(FragmentDecodeBenchmark), " Mixed, cut at random"),
        new("encode", "Writing a frame", nameof(EncodeBenchmark), ""),
        new("masking", "Masking", nameof(MaskingBenchmark), ""),
        new("utf8-mixed", "Validating UTF-8: text in several languages", nameof(Utf8Benchmark), ", Mixed"),
    ];
}
