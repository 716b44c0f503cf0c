// A conversation or a page as JSON (`--json`), written without reflection. Bytes are hexadecimal, offsets count from 0 in the bytes of one
// direction, and bit 0 is a byte's most significant one. docs/explain.md lists the members.

using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using RawWs.Frame;
using RawWs.Handshake;

namespace RawWs.Server.Console.Explain;

/// <summary>Writes JSON reports.</summary>
internal static class JsonReport
{
    /// <summary>Conversations.</summary>
    public static string Write(IReadOnlyList<Conversation> conversations, Language language) => Write(json =>
    {
        json.WriteStartObject();
        json.WriteStartArray("conversations");
        foreach (Conversation conversation in conversations) WriteConversation(json, conversation, language);
        json.WriteEndArray();
        json.WriteEndObject();
    });

    /// <summary>A page.</summary>
    public static string Write(Page page, Language language) => Write(json => WritePage(json, page, page.FindExample(), language));

    /// <summary>A page, as one value of a larger text.</summary>
    public static void WritePage(Utf8JsonWriter json, Page page, Example? example, Language language)
    {
        TextTable table = TextTable.All;
        json.WriteStartObject();
        json.WriteString("page", page.Name);
        WriteRule(json, page.Rule);
        foreach (string part in (string[])["what", "why", "do"]) json.WriteString(part, table.Get(page.Id, language, part));
        if (example is not null)
        {
            json.WriteString("options", example.Options);
            json.WriteString("example", Convert.ToHexStringLower(example.Bytes));
            json.WritePropertyName("explained");
            WriteConversation(json, ConversationExplainer.Explain(example.Bytes, example.Settings), language);
        }

        json.WriteEndObject();
    }

    private static string Write(Action<Utf8JsonWriter> write)
    {
        ArrayBufferWriter<byte> buffer = new();

        // Not for a page: what is not ASCII stays readable, and control characters are escaped all the same.
        JsonWriterOptions options = new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        using (Utf8JsonWriter json = new(buffer, options)) write(json);
        return Encoding.UTF8.GetString(buffer.WrittenSpan) + "\n";
    }

    /// <summary>A conversation, as one value of a larger text.</summary>
    public static void WriteConversation(Utf8JsonWriter json, Conversation conversation, Language language)
    {
        json.WriteStartObject();
        if (conversation.Title.Length > 0) json.WriteString("title", conversation.Title);
        json.WriteBoolean("senderIsGuessed", conversation.IsGuessed);
        json.WriteStartArray("directions");
        foreach (Direction direction in conversation.Directions)
        {
            json.WriteStartObject();
            json.WriteString("from", Name(direction.Sender));
            json.WriteNumber("bytes", direction.Bytes.Length);
            WriteRule(json, direction.Rule);
            if (direction.Rule is not null) json.WriteNumber("failedAt", direction.FailedAt);
            if (direction.MalformedAt is { } malformedAt) json.WriteNumber("malformedAt", malformedAt);
            if (direction.State is { } state) WriteState(json, state);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("units");
        foreach (Unit unit in conversation.Units) WriteUnit(json, unit, conversation, language);
        json.WriteEndArray();
        json.WriteNumber("unitsLeftOut", conversation.LeftOut);
        json.WriteEndObject();
    }

    private static void WriteState(Utf8JsonWriter json, ExplainedState state)
    {
        json.WriteStartObject("state");
        json.WriteString("message", state.Message switch { null => null, MessageKind.Text => "text", _ => "binary" });
        json.WriteNumber("messageBytes", state.MessageBytes);
        WriteNumber("frame", (ulong?)state.Frame);
        WriteNumber("headerBytesLeft", (ulong?)state.HeaderBytesLeft);
        WriteNumber("payloadBytesLeft", state.PayloadBytesLeft);
        json.WriteString("closing", JsonNamingPolicy.CamelCase.ConvertName(state.Closing.ToString()));
        json.WriteEndObject();

        void WriteNumber(string name, ulong? number)
        {
            if (number is { } known) json.WriteNumber(name, known);
            else json.WriteNull(name);
        }
    }

    private static void WriteUnit(Utf8JsonWriter json, Unit unit, Conversation conversation, Language language)
    {
        json.WriteStartObject();
        json.WriteString("from", Name(unit.Sender));
        json.WriteString("kind", unit.Kind switch
        {
            UnitKind.Request => "request",
            UnitKind.Response => "response",
            UnitKind.Frame => "frame",
            _ => "notRead",
        });
        json.WriteNumber("offset", unit.Offset);
        json.WriteNumber("length", unit.Length);
        json.WriteString("bytes", Convert.ToHexStringLower(conversation.Of(unit.Sender).Bytes.AsSpan(unit.Offset, unit.Length)));
        if (unit.Frame is { } frame)
        {
            json.WriteBoolean("whole", frame.IsWhole);
            json.WriteString("payload", Convert.ToHexStringLower(frame.Payload.Span));
            if (frame.Decoded is { } decoded) json.WriteString("inflated", Convert.ToHexStringLower(decoded.Span));
        }

        if (unit.Head?.Accept is { } accept) WriteAccept(json, accept);
        json.WriteStartArray("annotations");
        foreach (Note note in unit.Notes) WriteNote(json, note, language);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteAccept(Utf8JsonWriter json, AcceptDerivation accept)
    {
        json.WriteStartObject("accept");
        json.WriteString("key", accept.Key);
        json.WriteString("joined", accept.Joined);
        json.WriteString("sha1", accept.Hash);
        json.WriteString("accept", accept.Accept);
        json.WriteEndObject();
    }

    private static void WriteNote(Utf8JsonWriter json, Note note, Language language)
    {
        json.WriteStartObject();
        json.WriteNumber("offset", note.Offset);
        json.WriteNumber("bit", note.FirstBit);
        json.WriteNumber("bits", note.BitCount);
        json.WriteString("field", note.Field);
        json.WriteString("name", FieldNames.Of(note.Field, language));
        json.WriteString("value", note.Value);
        json.WriteString("id", note.TextId);
        json.WriteString("why", TextTable.All.Get(note.TextId, language));
        WriteRule(json, note.Rule);
        json.WriteString("section", note.Section);
        json.WriteString("source", note.Source);
        json.WriteEndObject();
    }

    /// <summary>The member "rule": a rule, or null.</summary>
    public static void WriteRule(Utf8JsonWriter json, BrokenRule? rule)
    {
        if (rule is null)
        {
            json.WriteNull("rule");
            return;
        }

        json.WriteStartObject("rule");
        json.WriteString("name", rule.Name);
        json.WriteString("section", rule.Section);
        json.WriteString("text", rule.Text);
        json.WriteNumber(rule.IsHandshake ? "status" : "closeCode", rule.Answer);
        json.WriteEndObject();
    }

    private static string Name(Role sender) => sender == Role.Client ? "client" : "server";
}
