// A conversation or a page as text for a terminal: 100 columns, no colours, nothing that a terminal might obey. Each unit has its picture,
// if it is a frame, and then its fields with their sentences. A sentence is said the first time only.

using System.Globalization;
using System.Text;
using System.Text.Unicode;
using RawWs.Frame;
using RawWs.Handshake;
using RawWs.Server.Log;

namespace RawWs.Server.Console.Explain;

/// <summary>Writes text reports.</summary>
internal sealed class TextReport(Language language)
{
    private const int Columns = 100;
    private const int Indent = 6;

    private readonly StringBuilder _text = new();
    private readonly HashSet<string> _said = [];
    private readonly TextTable _table = TextTable.All;

    /// <summary>The text so far.</summary>
    public override string ToString() => _text.ToString();

    /// <summary>Adds a conversation with its verdicts.</summary>
    public void Add(Conversation conversation)
    {
        if (conversation.Title.Length > 0) Say(0, conversation.Title);
        if (conversation.IsGuessed)
        {
            string id = conversation.Directions[0].Sender == Role.Client ? "ui.guessed.client" : "ui.guessed.server";
            Say(0, _table.Get(id, language));
        }

        foreach (Unit unit in conversation.Units) Add(unit, conversation.Of(unit.Sender).Bytes);
        if (conversation.LeftOut > 0) Say(0, _table.Format("ui.more.units", language, Number(conversation.LeftOut)));
        foreach (Direction direction in conversation.Directions) AddVerdict(direction);
    }

    /// <summary>Adds a line of its own.</summary>
    public void Say(int indent, string text)
    {
        foreach (string line in TextWidth.Wrap(text, Columns - indent)) _text.Append(' ', indent).Append(line).Append('\n');
        if (indent == 0) _text.Append('\n');
    }

    /// <summary>Adds a frame, a head, or what is not read.</summary>
    public void Add(Unit unit, byte[] bytes)
    {
        string kind = unit.Kind switch
        {
            UnitKind.Request => "ui.request",
            UnitKind.Response => "ui.response",
            UnitKind.NotRead => unit.Sender == Role.Client ? "ui.notread.client" : "ui.notread.server",
            _ => unit.Sender == Role.Client ? "ui.frame.client" : "ui.frame.server",
        };
        Say(0, _table.Format(kind, language, Number(unit.Offset), Number(unit.Length)));
        if (unit.Kind == UnitKind.Frame)
        {
            List<string> picture = Diagram.Draw(unit, bytes, out int left);
            foreach (string line in picture) _text.Append(line).Append('\n');
            if (left > 0) Say(2, _table.Format("ui.more.bytes", language, Number(left)));
            _text.Append('\n');
        }

        foreach (Note note in unit.Notes) Add(note);
        if (unit.Head?.Accept is { } accept) AddSteps(accept);
        if (unit.Frame?.Decoded is { } decoded)
            Say(2, _table.Format("ui.inflated", language, Number(decoded.Length), FieldValue(decoded.Span)));
        _text.Append('\n');
    }

    private void Add(Note note)
    {
        string place = note.BitCount % 8 == 0
            ? Range(note.Offset, note.Offset + (note.BitCount / 8) - 1)
            : $"{Number(note.Offset)}.{Range(note.FirstBit, note.FirstBit + note.BitCount - 1)}";
        string name = FieldNames.Of(note.Field, language);
        string before = $"  {place,-9} {TextWidth.Pad(name, FieldNames.ColumnsOf(language))} ";
        foreach (string line in TextWidth.Wrap(note.Value, Columns - TextWidth.Of(before)))
        {
            _text.Append(before).Append(line).Append('\n');
            before = new string(' ', TextWidth.Of(before));
        }

        bool isNew = _said.Add(note.TextId);
        if (isNew) Say(Indent, _table.Get(note.TextId, language));
        if (isNew || note.Rule is not null) Say(Indent, $"[{note.Section}, {note.Source}]");
        if (note.Rule is { } rule)
        {
            Say(Indent, _table.Format("ui.broken", language, rule.Name, rule.Section));
            Say(Indent, _table.Get($"rule.{rule.Name}", language, "what"));
        }
    }

    private void AddSteps(AcceptDerivation accept)
    {
        if (!_said.Add("ui.accept")) return;
        Say(2, _table.Get("ui.accept", language));
        Say(Indent, _table.Format("ui.accept.1", language, LogText.Escape(accept.Key)));
        Say(Indent, _table.Format("ui.accept.2", language, LogText.Escape(accept.Joined)));
        Say(Indent, _table.Format("ui.accept.3", language, accept.Hash));
        Say(Indent, _table.Format("ui.accept.4", language, accept.Accept));
        Say(Indent, _table.Get("ui.accept.why", language));
    }

    private void AddVerdict(Direction direction)
    {
        string who = direction.Sender == Role.Client ? "client" : "server";
        if (direction.MalformedAt is { } malformedAt)
        {
            Say(0, _table.Format("ui.verdict.malformed", language, Number(malformedAt)));
            return;
        }

        if (direction.Rule is not { } rule)
        {
            Say(0, _table.Format($"ui.verdict.{who}", language, Number(direction.Bytes.Length)));
            return;
        }

        string id = !rule.IsHandshake ? "ui.verdict.broken.frame"
            : direction.Sender == Role.Client ? "ui.verdict.broken.handshake" : "ui.verdict.broken.response";
        Say(0, _table.Format(id, language, _table.Get($"ui.{who}", language), rule.Name, rule.Section, Number(direction.FailedAt),
            Number(rule.Answer)));
    }

    private static string Range(long first, long last) =>
        first == last ? Number(first) : string.Create(CultureInfo.InvariantCulture, $"{first}-{last}");

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    // Text as text, anything else in hexadecimal; of much the beginning.
    private static string FieldValue(ReadOnlySpan<byte> bytes)
    {
        if (Utf8.IsValid(bytes)) return $"\"{LogText.EscapeOnly(Encoding.UTF8.GetString(bytes))}\"";
        return Convert.ToHexStringLower(bytes[..Math.Min(bytes.Length, 32)]) + (bytes.Length > 32 ? "…" : "");
    }
}
