// Writes the answers, byte for byte. A 101 has what RFC 6455 §4.2.2 asks for and nothing else. Every other answer says in plain text what
// was wrong, and that the connection closes. A caller with a clock gives the date: RFC 9110 §6.6.1 demands one in answers of 2xx, 3xx and
// 4xx, and allows one in 5xx.

using System.Buffers;
using System.Globalization;
using System.Text;

namespace RawWs.Handshake;

/// <summary>Writes the answers to a request (RFC 6455 §4.2.2, RFC 9110 §15).</summary>
public static class UpgradeResponse
{
    private const int RetryAfterSeconds = 5;

    /// <summary>Writes 101 Switching Protocols (RFC 6455 §4.2.2, point 5).</summary>
    /// <param name="writer">The caller's writer, to which the bytes are written.</param>
    /// <param name="request">The request that is answered, with a valid key.</param>
    /// <param name="subprotocol">The value of Sec-WebSocket-Protocol, or null to leave it out.</param>
    /// <param name="extensions">The value of Sec-WebSocket-Extensions, or null to leave it out.</param>
    public static void WriteSwitchingProtocols(
        IBufferWriter<byte> writer, UpgradeRequest request, string? subprotocol, string? extensions = null)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(request);
        if (!request.TryGetHeader(KnownField.Key, out ReadOnlySpan<byte> key)) key = default;
        writer.Write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "u8);
        AcceptKey.Write(key[..Math.Min(key.Length, AcceptKey.KeyBytes)], writer.GetSpan(AcceptKey.AcceptBytes));
        writer.Advance(AcceptKey.AcceptBytes);
        if (subprotocol is not null)
        {
            writer.Write("\r\nSec-WebSocket-Protocol: "u8);
            Encoding.Latin1.GetBytes(subprotocol, writer);
        }

        if (extensions is not null)
        {
            writer.Write("\r\nSec-WebSocket-Extensions: "u8);
            Encoding.Latin1.GetBytes(extensions, writer);
        }

        writer.Write("\r\n\r\n"u8);
    }

    /// <summary>Writes the answer to a request that breaks a rule, with the header fields that its status needs.</summary>
    /// <param name="writer">The caller's writer, to which the bytes are written.</param>
    /// <param name="rule">The broken rule.</param>
    /// <param name="headOnly">Whether the request's method was HEAD: then the body is left out.</param>
    /// <param name="date">The value of Date (<see cref="HttpDate"/>); empty to leave it out.</param>
    /// <param name="detail">A line after the rule's sentence, or null. The caller escapes what comes from the client.</param>
    public static void WriteRefusal(
        IBufferWriter<byte> writer, HandshakeRule rule, bool headOnly = false, ReadOnlySpan<byte> date = default, string? detail = null)
    {
        ArgumentNullException.ThrowIfNull(rule);
        string fields = FieldsOf(rule.Status);
        if (rule == HandshakeRules.ProtocolVersionNot13) fields += "Sec-WebSocket-Version: 13\r\n";
        Write(writer, rule.Status, fields, $"{rule.Text} ({rule.Section}){(detail is null ? "" : "\n" + detail)}", headOnly, date);
    }

    /// <summary>Writes an error that the application has decided on, with the header fields that its status needs.</summary>
    /// <param name="writer">The caller's writer, to which the bytes are written.</param>
    /// <param name="status">The HTTP status, 400 to 599.</param>
    /// <param name="text">The body: a sentence for the client.</param>
    /// <param name="headOnly">Whether the request's method was HEAD: then the body is left out.</param>
    /// <param name="date">The value of Date (<see cref="HttpDate"/>); empty to leave it out.</param>
    public static void WriteError(
        IBufferWriter<byte> writer, int status, string text, bool headOnly = false, ReadOnlySpan<byte> date = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        Write(writer, status, FieldsOf(status), text, headOnly, date);
    }

    /// <summary>Writes 200 OK with an HTML page, or with a part of one.</summary>
    /// <param name="writer">The caller's writer, to which the bytes are written.</param>
    /// <param name="html">The page, in UTF-8, or what else its type says.</param>
    /// <param name="headOnly">Whether the request's method was HEAD: then the body is left out.</param>
    /// <param name="contentSecurityPolicy">The value of Content-Security-Policy, in ASCII.</param>
    /// <param name="date">The value of Date (<see cref="HttpDate"/>); empty to leave it out.</param>
    /// <param name="contentType">The value of Content-Type, in ASCII.</param>
    public static void WritePage(
        IBufferWriter<byte> writer, ReadOnlySpan<byte> html, bool headOnly, string contentSecurityPolicy, ReadOnlySpan<byte> date = default,
        string contentType = "text/html; charset=utf-8")
    {
        ArgumentNullException.ThrowIfNull(writer);
        Append(writer, "HTTP/1.1 200 OK\r\n");
        AppendDate(writer, date);
        Append(writer, $"Content-Type: {contentType}\r\n");
        Append(writer, string.Create(CultureInfo.InvariantCulture, $"Content-Length: {html.Length}\r\n"));
        Append(writer, $"Content-Security-Policy: {contentSecurityPolicy}\r\n");
        Append(writer,
            "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n");
        if (!headOnly) writer.Write(html);
    }

    private static void Write(IBufferWriter<byte> writer, int status, string fields, string text, bool headOnly, ReadOnlySpan<byte> date)
    {
        ArgumentNullException.ThrowIfNull(writer);
        byte[] body = Encoding.UTF8.GetBytes(text + "\n");
        Append(writer, string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} {ReasonPhrase(status)}\r\n"));
        AppendDate(writer, date);
        Append(writer, fields);
        Append(writer, status == 426 ? "Connection: Upgrade, close\r\n" : "Connection: close\r\n");
        Append(writer, "Content-Type: text/plain; charset=utf-8\r\n");
        Append(writer, string.Create(CultureInfo.InvariantCulture, $"Content-Length: {body.Length}\r\n"));
        Append(writer, "X-Content-Type-Options: nosniff\r\n\r\n");
        if (!headOnly) writer.Write(body);
    }

    // What a status needs besides.
    private static string FieldsOf(int status) => status switch
    {
        401 => "WWW-Authenticate: Bearer\r\n", // RFC 9110 §15.5.2 asks for it
        405 => "Allow: GET, HEAD\r\n",
        426 => "Upgrade: websocket\r\n", // RFC 9110 §15.5.22; §7.8 asks for the Connection that goes with it
        429 or 503 => string.Create(CultureInfo.InvariantCulture, $"Retry-After: {RetryAfterSeconds}\r\n"),
        _ => "",
    };

    private static void AppendDate(IBufferWriter<byte> writer, ReadOnlySpan<byte> date)
    {
        if (date.IsEmpty) return;
        writer.Write("Date: "u8);
        writer.Write(date);
        writer.Write("\r\n"u8);
    }

    private static void Append(IBufferWriter<byte> writer, string ascii) => Encoding.ASCII.GetBytes(ascii, writer);

    private static string ReasonPhrase(int status) => status switch
    {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        < 500 => "Client Error",
        _ => "Server Error",
    };
}
