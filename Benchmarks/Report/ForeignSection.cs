// Parsers across languages in the report: a picture, time and throughput, and what each does not check.

using System.Text;
using RawWs.Benchmarks.Foreign;

namespace RawWs.Benchmarks.Report;

internal static class ForeignSection
{
    /// <summary>Binary messages by size, each parser's line; null where nothing was timed.</summary>
    public static LineChart? Plot(IReadOnlyList<ForeignFigure> figures)
    {
        IEnumerable<Series> lines =
            from figure in figures
            where figure.Case is not null && figure.Case == $"{new PayloadSize((int)figure.MessageBytes!)} Binary" && figure.GBPerSecond is not null
            group figure by figure.Parser into parser
            select new Series(parser.Key, [.. parser.Select(static figure =>
                new Point(figure.MessageBytes!.Value, figure.GBPerSecond!.Value, figure.GBPerSecond.Value * (figure.StdDevNs / figure.MeanNs) ?? 0))]);
        Series[] all = [.. lines];
        return all.Length == 0 ? null : new LineChart("Parsers across languages: binary messages, one frame in each receive", "Payload in GB/s: more is better", "GB/s", "payload of a message", all);
    }

    /// <summary>The few figures for the report's first page.</summary>
    public static void WriteFirst(StringBuilder text, IReadOnlyList<ForeignFigure> figures)
    {
        (string Case, string Says, bool IsTime)[] columns =
        [
            ("16 B Binary", "16 B, ns a frame", true),
            ("16 B Binary, packed", "16 B packed, ns a frame", true),
            ("64 KiB Binary", "64 KiB binary, GB/s", false),
            ("64 KiB Mixed", "64 KiB text in several languages, GB/s", false),
        ];
        text.Append("**Parsers across languages**, in one run on one machine; what each does not check is told further down.\n\n");
        text.Append($"| | {string.Join(" | ", columns.Select(static column => column.Says))} |\n| --- |{string.Concat(columns.Select(static _ => " ---: |"))}\n");
        foreach (IGrouping<string, ForeignFigure> parser in figures.Where(static figure => figure.Case is not null).GroupBy(static figure => figure.Parser))
        {
            IEnumerable<string> cells =
                from column in columns
                let figure = parser.FirstOrDefault(figure => figure.Case == column.Case)
                select column.IsTime ? Digits.WithSpread(figure?.NsPerFrame, figure?.NsPerFrameSpread) : Digits.Three(figure?.GBPerSecond);
            text.Append($"| {parser.Key} | {string.Join(" | ", cells)} |\n");
        }

        text.Append('\n');
    }

    /// <summary>The tables.</summary>
    public static void Write(StringBuilder text, IReadOnlyList<ForeignFigure> figures)
    {
        text.Append("Each parser reads the corpus first, twice, and gets a time only if every message and every Pong is right. A driver of ours gives it the bytes, ");
        text.Append("in memory, by one copy; how long that takes is in the figures. Without I/O there is no more to most of them than to a function; gorilla, nhooyr, ");
        text.Append("Beast and websocketpp bring their whole connection. ± is the standard deviation of eight samples.\n\n");
        WriteTable(text, figures, "ns a frame", static figure => Digits.WithSpread(figure.NsPerFrame, figure.NsPerFrameSpread));
        WriteTable(text, figures, "GB/s", static figure => Digits.Three(figure.GBPerSecond));
        text.Append("| parser | version | does not refuse |\n| --- | --- | --- |\n");
        foreach (ForeignFigure figure in figures.DistinctBy(static figure => figure.Parser))
            text.Append($"| {figure.Parser} | {figure.Version} | {(figure.Problem is { } problem ? $"({problem})" : figure.Accepts.Count == 0 ? "–" : string.Join("; ", figure.Accepts))} |\n");
        text.Append('\n');
    }

    private static void WriteTable(StringBuilder text, IReadOnlyList<ForeignFigure> figures, string unit, Func<ForeignFigure, string> cell)
    {
        string[] parsers = [.. figures.Where(static figure => figure.Case is not null).Select(static figure => figure.Parser).Distinct()];
        text.Append($"| {unit} | {string.Join(" | ", parsers)} |\n| --- |{string.Concat(parsers.Select(static _ => " ---: |"))}\n");
        foreach (IGrouping<string, ForeignFigure> row in figures.Where(static figure => figure.Case is not null).GroupBy(static figure => figure.Case!))
        {
            Dictionary<string, ForeignFigure> cells = row.ToDictionary(static figure => figure.Parser);
            text.Append($"| {row.Key} |{string.Concat(parsers.Select(parser => cells.TryGetValue(parser, out ForeignFigure? figure) ? $" {cell(figure)} |" : " – |"))}\n");
        }

        text.Append('\n');
    }
}
