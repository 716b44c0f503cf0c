// Several measurements of the kit, one after the other or on different days, become one. A shared machine has slow minutes, which make
// whoever is measured in them slower, and nobody faster: so of each row and contender the fastest measurement counts, for all alike. Only
// measurements of the same commit are of the same thing. What was measured of another one is replaced; and where a part is, that is told,
// and from then on figures are replaced, for of a single one it is not known which commit it is of. A row is measured again with all of its
// contenders or not at all: else one of them would have more tries than the others.

using System.Globalization;

namespace RawWs.Benchmarks.Report;

internal static class KitPasses
{
    /// <summary>What the report calls their number.</summary>
    public const string Called = "Measured";

    /// <summary>What the report calls those of another commit.</summary>
    public const string Elsewhere = "Of another commit";

    private const string Rule = " times; of each contender in each row the fastest time counts";

    /// <summary>Puts a measurement to earlier ones. What only these have stays, if it was to be measured in part.</summary>
    /// <param name="before">The earlier ones.</param>
    /// <param name="now">The new one.</param>
    /// <param name="isInPart">Whether the new one has some rows only.</param>
    public static Results<KitFigure> Merge(Results<KitFigure> before, Results<KitFigure> now, bool isInPart)
    {
        bool isSame = before.Run.Commit == now.Run.Commit && !before.Run.Machine.ContainsKey(Elsewhere);
        if (!isSame && !isInPart) return now;
        if (isSame && isInPart) now = WithWholeRows(before, now);
        Dictionary<(string, string, string, string), KitFigure> fresh = now.Figures.ToDictionary(KeyOf);
        List<KitFigure> merged = [];
        foreach (KitFigure old in before.Figures)
        {
            if (fresh.Remove(KeyOf(old), out KitFigure? other)) merged.Add(isSame ? Faster(old, other) : other);
            else if (isInPart) merged.Add(old);
        }

        merged.AddRange(now.Figures.Where(figure => fresh.ContainsKey(KeyOf(figure))));
        RunInfo run = isInPart ? before.Run with { Failures = now.Run.Failures } : now.Run;
        int passes = PassesOf(before.Run) + (isInPart ? 0 : 1);
        Dictionary<string, string> machine = new(run.Machine);
        if (passes > 1) machine[Called] = passes.ToString(CultureInfo.InvariantCulture) + Rule;
        if (!isSame)
        {
            string earlier = machine.TryGetValue(Elsewhere, out string? told) ? told + "; " : "";
            machine[Elsewhere] = earlier + string.Create(CultureInfo.InvariantCulture,
                $"{now.Figures.Count} figures, measured {now.Run.Date:yyyy-MM-dd}, of {now.Run.Commit ?? "none"}");
        }

        return new Results<KitFigure>(run with { Machine = machine }, merged);
    }

    private static Results<KitFigure> WithWholeRows(Results<KitFigure> before, Results<KitFigure> now)
    {
        HashSet<(string, string, string, string)> fresh = [.. now.Figures.Select(KeyOf)];
        HashSet<(string, string)> cut = [.. before.Figures.Where(old => !fresh.Contains(KeyOf(old))).Select(RowOf)];
        string[] left = [.. now.Figures.Where(figure => cut.Contains(RowOf(figure))).Select(static figure =>
            $"measured again without its rivals, and not counted: {figure.Benchmark}, {figure.Contender}, {figure.Case}")];
        return left.Length == 0 ? now : new Results<KitFigure>(
            now.Run with { Failures = [.. now.Run.Failures, .. left] }, [.. now.Figures.Where(figure => !cut.Contains(RowOf(figure)))]);
    }

    private static (string, string) RowOf(KitFigure figure) => (figure.Benchmark, figure.Case);

    private static int PassesOf(RunInfo run) => run.Machine.TryGetValue(Called, out string? text)
        && int.TryParse(text.Split(' ')[0], NumberStyles.None, CultureInfo.InvariantCulture, out int passes)
            ? passes
            : 1;

    private static (string, string, string, string) KeyOf(KitFigure figure) =>
        (figure.Benchmark, figure.Method, figure.Contender, figure.Case);

    private static KitFigure Faster(KitFigure one, KitFigure other) =>
        one.MeanNs is not { } first || other.MeanNs < first ? other.MeanNs is null ? one : other : one;
}
