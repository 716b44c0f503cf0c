// The kit's answers to the questions that a reader comes with, before all tables: how fast at small frames, large frames, text and
// dribble; and where RawWs is behind. Nothing is left out of the second list: it is made from every row in which somebody else does the
// same. Where these are many of one sort, their sizes are told and the range.

using System.Globalization;
using System.Text;
using RawWs.Benchmarks.Parsers;

namespace RawWs.Benchmarks.Report;

internal static class KitFindings
{
    private const string Ours = "RawWs", Rival = "System.Net.WebSockets", Library = "the base library", Naive = "the naive versions";
    private const string FreshDeflate = "deflate, no takeover: shared context, full flush";
    private const int NamedMax = 2; // of one sort

    private const string Frames = nameof(FrameDecodeBenchmark), WithTiers = Frames + KitSection.WithTiers;

    private static readonly (string Question, string Benchmark, string Case, string Unit)[] Questions =
    [
        ("Small frames, 16 B, each in a receive of its own", Frames, "16 B Binary", "ns a frame"),
        ("The same in a program that sets nothing (tiers and a profile)", WithTiers, "16 B Binary", "ns a frame"),
        ("Small frames, 16 B, packed: as many as fit in a receive", Frames, "16 B Binary, packed", "ns a frame"),
        ("The same in a program that sets nothing", WithTiers, "16 B Binary, packed", "ns a frame"),
        ("Frames of 1 KiB, each in a receive of its own", Frames, "1 KiB Binary", "ns a frame"),
        ("Large frames, 1 MiB", Frames, "1 MiB Binary", "GB/s"),
        ("Text, ASCII, 64 KiB", Frames, "64 KiB Ascii", "GB/s"),
        ("Text of mixed scripts, 64 KiB", Frames, "64 KiB Mixed", "GB/s"),
        ("Dribble: frames of 1 KiB, byte by byte", Frames, "1 KiB Binary, byte by byte", "ns a byte"),
    ];

    /// <summary>Who does the same as whom, class by class; by whose code it is.</summary>
    internal static readonly (string Benchmark, string Ours, string Theirs, string Whose)[] Pairs =
    [
        (Frames, Ours, Rival, Rival),
        (nameof(FragmentDecodeBenchmark), Ours, Rival, Rival),
        (nameof(EncodeBenchmark), "RawWs, server", "System.Net.WebSockets, server", Rival),
        (nameof(EncodeBenchmark), "RawWs, client", "System.Net.WebSockets, client", Rival),
        (nameof(DeflateBenchmark), "deflate, takeover", "deflate, System.Net.WebSockets, takeover", Rival),
        (nameof(DeflateBenchmark), FreshDeflate, "deflate, System.Net.WebSockets, no takeover", Rival),
        (nameof(DeflateBenchmark), "inflate, pooled", "inflate, System.Net.WebSockets, no takeover", Rival),
        (nameof(Utf8Benchmark), "Utf8Validator, whole", "Utf8.IsValid", Library),
        (nameof(DeflateBenchmark), "deflate, takeover", "deflate, DeflateStream, takeover", Library),
        (nameof(DeflateBenchmark), FreshDeflate, "deflate, DeflateStream, a new one for each", Library),
        (nameof(DeflateBenchmark), "inflate, pooled", "inflate, DeflateStream, a new one for each", Library),
        (Frames, Ours, "Naive", Naive),
        (nameof(FragmentDecodeBenchmark), Ours, "Naive", Naive),
        (nameof(HeaderDecodeBenchmark), "FrameReader.TryRead, a span", "Naive: a class for each header", Naive),
        (nameof(EncodeBenchmark), "RawWs, server", "Naive, server", Naive),
        (nameof(MaskingBenchmark), "Masking.Apply, in place", "Naive: byte by byte", Naive),
        (nameof(Utf8Benchmark), "Utf8Validator, whole", "Naive: decoded into a string", Naive),
        (nameof(HandshakeBenchmark), "parsed, judged and answered by 101", "Naive: split into strings, and answered", Naive),
        (nameof(RouterLookupBenchmark), "split, judge, UidRegistry.Find", "Naive: strings", Naive),
    ];

    /// <summary>The table and the lists. Nothing where there are no figures of whole frames, or a short run has none.</summary>
    public static void Write(StringBuilder text, Results<KitFigure> results)
    {
        if (results.Run.Brief) return;
        KitFigure[] frames = [.. results.Figures.Where(static figure => figure.Benchmark is Frames or WithTiers && figure.MeanNs > 0)];
        string[] contenders =
            [.. frames.Select(static figure => figure.Contender).Where(static name => name != HarnessCost.Called).Distinct()];
        if (contenders.Length == 0) return;
        text.Append("**Parsers, in memory**: from the bytes received to the message delivered. ");
        text.Append($"In ns less is better, in GB/s more. The last column: how many times as fast {Ours} is as {Rival}.\n\n");
        text.Append(
            $"| | | {string.Join(" | ", contenders)} | × |\n| --- | --- |{string.Concat(contenders.Select(static _ => " ---: |"))} ---: "
            + $"|\n");
        foreach ((string question, string benchmark, string row, string unit) in Questions)
        {
            Dictionary<string, KitFigure> cells = frames.Where(figure => figure.Benchmark == benchmark && figure.Case == row)
                .ToDictionary(static figure => figure.Contender);
            if (cells.Count == 0) continue;
            text.Append($"| {question} | {unit} |");
            foreach (string contender in contenders)
                text.Append(cells.TryGetValue(contender, out KitFigure? figure) ? $" {Cell(figure, unit)} |" : " – |");
            bool both = cells.TryGetValue(Ours, out KitFigure? ours) & cells.TryGetValue(Rival, out KitFigure? rival);
            text.Append(both ? $" {Times(rival!, ours!)} |\n" : " – |\n");
        }

        text.Append('\n');
        WriteBehind(text, results.Figures);
    }

    private static string Cell(KitFigure figure, string unit) => unit switch
    {
        "GB/s" => Digits.WithSpread(figure.GBPerSecond, figure.GBPerSecondSpread),
        "ns a byte" => Digits.WithSpread(figure.MeanNs / figure.PayloadBytes, figure.StdDevNs / figure.PayloadBytes),
        _ => Digits.WithSpread(figure.NsPerFrame, figure.NsPerFrameSpread),
    };

    private static void WriteBehind(StringBuilder text, IReadOnlyList<KitFigure> figures)
    {
        var compared =
            from pair in Pairs
            from ours in figures
            where ours.MeanNs > 0 && ours.Benchmark == pair.Benchmark && ours.Contender == pair.Ours
            from theirs in figures
            where theirs.MeanNs > 0 && (theirs.Benchmark, theirs.Case) == (ours.Benchmark, ours.Case) && theirs.Contender == pair.Theirs
            select (pair.Whose, Sort: SortOf(pair.Benchmark, pair.Theirs), Row: NameOf(pair.Benchmark, pair.Theirs, ours.Case), Ours: ours,
                Times: theirs.MeanNs!.Value / ours.MeanNs!.Value);
        foreach (var whose in compared.GroupBy(static one => one.Whose))
        {
            var behind = whose.Where(static one => one.Times < 1).OrderBy(static one => one.Times).ToArray();
            int all = whose.Count();
            IEnumerable<string> told = behind.GroupBy(static one => one.Sort).SelectMany(sort => sort.Count() <= NamedMax
                ? sort.Select(static one => $"{one.Row} ({Part(one.Times)})")
                : [$"{sort.Key}, {sort.Count()} of {whose.Count(one => one.Sort == sort.Key)} rows"
                    + $"{Sizes(sort.Select(static one => one.Ours))} ({Part(sort.First().Times)} to {Part(sort.Last().Times)})"]);
            text.Append(behind.Length == 0
                ? $"{Ours} is ahead of {whose.Key} in all {all} rows in which both do the same."
                : $"{Ours} is behind {whose.Key} in {behind.Length} of {all} rows in which both do the same "
                    + "(in brackets, what part of its speed is reached): "
                    + string.Join("; ", told) + ".");
            text.Append(whose.Key == Naive ? " Those check nothing but UTF-8.\n\n" : "\n\n");
        }
    }

    private static string NameOf(string benchmark, string theirs, string row) => benchmark switch
    {
        Frames => row,
        nameof(FragmentDecodeBenchmark) => $"{row} in fragments",
        _ => $"{theirs}, {row}",
    };

    private static string SortOf(string benchmark, string theirs) => benchmark switch
    {
        Frames => "whole frames",
        nameof(FragmentDecodeBenchmark) => "fragments",
        _ => theirs,
    };

    // Nothing, where one of them has no size.
    private static string Sizes(IEnumerable<KitFigure> figures)
    {
        long?[] sizes = [.. figures.Select(static figure => figure.MessageBytes).Distinct().Order()];
        return sizes.Contains(null) ? "" : $" of {string.Join(", ", sizes.Select(static size => new PayloadSize((int)size!.Value)))}";
    }

    private static string Times(KitFigure theirs, KitFigure ours) => Part(theirs.MeanNs!.Value / ours.MeanNs!.Value);

    private static string Part(double times) => times.ToString("0.00", CultureInfo.InvariantCulture);
}
