// The pictures of ARCHITECTURE.md. Each is drawn from a text (docs/pictures/*.dot) by docs/pictures/draw. Here the drawing is compared with
// its text, and the text with the code: the rooms with the table of rooms, the types in the other pictures with the types that there are.

using System.Net;
using System.Text.RegularExpressions;
using ArchUnitNET.Domain;
using ArchUnitNET.Domain.Dependencies;
using RawWs.Tests.Support;

namespace RawWs.Tests;

public sealed partial class PicturesTests
{
    private static IEnumerable<string> All => Directory.GetFiles(Repository.At("docs", "pictures"), "*.dot")
        .Select(static path => Path.GetFileNameWithoutExtension(path)).Order();

    private static IEnumerable<string> OfTypes => All.Where(static picture => picture != "rooms");

    [TestCaseSource(nameof(All))]
    public void ThePicture_IsDrawnFromItsText(string picture)
    {
        string text = Text(picture), drawing = Repository.Read("docs", "pictures", picture + ".svg");
        string[] titles = [.. Title().Matches(drawing).Select(static title => WebUtility.HtmlDecode(title.Groups[2].Value))];
        Assert.That(titles.Where(static title => !title.Contains("->")), Is.EquivalentTo(Nodes(text).Keys), "run docs/pictures/draw");
        Assert.That(titles.Where(static title => title.Contains("->")), Is.EquivalentTo(Arrows(text).Select(static arrow =>
            $"{arrow.From}->{arrow.To}")), "run docs/pictures/draw");
        foreach (string line in Nodes(text).Values.SelectMany(static label => label.Split("\\n")))
            Assert.That(WebUtility.HtmlDecode(drawing), Does.Contain($">{line}</text>"), "run docs/pictures/draw");
        Assert.That(drawing, Does.Contain("prefers-color-scheme:dark"));
        Assert.That(Repository.Read("ARCHITECTURE.md"), Does.Contain($"](docs/pictures/{picture}.svg)"));
    }

    // Of the table's arrows the picture has those that do not follow from two others.
    [Test]
    public void TheRooms_AreThoseOfTheTable()
    {
        Dictionary<string, HashSet<string>> known = Rooms.All.ToDictionary(static room => Short(room.Name), static room => room.Known
            .Select(static name => name == Rooms.Public ? "face" : Short(name)).ToHashSet());
        IEnumerable<string> drawn = known.SelectMany(row => row.Value.Where(to => !row.Value.Any(over => over != to && Reaches(over, to)))
            .Select(to => $"{row.Key} -> {to}"));
        string text = Text("rooms");
        Assert.That(Nodes(text).Keys.Except(["Frame", "Handshake"]), Is.EquivalentTo(known.Keys));
        Assert.That(Arrows(text).Select(static arrow => $"{arrow.From} -> {arrow.To}"), Is.EquivalentTo(drawn));

        bool Reaches(string from, string to) => known[from].Any(next => next == to || Reaches(next, to));

        static string Short(string name) => name.Split(' ')[^1];
    }

    [TestCaseSource(nameof(OfTypes))]
    public void TheTypes_AreWhereTheySay(string picture)
    {
        foreach (string label in Nodes(Text(picture)).Values)
            if (TypeOf(label) is { } type) Assert.That(FoldersOf(type), Does.Contain(label.Split('/')[0]), $"{picture}: {label}");
    }

    // An arrow between two types is a call, or a value that is handed over: one of the two must know the other, or what the other is made
    // as.
    [TestCaseSource(nameof(OfTypes))]
    public void TheArrows_AreThere(string picture)
    {
        Dictionary<string, string> nodes = Nodes(Text(picture));
        foreach ((string from, string to) in Arrows(Text(picture)))
        {
            if (TypeOf(nodes[from]) is not { } one || TypeOf(nodes[to]) is not { } other || one == other) continue;
            Assert.That(Knows(one, other) || Knows(other, one), $"{picture}: {one} -> {other}");
        }
    }

    private static bool Knows(string from, string to)
    {
        HashSet<string> known = [.. Named(from).SelectMany(static type => type.Dependencies)
            .Select(static arrow => Rooms.OuterName(arrow.Target))];
        return Named(to).SelectMany(Forms).Any(type => known.Contains(Rooms.OuterName(type)));

        // A type, what it inherits from and what it implements.
        static IEnumerable<IType> Forms(IType type) => type.Dependencies
            .Where(static arrow => arrow is InheritsBaseClassDependency or ImplementsInterfaceDependency)
            .SelectMany(static arrow => Forms(arrow.Target)).Append(type);
    }

    // The first line of a type's label is its path: a room of the server or a house, and its name. Other labels are of no type: null.
    private static string? TypeOf(string label) =>
        label.Split("\\n")[0].Split('/') is [_, string type] ? type : null;

    // A type with the types inside of it.
    private static IEnumerable<IType> Named(string name) => Rooms.Built.Types.Where(type => Rooms.OuterName(type) == name);

    private static IEnumerable<string> FoldersOf(string name) => Named(name).Select(static type =>
        Rooms.Of(type) is { } room ? room.Name.Split(' ')[^1] : type.Namespace.FullName.Split('.')[^1]);

    private static string Text(string picture) => Comment().Replace(Repository.Read("docs", "pictures", picture + ".dot"), "");

    private static Dictionary<string, string> Nodes(string text) => Node().Matches(text)
        .ToDictionary(static node => node.Groups[1].Value, static node => node.Groups[2].Value);

    // Those that are only there to keep two nodes apart are not drawn.
    private static IEnumerable<(string From, string To)> Arrows(string text) => Arrow().Matches(text)
        .Where(static arrow => !arrow.Groups[3].Value.Contains("invis", StringComparison.Ordinal))
        .Select(static arrow => (arrow.Groups[1].Value, arrow.Groups[2].Value));

    [GeneratedRegex("""class="(node|edge)[^>]*>\s*<title>([^<]*)</title>""")]
    private static partial Regex Title();

    [GeneratedRegex("^ *//.*$", RegexOptions.Multiline)]
    private static partial Regex Comment();

    [GeneratedRegex("""(\w+) \[class="?[\w ]+"?,[^\]]*label="([^"]*)"[^\]]*\];""")]
    private static partial Regex Node();

    [GeneratedRegex(@"(\w+) -> (\w+)( \[[^\]]*\])?;")]
    private static partial Regex Arrow();
}
