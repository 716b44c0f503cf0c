// What is asked of the parser, and what these figures say of it: a line for each, so that whoever changes it sees what is not kept any
// more. Ratios are within one row; the few times in ns are those of the machine on which they were asked for.

using System.Globalization;
using System.Text;
using RawWs.Benchmarks.Corpus;

namespace RawWs.Benchmarks.Report;

internal static class KitFloors
{
    private const string Ours = "RawWs", Rival = "System.Net.WebSockets", Limit = "Limit: memcpy and XOR";
    private const string Frames = nameof(FrameDecodeBenchmark), Fragments = nameof(FragmentDecodeBenchmark);
    private const string Encode = nameof(EncodeBenchmark), Utf8 = nameof(Utf8Benchmark);

    private static readonly string[] Large = ["64 KiB", "1 MiB"];

    /// <summary>One thing that is asked.</summary>
    /// <param name="What">In words.</param>
    /// <param name="Asked">The least, or the most, that it may be.</param>
    /// <param name="IsMost">Whether less is better.</param>
    /// <param name="Figures">Figures of which each must keep it; the worst is told. None where they were not measured.</param>
    /// <param name="Why">Why it is not kept, where it is not.</param>
    internal sealed record Floor(string What, double Asked, bool IsMost, IReadOnlyList<double> Figures, string Why = "")
    {
        public double? Worst => Figures.Count == 0 ? null : IsMost ? Figures.Max() : Figures.Min();

        public bool IsKept => Worst is { } worst && (IsMost ? worst <= Asked : worst >= Asked);
    }

    /// <summary>The table; nothing for a short run.</summary>
    public static void Write(StringBuilder text, Results<KitFigure> results)
    {
        if (results.Run.Brief) return;
        Floor[] floors = [.. Of(results.Figures).Where(static floor => floor.Figures.Count > 0)];
        if (floors.Length == 0) return;
        text.Append("**What is asked of the parser**, and the worst row of each. × is how many times as fast as the other one it is. ");
        text.Append("More about what is not kept: docs/decisions/0005.\n\n");
        text.Append("| | asked | is | |\n| --- | ---: | ---: | --- |\n");
        foreach (Floor floor in floors)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {floor.What} | {(floor.IsMost ? "≤" : "≥")} {floor.Asked:0.##} ");
            string verdict = floor.IsKept ? "yes" : floor.Why.Length == 0 ? "**no**" : $"**no**: {floor.Why}";
            text.Append($"| {Digits.Three(floor.Worst)} | {verdict} |\n");
        }

        text.Append('\n');
    }

    internal static IEnumerable<Floor> Of(IReadOnlyList<KitFigure> figures)
    {
        Lookup lookup = new(figures);
        const string Packed = "16 B Binary, packed", Dribble = ", byte by byte";
        KitFigure? limit = lookup.Find(Frames, Limit, Packed), rival = lookup.Find(Frames, Rival, Packed);
        yield return lookup.Time("16 B, packed: ns a frame", 8, perByte: false, lookup.Find(Frames, Ours, Packed)) with
        {
            Why = limit is null ? "" : $"the limit, which parses nothing, takes {Digits.Three(limit.NsPerFrame)}",
        };
        yield return lookup.Time("16 B, packed, in a program that sets nothing: ns a frame", 8, perByte: false,
            lookup.Find(Frames + KitSection.WithTiers, Ours, Packed));
        yield return lookup.Times($"16 B, packed: × {Rival}", 20, Frames, Ours, Rival, static row => row == Packed) with
        {
            Why = limit is null || rival is null ? ""
                : $"the limit, which parses nothing, is {Digits.Three(rival.MeanNs / limit.MeanNs)} ×",
        };
        yield return lookup.Time("1 KiB, byte by byte: ns a byte", 12, perByte: true,
            lookup.Find(Frames, Ours, "1 KiB Binary" + Dribble), lookup.Find(Frames, Ours, "1 KiB Mixed" + Dribble));
        yield return lookup.Times(
            $"byte by byte: × {Rival}", 1, Frames, Ours, Rival, static row => row.EndsWith(Dribble, StringComparison.Ordinal));
        yield return lookup.Times($"64 KiB and 1 MiB, all rows: × {Rival}", 1, Frames, Ours, Rival, IsLarge);
        yield return lookup.Times($"the same in fragments: × {Rival}", 1, Fragments, Ours, Rival, IsLarge);
        yield return lookup.Times("1 MiB binary: × the limit", 0.7, Frames, Ours, Limit, static row => row == "1 MiB Binary");
        yield return lookup.Times($"64 KiB and 1 MiB of text of mixed scripts: × {Rival}", 8, Frames, Ours, Rival,
            static row => Large.Any(size => row == $"{size} Mixed"));
        yield return Longer(figures, lookup);
        yield return Fragment(lookup);
        yield return lookup.Times("encoding with a mask, from 1 KiB on: × the limit", 0.9, Encode, "RawWs, client, given a key",
            "Limit: XOR by vectors", static row => Large.Prepend("1 KiB").Any(size => IsOf(row, size)));
        foreach ((Utf8Benchmark.Script script, string words, double asked) in
            ((Utf8Benchmark.Script, string, double)[])[
                (Utf8Benchmark.Script.Random, "characters of all lengths", 10), (Utf8Benchmark.Script.Emoji, "emoji", 10),
                (Utf8Benchmark.Script.Words, "words of several languages", 5), (Utf8Benchmark.Script.Cjk, "CJK", 2.5),
                (Utf8Benchmark.Script.Cyrillic, "Cyrillic", 2.5), (Utf8Benchmark.Script.Ascii, "ASCII", 1)])
        {
            yield return lookup.Times($"UTF-8, {words}, 64 KiB and 1 MiB: × Utf8.IsValid", asked, Utf8, "Utf8Validator, whole",
                "Utf8.IsValid", row => IsLarge(row) && row.Contains(script.ToString(), StringComparison.Ordinal));
        }

        yield return new Floor("bytes allocated for each frame received or sent", 0, true,
        [
            .. from figure in figures
               where figure.AllocatedBytes is not null && figure.Contender.StartsWith(Ours, StringComparison.Ordinal)
               select figure.AllocatedPerFrame!.Value,
        ]);
    }

    // 126 B is the first length that takes two bytes more in the header. That must not cost much. (Byte by byte those two are measured.)
    private static Floor Longer(IReadOnlyList<KitFigure> figures, Lookup lookup) =>
        new("126 B, all kinds of payload, whole and packed: times as long as 125 B", 1.3, true,
        [
            .. from longer in figures
               where longer.MeanNs > 0 && (longer.Benchmark, longer.Contender) == (Frames, Ours) && IsOf(longer.Case, "126 B")
                   && !longer.Case.EndsWith("byte by byte", StringComparison.Ordinal)
               let shorter = lookup.Find(Frames, Ours, "125 B" + longer.Case["126 B".Length..])
               where shorter is not null
               select longer.NsPerFrame!.Value / shorter.NsPerFrame!.Value,
        ]);

    // One fragment in each receive, and one whole frame.
    private static Floor Fragment(Lookup lookup) =>
        new("a fragment of 16 B to 1 KiB, binary: times as long as a whole frame of as many bytes", 1.3, true,
        [
            .. from fragments in Traffic.EvenFragments
               let fragment = lookup.Find(Fragments, Ours, $"{fragments}")
               let whole = lookup.Find(Frames, Ours, $"{fragments.FrameSize} {fragments.Kind}")
               where fragment is not null && whole is not null
               select fragment.NsPerFrame!.Value / whole.NsPerFrame!.Value,
        ]);

    private static bool IsLarge(string row) => Large.Any(size => IsOf(row, size));

    private static bool IsOf(string row, string size) =>
        row.StartsWith(size, StringComparison.Ordinal) && (row.Length == size.Length || row[size.Length] is ' ' or ',');

    private sealed class Lookup(IReadOnlyList<KitFigure> figures)
    {
        public KitFigure? Find(string benchmark, string contender, string row) => figures.FirstOrDefault(figure =>
            figure.MeanNs > 0 && (figure.Benchmark, figure.Contender, figure.Case) == (benchmark, contender, row));

        public Floor Time(string what, double asked, bool perByte, params KitFigure?[] found) => new(what, asked, true,
            [
                .. from figure in found
                   where figure is not null
                   select perByte ? figure.MeanNs!.Value / figure.PayloadBytes!.Value : figure.NsPerFrame!.Value,
            ]);

        public Floor Times(string what, double asked, string benchmark, string ours, string theirs, Func<string, bool> isMeant)
        {
            IEnumerable<double> times =
                from figure in figures
                where figure.MeanNs > 0 && figure.Benchmark == benchmark && figure.Contender == ours && isMeant(figure.Case)
                let other = Find(benchmark, theirs, figure.Case)
                where other is not null
                select other.MeanNs!.Value / figure.MeanNs!.Value;
            return new Floor(what, asked, false, [.. times]);
        }
    }
}
