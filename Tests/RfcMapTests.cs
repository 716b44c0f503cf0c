// docs/rfc-map.md against the tree, and against the RFC: every named file, method, test and case exists, no two rows say the same, and each
// section of RFC 6455 has as many rows as the RFC has key words there. The counts are a table; where the RFC's text is at hand they are
// counted anew. Of RFC 7692 it is known which sections ask something.

using System.Text.RegularExpressions;
using RawWs.Tests.Handshake;
using RawWs.Tests.Support;
using RawWs.Tests.Vectors;

namespace RawWs.Tests;

public sealed partial class RfcMapTests
{
    private static readonly Dictionary<string, int> Counts = new()
    {
        ["2 MUST"] = 3,
        ["2 REQUIRED"] = 1,
        ["2 SHOULD"] = 3,
        ["3 MUST"] = 2,
        ["4.1 MUST"] = 39,
        ["4.1 SHOULD"] = 3,
        ["4.2.1 MUST"] = 1,
        ["4.2.1 SHOULD"] = 1,
        ["4.2.2 MUST"] = 10,
        ["4.3 MUST"] = 1,
        ["4.4 MUST"] = 1,
        ["5.1 MUST"] = 4,
        ["5.2 MUST"] = 10,
        ["5.3 MUST"] = 4,
        ["5.4 MUST"] = 10,
        ["5.5 MUST"] = 2,
        ["5.5.1 MUST"] = 6,
        ["5.5.1 SHOULD"] = 2,
        ["5.5.2 MUST"] = 1,
        ["5.5.2 SHOULD"] = 1,
        ["5.6 MUST"] = 1,
        ["5.8 MUST"] = 1,
        ["6.1 MUST"] = 8,
        ["6.2 MUST"] = 5,
        ["7.1.1 SHOULD"] = 4,
        ["7.1.2 MUST"] = 1,
        ["7.1.2 SHOULD"] = 1,
        ["7.1.7 MUST"] = 3,
        ["7.1.7 SHOULD"] = 3,
        ["7.2.1 MUST"] = 2,
        ["7.2.1 SHOULD"] = 1,
        ["7.2.2 MUST"] = 1,
        ["7.2.3 SHOULD"] = 3,
        ["7.3 SHOULD"] = 1,
        ["7.4.1 MUST"] = 3,
        ["7.4.1 SHOULD"] = 1,
        ["8.1 MUST"] = 1,
        ["9 MUST"] = 2,
        ["9.1 MUST"] = 5,
        ["10.2 SHOULD"] = 2,
        ["10.3 MUST"] = 1,
        ["10.4 MUST"] = 1,
        ["10.4 SHOULD"] = 1,
        ["10.6 MUST"] = 1,
        ["10.6 SHOULD"] = 1,
        ["10.7 MUST"] = 1,
        ["10.7 SHOULD"] = 2,
        ["11.1.1 MUST"] = 2,
        ["11.1.2 MUST"] = 2,
        ["11.3.1 MUST"] = 1,
        ["11.3.2 MUST"] = 1,
        ["11.3.3 MUST"] = 1,
        ["11.3.4 MUST"] = 1,
        ["11.3.5 MUST"] = 1,
    };

    // The sections of RFC 7692 that say what an endpoint does.
    private static readonly string[] DeflateSections =
    [
        "5", "6", "6.1", "6.2", "6.3", "7", "7.1.1.1", "7.1.1.2", "7.1.2", "7.1.2.1", "7.1.2.2", "7.2.1", "7.2.2", "7.2.3.3",
        "7.2.3.4", "7.2.3.5",
        "7.2.3.6", "8",
    ];

    [Test]
    public void EverySection_HasAsManyRowsAsTheRfc()
    {
        Dictionary<string, int> rows = [];
        foreach (Match row in RowsOf6455())
        {
            string place = $"{row.Groups[1].Value} {row.Groups[2].Value}";
            rows[place] = rows.GetValueOrDefault(place) + 1;
            Assert.That(row.Groups[3].Value, Is.EqualTo($"{rows[place]}"), $"§{place}: the ordinals go up by one");
        }

        Assert.That(rows, Is.EquivalentTo(Counts));
    }

    [Test]
    public void EverySectionOfRfc7692_HasItsRows()
    {
        List<string> sections = [];
        int last = 0;
        foreach (Match row in RowsOf7692())
        {
            string section = row.Groups[1].Value;
            if (sections.LastOrDefault() != section) last = 0;
            if (last == 0) sections.Add(section);
            Assert.That(row.Groups[3].Value, Is.EqualTo($"{++last}"), $"§{section}: the numbers go up by one");
        }

        Assert.That(sections, Is.EqualTo(DeflateSections));
    }

    [Test]
    public void EveryLineOfATable_IsARow()
    {
        int lines = Map().Split('\n').Count(
            static line => line.StartsWith("| §", StringComparison.Ordinal) || line.StartsWith("| RFC", StringComparison.Ordinal));
        Assert.That(Rows().Count(), Is.EqualTo(lines));
    }

    [TestCase("Frame/FrameCheck.cs", "Check", true)]
    [TestCase("Frame/FrameCheck.cs", "CheckLength", true)]
    [TestCase("Frame/ProtocolLimits.cs", "MessageBytesMax", true)]
    [TestCase("Handshake/HandshakeRules.cs", "OriginNotAllowed", true)]
    [TestCase("Frame/FrameCheck.cs", "CheckLengths", false)]
    [TestCase("Frame/FrameCheck.cs", "EventOf", false, Description = "it is called there, and is another file's")]
    [TestCase("Frame/FrameCheck.cs", "broken", false, Description = "a local")]
    [TestCase("Server/Connections/Life.cs", "SendControl", false, Description = "it is called there, and is another file's")]
    public void AMember_IsOneThatTheFileDeclares(string file, string member, bool declared) =>
        Assert.That(Declares(file, member), Is.EqualTo(declared));

    [Test]
    public void EveryNamedFileMethodAndTest_Exists()
    {
        foreach (Match row in Rows())
        {
            string what = row.Groups[4].Value, file = row.Groups[5].Value, test = row.Groups[6].Value;
            if (what.StartsWith("does not apply: ", StringComparison.Ordinal) || what.StartsWith("not kept: ", StringComparison.Ordinal))
            {
                Assert.That(file + test, Is.Empty, $"{row.Value}: nothing keeps it");
                continue;
            }

            Match kept = NamedMember().Match(file);
            Assert.That(kept.Success, $"{row.Value}: a file and a member");
            Assert.That(File.Exists(Repository.At(kept.Groups[1].Value)), $"{row.Value}: the file");
            Assert.That(Declares(kept.Groups[1].Value, kept.Groups[2].Value), $"{row.Value}: the member");
            Match named = NamedTest().Match(test);
            string text = File.ReadAllText(Repository.At(named.Groups[1].Value));
            Assert.That(text, Does.Contain($" {named.Groups[2].Value}("), $"{row.Value}: the test");
            if (named.Groups[3].Success)
                Assert.That(CaseExists(named.Groups[2].Value, named.Groups[3].Value, text), $"{row.Value}: the case");
        }
    }

    [Test]
    public void NoTwoRows_SayTheSame()
    {
        IEnumerable<string> repeated = Rows().GroupBy(static row => row.Groups[4].Value).Where(static group => group.Count() > 1)
            .Select(static group => group.Key);
        Assert.That(repeated, Is.Empty);
    }

    // A vector, or what a [TestCase] of the same file is called or begins with. A test that only looks at broken rules has to be
    // given a vector that breaks one.
    private static bool CaseExists(string test, string name, string text) => test switch
    {
        "Vector_FailsAtTheByteThatProvesIt" => FrameVectors.All.Any(vector => vector.Name == name && vector.Rule is not null),
        "Vector_InAnyCut" => FrameVectors.All.Any(vector => vector.Name == name),
        "Vector_InAnySegmentation" => RequestVectors.All.Any(vector => vector.Name == name),
        _ => text.Contains($"TestName = \"{name}\"", StringComparison.Ordinal)
            || text.Contains($"[TestCase(\"{name}\"", StringComparison.Ordinal)
            || text.Contains($"[TestCase(nameof(HandshakeRules.{name})", StringComparison.Ordinal),
    };

    [Test]
    public void TheCounts_AreTheRfcs()
    {
        string path = Repository.At("..", "shared", "rfc", "rfc6455.txt");
        if (!File.Exists(path)) return; // the table stands for it
        Dictionary<string, int> counted = [];
        string text = File.ReadAllText(path);
        string section = "";
        foreach (string line in text[text.IndexOf("1.1.  Background", 5000, StringComparison.Ordinal)..].Split('\n'))
        {
            Match heading = Heading().Match(line);
            if (heading.Success) section = heading.Groups[1].Value;
            foreach (Match word in heading.Success ? [] : KeyWord().Matches(line).ToArray())
                counted[$"{section} {word.Value}"] = counted.GetValueOrDefault($"{section} {word.Value}") + 1;
        }

        Assert.That(Counts, Is.EquivalentTo(counted));
    }

    private static string Map() => File.ReadAllText(Repository.At("docs", "rfc-map.md"));

    private static IEnumerable<Match> Rows() => RowsOf6455().Concat(RowsOf7692());

    private static MatchCollection RowsOf6455() => Row().Matches(Map());

    private static MatchCollection RowsOf7692() => DeflateRow().Matches(Map());

    // A method, property or field that begins a line of the file, with its modifiers or at least its type before it: a call has none.
    internal static bool Declares(string file, string member) => Regex.IsMatch(
        File.ReadAllText(Repository.At(file)),
            $@"^ {{4,8}}(?:(?:public|internal|private|protected|void) )[^=;(]* {member}(?:<\w+>)?(?: =|\(|$| => | \{{)",
            RegexOptions.Multiline);

    [GeneratedRegex(@"^\| §([\d.]+) (MUST|SHOULD|REQUIRED) (\d+) \| (.*?) \| (.*?) ?\| (.*?) ?\|$", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"^\| RFC 7692 §([\d.]+)( )(\d+) \| (.*?) \| (.*?) ?\| (.*?) ?\|$", RegexOptions.Multiline)]
    private static partial Regex DeflateRow();

    [GeneratedRegex(@"^([^#]+)#(\w+)$")]
    private static partial Regex NamedMember();

    [GeneratedRegex(@"^([^#]+)#(\w+)(?:\((.+)\))?$")]
    private static partial Regex NamedTest();

    [GeneratedRegex(@"^(\d+(?:\.\d+)*)\.  \S")]
    private static partial Regex Heading();

    [GeneratedRegex(@"\b(MUST|SHOULD|REQUIRED)\b")]
    private static partial Regex KeyWord();
}
