// Requests and their results: a broken rule, the page, or an upgrade.

using System.Text;
using RawWs.Handshake;

namespace RawWs.Tests.Handshake;

public sealed record RequestVector(
    string Name, string Request, HandshakeRule? Rule = null, UpgradeResultKind Kind = UpgradeResultKind.Upgrade)
{
    public UpgradePolicy Policy { get; init; } = RequestVectors.AnyPath;

    public byte[] Bytes => Encoding.Latin1.GetBytes(Request);

    public UpgradeResultKind Expected => Rule is null ? Kind : UpgradeResultKind.Refuse;

    public override string ToString() => Name;
}

public static class RequestVectors
{
    public static readonly UpgradePolicy AnyPath = new() { Pages = ["/"] };
    private static readonly UpgradePolicy NamedPaths = new() { Pages = ["/"], Endpoints = ["/", "/ws/"] };

    private const string Line = "GET /ws/chat HTTP/1.1\r\n";
    private const string Host = "Host: localhost:2000\r\n";
    private const string Upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
    private const string Version = "Sec-WebSocket-Version: 13\r\n";
    private const string Key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    public const string Valid = Line + Host + Upgrade + Version + Key + "\r\n";

    public static IReadOnlyList<RequestVector> All { get; } =
    [
        new("Valid", Valid),
        new("Section_4_1_Seed_AbsoluteForm", "GET ws://localhost:3000/ws/chat HTTP/1.1\r\nHost: localhost\r\n" + Upgrade + Version + Key
            + "Origin: http://localhost:3000\r\n\r\n"),
        new("AbsoluteForm_WithoutPath", "GET http://localhost HTTP/1.1\r\n" + Host + Upgrade + Version + Key + "\r\n"),
        new("LeadingEmptyLine", "\r\n" + Valid),
        new("CaseAndLists", Line + "hOsT: localhost\r\nupgrade: h2c, WebSocket\r\nCONNECTION: keep-alive\r\nconnection: UPGRADE\r\n"
            + Version + Key + "\r\n"),
        new("Http12", Valid.Replace("HTTP/1.1", "HTTP/1.2", StringComparison.Ordinal)),
        new("EscapedNumberSign", Valid.Replace("/ws/chat", "/ws/%23a", StringComparison.Ordinal)),
        new("EscapedUtf8", Valid.Replace("/ws/chat", "/ws/%E2%82%AC", StringComparison.Ordinal)),
        new("Root_WithUpgrade", Valid.Replace("/ws/chat", "/?uid=1", StringComparison.Ordinal)),
        new("QuotedExtension", With("Sec-WebSocket-Extensions: a; b=\"c\\d\", permessage-deflate; client_max_window_bits\r\n")),
        new("Subprotocols", With("Sec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Protocol: third\r\n")),
        new("AnyPath", Valid.Replace("/ws/chat", "/other", StringComparison.Ordinal)),
        new("AnyPath_WithoutSlash", Valid.Replace("/ws/chat", "/ws", StringComparison.Ordinal)),
        new("AnyPath_Slashes", Valid.Replace("/ws/chat", "//", StringComparison.Ordinal)),
        new("ContentLengthOfZero", With("Content-Length: 0\r\n")),
        new("OriginBelowLocalhost", With("Origin: https://app.localhost\r\n")),
        new("OriginOfLoopback", With("Origin: http://127.0.0.1:8080\r\n")),
        new("OriginOfLoopbackV6", With("Origin: http://[::1]:8080\r\n")),
        new("OriginOfSameAddress", With("Origin: http://192.0.2.1:8080\r\n")
            .Replace("Host: localhost:2000", "Host: 192.0.2.1", StringComparison.Ordinal)),
        new("Page", "GET / HTTP/1.1\r\n" + Host + "\r\n", Kind: UpgradeResultKind.Page),
        new("Page_Head", "HEAD /?a HTTP/1.1\r\n" + Host + "\r\n", Kind: UpgradeResultKind.Page),
        new("Page_Http10IgnoresUpgrade", "GET / HTTP/1.0\r\n" + Host + Upgrade + "\r\n", Kind: UpgradeResultKind.Page),
        new("Page_Http10WithoutHost", "GET / HTTP/1.0\r\n\r\n", Kind: UpgradeResultKind.Page),

        new("LongLine", "GET /" + new string('a', 8200), HandshakeRules.RequestLineTooLong),
        new("LargeHead", Line + "A: " + new string('a', 33_000), HandshakeRules.HeadTooLarge),
        new("ManyHeaders", Line + string.Concat(Enumerable.Repeat("A: b\r\n", 101)), HandshakeRules.TooManyHeaders),
        new("BareFeed", Line + "Host: a\n", HandshakeRules.LineEndMalformed),
        new("BareFeed_AloneInTheFirstLine", "\n", HandshakeRules.LineEndMalformed),
        new("BareFeed_AloneInALine", Line + "\nHost: a\r\n", HandshakeRules.LineEndMalformed),
        new("BareReturn", Line + "Host: a\rb", HandshakeRules.LineEndMalformed),
        new("ControlInValue", Line + "Host: a\0b", HandshakeRules.ControlCharacter),
        new("ControlFirstInLine", Line + "\u0001: a\r\n", HandshakeRules.ControlCharacter),
        new("ControlInLine", "GET /\u0001", HandshakeRules.ControlCharacter),
        new("TwoSpaces", "GET  / HTTP/1.1\r\n", HandshakeRules.RequestLineMalformed),
        new("NoTarget", "GET  HTTP/1.1\r\n", HandshakeRules.RequestLineMalformed),
        new("NoVersion", "GET /\r\n", HandshakeRules.RequestLineMalformed),
        new("BadVersion", "GET / HTTP/1\r\n", HandshakeRules.RequestLineMalformed),
        new("Folded", Line + "A: b\r\n c\r\n", HandshakeRules.HeaderFolded),
        new("NoColon", Line + "Host\r\n", HandshakeRules.HeaderMalformed),
        new("SpaceBeforeColon", Line + "Host : a\r\n", HandshakeRules.HeaderMalformed),
        new("NameNotAToken", Line + "H@st: a\r\n", HandshakeRules.HeaderMalformed),
        new("Post", Valid.Replace("GET", "POST", StringComparison.Ordinal), HandshakeRules.MethodNotAllowed),
        new("HeadWithUpgrade", Valid.Replace("GET", "HEAD", StringComparison.Ordinal), HandshakeRules.MethodNotAllowed),
        new("Http2", Valid.Replace("HTTP/1.1", "HTTP/2.0", StringComparison.Ordinal), HandshakeRules.MajorVersionNotSupported),
        new("Asterisk", Valid.Replace("/ws/chat", "*", StringComparison.Ordinal), HandshakeRules.TargetMalformed),
        new("Fragment", Valid.Replace("/ws/chat", "/ws/#a", StringComparison.Ordinal), HandshakeRules.TargetMalformed),
        new("BadEscape", Valid.Replace("/ws/chat", "/ws/%4", StringComparison.Ordinal), HandshakeRules.TargetMalformed),
        new("TargetNotAscii", Valid.Replace("/ws/chat", "/ws/\u00e9", StringComparison.Ordinal), HandshakeRules.TargetMalformed),
        new("EscapedControl", Valid.Replace("/ws/chat", "/ws/%00", StringComparison.Ordinal), HandshakeRules.TargetMalformed),
        new("OtherScheme", Valid.Replace("/ws/chat", "ftp://a/ws/chat", StringComparison.Ordinal), HandshakeRules.TargetMalformed),
        new("ManyQueryParameters", Valid.Replace("/ws/chat", "/?" + new string('&', 256), StringComparison.Ordinal),
            HandshakeRules.QueryParametersTooMany),
        new("NoHost", Line + Upgrade + Version + Key + "\r\n", HandshakeRules.HostMissing),
        new("TwoHosts", With("Host: localhost:2000\r\n"), HandshakeRules.HostDoubled),
        new("BadHost", Line + "Host: a b\r\n" + Upgrade + Version + Key + "\r\n", HandshakeRules.HostMalformed),
        new("LongHost", Line + $"Host: {new string('a', 256)}\r\n" + Upgrade + Version + Key + "\r\n", HandshakeRules.HostMalformed),
        new("BadPort", Line + "Host: a:99999\r\n" + Upgrade + Version + Key + "\r\n", HandshakeRules.HostMalformed),
        new("HostNotAscii", Line + "Host: b\u00fccher.example\r\n" + Upgrade + Version + Key + "\r\n", HandshakeRules.HostMalformed),
        new("Endpoint_PlainGet", Line + Host + "\r\n", HandshakeRules.UpgradeNotAsked),
        new("Path_PlainGet", "GET /other HTTP/1.1\r\n" + Host + "\r\n", HandshakeRules.UpgradeNotAsked),
        new("Slashes_PlainGet", "GET // HTTP/1.1\r\n" + Host + "\r\n", HandshakeRules.UpgradeNotAsked),
        new("ManyUpgrades", With("Upgrade: a" + new string(',', 99) + "\r\n"), HandshakeRules.TokensTooMany),
        new("ManyConnections", With("Connection: " + Many(100) + "\r\n"), HandshakeRules.TokensTooMany),
        new("Endpoint_Http10", Valid.Replace("HTTP/1.1", "HTTP/1.0", StringComparison.Ordinal), HandshakeRules.UpgradeLost),
        new("Root_Http10WithKey", Valid.Replace("HTTP/1.1", "HTTP/1.0", StringComparison.Ordinal)
            .Replace("/ws/chat", "/", StringComparison.Ordinal), HandshakeRules.UpgradeLost),
        new("Root_KeyWithoutUpgrade", "GET / HTTP/1.1\r\n" + Host + Version + Key + "\r\n", HandshakeRules.UpgradeLost),
        new("UpgradeToOther", Valid.Replace("Upgrade: websocket", "Upgrade: h2c", StringComparison.Ordinal), HandshakeRules.UpgradeLost),
        new("NoConnection", Line + Host + "Upgrade: websocket\r\n" + Version + Key + "\r\n", HandshakeRules.ConnectionWithoutUpgrade),
        new("ConnectionWithoutToken", Valid.Replace("Connection: Upgrade", "Connection: keep-alive, upgraded", StringComparison.Ordinal),
            HandshakeRules.ConnectionWithoutUpgrade),
        new("NoVersion13", Line + Host + Upgrade + Key + "\r\n", HandshakeRules.ProtocolVersionNot13),
        new("Version8", Line + Host + Upgrade + "Sec-WebSocket-Version: 8\r\n" + Key + "\r\n", HandshakeRules.ProtocolVersionNot13),
        new("TwoVersions", With(Version), HandshakeRules.ProtocolVersionNot13),
        new("NoKey", Line + Host + Upgrade + Version + "\r\n", HandshakeRules.KeyMissing),
        new("TwoKeys", With(Key), HandshakeRules.KeyDoubled),
        .. BadKeys("", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZ===", "dGhl IHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQQ=",
            "dGhlIHNhbXBsZSBub25jZ!=="),
        new("ContentLength", With("Content-Length: 1\r\n"), HandshakeRules.BodyNotAllowed),
        new("ContentLengthTwice", With("Content-Length: 0\r\nContent-Length: 0\r\n"), HandshakeRules.BodyNotAllowed),
        new("ContentLengthList", With("Content-Length: 0, 0\r\n"), HandshakeRules.BodyNotAllowed),
        new("TransferEncoding", With("Transfer-Encoding: chunked\r\n"), HandshakeRules.BodyNotAllowed),
        new("ManySubprotocols", With($"Sec-WebSocket-Protocol: {Many(60)}\r\nSec-WebSocket-Protocol: {Many(41)}\r\n"),
            HandshakeRules.SubprotocolsTooMany),
        new("SubprotocolNotAToken", With("Sec-WebSocket-Protocol: a, b c\r\n"), HandshakeRules.SubprotocolsMalformed),
        new("SubprotocolTwice", With("Sec-WebSocket-Protocol: a, b, a\r\n"), HandshakeRules.SubprotocolsMalformed),
        new("SubprotocolEmpty", With("Sec-WebSocket-Protocol: \r\n"), HandshakeRules.SubprotocolsMalformed),
        new("ManyExtensions", With($"Sec-WebSocket-Extensions: {Many(33)}\r\n"), HandshakeRules.ExtensionsTooMany),
        new("ManyExtensionParameters", With($"Sec-WebSocket-Extensions: a, b;{string.Join(';', Many(17).Split(','))}\r\n"),
            HandshakeRules.ExtensionsTooMany),
        new("ExtensionWithoutValue", With("Sec-WebSocket-Extensions: a; b=\r\n"), HandshakeRules.ExtensionsMalformed),
        new("ExtensionQuotedNoToken", With("Sec-WebSocket-Extensions: a; b=\"c d\"\r\n"), HandshakeRules.ExtensionsMalformed),
        new("ExtensionOpenQuote", With("Sec-WebSocket-Extensions: a; b=\"c\r\n"), HandshakeRules.ExtensionsMalformed),
        new("TwoOrigins", With("Origin: http://localhost\r\nOrigin: http://localhost\r\n"), HandshakeRules.OriginDoubled),
        new("ForeignOrigin", With("Origin: https://example.com\r\n"), HandshakeRules.OriginNotAllowed),
        new("NullOrigin", With("Origin: null\r\n"), HandshakeRules.OriginNotAllowed),
        new("FileOrigin", With("Origin: file://\r\n"), HandshakeRules.OriginNotAllowed),
        new("DnsRebinding", With("Origin: http://evil.example\r\n")
            .Replace("Host: localhost:2000", "Host: evil.example", StringComparison.Ordinal), HandshakeRules.OriginNotAllowed),
        new("UnknownPath", Valid.Replace("/ws/chat", "/other", StringComparison.Ordinal),
            HandshakeRules.PathUnknown) { Policy = NamedPaths },
        new("UnknownPath_PlainGet", "GET /other HTTP/1.1\r\n" + Host + "\r\n", HandshakeRules.PathUnknown) { Policy = NamedPaths },
        new("UnknownPath_WithoutSlash", Valid.Replace("/ws/chat", "/ws", StringComparison.Ordinal),
            HandshakeRules.PathUnknown) { Policy = NamedPaths },
        new("NamedPath", Valid) { Policy = NamedPaths },
        new("NamedPath_Root", Valid.Replace("/ws/chat", "/", StringComparison.Ordinal)) { Policy = NamedPaths },
    ];

    public static string With(string fields) => Valid[..^2] + fields + "\r\n";

    private static string Many(int count) => string.Join(',', Enumerable.Range(0, count).Select(static i => $"a{i}"));

    private static IEnumerable<RequestVector> BadKeys(params string[] keys) =>
        keys.Select(static (key, i) => new RequestVector(
            $"BadKey{i}", Line + Host + Upgrade + Version + $"Sec-WebSocket-Key: {key}\r\n\r\n", HandshakeRules.KeyMalformed));
}
