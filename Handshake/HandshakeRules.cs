// Everything for which a request is refused, one row for each: its name, the section that says so, the HTTP status, and the sentence
// that the client reads. The rows stand in the order in which they are judged, and the first that is broken answers:
// first the syntax, byte by byte as the head arrives (RequestReader), then the meaning, once it is whole (UpgradeRules).

namespace RawWs.Handshake;

/// <summary>A row: something that a request may not do, and what it is answered.</summary>
public sealed class HandshakeRule
{
    internal HandshakeRule(string name, string section, int status, string text) =>
        (Name, Section, Status, Text) = (name, section, status, text);

    /// <summary>The row's name, as its field in <see cref="HandshakeRules"/>.</summary>
    public string Name { get; }

    /// <summary>The document and section that say so: "RFC 6455 §4.2.1".</summary>
    public string Section { get; }

    /// <summary>The status of the answer.</summary>
    public int Status { get; }

    /// <summary>What was wrong, in one English sentence.</summary>
    public string Text { get; }

    /// <summary>Name, section and text.</summary>
    public override string ToString() => $"{Name} ({Section}): {Text}";
}

/// <summary>The rows, in the order in which they are judged.</summary>
public static class HandshakeRules
{
    private static readonly List<HandshakeRule> Rows = [];

    /// <summary>The request line is past its limit.</summary>
    public static readonly HandshakeRule RequestLineTooLong = Row(nameof(RequestLineTooLong), "RFC 9112 §3", 431,
        "The request line is too long.");

    /// <summary>The head is past its limit.</summary>
    public static readonly HandshakeRule HeadTooLarge = Row(nameof(HeadTooLarge), "RFC 6585 §5", 431,
        "The request line and header fields together are too large.");

    /// <summary>More header fields than allowed.</summary>
    public static readonly HandshakeRule TooManyHeaders = Row(nameof(TooManyHeaders), "RFC 6585 §5", 431,
        "The request has too many header fields.");

    /// <summary>A line that does not end in CR LF, or a CR inside of one.</summary>
    public static readonly HandshakeRule LineEndMalformed = Row(nameof(LineEndMalformed), "RFC 9112 §2.2", 400,
        "A line does not end in CR LF.");

    /// <summary>A control character other than a tab.</summary>
    public static readonly HandshakeRule ControlCharacter = Row(nameof(ControlCharacter), "RFC 9110 §5.5", 400,
        "The request contains a control character.");

    /// <summary>The request line is not "method target version".</summary>
    public static readonly HandshakeRule RequestLineMalformed = Row(nameof(RequestLineMalformed), "RFC 9112 §3", 400,
        "The request line is not a method, a target and an HTTP version, with one space between each.");

    /// <summary>A header field continued on the next line.</summary>
    public static readonly HandshakeRule HeaderFolded = Row(nameof(HeaderFolded), "RFC 9112 §5.2", 400,
        "A header field is folded over two lines.");

    /// <summary>A header line that is not "name: value".</summary>
    public static readonly HandshakeRule HeaderMalformed = Row(nameof(HeaderMalformed), "RFC 9112 §5", 400,
        "A header line is not a name, a colon right behind it, and a value.");

    /// <summary>A method other than GET, or HEAD for the page.</summary>
    public static readonly HandshakeRule MethodNotAllowed = Row(nameof(MethodNotAllowed), "RFC 6455 §4.2.1", 405,
        "The method is not GET.");

    /// <summary>A major HTTP version other than 1.</summary>
    public static readonly HandshakeRule MajorVersionNotSupported = Row(nameof(MajorVersionNotSupported), "RFC 9110 §15.6.6", 505,
        "The HTTP version is not 1.1.");

    /// <summary>A target in no form that is served here.</summary>
    public static readonly HandshakeRule TargetMalformed = Row(nameof(TargetMalformed), "RFC 9112 §3.2", 400,
        "The request target is neither an absolute path nor an absolute URI, or not well formed.");

    /// <summary>More parameters in the query than allowed.</summary>
    public static readonly HandshakeRule QueryParametersTooMany = Row(nameof(QueryParametersTooMany), "RFC 6585 §5", 431,
        "The query has too many parameters.");

    /// <summary>No Host.</summary>
    public static readonly HandshakeRule HostMissing = Row(nameof(HostMissing), "RFC 9112 §3.2", 400,
        "The Host header field is missing.");

    /// <summary>More than one Host.</summary>
    public static readonly HandshakeRule HostDoubled = Row(nameof(HostDoubled), "RFC 9112 §3.2", 400,
        "There is more than one Host header field.");

    /// <summary>A Host that is no host with an optional port.</summary>
    public static readonly HandshakeRule HostMalformed = Row(nameof(HostMalformed), "RFC 9112 §3.2", 400,
        "The Host header field is not a host with an optional port.");

    /// <summary>More elements in Upgrade or Connection than allowed, empty ones among them.</summary>
    public static readonly HandshakeRule TokensTooMany = Row(nameof(TokensTooMany), "RFC 9110 §5.6.1.2", 431,
        "The Upgrade or the Connection header field has too many elements.");

    /// <summary>WebSocket is spoken of, but no upgrade is asked for: something on the way has taken it off.</summary>
    public static readonly HandshakeRule UpgradeLost = Row(nameof(UpgradeLost), "RFC 9110 §7.8", 426,
        "The request has WebSocket's fields, but asks for no upgrade. A proxy on the way has to speak HTTP/1.1 to this server, "
        + "and to pass on Upgrade: websocket and Connection: Upgrade.");

    /// <summary>No upgrade to WebSocket asked of an endpoint.</summary>
    public static readonly HandshakeRule UpgradeNotAsked = Row(nameof(UpgradeNotAsked), "RFC 6455 §4.2.1", 426,
        "This is a WebSocket endpoint: the request must ask for an upgrade with HTTP/1.1, Upgrade: websocket and Connection: Upgrade.");

    /// <summary>Upgrade without Connection: Upgrade.</summary>
    public static readonly HandshakeRule ConnectionWithoutUpgrade = Row(nameof(ConnectionWithoutUpgrade), "RFC 6455 §4.2.1", 400,
        "The Connection header field does not contain Upgrade.");

    /// <summary>A protocol version other than 13.</summary>
    public static readonly HandshakeRule ProtocolVersionNot13 = Row(nameof(ProtocolVersionNot13), "RFC 6455 §4.2.2", 426,
        "The Sec-WebSocket-Version header field is not 13.");

    /// <summary>No key.</summary>
    public static readonly HandshakeRule KeyMissing = Row(nameof(KeyMissing), "RFC 6455 §4.2.1", 400,
        "The Sec-WebSocket-Key header field is missing.");

    /// <summary>More than one key.</summary>
    public static readonly HandshakeRule KeyDoubled = Row(nameof(KeyDoubled), "RFC 6455 §11.3.1", 400,
        "There is more than one Sec-WebSocket-Key header field.");

    /// <summary>A key that is not the base64 form of 16 bytes.</summary>
    public static readonly HandshakeRule KeyMalformed = Row(nameof(KeyMalformed), "RFC 6455 §4.2.1", 400,
        "The Sec-WebSocket-Key header field is not 16 bytes in base64.");

    /// <summary>A body with the upgrade. A Content-Length of 0 is none (RFC 9110 §8.6).</summary>
    public static readonly HandshakeRule BodyNotAllowed = Row(nameof(BodyNotAllowed), "RFC 6455 §4.1", 400,
        "An upgrade request has no body: Transfer-Encoding may not be there, and Content-Length only once and as 0.");

    /// <summary>More subprotocols than allowed.</summary>
    public static readonly HandshakeRule SubprotocolsTooMany = Row(nameof(SubprotocolsTooMany), "RFC 6585 §5", 431,
        "The Sec-WebSocket-Protocol header field has too many elements.");

    /// <summary>A list of subprotocols that is none, or names one twice.</summary>
    public static readonly HandshakeRule SubprotocolsMalformed = Row(nameof(SubprotocolsMalformed), "RFC 6455 §11.3.4", 400,
        "The Sec-WebSocket-Protocol header field is not a list of different tokens.");

    /// <summary>More extensions than allowed, or more parameters of one.</summary>
    public static readonly HandshakeRule ExtensionsTooMany = Row(nameof(ExtensionsTooMany), "RFC 6585 §5", 431,
        "The Sec-WebSocket-Extensions header field has too many elements, or one of them too many parameters.");

    /// <summary>Extensions against their grammar.</summary>
    public static readonly HandshakeRule ExtensionsMalformed = Row(nameof(ExtensionsMalformed), "RFC 6455 §9.1", 400,
        "The Sec-WebSocket-Extensions header field does not follow its grammar.");

    /// <summary>More than one Origin.</summary>
    public static readonly HandshakeRule OriginDoubled = Row(nameof(OriginDoubled), "RFC 6454 §7.3", 400,
        "There is more than one Origin header field.");

    /// <summary>A page from elsewhere.</summary>
    public static readonly HandshakeRule OriginNotAllowed = Row(nameof(OriginNotAllowed), "RFC 6455 §4.2.2", 403,
        "Pages of this origin may not connect here.");

    /// <summary>A path that is no endpoint: only where the policy names some.</summary>
    public static readonly HandshakeRule PathUnknown = Row(nameof(PathUnknown), "RFC 6455 §4.2.2", 404,
        "There is no endpoint at this path.");

    /// <summary>The head did not arrive in time. The server's clock judges it.</summary>
    public static readonly HandshakeRule TooSlow = Row(nameof(TooSlow), "RFC 9110 §15.5.9", 408,
        "The request did not arrive in time.");

    /// <summary>The server is full. The server's count judges it.</summary>
    public static readonly HandshakeRule TooManyConnections = Row(nameof(TooManyConnections), "RFC 6455 §10.4", 503,
        "The server has as many connections as it may have.");

    /// <summary>The server holds as much memory as it may. The server's budget judges it.</summary>
    public static readonly HandshakeRule OutOfMemory = Row(nameof(OutOfMemory), "RFC 6455 §10.4", 503,
        "The server has no memory for another connection.");

    /// <summary>Every row.</summary>
    public static IReadOnlyList<HandshakeRule> All { get; } = Rows.AsReadOnly();

    /// <summary>
    /// A row that is ignored: always none outside the tests, which show with it that each row's absence is noticed. It is looked at only
    /// when a rule has been found broken.
    /// </summary>
    internal static HandshakeRule? Off { get; set; }

    /// <summary>The one place through which a broken rule becomes an answer.</summary>
    internal static HandshakeRule? Broken(HandshakeRule rule) => rule == Off ? null : rule;

    private static HandshakeRule Row(string name, string section, int status, string text)
    {
        HandshakeRule row = new(name, section, status, text);
        Rows.Add(row);
        return row;
    }
}
