// Which of the kit's figures are drawn: one plot for each question that a reader comes with, and for the parts.

using RawWs.Benchmarks.Parsers;

namespace RawWs.Benchmarks.Report;

/// <summary>One plot of lines over payload sizes.</summary>
/// <param name="File">Its file's name without the ending.</param>
/// <param name="Title">Above it.</param>
/// <param name="Benchmark">The class whose figures it shows.</param>
/// <param name="Variant">What follows the size in the rows that it shows.</param>
/// <param name="NsPerByte">Whether it shows the time for a byte, and not how many bytes go through in a second.</param>
internal sealed record Plot(string File, string Title, string Benchmark, string Variant, bool NsPerByte = false)
{
    /// <summary>The plot; null where these figures have none of its rows.</summary>
    public LineChart? Draw(IReadOnlyList<KitFigure> figures)
    {
        KitFigure[] shown = [.. figures.Where(IsShown)];
        if (shown.Length == 0) return null;
        IEnumerable<Series> lines =
            from contender in shown.GroupBy(static figure => figure.Contender)
            select new Series(contender.Key, [.. contender.Select(PointOf).OfType<Point>().OrderBy(static point => point.Size)]);
        string says = NsPerByte ? "Nanoseconds for a byte of payload: less is better" : "Payload in GB/s: more is better";
        return new LineChart(Title, says, NsPerByte ? "ns" : "GB/s", "payload of a message", [.. lines]);
    }

    // Nothing has no throughput.
    private Point? PointOf(KitFigure figure)
    {
        if (figure.MessageBytes is not > 0 || (NsPerByte ? figure.MeanNs / figure.PayloadBytes : figure.GBPerSecond) is not { } value)
            return null;
        return new Point(figure.MessageBytes.Value, value, value * (figure.StdDevNs / figure.MeanNs) ?? 0);
    }

    private bool IsShown(KitFigure figure) =>
        figure.Benchmark == Benchmark
        && figure.Contender != HarnessCost.Called
        && figure.MessageBytes is not null
        && figure.FindVariant() == Variant;
}

/// <summary>The kit's plots.</summary>
internal static class KitPlots
{
    private const string SmallFile = "small-frames";

    private static readonly (string Case, string Title)[] Small =
    [
        ("16 B Binary", "16 B, one frame in each receive"),
        ("16 B Binary, packed", "16 B, as many frames as fit in each receive"),
        ("126 B Binary", "126 B, one frame in each receive"),
        ("126 B Binary, packed", "126 B, as many frames as fit in each receive"),
        ("125 B Mixed", "125 B of text of mixed scripts, one frame in each receive"),
        ("1 KiB Binary", "1 KiB, one frame in each receive"),
    ];

    /// <summary>Those of lines, in the report's order.</summary>
    public static IReadOnlyList<Plot> All { get; } =
    [
        new("frames-binary", "Reading binary messages, one frame in each receive", nameof(FrameDecodeBenchmark), " Binary"),
        new("frames-mixed", "Reading text of mixed scripts, one frame in each receive", nameof(FrameDecodeBenchmark), " Mixed"),
        new("packed-binary", "Reading binary messages, as many frames as fit in each receive", nameof(FrameDecodeBenchmark),
            " Binary, packed"),
        new("dribble", "Reading binary messages that arrive byte by byte", nameof(FrameDecodeBenchmark), " Binary, byte by byte",
            NsPerByte: true),
        new("fragments-mixed", "Reading fragments of text of mixed scripts, cut at random", nameof(FragmentDecodeBenchmark),
            " Mixed, cut at random"),
        new("encode", "Writing a frame", nameof(EncodeBenchmark), ""),
        new("masking", "Masking", nameof(MaskingBenchmark), ""),
        new("utf8-words", "Validating words of several languages", nameof(Utf8Benchmark), ", Words"),
        new("utf8-random", "Validating characters of all lengths", nameof(Utf8Benchmark), ", Random"),
    ];

    /// <summary>The picture's file, and the picture; null where there are no figures for it.</summary>
    public static (string File, BarChart? Chart) SmallFrames(IReadOnlyList<KitFigure> figures)
    {
        List<BarGroup> groups = [];
        foreach ((string row, string title) in Small)
        {
            BarRow[] rows =
            [
                .. from figure in figures
                   where figure.Benchmark == nameof(FrameDecodeBenchmark) && figure.Case == row && figure.NsPerFrame > 0
                   let says = Digits.WithSpread(figure.NsPerFrame, figure.NsPerFrameSpread) + " ns"
                   select new BarRow(figure.Contender, [Bar.Of(figure.NsPerFrame!.Value, figure.NsPerFrameSpread ?? 0, says)]),
            ];
            if (rows.Length > 0) groups.Add(new BarGroup(title, rows));
        }

        if (groups.Count == 0) return (SmallFile, null);
        const string Says = "From the bytes received to the message delivered. Each group has a scale of its own.";
        return (SmallFile, new BarChart("Small frames: how long one takes", Says, [("nanoseconds a frame", "less is better")], groups));
    }
}
