// Answers to an opening handshake that a client must not take (RFC 6455 §4.1), and two that it must bear. What follows the answer is an
// echo, as if nothing were wrong: a client that has not noticed finds its messages answered.

using System.Buffers;
using System.Text;
using RawWs.Handshake;

namespace RawWs.Server.Console.Scenarios;

/// <summary>What the server does when it has sent its answer.</summary>
internal enum AfterAnswer : byte
{
    /// <summary>It goes on as if the connection were open.</summary>
    Open,

    /// <summary>It ends its stream.</summary>
    End,

    /// <summary>It keeps silent.</summary>
    Silence,
}

/// <summary>One fault.</summary>
/// <param name="Name">Its name in the address.</param>
/// <param name="What">What is wrong, for the page.</param>
/// <param name="Write">Makes the answer from a valid one.</param>
/// <param name="After">What follows.</param>
internal sealed record HandshakeFault(string Name, string What, Func<string, string> Write, AfterAnswer After = AfterAnswer.Open);

internal static class HandshakeFaults
{
    private const string StatusLine = "HTTP/1.1 101 Switching Protocols\r\n";
    private const string Upgrade = "Upgrade: websocket\r\n";
    private const string Connection = "Connection: Upgrade\r\n";
    private const string End = "\r\n\r\n";
    private const int ManyBytes = 256 * 1024;

    /// <summary>Every fault.</summary>
    public static IReadOnlyList<HandshakeFault> All { get; } =
    [
        new("wrong-accept", "Sec-WebSocket-Accept was made from another key", static answer => WithAccept(answer, WrongAccept() + "\r\n")),
        new("no-accept", "Sec-WebSocket-Accept is missing", static answer => WithAccept(answer, null)),
        new("no-upgrade", "Upgrade is missing", static answer => Without(answer, Upgrade)),
        new("wrong-upgrade", "Upgrade names another protocol", static answer => answer.Replace(Upgrade, "Upgrade: h2c\r\n")),
        new("no-connection", "Connection is missing", static answer => Without(answer, Connection)),
        new("wrong-connection", "Connection does not say Upgrade",
            static answer => answer.Replace(Connection, "Connection: keep-alive\r\n")),
        new("unasked-subprotocol", "a subprotocol is chosen that was not offered",
            static answer => answer.Replace(End, "\r\nSec-WebSocket-Protocol: not.offered" + End)),
        new("unasked-extension", "an extension is agreed on that was not offered",
            static answer => answer.Replace(End, "\r\nSec-WebSocket-Extensions: x-not-offered" + End)),
        new("status-200", "the status is 200, all else is right", static answer => answer.Replace(StatusLine, "HTTP/1.1 200 OK\r\n")),
        new("http-1.0", "the version is HTTP/1.0, which has no upgrade",
            static answer => answer.Replace("HTTP/1.1", "HTTP/1.0")),
        new("redirect", "301 to a place where nobody is",
            static _ => "HTTP/1.1 301 Moved Permanently\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\nConnection: close" + End,
            AfterAnswer.End),
        new("unauthorized", "401, as if a password were wanted",
            static _ => "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"scenario\"\r\nContent-Length: 0\r\nConnection: close"
                + End, AfterAnswer.End),
        new("unavailable", "503, come back in a second",
            static _ => "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close" + End,
            AfterAnswer.End),
        new("garbage", "the answer is not HTTP", static _ => "\u0016\u0003\u0001 this is not the protocol you are looking for\n",
            AfterAnswer.End),
        new("cut", "the stream ends in the middle of the answer", static answer => answer[..(answer.Length / 2)], AfterAnswer.End),
        new("endless-head", "256 KiB of header fields, and no end of them", static answer => answer[..^2] + ManyFields(),
            AfterAnswer.Silence),
        new("silence", "there is no answer", static _ => "", AfterAnswer.Silence),
        new("early-message", "no fault: a text comes in one piece with the answer, and must not be lost",
            static answer => answer + "\u0081\u0005early"),
        new("many-fields", "no fault: fields that nobody knows, in lower case",
            static answer => answer.Replace("Upgrade: ", "upgrade: ").Replace("Connection: ", "x-unknown: 1, 2; 3=\"4\"\r\nconnection: ")),
    ];

    /// <summary>A valid answer, each byte a character.</summary>
    public static string Valid(UpgradeRequest request, string? subprotocol, string? extensions)
    {
        ArrayBufferWriter<byte> writer = new();
        UpgradeResponse.WriteSwitchingProtocols(writer, request, subprotocol, extensions);
        return Encoding.Latin1.GetString(writer.WrittenSpan);
    }

    private static string Without(string answer, string line) => answer.Replace(line, "");

    private static string WithAccept(string answer, string? accept)
    {
        const string Name = "Sec-WebSocket-Accept: ";
        int start = answer.IndexOf(Name, StringComparison.Ordinal);
        int end = answer.IndexOf("\r\n", start, StringComparison.Ordinal) + 2;
        string rest = answer[end..];
        // The accept may be the last field: then the empty line that ends the head follows at once.
        return answer[..start] + (accept is null ? "" : Name + accept) + rest;
    }

    private static string WrongAccept()
    {
        byte[] accept = new byte[AcceptKey.AcceptBytes];
        AcceptKey.Write("AAAAAAAAAAAAAAAAAAAAAA=="u8, accept);
        return Encoding.ASCII.GetString(accept);
    }

    private static string ManyFields()
    {
        StringBuilder fields = new();
        for (int i = 0; fields.Length < ManyBytes; i++) fields.Append("X-Field-").Append(i).Append(": ").Append('a', 1000).Append("\r\n");
        return fields.ToString();
    }
}
