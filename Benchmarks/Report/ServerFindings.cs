// The servers' answers on the report's first page: what each does under the loads that people ask for, where another is ahead of ours,
// and why.

using System.Globalization;
using System.Text;
using RawWs.Benchmarks.Load;

namespace RawWs.Benchmarks.Report;

internal static class ServerFindings
{
    private const int IdleBytesAsked = 512;

    private static readonly string Ours = LoadServer.RawWs.Name;

    // Of each kind of load in which another may be ahead: what is known about it. docs/decisions/0005 has the figures.
    private static readonly Dictionary<LoadKind, string> Reasons = new()
    {
        [LoadKind.Connect] = "A connection that is opened and closed costs more of the server's own work than where a handshake is checked "
            + "less: the request is judged whole, and the ending is counted and written to the log.",
        [LoadKind.Latency] = "The latency load gives each server half of what it does itself when it is full: who does more has more to do "
            + "there.",
        [LoadKind.Echo] = "With few messages in flight there is nothing to gather: each message costs a receive, a send and a wait, which "
            + "are the kernel's, and servers differ little.",
        [LoadKind.FanOut] = "A fan-out is almost all the kernel's work, so servers that send alike differ little.",
    };

    public static void Write(StringBuilder text, Results<ServerFigure> results)
    {
        if (results.Run.Brief) return;
        string[] servers = [.. results.Figures.Select(static figure => figure.Server).Distinct()];
        if (servers.Length == 0) return;
        text.Append("**Whole servers**: one processor core for the server, another for the load. Medians of the rounds, and their ");
        text.Append($"standard deviation; in brackets, how many times as good {ServerSection.NameOf(Ours)} is.\n\n");
        string names = string.Join(" | ", servers.Select(ServerSection.NameOf));
        text.Append($"| | | {names} |\n| --- | --- |{string.Concat(servers.Select(static _ => " ---: |"))}\n");
        foreach (var row in results.Figures.GroupBy(static figure => (figure.Cell, figure.Unit)))
        {
            if (!IsQuoted(row.Key.Cell, row.Key.Unit)) continue;
            ServerFigure? ours = row.FirstOrDefault(static figure => figure.Server == Ours);
            IEnumerable<string> cells = servers.Select(
                server => ServerSection.Cell(row.FirstOrDefault(figure => figure.Server == server), ours));
            text.Append($"| {ServerSection.TitleOf(row.Key.Cell)} | {InWords(row.Key.Unit)} | {string.Join(" | ", cells)} |\n");
        }

        text.Append('\n');
        WriteBehind(text, results.Figures);
        WriteAsked(text, results.Figures);
    }

    // What programs measure of an idle connection is not one number: the loop's table doubles, and is spread over those that there are.
    private static void WriteAsked(StringBuilder text, IReadOnlyList<ServerFigure> figures)
    {
        string[] idle =
        [
            .. from figure in figures
               where figure.Server == Ours && figure.Unit == LoadUnit.BytesPerConnection && figure.Median > 0
               let kept = figure.Median <= IdleBytesAsked ? "yes" : "**no**"
               select $"{ServerSection.TitleOf(figure.Cell)}: {Digits.Three(figure.Median)}, {kept}",
        ];
        if (idle.Length == 0) return;
        text.Append(CultureInfo.InvariantCulture, $"At most {IdleBytesAsked} bytes are asked of an idle connection of ");
        text.Append($"{ServerSection.NameOf(Ours)}: {string.Join("; ", idle)}.\n\n");
    }

    // Of loads with messages those of the first page: cost, throughput and latency. Of the others what each is about.
    private static bool IsQuoted(string cell, string unit) => ServerSection.KindOf(cell) switch
    {
        LoadKind.Connect => unit == LoadUnit.HandshakesPerCpuSecond,
        LoadKind.Idle => unit == LoadUnit.BytesPerConnection,
        LoadKind.Latency => unit == LoadUnit.Percentile99,
        _ => ServerSection.FirstPage.Contains(cell)
            && unit is LoadUnit.MessagesPerCpuSecond or LoadUnit.MessagesPerSecond or LoadUnit.Percentile99,
    };

    private static string InWords(string unit) =>
        unit == LoadUnit.Percentile99 ? "µs in which 99 % are back (less is better)" : ServerSection.UnitInWords(unit);

    private static void WriteBehind(StringBuilder text, IReadOnlyList<ServerFigure> figures)
    {
        var behind =
            from cell in figures.GroupBy(static figure => (figure.Cell, figure.Unit))
            where cell.Key.Unit != LoadUnit.MessagesDuePerSecond
            let ours = cell.FirstOrDefault(static figure => figure.Server == Ours)
            where ours?.Median > 0
            from figure in cell
            let times = figure.HigherIsBetter ? ours.Median / figure.Median : figure.Median / ours.Median
            where times < 1
            orderby times
            select (figure.Server, cell.Key.Cell, cell.Key.Unit, Times: times);
        var all = behind.ToArray();
        if (all.Length == 0)
        {
            text.Append($"No server is ahead of {ServerSection.NameOf(Ours)} in any load and unit.\n\n");
            return;
        }

        text.Append($"Where another is ahead of {ServerSection.NameOf(Ours)}, and what part of its figure is reached:\n\n");
        foreach (var one in all)
        {
            string times = one.Times.ToString("0.00", CultureInfo.InvariantCulture);
            text.Append($"- {ServerSection.NameOf(one.Server)}: {ServerSection.TitleOf(one.Cell)}, {InWords(one.Unit)}: {times}\n");
        }

        text.Append('\n');
        foreach ((LoadKind kind, string reason) in Reasons)
            if (all.Any(one => ServerSection.KindOf(one.Cell) == kind)) text.Append($"{reason} ");
        text.Append("What of it was measured stands in [0005](../../docs/decisions/0005-the-hot-path.md).\n\n");
    }
}
