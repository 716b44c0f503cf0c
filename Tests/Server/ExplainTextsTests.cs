// The sentences of `rawws explain`: none is missing, in neither language, and none is there that nobody asks for. Every rule and every
// close code has a page, and its example breaks exactly that rule. Files and members that annotations name are there.

using System.Text;
using System.Text.RegularExpressions;
using RawWs.Frame;
using RawWs.Handshake;
using RawWs.Server.Console.Explain;
using RawWs.Server.Console.Learn;
using RawWs.Tests.Handshake;
using RawWs.Tests.Support;
using RawWs.Tests.Vectors;

namespace RawWs.Tests.Server;

public sealed partial class ExplainTextsTests
{
    // The server decides these by its clock and its counts.
    private static readonly HandshakeRule[] WithoutBytes =
        [HandshakeRules.TooSlow, HandshakeRules.TooManyConnections, HandshakeRules.TooManyFromAddress, HandshakeRules.TooManyHandshakes,
            HandshakeRules.TooManyOfUid, HandshakeRules.OutOfMemory];

    private static TextTable Table => TextTable.All;

    private static IEnumerable<Rule> OfFrames => FrameRules.All;

    private static IEnumerable<HandshakeRule> OfHandshakes => HandshakeRules.All;

    private static IEnumerable<DeflateDecline> Declines =>
        Enum.GetValues<DeflateDecline>().Where(static decline => decline is not (DeflateDecline.None or DeflateDecline.OtherExtension));

    private static IEnumerable<int> Codes => Enumerable.Range(1000, 16);

    [Test]
    public void TheTable_HasWhatIsAskedFor_AndNothingElse()
    {
        IEnumerable<string> ofInterface = ((string[])["Explain", "Learn"])
            .SelectMany(static folder => Directory.GetFiles(Repository.At("Server", "Console", folder), "*.cs"))
            .SelectMany(static file => InterfaceId().Matches(File.ReadAllText(file)).Select(static id => id.Groups[1].Value))
            .SelectMany(static id => id == "ui." ? (string[])["ui.client", "ui.server"] : id == "ui.verdict."
                ? ["ui.verdict.client", "ui.verdict.server"] : id == "ui.stage."
                ? Course.Stages.Select(static stage => stage.TitleId) : [id]);
        Assert.That(Table.Ids, Is.EquivalentTo(FrameExplainer.TextIds.Concat(HandshakeExplainer.TextIds).Concat(Page.Ids)
            .Concat(ofInterface).Concat(Hints.Ids).Distinct()));
    }

    [Test]
    public void EveryEntry_IsInBothLanguages()
    {
        foreach (string id in Table.Ids)
        {
            bool isPage = Page.Ids.Contains(id);
            string[] parts = isPage ? [".what", ".why", ".do"] : [""];
            string[] expected = [.. parts.Select(static part => "en" + part), .. parts.Select(static part => "zh" + part)];
            Assert.That(Table.PartsOf(id).Except(isPage ? ["example", "request", "options"] : ["rule"]), Is.EquivalentTo(expected), id);
            if (Table.Find(id, "rule") is { } rule) Assert.That(Page.Names, Does.Contain(rule), id);
            foreach (string part in parts)
            {
                string english = Table.Get(id, Language.English, part.TrimStart('.'));
                string chinese = Table.Get(id, Language.Chinese, part.TrimStart('.'));
                Assert.That(english, Is.Not.Empty.And.Not.Contains("\uFFFD"), id);
                Assert.That(english.Any(static c => c > 0x2E80), Is.False, id);
                Assert.That(Place().Matches(chinese).Select(static place => place.Value).Distinct().Order(),
                    Is.EqualTo(Place().Matches(english).Select(static place => place.Value).Distinct().Order()), id);
                if (!english.StartsWith("===")) Assert.That(chinese.Any(static c => c is >= '\u4E00' and <= '\u9FFF'), id);
            }
        }
    }

    [TestCaseSource(nameof(OfFrames))]
    public void TheExample_BreaksExactlyThatRule(Rule rule)
    {
        Example example = Page.Find(rule.Name)!.FindExample()!;
        Conversation explained = ConversationExplainer.Explain(example.Bytes, example.Settings);
        Assert.That(explained.Directions.Single().Rule?.Name, Is.EqualTo(rule.Name));
        AssertIsSaidByTheProtocol(example, rule);
    }

    [TestCaseSource(nameof(OfHandshakes))]
    public void TheRequest_BreaksExactlyThatRule(HandshakeRule rule)
    {
        Example? example = Page.Find(rule.Name)!.FindExample();
        Assert.That(example is null, Is.EqualTo(WithoutBytes.Contains(rule)));
        if (example is null) return;
        Conversation explained = ConversationExplainer.Explain(example.Bytes, example.Settings);
        Assert.That(explained.Directions.Single().Rule?.Name, Is.EqualTo(rule.Name));
        System.Buffers.ReadOnlySequence<byte> bytes = new(example.Bytes);
        RequestReader.TryRead(ref bytes, RequestLimits.Default, out UpgradeRequest? request, out HandshakeRule? violation);
        Assert.That(request is null ? violation : UpgradeRules.Check(request, example.Settings.Policy).Rule, Is.EqualTo(rule));
    }

    [TestCaseSource(nameof(Declines))]
    public void TheOffer_IsDeclinedForThatReason(DeflateDecline decline)
    {
        Example example = Page.Find(decline.ToString())!.FindExample()!;
        HandshakeExplanation explained =
            HandshakeExplainer.ExplainRequest(example.Bytes, RequestLimits.Default, example.Settings.Policy);
        Assert.That(explained.Result?.Kind, Is.EqualTo(UpgradeResultKind.Upgrade));
        DeflatePolicy policy = new() { Enabled = decline != DeflateDecline.Disabled };
        Assert.That(DeflateNegotiation.Check(explained.Extensions.Single(), policy, out _), Is.EqualTo(decline));
    }

    [TestCaseSource(nameof(Codes))]
    public void ACode_HasItsPage(int code)
    {
        Page page = Page.Find($"{code}")!;
        Assert.That(page.Id, Is.EqualTo($"code.{code}"));
        Direction example = ConversationExplainer.Explain(page.FindExample()!.Bytes, page.FindExample()!.Settings).Directions.Single();
        bool mayStand = code == 1005 || CloseCodes.IsValidOnReceipt((ushort)code);
        Assert.That(example.Rule?.Name, Is.EqualTo(mayStand ? null : nameof(FrameRules.CloseCodeInvalid)));
    }

    [Test]
    public void EveryCodeOfTheReadme_HasItsPage() => Assert.That(
        CodeRow().Matches(Repository.Read("README.md")).Select(static row => "code." + row.Groups[1].Value).ToHashSet(),
        Is.Not.Empty.And.SubsetOf(Table.Ids));

    [TestCase("2999", "code.unassigned")]
    [TestCase("3000", "code.3000")]
    [TestCase("3001", "code.registered")]
    [TestCase("4999", "code.private")]
    [TestCase("nonminimallength", "rule.NonMinimalLength")]
    [TestCase("999", null)]
    [TestCase("5000", null)]
    [TestCase("10 06", null)]
    [TestCase("81", null)]
    public void APage_IsFoundByItsName(string text, string? id) => Assert.That(Page.Find(text)?.Id, Is.EqualTo(id));

    [Test]
    public void EveryOptionThatAPageNames_IsOne()
    {
        string options = Repository.Read("Server/Console/Explain/ExplainCommand.cs")
            + Repository.Read("Server/Console/Learn/LearnCommand.cs");
        IEnumerable<string> named = Table.Ids.SelectMany(static id => Table.PartsOf(id).Select(part => Table.Find(id, part)!))
            .SelectMany(static text => OptionName().Matches(text).Select(static option => option.Value)).Distinct();
        Assert.That(named, Is.Not.Empty);
        Assert.That(named.Where(name => !options.Contains($"\"{name}\"", StringComparison.Ordinal)
            && RawWs.Server.Console.Settings.SettingTable.Find(name[2..]) is null), Is.Empty);
    }

    [Test]
    public void NoTwoPages_HaveTheSameName() => Assert.That(Page.Names, Is.Unique);

    [Test]
    public void FilesAndMembers_OfEveryAnnotation_AreThere()
    {
        HashSet<string> named = [];
        foreach (FrameVector vector in FrameVectors.All)
        {
            FrameExplanation explained = FrameExplainer.Explain(vector.Bytes, new FrameExplainerOptions
            {
                Role = vector.Role,
                Limits = new ProtocolLimits { MessageBytesMax = FrameVectors.MessageBytesMax, FragmentsMax = FrameVectors.FragmentsMax },
            });
            named.UnionWith(explained.Annotations.Select(static note => $"{note.SourceFile}#{note.SourceMember}"));
        }

        foreach (RequestVector vector in RequestVectors.All)
            named.UnionWith(HandshakeExplainer.ExplainRequest(vector.Bytes, RequestLimits.Default, vector.Policy).Annotations
                .Select(static note => $"{note.SourceFile}#{note.SourceMember}"));
        foreach (string response in (string[])[
            "HTTP/1.1 101 Yes\r\nSec-WebSocket-Accept: a\r\n\r\n", "HTTP/1.1 400 No\r\n\r\nbody", "HTTP/1.1 x\r\n"])
            named.UnionWith(HandshakeExplainer.ExplainResponse(Encoding.ASCII.GetBytes(response)).Annotations
                .Select(static note => $"{note.SourceFile}#{note.SourceMember}"));
        foreach (string name in Page.Names.Where(name => Page.Find(name)!.FindExample() is not null))
        {
            Example example = Page.Find(name)!.FindExample()!;
            named.UnionWith(ConversationExplainer.Explain(example.Bytes, example.Settings).Units
                .SelectMany(static unit => unit.Notes).Select(static note => note.Source));
        }

        Assert.That(named, Has.Count.GreaterThan(25));
        foreach (string source in named)
        {
            string[] parts = source.Split('#');
            Assert.That(File.Exists(Repository.At(parts[0])), source);
            Assert.That(RfcMapTests.Declares(parts[0], parts[1]), source);
        }
    }

    private static void AssertIsSaidByTheProtocol(Example example, Rule rule)
    {
        if (rule == FrameRules.CompressedDataMalformed) return; // judged by who decompresses: see the test before
        ExplainSettings settings = example.Settings;
        Role role = ConversationExplainer.Explain(example.Bytes, settings).Directions[0].Sender == Role.Client ? Role.Server : Role.Client;
        WebSocketProtocol protocol = new(role, settings.Limits, settings.Deflate ? ReservedBits.Rsv1 : ReservedBits.None);
        Assert.That(ProtocolRun.Of(protocol, example.Bytes, []).Rule, Is.EqualTo(rule));
    }

    [GeneratedRegex("\"(ui\\.[a-z0-9.]*)(?:\"|\\{)")]
    private static partial Regex InterfaceId();

    [GeneratedRegex("--[a-z][a-z-]+")]
    private static partial Regex OptionName();

    [GeneratedRegex(@"\{\d\}")]
    private static partial Regex Place();

    [GeneratedRegex(@"^\| (\d{4}) \|", RegexOptions.Multiline)]
    private static partial Regex CodeRow();
}
