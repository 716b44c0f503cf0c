// The report's first page: what is asked of the parser and whether it is kept, where somebody else is ahead, and why. Nothing is left out.

using System.Text;
using RawWs.Benchmarks;
using RawWs.Benchmarks.Load;
using RawWs.Benchmarks.Report;

namespace RawWs.Tests.Report;

public sealed class FindingsTests
{
    private const string Frames = nameof(FrameDecodeBenchmark), Utf8 = nameof(Utf8Benchmark);

    [Test]
    public void WhatIsAsked_IsTold_WithTheWorstRow_AndWhetherItIsKept()
    {
        string text = Floors(
            Figure(Frames, "RawWs", "16 B Binary, packed", 9), Figure(Frames, "System.Net.WebSockets", "16 B Binary, packed", 198),
            Figure(Frames, "RawWs", "64 KiB Ascii", 10), Figure(Frames, "System.Net.WebSockets", "64 KiB Ascii", 20),
            Figure(Frames, "RawWs", "1 MiB Binary, cut at random", 10),
            Figure(Frames, "System.Net.WebSockets", "1 MiB Binary, cut at random", 9),
            Figure(Frames, "RawWs", "125 B Binary", 10), Figure(Frames, "RawWs", "126 B Binary", 13),
            Figure(Utf8, "Utf8Validator, whole", "64 KiB, Emoji", 1), Figure(Utf8, "Utf8.IsValid", "64 KiB, Emoji", 11),
            Figure(Utf8, "Utf8Validator, whole", "1 MiB, Emoji", 1), Figure(Utf8, "Utf8.IsValid", "1 MiB, Emoji", 12),
            Figure(Utf8, "Utf8Validator, whole", "1 KiB, Emoji", 1), Figure(Utf8, "Utf8.IsValid", "1 KiB, Emoji", 2));
        Assert.That(text, Does.Contain("| 16 B, packed: ns a frame | ≤ 8 | 9.00 | **no** |"));
        Assert.That(text, Does.Contain("| 16 B, packed: × System.Net.WebSockets | ≥ 20 | 22.0 | yes |"));
        Assert.That(text, Does.Contain("| 64 KiB and 1 MiB, all rows: × System.Net.WebSockets | ≥ 1 | 0.90 | **no** |"));
        Assert.That(text, Does.Contain("| 126 B, all kinds of payload, whole and packed: times as long as 125 B | ≤ 1.3 | 1.30 | yes |"));
        Assert.That(text, Does.Contain("| UTF-8, emoji, 64 KiB and 1 MiB: × Utf8.IsValid | ≥ 10 | 11.0 | yes |"));
        Assert.That(text, Does.Contain("| bytes allocated for each frame received or sent | ≤ 0 | 0 | yes |"));
        Assert.That(text, Does.Not.Contain("CJK"), "what was not measured is not told");
    }

    [Test]
    public void WithoutFigures_NothingIsAsked() => Assert.That(Floors(), Is.Empty);

    [Test]
    public void WhereSomebodyElseIsAhead_IsTold_OfEveryClass()
    {
        StringBuilder text = new();
        KitFindings.Write(text, Of<KitFigure>(
            Figure(Frames, "RawWs", "16 B Binary", 10), Figure(Frames, "System.Net.WebSockets", "16 B Binary", 20),
            Figure(Frames, "Naive", "16 B Binary", 5), Figure(Frames, "Harness, without a parser", "16 B Binary", 1),
            Figure(nameof(EncodeBenchmark), "RawWs, client", "1 KiB", 10),
            Figure(nameof(EncodeBenchmark), "System.Net.WebSockets, client", "1 KiB", 8),
            Figure(Utf8, "Utf8Validator, whole", "1 KiB, Ascii", 10), Figure(Utf8, "Utf8.IsValid", "1 KiB, Ascii", 20)));
        string[] said = [.. text.ToString().Split('\n').Where(static line => line.StartsWith("RawWs is ", StringComparison.Ordinal))];
        Assert.That(said, Is.EqualTo([
            "RawWs is behind System.Net.WebSockets in 1 of 2 rows in which both do the same (in brackets, what part of its speed is "
                + "reached): System.Net.WebSockets, client, 1 KiB (0.80).",
            "RawWs is ahead of the base library in all 1 rows in which both do the same.",
            "RawWs is behind the naive versions in 1 of 1 rows in which both do the same (in brackets, what part of its speed is reached): "
                + "16 B Binary (0.50). Those check nothing but UTF-8.",
        ]));
    }

    [Test]
    public void ManyRowsOfOneSort_AreToldTogether()
    {
        StringBuilder text = new();
        KitFindings.Write(text, Of<KitFigure>([
            Figure(Frames, "RawWs", "16 B Binary", 10),
            .. from size in (int[])[1, 16, 125, 1024]
               from figure in (KitFigure[])[
                   Figure(Utf8, "Utf8Validator, whole", $"{new PayloadSize(size)}, Ascii", 10) with { MessageBytes = size },
                   Figure(Utf8, "Utf8.IsValid", $"{new PayloadSize(size)}, Ascii", size < 1024 ? 5 + (size / 100.0) : 20)]
               select figure,
        ]));
        Assert.That(text.ToString(), Does.Contain("RawWs is behind the base library in 3 of 4 rows in which both do the same (in brackets, "
            + "what part of its speed is reached): Utf8.IsValid, 3 of 4 rows of 1 B, 16 B, 125 B (0.50 to 0.63)."));
    }

    [Test]
    public void OfServers_EachLoadIsInWords_WithCostThroughputAndLatency_AndWhereOneIsAheadTheReasonIsThere()
    {
        StringBuilder text = new();
        ServerFindings.Write(text, Of(
            Server("rawws", "echo-100x1x32", LoadUnit.MessagesPerCpuSecond, 300, 310, 320),
            Server("bun", "echo-100x1x32", LoadUnit.MessagesPerCpuSecond, 155, 155, 155),
            Server("rawws", "echo-100x1x32", LoadUnit.Percentile99, 900), Server("bun", "echo-100x1x32", LoadUnit.Percentile99, 1_800),
            Server("rawws", "echo-4x1x1MiB", LoadUnit.MessagesPerCpuSecond, 1),
            Server("rawws", "connect-10000", LoadUnit.HandshakesPerCpuSecond, 90),
            Server("bun", "connect-10000", LoadUnit.HandshakesPerCpuSecond, 100)));
        string all = text.ToString();
        Assert.That(all, Does.Contain("| | | RawWs (C#) | Bun (uWebSockets) |"));
        Assert.That(all, Does.Contain("| Echo: 100 connections, 1 message in flight on each, 32 B | messages per second of processor time "
            + "(more is better) | 310 ±10 | 155 ±0 (2.00) |"));
        Assert.That(all, Does.Contain("| µs in which 99 % are back (less is better) | 900 | 1,800 (2.00) |"));
        Assert.That(all, Does.Not.Contain("1 MiB"), "other loads have their place further down");
        Assert.That(all, Does.Contain("- Bun (uWebSockets): Opening 10,000 connections, handshakes per second of processor time (more is "
            + "better): 0.90\n\nA connection that is opened and closed costs more"));
    }

    [Test]
    public void OfSeveralMeasurements_TheFastestCounts_ForAllAlike()
    {
        Results<KitFigure> first = Of(
            Figure(Frames, "RawWs", "16 B Binary", 10), Figure(Frames, "Naive", "16 B Binary", 5),
            Figure(Frames, "RawWs", "1 KiB Binary", 7));
        Results<KitFigure> second = Of(Figure(Frames, "RawWs", "16 B Binary", 8), Figure(Frames, "Naive", "16 B Binary", 6));
        Results<KitFigure> whole = KitPasses.Merge(first, second, isInPart: false);
        Results<KitFigure> part = KitPasses.Merge(first, second, isInPart: true);
        Assert.That(whole.Figures.Select(static figure => figure.MeanNs), Is.EqualTo(new double?[] { 8, 5 }));
        Assert.That(part.Figures.Select(static figure => figure.MeanNs), Is.EqualTo(new double?[] { 8, 5, 7 }));
        Assert.That(whole.Run.Machine[KitPasses.Called], Does.StartWith("2 times; "));
        Assert.That(KitPasses.Merge(whole, first, isInPart: false).Run.Machine[KitPasses.Called], Does.StartWith("3 times; "));
        Assert.That(part.Run.Machine, Does.Not.ContainKey(KitPasses.Called));
    }

    [Test]
    public void ARowIsMeasuredAgain_WithAllOfItsContenders()
    {
        Results<KitFigure> first = Of(Figure(Frames, "RawWs", "16 B Binary", 10), Figure(Frames, "Naive", "16 B Binary", 5));
        Results<KitFigure> alone = KitPasses.Merge(first, Of(Figure(Frames, "RawWs", "16 B Binary", 8)), isInPart: true);
        Assert.That(alone.Figures.Select(static figure => figure.MeanNs), Is.EqualTo(new double?[] { 10, 5 }));
        Assert.That(alone.Run.Failures,
            Is.EqualTo(new[] { $"measured again without its rivals, and not counted: {Frames}, RawWs, 16 B Binary" }));
    }

    [Test]
    public void WhatWasMeasuredOfAnotherCommit_IsReplaced_AndWhatStaysOfIt_IsTold()
    {
        Results<KitFigure> first = Of(Figure(Frames, "RawWs", "16 B Binary", 8), Figure(Frames, "RawWs", "1 KiB Binary", 7));
        Results<KitFigure> second = Of(Figure(Frames, "RawWs", "16 B Binary", 10));
        second = second with { Run = second.Run with { Commit = "abc" } };
        Results<KitFigure> whole = KitPasses.Merge(first, second, isInPart: false);
        Results<KitFigure> part = KitPasses.Merge(first, second, isInPart: true);
        Assert.That(whole, Is.SameAs(second));
        Assert.That(part.Figures.Select(static figure => figure.MeanNs), Is.EqualTo(new double?[] { 10, 7 }));
        Assert.That(part.Run.Machine[KitPasses.Elsewhere], Is.EqualTo("1 figures, measured 0001-01-01, of abc"));
        Assert.That(KitPasses.Merge(part, first, isInPart: false), Is.SameAs(first), "of one commit again");
    }

    private static string Floors(params KitFigure[] figures)
    {
        StringBuilder text = new();
        KitFloors.Write(text, Of(figures));
        return text.ToString();
    }

    private static Results<T> Of<T>(params T[] figures) =>
        new(new RunInfo(default, "", false, null, new Dictionary<string, string>(), new Dictionary<string, string>(), []), figures);

    private static KitFigure Figure(string benchmark, string contender, string row, double ns) =>
        new(benchmark, "", contender, row, 1, 1, 1, ns, ns, null, 8, 0, null);

    private static ServerFigure Server(string server, string cell, string unit, params double[] rounds) =>
        new(server, cell, unit, LoadUnit.HigherIsBetter(unit), rounds[rounds.Length / 2], rounds, null);
}
