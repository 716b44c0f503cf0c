// The classes' places in the report, with what is to be known about each; a class that is not named here comes last, by its name.

using System.Text;
using RawWs.Benchmarks.Parsers;

namespace RawWs.Benchmarks.Report;

/// <summary>One class of the kit in the report.</summary>
/// <param name="Benchmark">The class's name.</param>
/// <param name="Title">Its heading.</param>
/// <param name="About">What one row is.</param>
internal sealed record KitSection(string Benchmark, string Title, string About)
{
    /// <summary>What follows the class's name where its rows ran with tiers.</summary>
    public const string WithTiers = ", with tiers";

    private static readonly KitSection[] Known =
    [
        new(nameof(FrameDecodeBenchmark), "Whole frames",
            "From the wire to the message: receive, header, rules, unmasking, UTF-8, delivery. "
            + "A row without a further word has one frame in each receive; packed, as many as fit."),
        new(nameof(FrameDecodeBenchmark) + WithTiers, "Whole frames, as a program has them that sets nothing",
            "Some of the rows above in processes with the runtime's defaults, tiers and a profile, warmed up for three seconds. "
            + "With a profile the compiler can inline calls through interfaces, which helps whoever has many."),
        new(nameof(FragmentDecodeBenchmark), "Fragments with control frames in between",
            "The same for messages in one to four frames; Pings are answered."),
        new(nameof(HeaderDecodeBenchmark), "Headers", "One masked header, without a payload. The limit adds up two bytes of each."),
        new(nameof(EncodeBenchmark), "Encoding", "One frame, from the payload to the bytes for the kernel. A client masks it."),
        new(nameof(MaskingBenchmark), "Masking", "One payload."),
        new(nameof(Utf8Benchmark), "UTF-8", "One text, validated."),
        new(nameof(HandshakeBenchmark), "Handshake", "One request for an upgrade."),
        new(nameof(StrangersBenchmark), "Handshake, as a stranger would have it",
            "One request full of one thing: half of what is allowed, all of it, what the head can hold."),
        new(nameof(DeflateBenchmark), "permessage-deflate",
            "One message of words, compressed or decompressed. System.Net.WebSockets always compresses at level 6, and its frames are "
            + "part of its time."),
        new(nameof(BroadcastDeflateBenchmark), "Broadcast, compressed",
            "One message of JSON, as far as every receiver's frame; a frame is one receiver's."),
        new(nameof(FanOutBenchmark), "Fan-out", "One message into all receivers' send queues and out again; a frame is one receiver's."),
        new(nameof(RouterLookupBenchmark), "Router", "One uid:message, as far as its receivers."),
        new(nameof(TimerWheelBenchmark), "Timer wheel", "One tick, one entry, one heartbeat of all entries."),
    ];

    /// <summary>The classes that are in these figures, in the report's order.</summary>
    public static IEnumerable<(KitSection Section, KitFigure[] Figures)> In(IEnumerable<KitFigure> figures) => figures
        .GroupBy(static figure => figure.Benchmark)
        .Select(static group => (Section: Find(group.Key), Figures: group.ToArray()))
        .OrderBy(static pair => Array.IndexOf(Known, pair.Section) is var place and >= 0 ? place : Known.Length);

    /// <summary>Tables: time, throughput where there is one, and allocation.</summary>
    public void Write(StringBuilder text, KitFigure[] figures)
    {
        text.Append($"### {Title}\n\n{About} (`{Benchmark}`)\n\n");
        string per = figures.Any(static figure => figure.Frames is not null) ? "frame" : "operation";
        WriteTable(text, figures, $"ns per {per}", static figure => Digits.WithSpread(figure.NsPerFrame, figure.NsPerFrameSpread), true);
        if (figures.Any(static figure => figure.GBPerSecond is not null))
            WriteTable(text, figures, "GB/s", static figure => Digits.WithSpread(figure.GBPerSecond, figure.GBPerSecondSpread));
        WriteTable(text, figures, $"bytes allocated per {per}", static figure => Digits.Three(figure.AllocatedPerFrame));
    }

    private static KitSection Find(string benchmark) =>
        Known.FirstOrDefault(known => known.Benchmark == benchmark) ?? new(benchmark, benchmark, "");

    // Where the harness has been measured by itself, its time is taken off each contender's in a column of its own.
    private static void WriteTable(
        StringBuilder text, KitFigure[] figures, string unit, Func<KitFigure, string> cell, bool withoutTheHarness = false)
    {
        string[] contenders = [.. figures.Select(static figure => figure.Contender).Distinct()];
        bool takesOff = withoutTheHarness && contenders.Contains(HarnessCost.Called);
        string[] ColumnsOf(string contender) => takesOff && contender != HarnessCost.Called ? [contender, "less the harness"] : [contender];
        string[] columns = [.. contenders.SelectMany(ColumnsOf)];
        text.Append($"| {unit} | {string.Join(" | ", columns)} |\n| --- |{string.Concat(columns.Select(static _ => " ---: |"))}\n");
        // Whatever was measured again, and when: all sizes of one sort of row stand together.
        IEnumerable<IGrouping<string, KitFigure>> rows = figures
            .GroupBy(static figure => figure.FindVariant())
            .SelectMany(static variant => variant.OrderBy(static figure => figure.MessageBytes ?? 0))
            .GroupBy(static figure => figure.Case);
        foreach (IGrouping<string, KitFigure> row in rows)
        {
            Dictionary<string, KitFigure> cells = row.ToDictionary(static figure => figure.Contender);
            KitFigure? harness = cells.GetValueOrDefault(HarnessCost.Called);
            text.Append($"| {row.Key} |");
            foreach (string contender in contenders)
            {
                KitFigure? figure = cells.GetValueOrDefault(contender);
                text.Append(figure is null ? " – |" : figure.Error is null ? $" {cell(figure)} |" : " failed |");
                if (takesOff && contender != HarnessCost.Called) text.Append($" {Less(figure, harness)} |");
            }

            text.Append('\n');
        }

        text.Append('\n');
    }

    // Never below nothing: what is within the error of both is nothing.
    private static string Less(KitFigure? figure, KitFigure? harness)
    {
        double? left = figure?.NsPerFrame - harness?.NsPerFrame is { } rest ? Math.Max(rest, 0) : null;
        double? spread = figure?.NsPerFrameSpread is { } one && harness?.NsPerFrameSpread is { } other
            ? Math.Sqrt((one * one) + (other * other))
            : null;
        return Digits.WithSpread(left, spread);
    }
}
