// The servers' answers on the report's first page: what each does with a second of one processor, and where another is ahead of ours.

using System.Globalization;
using System.Text;
using RawWs.Benchmarks.Load;

namespace RawWs.Benchmarks.Report;

internal static class ServerFindings
{
    private static readonly string Ours = LoadServer.RawWs.Name;

    public static void Write(StringBuilder text, Results<ServerFigure> results)
    {
        if (results.Run.Brief) return;
        ServerFigure[] quoted =
        [
            .. results.Figures.GroupBy(static figure => figure.Cell)
                .SelectMany(static cell => cell.Where(figure => figure.Unit == cell.First().Unit)),
        ];
        string[] servers = [.. quoted.Select(static figure => figure.Server).Distinct()];
        if (servers.Length == 0) return;
        text.Append("**Whole servers**: one processor core for the server, another for the load. Medians.\n\n");
        text.Append($"| | | {string.Join(" | ", servers)} |\n| --- | --- |{string.Concat(servers.Select(static _ => " ---: |"))}\n");
        foreach (IGrouping<string, ServerFigure> cell in quoted.GroupBy(static figure => figure.Cell))
        {
            text.Append($"| {cell.Key} | {cell.First().Unit} |");
            foreach (string server in servers)
                text.Append($" {Digits.Three(cell.FirstOrDefault(figure => figure.Server == server)?.Median)} |");
            text.Append('\n');
        }

        text.Append('\n');
        string[] behind =
        [
            .. from cell in results.Figures.GroupBy(static figure => (figure.Cell, figure.Unit))
               where cell.Key.Unit != LoadUnit.MessagesDuePerSecond
               let ours = cell.FirstOrDefault(static figure => figure.Server == Ours)
               where ours?.Median > 0
               from figure in cell
               let times = figure.HigherIsBetter ? ours.Median / figure.Median : figure.Median / ours.Median
               where times < 1
               orderby times
               select $"{figure.Server} in {cell.Key.Cell}, {cell.Key.Unit} ({times.ToString("0.00", CultureInfo.InvariantCulture)})",
        ];
        text.Append(behind.Length == 0
            ? $"No server is ahead of {Ours} in any load and unit.\n\n"
            : $"Ahead of {Ours} (in brackets, what part of their figure it reaches): {string.Join("; ", behind)}.\n\n");
    }
}
