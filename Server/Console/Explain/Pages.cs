// The pages of rules and of close codes: what it is, why it is so, an example, and what to do. The words are in the table; the example is
// run through the explainer, so that what the page shows is what the server does.

using System.Globalization;
using System.Text;
using RawWs.Frame;
using RawWs.Handshake;

namespace RawWs.Server.Console.Explain;

/// <summary>An example: its bytes, what they are read with, and the options that say so on the command line.</summary>
internal sealed record Example(byte[] Bytes, ExplainSettings Settings, string Options)
{
    private const int HexShown = 160;

    /// <summary>The bytes in hexadecimal; of a long example the beginning.</summary>
    public string Hex => Convert.ToHexStringLower(Bytes.AsSpan(0, Math.Min(Bytes.Length, HexShown))) + (Bytes.Length > HexShown ? "…" : "");
}

/// <summary>A page.</summary>
/// <param name="Id">Its id in the table.</param>
/// <param name="Name">The name of the rule, or the code.</param>
/// <param name="Rule">The rule, or null for a code.</param>
/// <param name="Code">The close code, or null for a rule.</param>
internal sealed record Page(string Id, string Name, BrokenRule? Rule, int? Code)
{
    private const int CodeMin = 1000, CodeMax = 4999;
    private const string FragmentsOption = "--max-fragments";
    private const int EmptyFrameBytes = 6; // a client's, with its masking key

    private static readonly int[] CodesWithPages =
    [
        1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015, 3000, 3008, 4000, 4001, 4002, 4500,
        4501,
    ];

    private static readonly string[] Ranges = ["code.unassigned", "code.registered", "code.private"];

    /// <summary>The names of all pages of rules, those of declined offers of compression among them.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        .. FrameRules.All.Select(static rule => rule.Name), .. HandshakeRules.All.Select(static rule => rule.Name),
        .. DeclineNames,
    ];

    /// <summary>The close codes that have pages of their own.</summary>
    public static IReadOnlyList<string> CodeNames { get; } =
        [.. CodesWithPages.Select(static code => code.ToString(CultureInfo.InvariantCulture))];

    /// <summary>The ids of all pages.</summary>
    public static IReadOnlyList<string> Ids { get; } =
    [
        .. Names.Select(static name => $"rule.{name}"),
        .. CodeNames.Select(static code => $"code.{code}"), .. Ranges,
    ];

    // RFC 7692 §7: an offer of compression that is declined breaks no rule; the connection is upgraded without compression.
    private static IEnumerable<string> DeclineNames => Enum.GetValues<DeflateDecline>()
        .Where(static decline => decline is not (DeflateDecline.None or DeflateDecline.OtherExtension))
        .Select(static decline => decline.ToString());

    /// <summary>The page of a rule or of a close code from 1000 to 4999; null when the text is neither.</summary>
    public static Page? Find(string text)
    {
        if (Names.FirstOrDefault(name => name.Equals(text, StringComparison.OrdinalIgnoreCase)) is { } name)
            return new Page($"rule.{name}", name, RuleOf(name), null);
        if (text.Length != 4 || !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int code)) return null;
        if (code is < CodeMin or > CodeMax) return null;
        string id = CodesWithPages.Contains(code) ? $"code.{text}" : Ranges[code < 3000 ? 0 : code < 4000 ? 1 : 2];
        return new Page(id, text, null, code);
    }

    /// <summary>The example; null where no bytes can be one, which the page then says.</summary>
    public Example? FindExample()
    {
        if (Code is { } code) return OfCode(code);
        TextTable table = TextTable.All;
        string options = table.Find(Id, "options") ?? "";
        ExplainSettings settings = SettingsOf(options);
        if (table.Find(Id, "example") is { } hex) return new Example(HexOf(hex, settings.FragmentsMax), settings, options);
        return table.Find(Id, "request") is { } request
            ? new Example(Encoding.Latin1.GetBytes(Unfold(request, settings.FragmentsMax)), settings, options)
            : null;
    }

    /// <summary>
    /// The example for a server that allows so many fragments: if it is about their number, it has one more, and needs no option. As it is
    /// on the command line if that is too long.
    /// </summary>
    public Example? FindExample(int fragmentsMax, int bytesMax)
    {
        Example? example = FindExample();
        if (example is null) return null;
        if (!example.Options.StartsWith(FragmentsOption, StringComparison.Ordinal))
            return example with { Settings = example.Settings with { FragmentsMax = fragmentsMax } };
        string hex = TextTable.All.Find(Id, "example")!;
        if (fragmentsMax >= bytesMax / EmptyFrameBytes) return example; // one more than is allowed must fit
        return new Example(HexOf(hex, fragmentsMax), example.Settings with { FragmentsMax = fragmentsMax }, "");
    }

    private static BrokenRule? RuleOf(string name) =>
        BrokenRule.Of(FrameRules.All.FirstOrDefault(rule => rule.Name == name))
        ?? BrokenRule.Of(HandshakeRules.All.FirstOrDefault(rule => rule.Name == name));

    // A Close with the code, as a server sends it; 1005 stands for one without a code.
    private static Example OfCode(int code)
    {
        byte[] bytes = code == CloseCodes.NoStatusReceived ? [0x88, 0x00] : [0x88, 0x02, (byte)(code >> 8), (byte)code];
        return new Example(bytes, new ExplainSettings { Sender = Role.Server }, "--from server");
    }

    private static byte[] HexOf(string text, int fragmentsMax) =>
        InputText.ReadHex(Unfold(text, fragmentsMax), out byte[] bytes) is { } problem
            ? throw new InvalidOperationException(problem)
            : bytes;

    private static ExplainSettings SettingsOf(string options) =>
        options.Length == 0 ? new ExplainSettings() : ExplainCommand.ReadOptions(options.Split(' '));

    // "\r", "\n" and "\0" are those characters, {ab*3} is "ababab", and {ab*max} has as many of them as a message may have fragments.
    private static string Unfold(string text, int fragmentsMax)
    {
        StringBuilder plain = new();
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 1 < text.Length)
            {
                plain.Append(text[++i] switch { 'r' => '\r', 'n' => '\n', '0' => '\0', char other => other });
            }
            else if (text[i] == '{')
            {
                int end = text.IndexOf('}', i), times = text.LastIndexOf('*', end);
                string number = text[(times + 1)..end];
                int count = number == "max" ? fragmentsMax : int.Parse(number, CultureInfo.InvariantCulture);
                string repeated = Unfold(text[(i + 1)..times], fragmentsMax);
                for (int n = 0; n < count; n++) plain.Append(repeated);
                i = end;
            }
            else
            {
                plain.Append(text[i]);
            }
        }

        return plain.ToString();
    }
}

/// <summary>Writes a page as text.</summary>
internal static class PageReport
{
    public static string Write(Page page, Language language)
    {
        TextTable table = TextTable.All;
        TextReport report = new(language);
        string space = language == Language.English ? " " : "";
        report.Say(0, Heading(page, language));
        report.Say(0, table.Get(page.Id, language, "what"));
        report.Say(0, table.Get("ui.page.why", language) + space + table.Get(page.Id, language, "why"));
        report.Say(0, table.Get("ui.page.do", language) + space + table.Get(page.Id, language, "do"));
        if (page.FindExample() is not { } example)
        {
            report.Say(0, table.Get("ui.page.noexample", language));
            return report.ToString();
        }

        string options = example.Options.Length > 0 ? example.Options + " " : "";
        report.Say(0, table.Get("ui.page.example", language));
        report.Say(4, $"rawws explain {options}{example.Hex}");
        report.Say(0, "");
        Conversation conversation = ConversationExplainer.Explain(example.Bytes, example.Settings);

        // What matters is where it breaks, or the Close itself.
        List<Unit> units = [.. conversation.Units.Where(static unit => unit.Notes.Any(static note => note.Rule is not null))];
        if (units.Count == 0) units = [.. conversation.Units.Take(1)];
        foreach (Unit unit in units) report.Add(Shorten(unit), conversation.Directions[0].Bytes);
        return report.ToString();
    }

    // Of a head only the broken part and the line before it; of a frame all.
    private static Unit Shorten(Unit unit) => unit.Kind == UnitKind.Frame
        ? unit
        : unit with { Head = null, Notes = [.. unit.Notes.Where(static note => note.Rule is not null)] };

    private static string Heading(Page page, Language language)
    {
        TextTable table = TextTable.All;
        if (page.Code is { } code)
        {
            string name = page.Id.StartsWith("code.1", StringComparison.Ordinal) ? CloseCodes.Name((ushort)code) : "";
            return table.Format("ui.page.code", language, page.Name) + (name.Length > 0 ? $" ({name})" : "");
        }

        if (page.Rule is not { } rule) return table.Format("ui.page.decline", language, page.Name);
        string id = rule.IsHandshake ? "ui.page.rule.handshake" : "ui.page.rule.frame";
        return table.Format(id, language, rule.Name, rule.Section, rule.Answer.ToString(CultureInfo.InvariantCulture));
    }
}
