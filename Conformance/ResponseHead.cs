// The head of an HTTP answer, and what RFC 6455 §4.1 has a client check in it.

using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace RawWs.Conformance;

internal sealed record ResponseHead(int Status, string StatusLine, IReadOnlyList<(string Name, string Value)> Fields)
{
    public static ResponseHead Parse(string head)
    {
        string[] lines = head.Split("\r\n");
        int status = StatusOf(lines[0]);
        List<(string, string)> fields = [];
        foreach (string line in lines.Skip(1))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon < 1) throw new NotAsExpectedException($"not a header field: {Printable(line)}");
            fields.Add((line[..colon], line[(colon + 1)..].Trim(' ', '\t')));
        }

        return new ResponseHead(status, Printable(lines[0]), fields);
    }

    /// <summary>
    /// The first line of §4.1's list alone: whether it is the answer of a WebSocket server, be it right in the rest or wrong.
    /// </summary>
    /// <param name="head">A head; its fields may be anything.</param>
    /// <exception cref="NotAsExpectedException">It is no HTTP answer, or not a 101.</exception>
    public static void CheckSwitches(string head)
    {
        string line = head.Split("\r\n")[0];
        if (StatusOf(line) != 101) throw NotSwitched(Printable(line));
    }

    /// <summary>Every value of the fields of this name, split at commas.</summary>
    public IReadOnlyList<string> Values(string name) =>
    [
        .. Fields.Where(field => field.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            .SelectMany(static field => field.Value.Split(',')).Select(static value => value.Trim(' ', '\t')),
    ];

    /// <summary>§4.1's list of what makes a client fail the connection, in its order.</summary>
    public void CheckUpgrade(string key, bool offeredExtensions, IReadOnlyList<string> offeredSubprotocols)
    {
        if (Status != 101) throw NotSwitched(StatusLine);
        if (Values("Upgrade") is not [string upgrade] || !upgrade.Equals("websocket", StringComparison.OrdinalIgnoreCase))
            throw new NotAsExpectedException("the answer's Upgrade is not websocket");
        if (!Values("Connection").Contains("Upgrade", StringComparer.OrdinalIgnoreCase))
            throw new NotAsExpectedException("the answer's Connection has no Upgrade");
        if (Values("Sec-WebSocket-Accept") is not [string accept] || accept != AcceptOf(key))
            throw new NotAsExpectedException($"Sec-WebSocket-Accept is not {AcceptOf(key)}");
        IReadOnlyList<string> extensions = Values("Sec-WebSocket-Extensions");
        if (extensions.Count > 0 && !offeredExtensions)
            throw new NotAsExpectedException("the answer names an extension, and none was offered");
        IReadOnlyList<string> subprotocols = Values("Sec-WebSocket-Protocol");
        if (subprotocols.Count > 1 || subprotocols.Any(chosen => !offeredSubprotocols.Contains(chosen)))
            throw new NotAsExpectedException("the answer names a subprotocol that was not offered, or several");
        if (Values("Content-Length").Any(static length => length != "0") || Values("Transfer-Encoding").Count > 0)
            throw new NotAsExpectedException("the 101 announces a body");
    }

    [SuppressMessage("Security", "CA5350", Justification = "RFC 6455 §1.3 prescribes SHA-1; nothing is protected by it.")]
    public static string AcceptOf(string key) =>
        Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));

    private static int StatusOf(string line)
    {
        string[] words = line.Split(' ', 3);
        bool isStatusLine = words.Length >= 2 && words[0].StartsWith("HTTP/1.", StringComparison.Ordinal) && words[1].Length == 3;
        return isStatusLine && int.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out int status)
            ? status : throw new NotAsExpectedException($"not an HTTP answer: {Printable(line)}");
    }

    private static NotAsExpectedException NotSwitched(string line) => new($"a valid request was answered with \"{line}\"");

    private static string Printable(string line) => new([.. line.Take(120).Select(static c => c is < ' ' or > '~' ? '.' : c)]);
}
