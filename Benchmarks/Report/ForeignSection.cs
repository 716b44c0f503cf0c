// Parsers across languages in the report: a picture, time and throughput, and what each does not check.

using System.Text;
using RawWs.Benchmarks.Foreign;

namespace RawWs.Benchmarks.Report;

internal static class ForeignSection
{
    private const string Unchecked = "†";

    /// <summary>Binary messages by size, each parser's line; null where nothing was timed.</summary>
    public static LineChart? Plot(IReadOnlyList<ForeignFigure> figures)
    {
        IEnumerable<Series> lines =
            from figure in figures
            where figure.GBPerSecond is not null && figure.Case == $"{new PayloadSize((int)figure.MessageBytes!)} Binary"
            group figure by figure.Parser into parser
            select new Series(parser.Key, [.. parser.Select(PointOf)]);
        Series[] all = [.. lines];
        const string Title = "Parsers across languages: binary messages, one frame in each receive";
        return all.Length == 0 ? null : new LineChart(Title, "Payload in GB/s: more is better", "GB/s", "payload of a message", all);
    }

    private static Point PointOf(ForeignFigure figure) =>
        new(figure.MessageBytes!.Value, figure.GBPerSecond!.Value, figure.GBPerSecondSpread ?? 0);

    private static IEnumerable<ForeignFigure> Timed(IEnumerable<ForeignFigure> figures) =>
        figures.Where(static figure => figure.Case is not null);

    private static string Head(string first, IReadOnlyCollection<string> columns) =>
        $"| {first} | {string.Join(" | ", columns)} |\n| --- |{string.Concat(columns.Select(static _ => " ---: |"))}\n";

    /// <summary>The few figures for the report's first page.</summary>
    public static void WriteFirst(StringBuilder text, IReadOnlyList<ForeignFigure> figures)
    {
        (string Case, string Says, bool IsTime)[] columns =
        [
            ("16 B Binary", "16 B, ns a frame", true),
            ("16 B Binary, packed", "16 B packed, ns a frame", true),
            ("64 KiB Binary", "64 KiB binary, GB/s", false),
            ("64 KiB Mixed", "64 KiB text of mixed scripts, GB/s", false),
        ];
        text.Append("**Parsers across languages**, in one run on one machine. ");
        text.Append($"{Unchecked}: text is not checked for UTF-8; what else a parser does not check stands in the last table.\n\n");
        text.Append(Head("", [.. columns.Select(static column => column.Says)]));
        foreach (IGrouping<string, ForeignFigure> parser in Timed(figures).GroupBy(static figure => figure.Parser))
        {
            IEnumerable<string> cells =
                from column in columns
                let figure = parser.FirstOrDefault(figure => figure.Case == column.Case)
                let value = column.IsTime ? Digits.WithSpread(figure?.NsPerFrame, figure?.NsPerFrameSpread)
                : Digits.WithSpread(figure?.GBPerSecond, figure?.GBPerSecondSpread)
                select value + MarkOf(figure);
            text.Append($"| {parser.Key} | {string.Join(" | ", cells)} |\n");
        }

        text.Append('\n');
    }

    /// <summary>The tables.</summary>
    public static void Write(StringBuilder text, IReadOnlyList<ForeignFigure> figures)
    {
        text.Append("Each parser reads the corpus first, twice, and gets a time only if every message and every Pong is right. ");
        text.Append(
            "A driver of ours gives it the bytes in memory, by one copy, which is in the figures. gorilla, nhooyr, Beast and websocketpp "
            + "cannot ");
        text.Append("be had without their whole connection. ");
        text.Append($"± is the standard deviation of eight samples; {Unchecked} stands where text is not checked.\n\n");
        WriteTable(text, figures, "ns a frame", static figure => Digits.WithSpread(figure.NsPerFrame, figure.NsPerFrameSpread));
        WriteTable(text, figures, "GB/s", static figure => Digits.WithSpread(figure.GBPerSecond, figure.GBPerSecondSpread));
        text.Append("| parser | version | does not refuse |\n| --- | --- | --- |\n");
        foreach (ForeignFigure figure in figures.DistinctBy(static figure => figure.Parser))
        {
            string accepts = figure.Accepts.Count == 0 ? "–" : string.Join("; ", figure.Accepts);
            text.Append($"| {figure.Parser} | {figure.Version} | {(figure.Problem is { } problem ? $"({problem})" : accepts)} |\n");
        }

        text.Append('\n');
    }

    private static void WriteTable(StringBuilder text, IReadOnlyList<ForeignFigure> figures, string unit, Func<ForeignFigure, string> cell)
    {
        string[] parsers = [.. Timed(figures).Select(static figure => figure.Parser).Distinct()];
        text.Append(Head(unit, parsers));
        foreach (IGrouping<string, ForeignFigure> row in Timed(figures).GroupBy(static figure => figure.Case!))
        {
            Dictionary<string, ForeignFigure> cells = row.ToDictionary(static figure => figure.Parser);
            string CellOf(string parser) =>
                cells.TryGetValue(parser, out ForeignFigure? figure) ? $" {cell(figure)}{MarkOf(figure)} |" : " – |";
            text.Append($"| {row.Key} |{string.Concat(parsers.Select(CellOf))}\n");
        }

        text.Append('\n');
    }

    private static string MarkOf(ForeignFigure? figure) =>
        figure?.Case?.Contains("Binary", StringComparison.Ordinal) == false && figure.Accepts.Contains(BrokenFrames.NotUtf8)
            ? " " + Unchecked
            : "";
}
