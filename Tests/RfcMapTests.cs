// docs/rfc-map.md against the tree, and against the RFC: every named file, method, test and case exists, no two rows say the same, and each
// section of RFC 6455 has as many rows as the RFC has key words there (Rfc6455KeyWords). Of RFC 7692 it is known which sections ask
// something.

using System.Text.RegularExpressions;
using RawWs.Tests.Handshake;
using RawWs.Tests.Support;
using RawWs.Tests.Vectors;

namespace RawWs.Tests;

public sealed partial class RfcMapTests
{
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

        Assert.That(rows, Is.EquivalentTo(Rfc6455KeyWords.Counts));
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
}
