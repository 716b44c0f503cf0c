// What figures of the kit must not say, because it cannot be: then something else was measured than the table says, and the report fails.
// Two signs are looked for. A contender that takes much longer for a byte of 64 KiB than for a byte of 1 MiB was measured before its code
// was compiled to the end (the short operations come first to their measurement). Whoever makes large objects (allocates 85,000 bytes and
// more for a frame) is not judged by that: for him the collector's work was measured, which comes when it comes. And nobody is faster than
// what nobody can leave out.

using System.Globalization;
using RawWs.Benchmarks.Parsers;

namespace RawWs.Benchmarks.Report;

/// <summary>Judges figures, not contenders.</summary>
internal static class KitGate
{
    /// <summary>How many times as long a byte of 64 KiB may take as one of 1 MiB.</summary>
    public const double MidsizeByteMax = 1.8;

    /// <summary>What two processes with the same code differ by, whatever their iterations do: code and data lie elsewhere.</summary>
    public const double ProcessesDiffer = 0.05;

    /// <summary>The same for what takes a few nanoseconds, where a cycle or two more or less is a good part of the whole.</summary>
    public const double ProcessesDifferNs = 0.5;

    /// <summary>From so many bytes on an object is large, and only a full collection frees it.</summary>
    private const long LargeObjectBytes = 85_000;

    /// <summary>How many standard deviations a figure may be off.</summary>
    private const double Deviations = 3;

    /// <summary>Who has a limit of its own, where a row has several.</summary>
    internal static readonly Dictionary<(string Benchmark, string Contender), string> LimitsOfSome = new()
    {
        [(nameof(MaskingBenchmark), "Masking.Apply, in place")] = "Limit: XOR by vectors",
        [(nameof(MaskingBenchmark), "Masking.Apply, to another buffer")] = "Limit: XOR by vectors, to another buffer",
        [(nameof(EncodeBenchmark), "RawWs, client")] = "Limit: XOR by vectors",
        [(nameof(EncodeBenchmark), "RawWs, client, given a key")] = "Limit: XOR by vectors",
    };

    private static readonly PayloadSize Midsize = new(64 * 1024), Large = new(1024 * 1024);

    /// <summary>A line for each figure that cannot be; none for a sound run. A short run has no figures, and is not judged.</summary>
    public static IReadOnlyList<string> Check(Results<KitFigure> results)
    {
        ArgumentNullException.ThrowIfNull(results);
        if (results.Run.Brief) return [];
        KitFigure[] figures = [.. results.Figures.Where(static figure => figure.MeanNs > 0)];
        return [.. SlowMidsizes(figures), .. FasterThanTheLimit(figures)];
    }

    // Byte by byte it depends on how much of a payload is left which way it is read: that is another thing for the one than for the other.
    private static IEnumerable<string> SlowMidsizes(KitFigure[] figures) =>
        from midsize in figures
        where midsize.MessageBytes == Midsize.Bytes && midsize.PayloadBytes > 0
            && !midsize.Case.EndsWith("byte by byte", StringComparison.Ordinal)
            && midsize.Case.StartsWith($"{Midsize}", StringComparison.Ordinal) && midsize.AllocatedPerFrame is null or < LargeObjectBytes
        from large in figures
        where large.MessageBytes == Large.Bytes && large.PayloadBytes > 0
            && (large.Benchmark, large.Contender) == (midsize.Benchmark, midsize.Contender)
            && large.Case == $"{Large}{midsize.Case[$"{Midsize}".Length..]}"
        let times = NsPerByte(midsize) / NsPerByte(large)
        where times > MidsizeByteMax
        select Say(midsize, $"takes {Times(times)} times as long for a byte as at {Large}; at most {Times(MidsizeByteMax)} can be");

    // To be told where an empty payload lies costs more than to read the header in front of it: there the limit is none.
    private static IEnumerable<string> FasterThanTheLimit(KitFigure[] figures) =>
        from row in figures.GroupBy(static figure => (figure.Benchmark, figure.Case))
        from figure in row
        where !IsLimit(figure.Contender) && figure.Contender != HarnessCost.Called && figure.MessageBytes != 0
        let limit = row.Where(other => IsLimitOf(figure, other)).MinBy(static other => other.MeanNs)
        where limit is not null
        let allowance = Uncertainty(figure) + Uncertainty(limit)
        where figure.MeanNs + allowance < limit.MeanNs
        let part = Times(figure.MeanNs!.Value / limit.MeanNs!.Value)
        select Say(figure, $"takes {part} of the time of \"{limit.Contender}\", beyond the error of both");

    // What masks has a limit that masks, and what writes to another buffer one that does so too.
    private static bool IsLimitOf(KitFigure figure, KitFigure limit) => IsLimit(limit.Contender)
        && (!LimitsOfSome.TryGetValue((figure.Benchmark, figure.Contender), out string? own) || limit.Contender == own);

    private static bool IsLimit(string contender) => contender.StartsWith("Limit", StringComparison.Ordinal);

    private static double NsPerByte(KitFigure figure) => figure.MeanNs!.Value / figure.PayloadBytes!.Value;

    private static double Uncertainty(KitFigure figure) => Math.Max(
        Deviations * (figure.StdDevNs ?? 0), Math.Max(ProcessesDiffer * figure.MeanNs!.Value, ProcessesDifferNs * (figure.Frames ?? 1)));

    private static string Times(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);

    private static string Say(KitFigure figure, string what) =>
        $"not to be believed: {figure.Benchmark}, {figure.Contender}, {figure.Case}: {what}";
}
