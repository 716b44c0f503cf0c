// §4: the opening handshake. A valid request in all its spellings is accepted; anything else is answered with an HTTP error.

using System.Globalization;

namespace RawWs.Conformance;

internal static class HandshakeCases
{
    private const string Get = "GET {0} HTTP/1.1";
    private const string Host = "Host: {0}", Upgrade = "Upgrade: websocket", ConnectionUpgrade = "Connection: Upgrade", Key =
        "Sec-WebSocket-Key: {1}",
        Version = "Sec-WebSocket-Version: 13";
    private const string Extensions = "Sec-WebSocket-Extensions: ";
    private const string Reading = "6455 §4.2.1", Sending = "6455 §4.2.2";

    private static readonly string[] Valid = [Host, Upgrade, ConnectionUpgrade, Key, Version];

    public static IEnumerable<Case> All() =>
        [.. Accepted(), .. OfRequestLine(), .. OfFields(), .. OfKey(), .. OfVersion(), .. OfLists(), .. OfHttp()];

    private static IEnumerable<Case> Accepted()
    {
        yield return Accept(Reading, "a plain request", Valid);
        yield return Accept(Reading, "header names in lower case", [.. Valid.Select(static field =>
            field[..field.IndexOf(':', StringComparison.Ordinal)].ToLowerInvariant()
                + field[field.IndexOf(':', StringComparison.Ordinal)..])]);
        yield return Accept(Reading, "header names in upper case", [.. Valid.Select(static field =>
            field[..field.IndexOf(':', StringComparison.Ordinal)].ToUpperInvariant()
                + field[field.IndexOf(':', StringComparison.Ordinal)..])]);
        yield return Accept(Reading, "fields in reverse order", [.. Valid.Reverse()]);
        yield return Accept(Reading, "Upgrade: WebSocket", With(1, "Upgrade: WebSocket"));
        yield return Accept(Reading, "Upgrade: WEBSOCKET", With(1, "Upgrade: WEBSOCKET"));
        yield return Accept(Reading, "Connection: upgrade", With(2, "Connection: upgrade"));
        yield return Accept(Reading, "Connection: keep-alive, Upgrade", With(2, "Connection: keep-alive, Upgrade"));
        yield return Accept(Reading, "Connection: Upgrade,keep-alive", With(2, "Connection: Upgrade,keep-alive"));
        yield return Accept(Reading, "two Connection fields", [.. Valid, "Connection: keep-alive"]);
        yield return Accept(Reading, "no space behind the colons",
            [.. Valid.Select(static field => field.Replace(": ", ":", StringComparison.Ordinal))]);
        yield return Accept(Reading, "spaces and tabs around the values",
            [.. Valid.Select(static field => field.Replace(": ", ": \t ", StringComparison.Ordinal) + " \t")]);
        yield return Accept(Reading, "unknown fields", [.. Valid, "X-Unknown: 1", "Cookie: a=b; c=d", "User-Agent: conformance"]);
        yield return Accept(Reading, "an empty unknown field", [.. Valid, "X-Empty:"]);
        yield return Accept(Reading, "byte by byte", Valid) with { PieceBytes = 1 };
        yield return Accept(Reading, "in pieces of 7 bytes", Valid) with { PieceBytes = 7 };
        yield return Accept(Reading, "an absolute target", Valid) with { RequestLine = "GET http://{1}{0} HTTP/1.1" };
        yield return Accept("6455 §9.1", "an unknown extension", [.. Valid, Extensions + "x-unknown-extension"]);
        yield return Accept("6455 §9.1", "an unknown extension with parameters",
            [.. Valid, Extensions + "x-unknown; a; b=1; c=\"2\", x-other"]);
        yield return Accept("6455 §9.1", "unknown extensions in two fields", [.. Valid, Extensions + "x-one", Extensions + "x-two; d=4"]);
        const string Subprotocols = "Sec-WebSocket-Protocol: ";
        HandshakeCase unknown = Accept(Sending, "an unknown subprotocol", [.. Valid, Subprotocols + "x-unknown"]);
        yield return unknown with { Subprotocols = ["x-unknown"] };
        HandshakeCase several = Accept(Sending, "several subprotocols", [.. Valid, Subprotocols + "x-one, x-two"]);
        yield return several with { Subprotocols = ["x-one", "x-two"] };
        foreach (string key in (string[])["AAAAAAAAAAAAAAAAAAAAAA==", "/////////////////////w==", "x3JJHMbDL1EzLkh9GBhXDw==",
            "+/+/+/+/+/+/+/+/+/+/+w=="])
            yield return Accept(Sending, $"the accept value of {key}", Valid) with { Key = key };
    }

    private static IEnumerable<Case> OfRequestLine()
    {
        foreach (string method in (string[])["POST", "PUT", "DELETE", "OPTIONS", "get"])
            yield return Refuse(Reading, $"the method {method}", Valid) with { RequestLine = method + " {0} HTTP/1.1" };
        yield return new HandshakeCase(Reading, "the method HEAD", Kind.Required, HandshakeEnd.NotUpgraded, "HEAD {0} HTTP/1.1", Valid);
        yield return new HandshakeCase(Reading, "HTTP/1.0", Kind.Required, HandshakeEnd.NotUpgraded, "GET {0} HTTP/1.0", Valid);
        yield return Refuse(Reading, "no version of HTTP", Valid) with { RequestLine = "GET {0}" };
        yield return Refuse(Reading, "a version of HTTP that is none", Valid) with { RequestLine = "GET {0} HTTP/x.y" };
        yield return Refuse(Reading, "another protocol's name", Valid) with { RequestLine = "GET {0} WS/1.1" };
        yield return Refuse(Reading, "no target", Valid) with { RequestLine = "GET HTTP/1.1" };
    }

    private static IEnumerable<Case> OfFields()
    {
        yield return Refuse(Reading, "no Host", Without(0));
        yield return Refuse("9112 §3.2", "two Hosts", [Host, .. Valid]);
        yield return new HandshakeCase(Reading, "no Upgrade", Kind.Required, HandshakeEnd.NotUpgraded, Get, Without(1));
        yield return new HandshakeCase(Reading, "Upgrade: h2c", Kind.Required, HandshakeEnd.NotUpgraded, Get, With(1, "Upgrade: h2c"));
        yield return new HandshakeCase(
            Reading, "Upgrade: websockets", Kind.Required, HandshakeEnd.NotUpgraded, Get, With(1, "Upgrade: websockets"));
        yield return new HandshakeCase(Reading, "no Connection", Kind.Required, HandshakeEnd.NotUpgraded, Get, Without(2));
        yield return new HandshakeCase(
            Reading, "Connection: keep-alive", Kind.Required, HandshakeEnd.NotUpgraded, Get, With(2, "Connection: keep-alive"));
        yield return new HandshakeCase(
            Reading, "Connection: Upgraded", Kind.Required, HandshakeEnd.NotUpgraded, Get, With(2, "Connection: Upgraded"));
    }

    private static IEnumerable<Case> OfKey()
    {
        yield return Refuse(Reading, "no key", Without(3));
        yield return Refuse("6455 §11.3.1", "two keys", [.. Valid, "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="]);
        foreach ((string what, string key) in ((string, string)[])
                 [
                     ("an empty key", ""), ("a key of 15 bytes", "AAAAAAAAAAAAAAAAAAAA"), ("a key of 17 bytes", "AAAAAAAAAAAAAAAAAAAAAAA="),
                         ("a key of 1 byte", "AA=="),
                     ("a key without padding", "AAAAAAAAAAAAAAAAAAAAAA"), ("a key with one padding character", "AAAAAAAAAAAAAAAAAAAAAA="),
                         ("a key with a space in it", "AAAAAAAAAAA AAAAAAAAAA=="),
                     ("a key with a character that is not base64's", "AAAAAAAAAA!AAAAAAAAAAA=="),
                     ("a key in base64url's alphabet", "-_-_-_-_-_-_-_-_-_-_-w=="),
                 ])
        {
            yield return Refuse(Reading, what, Valid) with { Key = key };
        }
    }

    private static IEnumerable<Case> OfVersion()
    {
        yield return Refuse(Reading, "no version", Without(4));
        foreach (string version in (string[])["0", "7", "8", "12", "14", "25", "256", "-13", "013", "13.0", "x", "13, 8"])
            yield return Refuse("6455 §4.4", $"version {version}", With(4, "Sec-WebSocket-Version: " + version));
        foreach (string version in (string[])["8", "14", "255"])
        {
            string[] fields = With(4, "Sec-WebSocket-Version: " + version);
            HandshakeCase told = Refuse("6455 §4.4", $"version {version} is told that 13 is spoken", fields);
            yield return told with { AnswerField = ("Sec-WebSocket-Version", "13") };
            yield return Refuse(Sending, $"version {version} is answered with 426", fields) with { Status = 426, Kind = Kind.Strict };
        }
    }

    private static IEnumerable<Case> OfLists()
    {
        // §9.1: whoever receives a value against the grammar must fail the connection at once.
        foreach (string value in (string[])[";", "a;", "a; =1", "a; b=", "a b", "a; b=\"", "a; b=\"c d\"", "a; b=\"\"", "a/b",
            "a; b=c d", "=",
            "a; b=\"c\"d", "a, ;"])
            yield return Refuse("6455 §9.1", $"extensions: {value}", [.. Valid, Extensions + value]);
        foreach (string value in (string[])["a b", "a/b", "a;b", "(a)", "\"a\""])
            yield return Refuse("6455 §4.1", $"subprotocols: {value}", [.. Valid, "Sec-WebSocket-Protocol: " + value]);
        yield return Refuse("6455 §4.1", "a subprotocol twice", [.. Valid, "Sec-WebSocket-Protocol: x-one, x-one"]);
        yield return Note("6455 §4.3", "an empty list of subprotocols", [.. Valid, "Sec-WebSocket-Protocol:"]);
        yield return Note("6455 §4.3", "an empty list of extensions", [.. Valid, "Sec-WebSocket-Extensions:"]);
    }

    private static IEnumerable<Case> OfHttp()
    {
        yield return Refuse("9112 §5.1", "a space before a colon", [.. Valid, "X-Field : 1"]);
        yield return Refuse("9112 §5", "a line without a colon", [.. Valid, "X-Field"]);
        yield return Refuse("9112 §5", "a field without a name", [.. Valid, ": 1"]);
        yield return Refuse("9110 §5.5", "a NUL in a value", [.. Valid, "X-Field: a\0b"]);
        yield return Refuse("9110 §5.6.2", "a name that is no token", [.. Valid, "X(Field): 1"]);
        yield return Note("9112 §5.2", "a field folded over two lines", [.. Valid, "X-Field: 1", " 2"]);
        yield return Note("9112 §2.2", "lines that end in LF alone", Valid) with { LineEnd = "\n" };
        yield return Note("9110 §8.6", "Content-Length: 0", [.. Valid, "Content-Length: 0"]);
        yield return Note("6585 §5", "200 further fields", [.. Valid,
            .. Enumerable.Range(0, 200).Select(static i => string.Create(CultureInfo.InvariantCulture, $"X-{i}: {i}"))]);
        yield return Note("6585 §5", "a field of 64 KiB", [.. Valid, "X-Long: " + new string('x', 64 * 1024)]);
        yield return Note("6454 §7.3", "an Origin from elsewhere", [.. Valid, "Origin: https://elsewhere.example"]);
        yield return Note("6455 §4.2.2", "a path that nobody serves", Valid) with { RequestLine = "GET /there-is-nothing-here HTTP/1.1" };
    }

    private static HandshakeCase Accept(string section, string name, IReadOnlyList<string> fields) =>
        new(section, name, Kind.Required, HandshakeEnd.Accepted, Get, fields);

    private static HandshakeCase Refuse(string section, string name, IReadOnlyList<string> fields) =>
        new(section, name, Kind.Required, HandshakeEnd.Refused, Get, fields);

    private static HandshakeCase Note(string section, string name, IReadOnlyList<string> fields) =>
        new(section, name, Kind.Informational, HandshakeEnd.Open, Get, fields);

    private static string[] With(int index, string field) => [.. Valid[..index], field, .. Valid[(index + 1)..]];

    private static string[] Without(int index) => [.. Valid[..index], .. Valid[(index + 1)..]];
}
