// What the Lab's page is told, in JSON: events, rules, what became of a connection. Bytes are hexadecimal, times are milliseconds since
// 1970.

using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using RawWs.Frame;
using RawWs.Server.Console.Explain;
using RawWs.Server.Log;

namespace RawWs.Server.Console.Lab;

internal static class LabEvents
{
    /// <summary>The most bytes of one event that are told.</summary>
    public const int BytesMax = 8 * 1024;

    // Not for a page's source: what is not ASCII stays as it is, and control characters are escaped.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Makes a message: an object with these members.</summary>
    public static byte[] Write(Action<Utf8JsonWriter> members)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer, Options))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The member "events".</summary>
    public static void Write(Utf8JsonWriter json, IReadOnlyList<ConnectionEvent> events)
    {
        json.WriteStartArray("events");
        foreach (ConnectionEvent told in events) Write(json, told);
        json.WriteEndArray();
    }

    /// <summary>The member "rules": every rule, and every reason for which compression is declined.</summary>
    public static void WriteRules(Utf8JsonWriter json, Language language)
    {
        json.WriteStartArray("rules");
        foreach (string name in Page.Names)
        {
            Page page = Page.Find(name)!;
            json.WriteStartObject();
            json.WriteString("name", name);
            JsonReport.WriteRule(json, page.Rule);
            json.WriteString("what", TextTable.All.Get(page.Id, language, "what"));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>The member "exercises".</summary>
    public static void WriteExercises(Utf8JsonWriter json)
    {
        json.WriteStartArray("exercises");
        foreach (LabExercise exercise in LabExercise.All)
        {
            json.WriteStartObject();
            json.WriteString("name", exercise.Name);
            json.WriteString("section", exercise.Section);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteString("key", LabExercise.Key);
    }

    /// <summary>What became of a connection, as members.</summary>
    public static void WriteOutcome(Utf8JsonWriter json, LabTrace trace)
    {
        json.WriteString("rule", trace.Rule);
        WriteNumber(json, "status", trace.Status);
        WriteNumber(json, "code", trace.Code);
        json.WriteString("cause", trace.Cause == EndCause.None ? null : Names.Of(trace.Cause));
        json.WriteBoolean("ended", trace.HasEnded);
        json.WriteNumber("bytesLeftOut", trace.LeftOut);
    }

    private static void Write(Utf8JsonWriter json, ConnectionEvent told)
    {
        json.WriteStartObject();
        json.WriteString("kind", JsonNamingPolicy.CamelCase.ConvertName(Enum.GetName(told.Kind)!));
        json.WriteNumber("at", (told.Time - DateTimeOffset.UnixEpoch).TotalMilliseconds);
        if (told.Connection is { } connection) json.WriteNumber("connection", connection.Id);
        switch (told.Kind)
        {
            case ConnectionEventKind.Begun:
                json.WriteNumber("offset", told.Offset);
                json.WriteNumber("sentOffset", told.SentOffset);
                break;
            case ConnectionEventKind.Received or ConnectionEventKind.Sent:
                int shown = Math.Min(told.Bytes.Length, BytesMax);
                json.WriteNumber("offset", told.Offset);
                json.WriteNumber("length", told.Bytes.Length);
                json.WriteString("bytes", Convert.ToHexStringLower(told.Bytes.Span[..shown]));
                break;
            case ConnectionEventKind.Opened:
                json.WriteString("endpoint", told.Connection!.Endpoint);
                json.WriteString("extensions", told.Connection.Extensions);
                break;
            case ConnectionEventKind.FrameReceived or ConnectionEventKind.FrameSent or ConnectionEventKind.RuleBroken:
                WriteFrame(json, told);
                break;
            case ConnectionEventKind.Answered:
                WriteNumber(json, "status", told.Code);
                json.WriteString("rule", told.Rule);
                break;
            case ConnectionEventKind.PhaseChanged:
                json.WriteString("phase", JsonNamingPolicy.CamelCase.ConvertName(Enum.GetName(told.Phase)!));
                if (told.Cause != EndCause.None) json.WriteString("cause", Names.Of(told.Cause));
                WriteNumber(json, "code", told.Code);
                json.WriteString("rule", told.Rule);
                break;
            case ConnectionEventKind.TimerArmed or ConnectionEventKind.TimerCame:
                json.WriteString("deadline", JsonNamingPolicy.CamelCase.ConvertName(Enum.GetName(told.Deadline)!));
                json.WriteNumber("due", told.Due.TotalMilliseconds);
                break;
            case ConnectionEventKind.Queue:
                json.WriteNumber("queued", told.QueuedBytes);
                break;
            case ConnectionEventKind.Lost:
                json.WriteNumber("lost", told.Lost);
                json.WriteNumber("lostBytes", told.LostBytes);
                break;
        }

        json.WriteEndObject();
    }

    private static void WriteFrame(Utf8JsonWriter json, ConnectionEvent told)
    {
        FrameHeader header = told.Header;
        json.WriteNumber("offset", told.Offset);
        json.WriteBoolean("fin", header.Fin);
        json.WriteNumber("opcode", (int)header.Opcode);
        json.WriteBoolean("masked", header.Masked);
        json.WriteBoolean("compressed", (header.Reserved & ReservedBits.Rsv1) != 0);
        json.WriteNumber("headerLength", header.HeaderLength);
        json.WriteNumber("payloadLength", header.PayloadLength);
        json.WriteString("rule", told.Rule);
    }

    private static void WriteNumber(Utf8JsonWriter json, string name, int? number)
    {
        if (number is { } value) json.WriteNumber(name, value);
        else json.WriteNull(name);
    }
}
