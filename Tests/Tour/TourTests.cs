// docs/tour against the source and against itself: what a page shows is what the source says now, every marked place is shown, every
// section, file, link and place in the Lab exists, and the two editions have the same shape. After a change of the source, of a picture's
// text or of a sample: RAWWS_WRITE_DOCS=1 writes blocks and pictures anew (dotnet test --filter FullyQualifiedName~TourTests).

using System.Text;
using System.Text.RegularExpressions;
using RawWs.Frame;
using RawWs.Handshake;
using RawWs.Server.Console.Explain;
using RawWs.Server.Console.Lab;
using RawWs.Tests.Support;

namespace RawWs.Tests.Tour;

public sealed partial class TourTests
{
    private const int Chapters = 10;

    // Sections of RFC 6455 that neither docs/rfc-map.md nor a rule has: they explain, and ask for nothing.
    private static readonly string[] MoreSections = ["§1.3", "§1.4", "§1.5", "§1.7", "§5.5.3", "§7.1.5", "§7.4.2"];

    private static IEnumerable<TestCaseData> Pages => Cases(Chapter.All);

    private static IEnumerable<TestCaseData> Numbered => Cases(Chapter.All.Where(static page => page.IsNumbered));

    private static IEnumerable<string> PictureTexts => Directory.GetFiles(Repository.At("docs", "tour", "pictures"), "*.txt")
        .Select(static path => Path.GetFileNameWithoutExtension(path));

    [Test]
    public void ThereAreTenChapters_InBothEditions()
    {
        Assert.That(Chapter.Names.Count(static name => char.IsAsciiDigit(name[0])), Is.EqualTo(Chapters));
        Assert.That(Directory.GetFiles(Repository.At("docs", "tour", "zh"), "*.md").Select(static path => Path.GetFileName(path)),
            Is.EquivalentTo(Chapter.Names));
    }

    [Test]
    public void EveryMarkedPlace_IsShown_OnceInEachEdition()
    {
        Assert.That(Markers.All.Select(static marked => marked.Name), Is.Unique);
        foreach (Language language in Enum.GetValues<Language>())
        {
            IEnumerable<string> shown = Chapter.All.Where(page => page.Language == language).SelectMany(static page => page.Blocks)
                .Where(static block => block.Kind == "code").Select(static block => block.Argument);
            Assert.That(shown, Is.EquivalentTo(Markers.All.Select(static marked => marked.Name)), $"{language}");
        }
    }

    // What is marked is a part of what is compiled. That nothing is torn in two: every bracket that opens in it closes in it.
    [Test]
    public void AMarkedPlace_IsWhole()
    {
        foreach (Marked marked in Markers.All)
        {
            string code = NotCode().Replace(marked.Text, "");
            foreach ((char open, char close) in (ReadOnlySpan<(char, char)>)[('{', '}'), ('(', ')'), ('[', ']')])
                Assert.That(code.Count(c => c == open), Is.EqualTo(code.Count(c => c == close)), $"{marked.Name}: {open}");
            Assert.That(marked.Text.TrimEnd(), Does.EndWith(";").Or.EndWith("}"), marked.Name);
        }
    }

    [TestCaseSource(nameof(Pages))]
    public void WhatAPageShows_IsWhatTheSourceSays(object page)
    {
        Chapter chapter = (Chapter)page;
        string renewed = chapter.Renew();
        if (Repository.WritesDocs) File.WriteAllText(Repository.At(chapter.File), renewed);
        Assert.That(chapter.Text, Is.EqualTo(renewed), "RAWWS_WRITE_DOCS=1 writes it anew");
    }

    [TestCaseSource(nameof(PictureTexts))]
    public void APicture_IsDrawnFromItsText_AndShown(string picture)
    {
        foreach (Language language in Enum.GetValues<Language>())
        {
            string file = $"docs/tour/pictures/{picture}{(language == Language.Chinese ? ".zh" : "")}.svg";
            string drawn = Drawing.Draw(Repository.Read($"docs/tour/pictures/{picture}.txt"), language);
            if (Repository.WritesDocs) File.WriteAllText(Repository.At(file), drawn);
            Assert.That(Repository.Read(file), Is.EqualTo(drawn), "RAWWS_WRITE_DOCS=1 draws it anew");
            IEnumerable<Chapter> edition = Chapter.All.Where(page => page.Language == language);
            Assert.That(edition.SelectMany(static page => page.Pictures), Does.Contain(picture));
        }
    }

    [TestCaseSource(nameof(Numbered))]
    public void AChapter_HasWhatAChapterHas(object page)
    {
        Chapter chapter = (Chapter)page;
        Assert.That(chapter.Pictures.ToArray(), Has.Length.EqualTo(1), "a picture");
        Assert.That(chapter.Blocks.Select(static block => block.Kind), Does.Contain("code"));
        Assert.That(chapter.Text.Split('\n')[4], Does.Match("RFC 6455.*§"), "its sections");
        Assert.That(chapter.Text, Does.Contain("http://127.0.0.1:2000/lab#").Or.Contain("$ rawws explain"), "something to try");
        Assert.That(chapter.ByHand.Split("<details>"), Has.Length.EqualTo(2), "an exercise with its answer");
        Assert.That(chapter.Headings.Last(), Does.Contain(chapter.Language == Language.English ? "Exercise" : "练习"));
    }

    [TestCaseSource(nameof(Pages))]
    public void ASection_IsOneOfTheRfcs(object page)
    {
        HashSet<string> known =
        [
            .. MoreSections, .. FrameRules.All.Select(static rule => $"§{rule.Section}"),
            .. HandshakeRules.All.Select(static rule => rule.Section),
            .. Chapter.SectionsOf(Repository.Read("docs", "rfc-map.md")),
        ];
        HashSet<string> plain = [.. known.Select(static section => section.Replace("RFC 6455 ", ""))];
        Assert.That(((Chapter)page).Sections.Select(static section => section.Replace("RFC 6455 ", "")).Where(section =>
            !plain.Contains(section)), Is.Empty);
    }

    [Test]
    public void TheOtherSections_AreTheRfcs() =>
        Assert.That(MoreSections.Select(static section => section[1..]).Except(Rfc6455.Sections), Is.Empty);

    [Test]
    public void AFrameRulesSection_IsOneOfTheRfcs() =>
        Assert.That(FrameRules.All.Select(static rule => rule.Section).Except(Rfc6455.Sections), Is.Empty);

    [TestCaseSource(nameof(Pages))]
    public void ALink_LeadsSomewhere(object page)
    {
        Chapter chapter = (Chapter)page;
        string folder = Path.GetDirectoryName(chapter.File)!;
        string views = Repository.Read("Server/Console/Lab/Page/main.js");
        foreach (string link in chapter.Links)
        {
            if (!link.StartsWith("http", StringComparison.Ordinal))
            {
                Assert.That(File.Exists(Repository.At(folder, link.Split('#')[0])), $"{chapter}: {link}");
                continue;
            }

            Match place = LabPlace().Match(link);
            Assert.That(place.Success, $"{chapter}: {link} is no place in the Lab");
            Assert.That(views, Does.Contain($" {place.Groups[1].Value}: new ").Or.Contain($"views.{place.Groups[1].Value} = new "), link);
        }
    }

    // What is named in the text, as `Frame/FrameCheck.cs` or with a member behind it.
    [TestCaseSource(nameof(Pages))]
    public void ANamedFile_Exists(object page)
    {
        foreach (Match named in NamedFile().Matches(((Chapter)page).ByHand))
        {
            Assert.That(File.Exists(Repository.At(named.Groups[1].Value)), named.Value);
            if (named.Groups[2].Success) Assert.That(RfcMapTests.Declares(named.Groups[1].Value, named.Groups[2].Value), named.Value);
        }
    }

    [Test]
    public void TheEditions_HaveTheSameShape()
    {
        foreach (string name in Chapter.Names)
        {
            Chapter english = new(name, Language.English), chinese = new(name, Language.Chinese);
            Assert.That(Shape(chinese), Is.EqualTo(Shape(english)), name);
            Assert.That(chinese.Sections.Order(), Is.EqualTo(english.Sections.Order()), name);
            Assert.That(chinese.Headings, Is.All.Match("[\u4e00-\u9fff]"), name);
            Assert.That(english.ByHand.Replace("中文", ""), Does.Not.Match("[\u4e00-\u9fff]"), name);
        }

        // Headings by their level, blocks, pictures, answers, what stands between fences, and how many rows and points there are.
        static IEnumerable<string> Shape(Chapter page) => ShapePattern().Matches(page.Text.Replace(".zh.svg", ".svg")).Select(match =>
            match.Groups["heading"].Success ? match.Groups["heading"].Value
            : match.Groups["picture"].Success ? Path.GetFileName(match.Groups["picture"].Value)
            : match.Value)
            .Concat(Fence().Matches(page.ByHand).Select(static fence => fence.Value));
    }

    [Test]
    public void EverySample_IsShown()
    {
        IEnumerable<string> shown = Chapter.All.Where(static page => page.Language == Language.English)
            .SelectMany(static page => page.Blocks).Where(static block => block.Kind == "sample").Select(static block => block.Argument);
        Assert.That(shown, Is.EquivalentTo(Directory.GetFiles(Repository.At("Tests", "Samples", "Tour"), "*.cs")
            .Select(static path => Path.GetFileNameWithoutExtension(path))));
    }

    [Test]
    public void TheKeyOfTheExercise_IsTheLabs_AndItsAnswerIsRight()
    {
        byte[] accept = new byte[AcceptKey.AcceptBytes];
        AcceptKey.Write(Encoding.ASCII.GetBytes(LabExercise.Key), accept);
        foreach (Language language in Enum.GetValues<Language>())
            Assert.That(new Chapter("02-handshake.md", language).ByHand,
                Does.Contain($"`{LabExercise.Key}`").And.Contain($"`{Encoding.ASCII.GetString(accept)}`"));
    }

    [TestCase("README.md")]
    [TestCase("ARCHITECTURE.md")]
    public void TheTour_IsLinked(string page) => Assert.That(Repository.Read(page), Does.Contain("](docs/tour/README.md)"));

    private static IEnumerable<TestCaseData> Cases(IEnumerable<Chapter> pages) =>
        pages.Select(static page => new TestCaseData(page).SetArgDisplayNames(page.File));

    // Comments, and what stands in quotes.
    [GeneratedRegex("""//.*$|"[^"\n]*"|'[^'\n]*'""", RegexOptions.Multiline)]
    private static partial Regex NotCode();

    [GeneratedRegex(@"^http://127\.0\.0\.1:2000/lab#(\w+)(?:;(?:[0-9a-f]{2})+;(?:client|server)?;\d+)?$")]
    private static partial Regex LabPlace();

    [GeneratedRegex(@"`((?:Frame|Handshake|Server|Tests|docs)/[\w./-]+\.\w+)(?:#(\w+))?`")]
    private static partial Regex NamedFile();

    [GeneratedRegex(
        @"^(?<heading>#+) |^<!-- \w+: .*? -->$|!\[[^\]]+\]\((?<picture>[^)]+)\)|^<details>|^- |^\| ", RegexOptions.Multiline)]
    private static partial Regex ShapePattern();

    [GeneratedRegex("^```[^`]*^```$", RegexOptions.Multiline)]
    private static partial Regex Fence();
}
