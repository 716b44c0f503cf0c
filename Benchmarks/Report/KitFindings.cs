// The kit's answers to the questions that a reader comes with, before all tables: how fast at small frames, large frames, text and
// dribble; and where RawWs is behind. Nothing is left out of the second list: it is made from all rows in which others take part.

using System.Globalization;
using System.Text;
using RawWs.Benchmarks.Parsers;

namespace RawWs.Benchmarks.Report;

internal static class KitFindings
{
    private const string Ours = "RawWs", Rival = "System.Net.WebSockets";
    private const int NamedMax = 12;

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
        ("Text in several languages, 64 KiB", Frames, "64 KiB Mixed", "GB/s"),
        ("Dribble: frames of 1 KiB, byte by byte", Frames, "1 KiB Binary, byte by byte", "ns a byte"),
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
        string[] benchmarks = [nameof(FrameDecodeBenchmark), nameof(FragmentDecodeBenchmark)];
        var known = figures.Where(figure => benchmarks.Contains(figure.Benchmark) && figure.MeanNs > 0)
            .GroupBy(static figure => (figure.Benchmark, figure.Case)).ToArray();
        foreach (string rival in (string[])[Rival, "Naive"])
        {
            var rows =
                from row in known
                let ours = row.FirstOrDefault(static figure => figure.Contender == Ours)
                let theirs = row.FirstOrDefault(figure => figure.Contender == rival)
                where ours is not null && theirs is not null
                select (row.Key, Ours: ours, Theirs: theirs);
            var all = rows.ToArray();
            if (all.Length == 0) continue;
            var behind = all.Where(static row => row.Ours.MeanNs > row.Theirs.MeanNs)
                .OrderByDescending(static row => row.Ours.MeanNs / row.Theirs.MeanNs).ToArray();
            text.Append(behind.Length == 0
                ? $"{Ours} is ahead of {rival} in all {all.Length} rows of whole frames and fragments.\n\n"
                : $"{Ours} is behind {rival} in {behind.Length} of {all.Length} rows of whole frames and fragments "
                    + "(in brackets, what part of its speed is reached): "
                    + string.Join("; ", behind.Take(NamedMax).Select(static row =>
                        row.Key.Case + (row.Key.Benchmark == nameof(FragmentDecodeBenchmark) ? " in fragments" : "")
                            + $" ({Times(row.Theirs, row.Ours)})"))
                    + (behind.Length > NamedMax ? $"; and {behind.Length - NamedMax} more.\n\n" : ".\n\n"));
        }
    }

    private static string Times(KitFigure theirs, KitFigure ours) =>
        (theirs.MeanNs!.Value / ours.MeanNs!.Value).ToString("0.00", CultureInfo.InvariantCulture);
}
