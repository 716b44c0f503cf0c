// The numbers of RFC 6455's sections, as its table of contents has them: how many sections a section has.

using System.Globalization;

namespace RawWs.Tests.Tour;

internal static class Rfc6455
{
    private const int Chapters = 14;

    // A section that is not here has none.
    private static readonly Dictionary<string, int> Inner = new()
    {
        ["1"] = 9,
        ["2"] = 1,
        ["4"] = 4,
        ["4.2"] = 2,
        ["5"] = 8,
        ["5.5"] = 3,
        ["6"] = 2,
        ["7"] = 4,
        ["7.1"] = 7,
        ["7.2"] = 3,
        ["7.4"] = 2,
        ["8"] = 1,
        ["9"] = 2,
        ["10"] = 8,
        ["11"] = 9,
        ["11.1"] = 2,
        ["11.3"] = 5,
        ["14"] = 2,
    };

    /// <summary>"1", "1.1" and so on, to "14.2".</summary>
    public static IEnumerable<string> Sections { get; } =
        [.. Enumerable.Range(1, Chapters).SelectMany(static chapter => WithInner(chapter.ToString(CultureInfo.InvariantCulture)))];

    private static IEnumerable<string> WithInner(string section) =>
        Enumerable.Range(1, Inner.GetValueOrDefault(section)).SelectMany(i => WithInner($"{section}.{i}")).Prepend(section);
}
