// The report itself, made of raw data alone: report.md and its plots. Nothing in it is measured here.

using System.Globalization;
using System.Text;
using RawWs.Benchmarks.Foreign;
using RawWs.Benchmarks.Load;

namespace RawWs.Benchmarks.Report;

/// <summary>Writes tables and plots.</summary>
internal static class ReportText
{
    /// <summary>The tables' file.</summary>
    public const string FileName = "report.md";

    /// <summary>Writes the report; any sort of figures may be missing.</summary>
    public static void Write(string directory, Results<KitFigure>? kit, Results<ServerFigure>? servers, Results<ForeignFigure>? foreign)
    {
        Directory.CreateDirectory(directory);
        StringBuilder text = new("# Benchmarks\n\n");
        string[] failures = [.. kit?.Run.Failures ?? [], .. servers?.Run.Failures ?? [], .. foreign?.Run.Failures ?? []];
        foreach (string failure in failures) text.Append($"> **Failed:** {failure}\n\n");
        WriteFirstPage(text, directory, kit, servers, foreign);
        if (kit is not null)
        {
            text.Append("## Parts, in memory\n\n");
            WriteRun(text, kit.Run, "kit");
            text.Append("Behind ± stands the standard deviation of the iterations. ");
            text.Append("A limit does what nobody can leave out and nothing else; \"for scale\" is something known, and no limit.\n\n");
            foreach (Plot plot in KitPlots.All) WritePlot(text, directory, plot.File, plot.Title, plot.Draw(kit.Figures)?.Draw());
            foreach ((KitSection section, KitFigure[] figures) in KitSection.In(kit.Figures)) section.Write(text, figures);
        }

        if (servers is not null)
        {
            text.Append("## Whole servers\n\n");
            WriteRun(text, servers.Run, "servers");
            BarChart? more = ServerSection.Traffic(servers.Figures, first: false);
            WritePlot(text, directory, "servers-more", more?.Title, more?.Draw());
            BarChart? others = ServerSection.Others(servers.Figures);
            WritePlot(text, directory, "servers-cost", others?.Title, others?.Draw());
            ServerSection.Write(text, servers.Figures);
        }

        if (foreign is not null)
        {
            text.Append("## Parsers across languages\n\n");
            WriteRun(text, foreign.Run, ForeignCommand.Name);
            LineChart? chart = ForeignSection.Plot(foreign.Figures);
            WritePlot(text, directory, "foreign", chart?.Title, chart?.Draw());
            ForeignSection.Write(text, foreign.Figures);
        }

        RawData.Replace(Path.Combine(directory, FileName), text.ToString());
    }

    // Who is how fast where, before everything else.
    private static void WriteFirstPage(
        StringBuilder text, string directory, Results<KitFigure>? kit, Results<ServerFigure>? servers, Results<ForeignFigure>? foreign)
    {
        if (kit is not null) KitFindings.Write(text, kit);
        if (kit is not null) KitFloors.Write(text, kit);
        if (servers is not null) ServerFindings.Write(text, servers);
        if (foreign is not null) ForeignSection.WriteFirst(text, foreign.Figures);
        if (servers is not null && ServerSection.Traffic(servers.Figures, first: true) is { } traffic)
            WritePlot(text, directory, "servers", traffic.Title, traffic.Draw());
        if (kit is not null)
        {
            (string file, BarChart? chart) = KitPlots.SmallFrames(kit.Figures);
            WritePlot(text, directory, file, chart?.Title, chart?.Draw());
        }

        text.Append("**What a figure here does not say.** It is one machine's, of one day: only ratios within one run mean anything. ");
        text.Append("The parts are measured in memory, where data lie in the processor's caches and nobody else runs; ");
        text.Append("in a server the kernel's work comes on top, which is most of it for small messages. ");
        text.Append("Whole servers are measured over loopback, with one core each. ");
        text.Append("Packed rows have the receive buffer that each parser brings: 256 KiB for RawWs, as in its server; ");
        text.Append("System.Net.WebSockets reads headers into a small one of its own, and the naive reader asks for what it needs, ");
        text.Append("so for both little is gained where much has come.\n\n");
    }

    private static void WriteRun(StringBuilder text, RunInfo run, string name)
    {
        if (run.Brief) text.Append("> **A short run.** It shows that everything runs. Its times are of cold code and are no figures.\n\n");
        text.Append($"`{run.Command}`\n\n| | |\n| --- | --- |\n");
        text.Append($"| Date | {run.Date.ToUniversalTime().ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture)} |\n");
        if (run.Commit is not null) text.Append($"| Commit | {run.Commit} |\n");
        foreach ((string what, string value) in run.Machine.Concat(run.Versions)) text.Append($"| {what} | {value} |\n");
        text.Append($"| Raw data | [{name}.csv]({name}.csv), [{name}.json]({name}.json) |\n\n");
    }

    private static void WritePlot(StringBuilder text, string directory, string file, string? title, string? svg)
    {
        if (svg is null) return;
        RawData.Replace(Path.Combine(directory, file + ".svg"), svg);
        text.Append($"![{title}]({file}.svg)\n\n");
    }
}
