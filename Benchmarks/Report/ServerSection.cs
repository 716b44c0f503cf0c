// Whole servers in the report: a table for each unit, a row for each load, a column for each server, and what RawWs is to it.

using System.Text;
using RawWs.Benchmarks.Load;

namespace RawWs.Benchmarks.Report;

/// <summary>The servers' figures as tables and bars.</summary>
internal static class ServerSection
{
    private static readonly string Ours = LoadServer.RawWs.Name;

    /// <summary>A table for each unit.</summary>
    public static void Write(StringBuilder text, IReadOnlyList<ServerFigure> figures)
    {
        string[] servers = [.. figures.Select(static figure => figure.Server).Distinct()];
        text.Append($"Medians of the rounds. In brackets, how many times as good as that server {Ours} is: its figure over theirs, ");
        text.Append("or, where less is better, theirs over its own.\n\n");
        foreach (IGrouping<string, ServerFigure> unit in figures.GroupBy(static figure => figure.Unit))
        {
            string rule = string.Concat(servers.Select(static _ => " ---: |"));
            text.Append($"| {unit.Key}, {Better(unit.First())} | {string.Join(" | ", servers)} |\n| --- |{rule}\n");
            foreach (IGrouping<string, ServerFigure> cell in unit.GroupBy(static figure => figure.Cell))
            {
                text.Append($"| {cell.Key} |");
                // What a latency was measured under is no merit.
                ServerFigure? ours = cell.FirstOrDefault(static figure => figure.Server == Ours && figure.Unit != LoadUnit.MessagesDuePerSecond);
                foreach (string server in servers) text.Append($" {Cell(cell.FirstOrDefault(figure => figure.Server == server), ours)} |");
                text.Append('\n');
            }

            text.Append('\n');
        }
    }

    /// <summary>Bars for each cell's figure to quote, of what is better high or of what is better low.</summary>
    public static IReadOnlyList<BarGroup> Bars(IReadOnlyList<ServerFigure> figures, bool higherIsBetter) =>
    [
        .. from cell in figures.GroupBy(static figure => figure.Cell)
           let quoted = cell.First()
           where quoted.HigherIsBetter == higherIsBetter
           select new BarGroup(
               $"{cell.Key} ({quoted.Unit})",
               [.. cell.Where(figure => figure.Unit == quoted.Unit).Select(static figure => new Bar(figure.Server, figure.Median, Digits.Three(figure.Median)))]),
    ];

    private static string Better(ServerFigure figure) => figure switch
    {
        { Unit: LoadUnit.MessagesDuePerSecond } => "under which the latency was measured",
        { HigherIsBetter: true } => "more is better",
        _ => "less is better",
    };

    private static string Cell(ServerFigure? figure, ServerFigure? ours)
    {
        if (figure is null) return "–";
        // One failed round of five leaves a median of the others; with none left there is none.
        if (double.IsNaN(figure.Median) || figure.Median == 0) return figure.Problem is null ? Digits.Three(figure.Median) : "failed";
        string median = Digits.Three(figure.Median);
        if (figure == ours || ours is null || double.IsNaN(ours.Median)) return median;
        double ratio = figure.HigherIsBetter ? ours.Median / figure.Median : figure.Median / ours.Median;
        return double.IsFinite(ratio) ? $"{median} ({ratio.ToString("0.00", System.Globalization.CultureInfo.InvariantCulture)})" : median;
    }
}
