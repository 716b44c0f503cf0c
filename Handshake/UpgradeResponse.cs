// The answers, byte for byte. A 101 has what §4.2.2 asks for and nothing else; every other answer says in plain text what was wrong, and that
// the connection closes.

using System.Buffers;
using System.Globalization;
using System.Text;

namespace RawWs.Handshake;

/// <summary>Writes the answers to a request.</summary>
public static class UpgradeResponse
{
    private const int RetryAfterSeconds = 5;

    /// <summary>Writes 101 Switching Protocols (§4.2.2, point 5).</summary>
    /// <param name="writer">Takes the bytes.</param>
    /// <param name="request">The request that is answered.</param>
    /// <param name="subprotocol">The value of Sec-WebSocket-Protocol, or null to leave it out.</param>
    /// <param name="extensions">The value of Sec-WebSocket-Extensions, or null to leave it out.</param>
    public static void WriteSwitchingProtocols(
        IBufferWriter<byte> writer, UpgradeRequest request, string? subprotocol, string? extensions = null)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(request);
        if (!request.TryGetHeader("Sec-WebSocket-Key"u8, out ReadOnlySpan<byte> key)) key = default;
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

    /// <summary>Writes the answer to a request that breaks a row, with the fields that its status asks for.</summary>
    public static void WriteRefusal(IBufferWriter<byte> writer, HandshakeRule rule, bool headOnly = false)
    {
        ArgumentNullException.ThrowIfNull(rule);
        string fields = rule.Status switch
        {
            405 => "Allow: GET, HEAD\r\n",
            // RFC 9110 §15.5.22 asks for Upgrade with a 426, and §7.8 for the Connection that goes with it.
            426 when rule == HandshakeRules.ProtocolVersionNot13 => "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
            426 => "Upgrade: websocket\r\n",
            503 => string.Create(CultureInfo.InvariantCulture, $"Retry-After: {RetryAfterSeconds}\r\n"),
            _ => "",
        };
        Write(writer, rule.Status, fields, $"{rule.Text} ({rule.Section})", headOnly);
    }

    /// <summary>Writes an error of the application's: its status, 400 to 599, and a sentence.</summary>
    public static void WriteError(IBufferWriter<byte> writer, int status, string text, bool headOnly = false)
    {
        ArgumentNullException.ThrowIfNull(text);
        string fields = status == 426 ? "Upgrade: websocket\r\n" : "";
        Write(writer, status, fields, text, headOnly);
    }

    /// <summary>Writes a page.</summary>
    public static void WritePage(IBufferWriter<byte> writer, ReadOnlySpan<byte> html, bool headOnly, string contentSecurityPolicy)
    {
        ArgumentNullException.ThrowIfNull(writer);
        Append(writer, "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n");
        Append(writer, string.Create(CultureInfo.InvariantCulture, $"Content-Length: {html.Length}\r\n"));
        Append(writer, $"Content-Security-Policy: {contentSecurityPolicy}\r\n");
        Append(writer, "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n");
        if (!headOnly) writer.Write(html);
    }

    private static void Write(IBufferWriter<byte> writer, int status, string fields, string text, bool headOnly)
    {
        ArgumentNullException.ThrowIfNull(writer);
        byte[] body = Encoding.UTF8.GetBytes(text + "\n");
        Append(writer, string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} {ReasonPhrase(status)}\r\n"));
        Append(writer, fields);
        Append(writer, status == 426 ? "Connection: Upgrade, close\r\n" : "Connection: close\r\n");
        Append(writer, string.Create(CultureInfo.InvariantCulture, $"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {body.Length}\r\n"));
        Append(writer, "X-Content-Type-Options: nosniff\r\n\r\n");
        if (!headOnly) writer.Write(body);
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
