// What the course says, as text for a terminal of 100 columns. The bytes of a case that fails are explained as `rawws explain` does it: the
// last frames of both directions, in the order in which they went, or of a case of the handshake the heads.

using System.Globalization;
using System.Text;
using RawWs.Conformance;
using RawWs.Frame;
using RawWs.Server.Console.Explain;
using RawWs.Server.Log;

namespace RawWs.Server.Console.Learn;

/// <param name="language">The language of hints, titles and explanations.</param>
internal sealed class LearnText(Language language)
{
    private const int UnitsMax = 4; // of each direction
    private const int FramesMax = 2000;
    private const int DetailCharactersMax = 400;

    private static readonly TextTable Table = TextTable.All;

    /// <summary>The stages and their cases.</summary>
    public static string OfList(Language language)
    {
        StringBuilder list = new();
        foreach (Stage stage in Course.Stages)
        {
            list.Append(Table.Format("ui.learn.list", language, Number(stage), stage.Name, Table.Get(stage.TitleId, language),
                Number(stage.Cases.Count))).Append('\n');
            foreach (Case item in stage.Cases) list.Append(CultureInfo.InvariantCulture, $"  {item.Id}\t{Section(item)}\n");
        }

        return list.ToString();
    }

    /// <summary>It goes on where it stopped.</summary>
    public string OfGoingOn(Case item) => Say(Table.Format("ui.learn.on", language, item.Id));

    /// <summary>A stage is over, or stops.</summary>
    public string OfStage(Stage stage, int passed) => Table.Format("ui.learn.stage", language,
        Number(stage), Number(Course.Stages.Count), Table.Get(stage.TitleId, language), Number(passed), Number(stage.Cases.Count)) + "\n";

    /// <summary>A stage is about what the server does not speak.</summary>
    public string OfStageLeftOut(Stage stage) => Say(Table.Format("ui.learn.leftout", language,
        Number(stage), Number(Course.Stages.Count), Table.Get(stage.TitleId, language)));

    /// <summary>All is passed.</summary>
    public string OfEnd() => Say(Table.Get("ui.learn.end", language));

    /// <summary>The file could not be written.</summary>
    public string OfUnwritten(string file, string why) =>
        Say(Table.Format("ui.learn.unwritten", language, LogText.Escape(file), LogText.Escape(why)));

    /// <summary>One line for a case that fails.</summary>
    public string OfFailureLine(Result result) =>
        $"{Table.Get("ui.learn.failed", language)} {result.Case.Id} ({Section(result.Case)}): {Detail(result)}\n";

    /// <summary>A case that fails: the bytes, what should have been, what was, a hint, the section; what matters most is last.</summary>
    public string OfFailure(Result result, Transcript transcript)
    {
        Case item = result.Case;
        string hint = Hints.Of(item);
        TextReport report = new(language);
        report.Say(0, Table.Get("ui.learn.bytes", language));
        report.Add(Explain(item, transcript));
        report.Say(0, Table.Format("ui.learn.expected", language, item.Expected));
        report.Say(0, Table.Format("ui.learn.was", language, Detail(result)));
        report.Say(0, Table.Format("ui.learn.hint", language, Table.Get(hint, language)));
        report.Say(0, Table.Format(Table.Find(hint, "rule") is { } ? "ui.learn.read.rule" : "ui.learn.read", language,
            Section(item), Table.Get(item.Kind == Kind.Required ? "ui.learn.must" : "ui.learn.strict", language),
            Table.Find(hint, "rule") ?? ""));
        report.Say(0, Table.Get("ui.learn.again", language));
        // The id in one line, for --from.
        return $"{Table.Get("ui.learn.failed", language)} {item.Id}\n\n{report}";
    }

    private Conversation Explain(Case item, Transcript transcript)
    {
        Conversation all = ConversationExplainer.Explain(transcript.OfClient, transcript.OfServer,
            new ExplainSettings { Language = language, FramesShownMax = FramesMax },
            (sender, last) => transcript.OrderOf(ofClient: sender == Role.Client, last));
        if (item is HandshakeCase) return all;
        List<Unit> frames = [.. all.Units.Where(static unit => unit.Head is null)];
        HashSet<Unit> last = [.. Last(frames, Role.Client), .. Last(frames, Role.Server)];
        // If the handshake itself has failed there are no frames.
        return frames.Count == 0 ? all : all with { Units = [.. frames.Where(last.Contains)] };
    }

    private static IEnumerable<Unit> Last(List<Unit> units, Role sender) => units.Where(unit => unit.Sender == sender).TakeLast(UnitsMax);

    private static string Section(Case item) => $"RFC {item.Section}";

    // A server has written parts of it. What a terminal might obey is escaped; quotes and backslashes stay as they are, for people.
    private static string Detail(Result result) => LogText.EscapeOnly(result.Detail, DetailCharactersMax, quotes: false);

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Number(Stage stage) => Number(Course.Stages.Index().First(found => found.Item == stage).Index + 1);

    private string Say(string text)
    {
        TextReport report = new(language);
        report.Say(0, text);
        return report.ToString();
    }
}
