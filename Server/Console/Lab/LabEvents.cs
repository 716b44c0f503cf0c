// What the Lab's page is told, in JSON: events, rules, what became of a connection. Bytes are hexadecimal, times are milliseconds since
// 1970.

using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using RawWs.Frame;
using RawWs.Server.Connections;
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

    /// <summary>The member "rules": every rule, every reason for which compression is declined, and the close codes.</summary>
    public static void WriteRules(Utf8JsonWriter json, Language language)
    {
        json.WriteStartArray("rules");
        foreach (string name in Page.Names.Concat(Page.CodeNames))
        {
            Page page = Page.Find(name)!;
            json.WriteStartObject();
            json.WriteString("name", name);
            JsonReport.WriteRule(json, page.Rule);
            foreach (string part in (ReadOnlySpan<string>)["what", "why", "do"])
                json.WriteString(part, TextTable.All.Get(page.Id, language, part));
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

    /// <summary>The member "hello": where the watched connections are, and what the page has to know of the server.</summary>
    public static void WriteHello(Utf8JsonWriter json, ServerOptions options, string tryPath, LabScope scope, bool hasRouter)
    {
        json.WriteStartObject("hello");
        json.WriteString("try", tryPath);
        json.WriteBoolean("all", scope == LabScope.All);
        json.WriteNumber("heartbeat", options.Heartbeat.TotalMilliseconds);
        json.WriteNumber("maxMessage", options.MessageBytesMax);
        json.WriteNumber("maxFragments", options.FragmentsMax);
        json.WriteNumber("sendBuffer", options.SendBufferBytesMax);
        json.WriteNumber("messageTimeout", options.MessageTimeout.TotalMilliseconds);
        json.WriteBoolean("compression", options.Compression);
        json.WriteBoolean("router", hasRouter);
        json.WriteNumber("bytesMax", LabRequest.BytesMax);
        json.WriteNumber("connectionsMax", LabTries.ConnectionsMax);
        json.WriteEndObject();
    }

    /// <summary>A connection: what became of it, and all that went over the wire, explained.</summary>
    public static void WriteTrace(
        Utf8JsonWriter json, string name, LabTrace trace, Conversation explained, Language language, Action<Utf8JsonWriter>? more = null)
    {
        json.WriteStartObject(name);
        json.WriteNumber("connection", trace.Connection);
        WriteOutcome(json, trace);
        more?.Invoke(json);
        json.WritePropertyName("conversation");
        JsonReport.WriteConversation(json, explained, language);
        json.WriteEndObject();
    }

    /// <summary>The member "phases": each cell of the phase table in which something changes.</summary>
    public static void WritePhases(Utf8JsonWriter json)
    {
        json.WriteStartArray("phases");
        foreach (Phase phase in Enum.GetValues<Phase>())
        {
            foreach (PhaseEvent happened in Enum.GetValues<PhaseEvent>())
            {
                PhaseStep step = PhaseTable.After(phase, happened);
                if (step == new PhaseStep(phase)) continue;
                json.WriteStartObject();
                json.WriteString("phase", NameOf(phase));
                json.WriteString("shown", NameOf(PhaseTable.Shown(phase)));
                json.WriteString("event", NameOf(happened));
                json.WriteString("next", NameOf(step.Next));
                json.WriteString("sends", NameOf(step.Sends));
                json.WriteString("tcp", NameOf(step.Tcp));
                json.WriteEndObject();
            }
        }

        json.WriteEndArray();
    }

    /// <summary>The member "room": connections, each with its uid and what waits for it.</summary>
    public static void WriteRoom(Utf8JsonWriter json, IEnumerable<WebSocketConnection> connections)
    {
        json.WriteStartArray("room");
        foreach (WebSocketConnection connection in connections)
        {
            json.WriteStartObject();
            json.WriteNumber("connection", connection.Id);
            json.WriteString("uid", connection.Uid.Span);
            json.WriteNumber("queued", connection.QueuedBytes);
            json.WriteEndObject();
        }

        json.WriteEndArray();
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
        json.WriteString("kind", NameOf(told.Kind));
        json.WriteNumber("at", (told.Time - DateTimeOffset.UnixEpoch).TotalMilliseconds);
        if (told.Connection is { } connection) json.WriteNumber("connection", connection.Id);
        switch (told.Kind)
        {
            case ConnectionEventKind.Begun:
                json.WriteNumber("offset", told.Offset);
                json.WriteNumber("sentOffset", told.SentOffset);
                if (told.DueTick > 0) WriteTimer(json, told);
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
                json.WriteString("uid", told.Connection.Uid.Span);
                break;
            case ConnectionEventKind.Named:
                json.WriteString("uid", told.Connection!.Uid.Span);
                break;
            case ConnectionEventKind.FrameReceived or ConnectionEventKind.FrameSent or ConnectionEventKind.RuleBroken:
                WriteFrame(json, told);
                break;
            case ConnectionEventKind.Answered:
                WriteNumber(json, "status", told.Code);
                json.WriteString("rule", told.Rule);
                break;
            case ConnectionEventKind.PhaseChanged:
                json.WriteString("phase", NameOf(told.Phase));
                if (told.Cause != EndCause.None) json.WriteString("cause", Names.Of(told.Cause));
                WriteNumber(json, "code", told.Code);
                json.WriteString("rule", told.Rule);
                break;
            case ConnectionEventKind.TimerArmed or ConnectionEventKind.TimerCame:
                WriteTimer(json, told);
                break;
            case ConnectionEventKind.Queue:
                json.WriteNumber("queued", told.QueuedBytes);
                break;
            case ConnectionEventKind.TcpEnded:
                json.WriteString("tcp", NameOf(told.Tcp));
                break;
            case ConnectionEventKind.Lost:
                json.WriteNumber("lost", told.Lost);
                json.WriteNumber("lostBytes", told.LostBytes);
                break;
        }

        json.WriteEndObject();
    }

    private static void WriteTimer(Utf8JsonWriter json, ConnectionEvent told)
    {
        json.WriteString("deadline", NameOf(told.Deadline));
        json.WriteNumber("due", told.Due.TotalMilliseconds);
        json.WriteNumber("tick", told.DueTick);
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

    private static string NameOf<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.CamelCase.ConvertName(Enum.GetName(value)!);

    private static void WriteNumber(Utf8JsonWriter json, string name, int? number)
    {
        if (number is { } value) json.WriteNumber(name, value);
        else json.WriteNull(name);
    }
}
