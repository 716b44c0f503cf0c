// The tables of the tour: what the code has as data, as Markdown, in either language. The names of states, events and rules stay those of
// the code.

using System.Text;
using RawWs.Frame;
using RawWs.Handshake;
using RawWs.Server.Connections;
using RawWs.Server.Console.Explain;

namespace RawWs.Tests.Tour;

internal static class Tables
{
    private const string Unchanged = "·";

    public static string Write(string name, Language language) => name switch
    {
        "messages" => Messages(language),
        "closing" => Closing(language),
        "phases" => Phases(language),
        "codes" => Codes(language),
        "codes-of-rules" => CodesOfRules(language),
        "frame-rules" => FrameRows(language),
        "handshake-rules" => HandshakeRows(language),
        _ => throw new FormatException($"There is no table {name}."),
    };

    private static string Messages(Language language) => Table(
        [Say(language, "state \\ event", "状态 \\ 事件"), .. Enum.GetNames<MessageEvent>()],
        Enum.GetValues<MessageState>().Select(state => Enum.GetValues<MessageEvent>().Select(happened =>
        {
            ProtocolTable.Transition cell = ProtocolTable.After(state, happened);
            if (state == MessageState.None && happened == MessageEvent.MessageEnds) return "—"; // it cannot happen
            return cell.Refused is { } rule ? $"{rule.Name} ({rule.CloseCode})" : $"{cell.Next}";
        }).Prepend($"**{state}**")));

    // While bytes are not parsed, two of the events cannot happen.
    private static string Closing(Language language) => Table(
        [Say(language, "state \\ event", "状态 \\ 事件"), .. Enum.GetNames<ClosingEvent>()],
        Enum.GetValues<ClosingState>().Select(state => Enum.GetValues<ClosingEvent>().Select(happened =>
            ProtocolTable.Parses(state) || happened == ClosingEvent.CloseSent ? $"{ProtocolTable.After(state, happened)}" : "—")
            .Prepend($"**{state}**")));

    private static string Phases(Language language) => Table(
        [Say(language, "event \\ phase", "事件 \\ 阶段"), .. Enum.GetNames<Phase>()],
        Enum.GetValues<PhaseEvent>().Select(happened => Enum.GetValues<Phase>().Select(phase =>
            Cell(phase, PhaseTable.After(phase, happened), language)).Prepend($"**{happened}**")));

    private static string Cell(Phase phase, PhaseStep step, Language language)
    {
        if (step == new PhaseStep(phase)) return Unchanged;
        string sends = step.Sends switch
        {
            SentWithStep.Close => Say(language, ", sends Close", "，发关闭帧"),
            SentWithStep.Answer => Say(language, ", answers", "，发 HTTP 响应"),
            _ => "",
        };
        string tcp = step.Tcp switch
        {
            TcpEnd.Shut => Say(language, ", FIN", "，FIN"),
            TcpEnd.Closed => Say(language, ", closed", "，关闭套接字"),
            TcpEnd.Reset => Say(language, ", RST", "，RST"),
            _ => "",
        };
        return $"{step.Next}{sends}{tcp}";
    }

    // The protocol's own codes, and the bounds of the others.
    private static string Codes(Language language) => Table(
        [
            Say(language, "code", "关闭码"), Say(language, "in a Close frame?", "可以出现在关闭帧里吗？"),
            Say(language, "what it says", "含义"),
        ],
        Enumerable.Range(CloseCodes.NormalClosure, 16).Select(code => new[]
        {
            $"{code}", OnTheWire((ushort)code, language), TextTable.All.Get($"code.{code}", language, "what"),
        }).Append(["3000–3999", OnTheWire(3000, language), TextTable.All.Get("code.registered", language, "what")])
            .Append(["4000–4999", OnTheWire(4000, language), TextTable.All.Get("code.private", language, "what")]));

    private static string OnTheWire(ushort code, Language language)
    {
        if (!CloseCodes.IsValidOnReceipt(code)) return Say(language, "**never**", "**绝不**");
        return CloseCodes.MaySend(Role.Server, code) ? Say(language, "yes", "可以")
            : Say(language, "from a client only", "只能由客户端发送");
    }

    private static string CodesOfRules(Language language) => Table(
        [Say(language, "code", "关闭码"), Say(language, "rules", "规则")],
        FrameRules.All.GroupBy(static rule => rule.CloseCode).OrderBy(static group => group.Key).Select(static group => new[]
        {
            $"{group.Key}", string.Join(", ", group.Select(static rule => $"`{rule.Name}`")),
        }));

    private static string FrameRows(Language language) => Table(
        [
            Say(language, "rule", "规则"), Say(language, "section", "章节"), Say(language, "close code", "关闭码"),
            Say(language, "what breaks it", "怎样算违反"),
        ],
        FrameRules.All.Select(rule => new[]
        {
            Linked(rule.Name), $"§{rule.Section}", $"{rule.CloseCode}", TextTable.All.Get($"rule.{rule.Name}", language, "what"),
        }));

    private static string HandshakeRows(Language language) => Table(
        [
            Say(language, "rule", "规则"), Say(language, "section", "章节"), Say(language, "HTTP status", "HTTP 状态"),
            Say(language, "what breaks it", "怎样算违反"),
        ],
        HandshakeRules.All.Select(rule => new[]
        {
            $"`{rule.Name}`", rule.Section, $"{rule.Status}", TextTable.All.Get($"rule.{rule.Name}", language, "what"),
        }));

    // A rule with an example of a few bytes leads to it in the Lab.
    private static string Linked(string rule)
    {
        if (Page.Find(rule)!.FindExample() is not { } example) return $"`{rule}`";
        Unit unit = ConversationExplainer.Explain(example.Bytes, example.Settings).Units
            .Last(static unit => unit.Notes.Any(static note => note.Rule is not null));
        int note = unit.Notes.ToList().FindIndex(static note => note.Rule is not null);
        string hex = Convert.ToHexStringLower(example.Bytes, 0, unit.Offset + unit.Length);
        string? place = Blocks.LabPlace(example.Options, hex, unit.Sender == Role.Client ? "client" : "server", note);
        return place is null ? $"`{rule}`" : $"[`{rule}`]({place})";
    }

    private static string Table(IReadOnlyList<string> heads, IEnumerable<IEnumerable<string>> rows)
    {
        StringBuilder table = new();
        Append(heads);
        Append(heads.Select(static _ => "---"));
        foreach (IEnumerable<string> row in rows) Append(row);
        return table.ToString().TrimEnd();

        void Append(IEnumerable<string> cells) => table.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
    }

    private static string Say(Language language, string english, string chinese) => language == Language.English ? english : chinese;
}
