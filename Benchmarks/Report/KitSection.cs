// The classes' places in the report, with what is to be known about each; a class that is not named here comes last, by its name.

using System.Text;

namespace RawWs.Benchmarks.Report;

/// <summary>One class of the kit in the report.</summary>
/// <param name="Benchmark">The class's name.</param>
/// <param name="Title">Its heading.</param>
/// <param name="About">What one row is.</param>
internal sealed record KitSection(string Benchmark, string Title, string About)
{
    private static readonly KitSection[] Known =
    [
        new(nameof(FrameDecodeBenchmark), "Whole frames", "From the wire to the message: receive, header, rules, unmasking, UTF-8, delivery."),
        new(nameof(FragmentDecodeBenchmark), "Fragments with control frames in between", "The same for messages in one to four frames; Pings are answered."),
        new(nameof(HeaderDecodeBenchmark), "Headers", "One masked header, without a payload."),
        new(nameof(EncodeBenchmark), "Encoding", "One frame, from the payload to the bytes for the kernel. A client masks it."),
        new(nameof(MaskingBenchmark), "Masking", "One payload."),
        new(nameof(Utf8Benchmark), "UTF-8", "One text, validated."),
        new(nameof(HandshakeBenchmark), "Handshake", "One request for an upgrade."),
        new(nameof(StrangersBenchmark), "Handshake, as a stranger would have it", "One request full of one thing: half of what is allowed, all of it, what the head can hold."),
        new(nameof(DeflateBenchmark), "permessage-deflate", "One message of words, compressed or decompressed. System.Net.WebSockets always compresses at level 6, and its frames are part of its time."),
        new(nameof(BroadcastDeflateBenchmark), "Broadcast, compressed", "One message of JSON, as far as every receiver's frame; a frame is one receiver's."),
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
        WriteTable(text, figures, $"ns per {per}", static figure => figure.NsPerFrame);
        if (figures.Any(static figure => figure.GBPerSecond is not null)) WriteTable(text, figures, "GB/s", static figure => figure.GBPerSecond);
        WriteTable(text, figures, $"bytes allocated per {per}", static figure => figure.AllocatedPerFrame);
    }

    private static KitSection Find(string benchmark) => Known.FirstOrDefault(known => known.Benchmark == benchmark) ?? new(benchmark, benchmark, "");

    private static void WriteTable(StringBuilder text, KitFigure[] figures, string unit, Func<KitFigure, double?> value)
    {
        string[] contenders = [.. figures.Select(static figure => figure.Contender).Distinct()];
        text.Append($"| {unit} | {string.Join(" | ", contenders)} |\n| --- |{string.Concat(contenders.Select(static _ => " ---: |"))}\n");
        foreach (IGrouping<string, KitFigure> row in figures.GroupBy(static figure => figure.Case))
        {
            Dictionary<string, KitFigure> cells = row.ToDictionary(static figure => figure.Contender);
            text.Append($"| {row.Key} |");
            foreach (string contender in contenders)
            {
                cells.TryGetValue(contender, out KitFigure? figure);
                text.Append(figure?.Error is null ? $" {Digits.Three(figure is null ? null : value(figure))} |" : " failed |");
            }

            text.Append('\n');
        }

        text.Append('\n');
    }
}
