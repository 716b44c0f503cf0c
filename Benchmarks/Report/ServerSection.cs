// Whole servers in the report: a picture of the loads that people ask for, a table for each unit, a row for each load, a column for each
// server, and what RawWs is to it.

using System.Globalization;
using System.Text;
using RawWs.Benchmarks.Load;

namespace RawWs.Benchmarks.Report;

/// <summary>The servers' figures as tables and bars.</summary>
internal static class ServerSection
{
    private const string OfRounds = "Medians of rounds taken in turns; the whiskers are the worst and the best round.";

    private static readonly string Ours = LoadServer.RawWs.Name;

    private static readonly (string Unit, string What, string Better)[] TrafficUnits =
    [
        (LoadUnit.MessagesPerCpuSecond, "messages per CPU second", "the server's; more is better"),
        (LoadUnit.MessagesPerSecond, "messages per second", "more is better"),
        (LoadUnit.Percentile99, "99 % are back within", "less is better"),
    ];

    /// <summary>The loads with messages that stand on the report's first page.</summary>
    internal static readonly string[] FirstPage =
        ["echo-100x1x32", "echo-100x16x32", "echo-16x4x16KiB", "fanout-1000x16x100", "fanout-100x16x100"];

    private static readonly Dictionary<string, string> Titles = new()
    {
        [Ours] = "RawWs (C#)",
        ["kestrel"] = "Kestrel (C#)",
        ["ws"] = "ws (Node.js)",
        ["bun"] = "Bun (uWebSockets)",
        ["gorilla"] = "gorilla (Go)",
        ["libwebsockets"] = "libwebsockets (C)",
        ["websockets"] = "websockets (Python)",
        ["deno"] = "Deno (Rust)",
    };

    /// <summary>A table for each unit.</summary>
    public static void Write(StringBuilder text, IReadOnlyList<ServerFigure> figures)
    {
        string[] servers = [.. figures.Select(static figure => figure.Server).Distinct()];
        text.Append("Medians of the rounds; behind ±, the standard deviation of the rounds. ");
        text.Append($"In brackets, how many times as good as that server {Ours} is: ");
        text.Append("its figure over theirs, or, where less is better, theirs over its own.\n\n");
        foreach (IGrouping<string, ServerFigure> unit in figures.GroupBy(static figure => figure.Unit))
        {
            string rule = string.Concat(servers.Select(static _ => " ---: |"));
            text.Append($"| {unit.Key}, {Better(unit.First())} | {string.Join(" | ", servers)} |\n| --- |{rule}\n");
            foreach (IGrouping<string, ServerFigure> cell in unit.GroupBy(static figure => figure.Cell))
            {
                text.Append($"| {cell.Key} |");
                // What a latency was measured under is no merit.
                ServerFigure? ours = cell.FirstOrDefault(
                    static figure => figure.Server == Ours && figure.Unit != LoadUnit.MessagesDuePerSecond);
                foreach (string server in servers) text.Append($" {Cell(cell.FirstOrDefault(figure => figure.Server == server), ours)} |");
                text.Append('\n');
            }

            text.Append('\n');
        }
    }

    /// <summary>
    /// Loads with messages in them, each server with its cost, its throughput and its latency side by side; null where there are none.
    /// </summary>
    /// <param name="figures">Of all loads.</param>
    /// <param name="first">The loads of the report's first page, or the others.</param>
    public static BarChart? Traffic(IReadOnlyList<ServerFigure> figures, bool first)
    {
        string[] cells =
        [
            .. figures.Where(static figure => figure.Unit == LoadUnit.MessagesPerCpuSecond).Select(static figure => figure.Cell).Distinct()
                .Where(cell => first == FirstPage.Contains(cell)),
        ];
        if (cells.Length == 0) return null;
        bool IsThere(int i) => figures.Any(figure => cells.Contains(figure.Cell) && figure.Unit == TrafficUnits[i].Unit);
        int[] columns = [.. Enumerable.Range(0, TrafficUnits.Length).Where(IsThere)];
        IEnumerable<BarGroup> groups =
            from cell in cells
            let inCell = figures.Where(figure => figure.Cell == cell).ToArray()
            let rows = from server in inCell.Select(static figure => figure.Server).Distinct()
                       select new BarRow(NameOf(server), [.. columns.Select(i => BarOf(inCell, server, TrafficUnits[i].Unit))])
            select new BarGroup(TitleOf(cell), [.. rows]);
        return new BarChart(
            first ? "WebSocket servers under load" : "WebSocket servers under load: further loads",
            "The server has one processor core, the load generator another. " + OfRounds,
            [.. columns.Select(static i => (TrafficUnits[i].What, TrafficUnits[i].Better))],
            [.. groups]);
    }

    /// <summary>Bars for what the other loads are about: memory, handshakes, latency.</summary>
    public static BarChart? Others(IReadOnlyList<ServerFigure> figures)
    {
        IEnumerable<BarGroup> groups =
            from cell in figures.GroupBy(static figure => figure.Cell)
            let quoted = cell.First()
            where quoted.Unit != LoadUnit.MessagesPerCpuSecond
            let rows = from figure in cell
                       where figure.Unit == quoted.Unit
                       select new BarRow(NameOf(figure.Server), [BarOf([figure], figure.Server, figure.Unit)])
            select new BarGroup($"{TitleOf(cell.Key)}: {UnitInWords(quoted.Unit)}", [.. rows]);
        BarGroup[] all = [.. groups];
        return all.Length == 0 ? null : new BarChart("WebSocket servers: connections, memory and latency", OfRounds, [("", "")], all);
    }

    private static Bar BarOf(ServerFigure[] figures, string server, string unit)
    {
        ServerFigure? figure = figures.FirstOrDefault(figure => figure.Server == server && figure.Unit == unit);
        if (figure is null) return new Bar(double.NaN, double.NaN, double.NaN, "–");
        if (figure.Rounds.Count == 0) return new Bar(double.NaN, double.NaN, double.NaN, "failed");
        return new Bar(figure.Median, figure.Rounds.Min(), figure.Rounds.Max(), Short(figure.Median, unit));
    }

    private static string Short(double value, string unit) => (unit, value) switch
    {
        (LoadUnit.Percentile99, >= 1000) => $"{Digits.Three(value / 1000)} ms",
        (LoadUnit.Percentile99, _) => $"{Digits.Three(value)} µs",
        (_, >= 1e6) => $"{Digits.Three(value / 1e6)} million",
        (_, >= 1e5) => $"{Digits.Three(value / 1e3)} thousand",
        _ => Digits.Three(value),
    };

    /// <summary>A load in words.</summary>
    internal static string TitleOf(string cell) => Find(cell)?.Title ?? cell;

    /// <summary>What kind of load it is; null for one that is not known.</summary>
    internal static LoadKind? KindOf(string cell) => Find(cell)?.Kind;

    /// <summary>A server, and what it is written in or made of.</summary>
    internal static string NameOf(string server) => Titles.GetValueOrDefault(server, server);

    private static LoadCell? Find(string cell) => LoadCell.All.Concat(LoadCell.Brief).FirstOrDefault(known => known.Name == cell);

    /// <summary>A unit in words.</summary>
    internal static string UnitInWords(string unit) => unit switch
    {
        LoadUnit.MessagesPerCpuSecond => "messages per second of processor time (more is better)",
        LoadUnit.MessagesPerSecond => "messages per second (more is better)",
        LoadUnit.HandshakesPerCpuSecond => "handshakes per second of processor time (more is better)",
        LoadUnit.BytesPerConnection => "resident bytes for each (less is better)",
        LoadUnit.Percentile99 => "99 % are back within (less is better)",
        _ => unit,
    };

    private static string Better(ServerFigure figure) => figure switch
    {
        { Unit: LoadUnit.MessagesDuePerSecond } => "under which the latency was measured",
        { HigherIsBetter: true } => "more is better",
        _ => "less is better",
    };

    /// <summary>The median and its spread, and how many times as good ours is; without ours, or for ours, not that.</summary>
    internal static string Cell(ServerFigure? figure, ServerFigure? ours)
    {
        if (figure is null) return "–";
        // One failed round of five leaves a median of the others; with none left there is none.
        if (double.IsNaN(figure.Median) || figure.Median == 0) return figure.Problem is null ? Digits.Three(figure.Median) : "failed";
        string median = Digits.WithSpread(figure.Median, Deviation(figure.Rounds));
        if (figure == ours || ours is null || double.IsNaN(ours.Median)) return median;
        double ratio = figure.HigherIsBetter ? ours.Median / figure.Median : figure.Median / ours.Median;
        return double.IsFinite(ratio) ? $"{median} ({ratio.ToString("0.00", CultureInfo.InvariantCulture)})" : median;
    }

    private static double? Deviation(IReadOnlyList<double> rounds)
    {
        if (rounds.Count < 2) return null;
        double mean = rounds.Average();
        return Math.Sqrt(rounds.Sum(round => (round - mean) * (round - mean)) / (rounds.Count - 1));
    }
}
