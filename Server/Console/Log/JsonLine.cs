// A line of the log as JSON, one object: the time, the level, the category, the event's number and name, the sentence of the text format,
// and the values in it. An ended connection has its report, field by field, and what has likely ended it, where that can be told.
// The writer escapes whatever is not printable ASCII, so that a stranger's text cannot leave its string.

using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using RawWs.Server.Log;

namespace RawWs.Server.Console.Log;

internal static class JsonLine
{
    // Proxies end what has been silent for a minute, as nginx and HAProxy's common settings do.
    private static readonly TimeSpan ProxyIdle = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ProxyIdleRoom = TimeSpan.FromSeconds(1.5);

    /// <summary>Makes the line, with its line end.</summary>
    public static byte[] Make<TState>(
        DateTimeOffset time, LogLevel level, string category, EventId id, TState state, string message, Exception? exception)
    {
        ArrayBufferWriter<byte> buffer = new(512);
        using (Utf8JsonWriter json = new(buffer, new JsonWriterOptions { SkipValidation = true }))
        {
            json.WriteStartObject();
            json.WriteString("time", time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture));
            json.WriteString("level", level.ToString().ToLowerInvariant());
            json.WriteString("category", category);
            json.WriteNumber("id", id.Id);
            if (id.Name is not null) json.WriteString("event", id.Name);
            json.WriteString("message", message);
            if (state is IReadOnlyList<KeyValuePair<string, object?>> values) WriteValues(json, values);
            if (state is ConnectionEndedState ended) WriteReport(json, ended.Report);
            if (exception is not null) json.WriteString("exception", exception.ToString());
            json.WriteEndObject();
        }

        buffer.Write("\n"u8);
        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteValues(Utf8JsonWriter json, IReadOnlyList<KeyValuePair<string, object?>> values)
    {
        json.WriteStartObject("values");
        foreach ((string name, object? value) in values)
        {
            if (name is "{OriginalFormat}" or "report") continue; // the one is in the message, the other is an object of its own
            json.WritePropertyName(name);
            if (value is bool isTrue) json.WriteBooleanValue(isTrue);
            else if (value is double real) json.WriteNumberValue(real);
            else if (value is byte or short or ushort or int or uint or long) json.WriteNumberValue(Convert.ToInt64(value, null));
            else json.WriteStringValue(value is null ? "" : Convert.ToString(value, CultureInfo.InvariantCulture));
        }

        json.WriteEndObject();
    }

    private static void WriteReport(Utf8JsonWriter json, CloseReport report)
    {
        json.WriteStartObject("report");
        json.WriteString("cause", report.Cause.ToString());
        json.WriteString("closedBy", report.ClosedBy.ToString());
        if (report.Code is { } code) json.WriteNumber("code", code);
        if (report.Rule is not null) json.WriteString("rule", report.Rule);
        json.WriteBoolean("clean", report.Clean);
        if (report.LastFrame is { } last) json.WriteString("lastFrame", last.ToString());
        json.WriteNumber("seconds", report.Duration.TotalSeconds);
        json.WriteNumber("idleSeconds", report.Idle.TotalSeconds);
        json.WriteNumber("messagesIn", report.MessagesIn);
        json.WriteNumber("messagesOut", report.MessagesOut);
        json.WriteNumber("messagesDropped", report.MessagesDropped);
        json.WriteNumber("messagesUnsent", report.MessagesUnsent);
        json.WriteNumber("bytesIn", report.BytesIn);
        json.WriteNumber("bytesOut", report.BytesOut);
        if (report.Extensions is not null) json.WriteString("extensions", report.Extensions);
        if (FindLikely(report) is { } likely) json.WriteString("likely", likely);
        json.WriteEndObject();
    }

    private static string? FindLikely(CloseReport report) => report.Cause switch
    {
        EndCause.PeerVanished when (report.Idle - ProxyIdle).Duration() < ProxyIdleRoom =>
            "a proxy between ends connections that are silent for 60 s: let the server ping more often, or the proxy wait longer",
        EndCause.PeerVanished or EndCause.PongTimeout or EndCause.StalledSend => "the peer or its network has gone",
        EndCause.TooSlow => "the peer reads more slowly than it is sent to",
        EndCause.Heartbeat => "the client sends no heartbeat",
        EndCause.ApplicationClosed => "it was closed by the application or through the admin port",
        _ => null,
    };
}
