// The report itself, made of raw data alone: report.md and its plots. Nothing in it is measured here.

using System.Globalization;
using System.Text;
using RawWs.Benchmarks.Load;

namespace RawWs.Benchmarks.Report;

/// <summary>Writes tables and plots.</summary>
internal static class ReportText
{
    /// <summary>The tables' file.</summary>
    public const string FileName = "report.md";

    /// <summary>Writes the report; either sort of figures may be missing.</summary>
    public static void Write(string directory, Results<KitFigure>? kit, Results<ServerFigure>? servers)
    {
        Directory.CreateDirectory(directory);
        StringBuilder text = new("# Benchmarks\n\nMade from the raw data beside it. Only ratios within one run mean anything: ");
        text.Append("another machine, or another minute, is another speed.\n\n");
        if (kit is not null)
        {
            text.Append("## Parts, in memory\n\n");
            WriteRun(text, kit.Run, "kit");
            foreach (Plot plot in KitPlots.All) WritePlot(text, directory, plot.File, plot.Draw(kit.Figures));
            foreach ((KitSection section, KitFigure[] figures) in KitSection.In(kit.Figures)) section.Write(text, figures);
        }

        if (servers is not null)
        {
            text.Append("## Whole servers\n\n");
            WriteRun(text, servers.Run, "servers");
            WriteBars(text, directory, "servers-throughput", "Throughput of whole servers", servers.Figures, higherIsBetter: true);
            WriteBars(text, directory, "servers-cost", "Memory and latency of whole servers", servers.Figures, higherIsBetter: false);
            ServerSection.Write(text, servers.Figures);
        }

        RawData.Replace(Path.Combine(directory, FileName), text.ToString());
    }

    private static void WriteRun(StringBuilder text, RunInfo run, string name)
    {
        if (run.Brief) text.Append("> **A short run.** It shows that everything runs. Its times are of cold code and are no figures.\n\n");
        foreach (string failure in run.Failures) text.Append($"> **Failed:** {failure}\n\n");
        text.Append($"`{run.Command}`\n\n| | |\n| --- | --- |\n");
        text.Append($"| Date | {run.Date.ToUniversalTime().ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture)} |\n");
        if (run.Commit is not null) text.Append($"| Commit | {run.Commit} |\n");
        foreach ((string what, string value) in run.Machine.Concat(run.Versions)) text.Append($"| {what} | {value} |\n");
        text.Append($"| Raw data | [{name}.csv]({name}.csv), [{name}.json]({name}.json) |\n\n");
    }

    private static void WritePlot(StringBuilder text, string directory, string file, LineChart? chart)
    {
        if (chart is null) return;
        RawData.Replace(Path.Combine(directory, file + ".svg"), chart.Draw());
        text.Append($"![{chart.Title}: {chart.YLabel}]({file}.svg)\n\n");
    }

    private static void WriteBars(StringBuilder text, string directory, string file, string title, IReadOnlyList<ServerFigure> figures, bool higherIsBetter)
    {
        IReadOnlyList<BarGroup> groups = ServerSection.Bars(figures, higherIsBetter);
        if (groups.Count == 0) return;
        string subtitle = $"medians; each load on a scale of its own; {(higherIsBetter ? "longer" : "shorter")} is better";
        RawData.Replace(Path.Combine(directory, file + ".svg"), new BarChart(title, subtitle, groups).Draw());
        text.Append($"![{title}]({file}.svg)\n\n");
    }
}
