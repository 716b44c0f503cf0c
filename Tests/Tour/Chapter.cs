// A page of the tour, in one of its two editions: docs/tour/NAME in English, docs/tour/zh/NAME in Chinese. What stands between
// `<!-- KIND: ARGUMENT -->` and `<!-- end -->` is written by the tests (Blocks); the rest by hand.

using System.Text.RegularExpressions;
using RawWs.Server.Console.Explain;
using RawWs.Tests.Support;

namespace RawWs.Tests.Tour;

/// <summary>A part that is written by the tests.</summary>
internal sealed record Block(string Kind, string Argument, string Body);

internal sealed partial record Chapter(string Name, Language Language)
{
    /// <summary>The pages, without the folder: README.md, 01-bytes.md and so on.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [.. Directory.GetFiles(Repository.At("docs", "tour"), "*.md").Select(static path => Path.GetFileName(path)).Order()];

    /// <summary>Every page of both editions.</summary>
    public static IEnumerable<Chapter> All =>
        Names.SelectMany(static name => Enum.GetValues<Language>().Select(language => new Chapter(name, language)));

    /// <summary>Whether it is one of the ten.</summary>
    public bool IsNumbered => char.IsAsciiDigit(Name[0]);

    /// <summary>The file, from the repository's root.</summary>
    public string File => Language == Language.English ? $"docs/tour/{Name}" : $"docs/tour/zh/{Name}";

    /// <summary>The way from its folder to the repository's root.</summary>
    public string Root => Language == Language.English ? "../../" : "../../../";

    public string Text => Repository.Read(File);

    /// <summary>What was written by hand.</summary>
    public string ByHand => BlockPattern().Replace(Text, "");

    public IEnumerable<Block> Blocks => BlockPattern().Matches(Text)
        .Select(static match => new Block(match.Groups[1].Value, match.Groups[2].Value, match.Groups[3].Value));

    /// <summary>Its headings, each with its signs: "## Try it".</summary>
    public IEnumerable<string> Headings => HeadingPattern().Matches(ByHand).Select(static match => match.Value);

    /// <summary>The pictures that it shows, without folder and language: "mask".</summary>
    public IEnumerable<string> Pictures => PicturePattern().Matches(ByHand).Select(static match => match.Groups[1].Value);

    /// <summary>Where its links lead.</summary>
    public IEnumerable<string> Links => LinkPattern().Matches(Text).Select(static match => match.Groups[1].Value);

    /// <summary>The sections that it names: "§5.2", "RFC 7692 §6".</summary>
    public IEnumerable<string> Sections => SectionsOf(Text);

    public override string ToString() => File;

    /// <summary>The sections that a text names.</summary>
    public static IEnumerable<string> SectionsOf(string text) => SectionPattern().Matches(text).Select(static match => match.Value);

    /// <summary>The page with every block written anew.</summary>
    public string Renew() => BlockPattern().Replace(Text, match =>
        $"<!-- {match.Groups[1].Value}: {match.Groups[2].Value} -->\n"
            + $"{Tour.Blocks.Write(match.Groups[1].Value, match.Groups[2].Value, this)}\n<!-- end -->");

    [GeneratedRegex(@"<!-- (\w+): (.*?) -->\n(.*?)<!-- end -->", RegexOptions.Singleline)]
    private static partial Regex BlockPattern();

    [GeneratedRegex("^#+ .*$", RegexOptions.Multiline)]
    private static partial Regex HeadingPattern();

    [GeneratedRegex(@"!\[[^\]]+\]\((?:\.\./)?pictures/(\w+)(?:\.zh)?\.svg\)")]
    private static partial Regex PicturePattern();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex LinkPattern();

    [GeneratedRegex(@"(?:RFC \d+ )?§\d+(?:\.\d+)*")]
    private static partial Regex SectionPattern();
}
