// One code for each cause, and everywhere the same: the constants, the README's table, ARCHITECTURE's table of endings, and the demo page.

using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixture]
public sealed partial class ServerCloseCodesTests
{
    // Of the RFC's: those of the rules, and what the server says of itself.
    private static IEnumerable<int> RfcCodes =>
        FrameRules.All.Select(static rule => (int)rule.CloseCode)
            .Concat([CloseCodes.GoingAway, CloseCodes.InternalError, CloseCodes.TryAgainLater]).Distinct();

    private static IEnumerable<int> OwnCodes =>
        typeof(ServerCloseCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(static code => (int)(ushort)code.GetRawConstantValue()!);

    [Test]
    public void OwnCodes_AreDifferent_AndMayBeSent_And1008IsNotAmongThem()
    {
        Assert.That(OwnCodes, Is.Unique.And.All.GreaterThanOrEqualTo(3000));
        Assert.That(OwnCodes.All(static code => CloseCodes.MaySend(Role.Server, (ushort)code)));
        Assert.That(RfcCodes, Has.No.Member((int)CloseCodes.PolicyViolation));
        Assert.That(CloseCodes.MaySend(Role.Server, CloseCodes.PolicyViolation), "an application may");
    }

    [Test]
    public void TheReadmesTable_HasEveryCode_AndNoOther() =>
        Assert.That(Readme().Select(static row => row.Code).Distinct(), Is.EquivalentTo(RfcCodes.Concat(OwnCodes)));

    [Test]
    public void TheReadmesTable_SaysWhatTheRuleSays()
    {
        foreach ((int code, bool final, _) in Readme()) Assert.That(ServerCloseCodes.IsFinal(code), Is.EqualTo(final), $"{code}");
    }

    // Cause and code, as in the table of endings, where one cause may have several rows; the causes are EndCause's. An application's close
    // may have any code: EndingsTests has those that README names.
    [Test]
    public void TheReadmesTable_IsTheTableOfEndings()
    {
        IEnumerable<(int, string)> readme = Readme().Where(static row => row.Cause != nameof(EndCause.ApplicationClosed))
            .Select(static row => (row.Code, row.Cause));
        Assert.That(readme, Is.EquivalentTo(Endings().Distinct()));
        Assert.That(readme.Select(static row => row.Item2).Distinct(), Is.SubsetOf(Enum.GetNames<EndCause>()));
    }

    [TestCase(1000, true)]
    [TestCase(1001, false)]
    [TestCase(1005, true)]
    [TestCase(1006, false)]
    [TestCase(1008, true)]
    [TestCase(1012, false)]
    [TestCase(1014, false)]
    [TestCase(1015, true)]
    [TestCase(2999, true)]
    [TestCase(3000, false)]
    [TestCase(3499, false)]
    [TestCase(3500, true)]
    [TestCase(3999, true)]
    [TestCase(4000, false)]
    [TestCase(4499, false)]
    [TestCase(4500, true)]
    [TestCase(4999, true)]
    [TestCase(5000, true)]
    public void IsFinal_GoesByTheRange(int code, bool final) => Assert.That(ServerCloseCodes.IsFinal(code), Is.EqualTo(final));

    // What its rule says is compared in a browser, by ForeignClientTests.
    [Test]
    public void TheDemoPage_HasWordsForEachCode()
    {
        string page = Repository.Read("Server", "Console", "Pages", "index.html");
        foreach (int code in RfcCodes.Concat(OwnCodes)) Assert.That(page, Does.Match($"\\b{code}: \\['"));
    }

    private static List<(int Code, bool Final, string Cause)> Readme() =>
        [.. ReadmeRow().Matches(Repository.Read("README.md"))
            .Select(static row => (Number(row.Groups[1]), row.Groups[2].Value == "final", row.Groups[3].Value))];

    private static IEnumerable<(int Code, string Cause)> Endings() => EndingsRow().Matches(Repository.Read("ARCHITECTURE.md"))
        .SelectMany(static row => row.Groups[1].Captures.Select(code => (Number(code), row.Groups[2].Value)));

    private static int Number(Capture digits) => int.Parse(digits.ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^\| (\d{4}) \| [^|]+ \| [^|]+ \| (reconnect|final) \| (\w+) \|$", RegexOptions.Multiline)]
    private static partial Regex ReadmeRow();

    // Cause, frames, codes, TCP's end, report.
    [GeneratedRegex(@"^\| [^|]+ \| [^|]+ \| (?:(\d{4})(?:, )?)+ \| [^|]+ \| (\w+)[^|]* \|$", RegexOptions.Multiline)]
    private static partial Regex EndingsRow();
}
