// The table of results in docs/conformance.md, and the same of a run: a line for each chapter and one for all.

using System.Globalization;
using System.Text.RegularExpressions;
using RawWs.Conformance;

namespace RawWs.Tests.Support;

internal static partial class ConformanceTable
{
    /// <summary>The chapter's text.</summary>
    public static string Document { get; } = File.ReadAllText(Repository.At("docs", "conformance.md"));

    /// <summary>What the document says of a server.</summary>
    /// <param name="column">The column's head.</param>
    public static IReadOnlyList<string> Column(string column)
    {
        string[][] rows = [.. Row().Matches(Document)
            .Select(static row => row.Value.Trim('|').Split('|').Select(static cell => cell.Trim(' ', '*')).ToArray())];
        int head = Array.FindIndex(rows, static row => row[0] == "chapter"), at = Array.IndexOf(rows[head], column);
        return [.. rows.Skip(head + 2).Take(Chapters.InOrder.Count + 1).Select(row => $"{row[0]}: {row[at]}")];
    }

    /// <summary>What a run came to.</summary>
    public static IReadOnlyList<string> Of(IReadOnlyList<Result> results) =>
    [
        .. Chapters.InOrder.Select(chapter => $"{chapter}: {Cell([.. results.Where(result => result.Case.Chapter == chapter)])}"),
        $"all: {Cell(results)}",
    ];

    private static string Cell(IReadOnlyList<Result> results)
    {
        int notNegotiated = Run.Count(results, Outcome.NotNegotiated);
        return string.Create(CultureInfo.InvariantCulture,
            $"{Run.Count(results, Outcome.Passed)} / {Run.Count(results, Outcome.Failed, Kind.Required)} / "
                + $"{Run.Count(results, Outcome.Failed, Kind.Strict)}{(notNegotiated > 0 ? $" ({notNegotiated} not negotiated)" : "")}");
    }

    [GeneratedRegex(@"^\|.*\|$", RegexOptions.Multiline)]
    private static partial Regex Row();
}
