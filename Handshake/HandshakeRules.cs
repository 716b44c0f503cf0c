// Every rule for which a request is refused. A rule has a name, the section that says so, the HTTP status, and the sentence that the client
// reads. The rules are in the order in which they are checked, and the first broken one decides the answer. RequestReader checks the
// syntax, byte by byte while the head arrives. UpgradeRules checks the meaning, once the head is whole.

namespace RawWs.Handshake;

/// <summary>Something that a request may not do, and the answer to one that does.</summary>
public sealed class HandshakeRule
{
    internal HandshakeRule(string name, string section, int status, string text) =>
        (Name, Section, Status, Text) = (name, section, status, text);

    /// <summary>The rule's name: the name of its field in <see cref="HandshakeRules"/>.</summary>
    public string Name { get; }

    /// <summary>The document and section of the rule: "RFC 6455 §4.2.1".</summary>
    public string Section { get; }

    /// <summary>The HTTP status of the answer.</summary>
    public int Status { get; }

    /// <summary>What was wrong, in one English sentence.</summary>
    public string Text { get; }

    /// <summary>Name, section and text, for a log line.</summary>
    public override string ToString() => $"{Name} ({Section}): {Text}";
}

/// <summary>The rules, in the order in which they are checked.</summary>
public static class HandshakeRules
{
    private static readonly List<HandshakeRule> Rules = [];

    /// <summary>The request line is longer than <see cref="RequestLimits.RequestLineBytesMax"/>.</summary>
    public static readonly HandshakeRule RequestLineTooLong = Add(nameof(RequestLineTooLong), "RFC 9112 §3", 431,
        "The request line is too long.");

    /// <summary>The head is larger than <see cref="RequestLimits.HeadBytesMax"/>.</summary>
    public static readonly HandshakeRule HeadTooLarge = Add(nameof(HeadTooLarge), "RFC 6585 §5", 431,
        "The request line and header fields together are too large.");

    /// <summary>More header fields than allowed.</summary>
    public static readonly HandshakeRule TooManyHeaders = Add(nameof(TooManyHeaders), "RFC 6585 §5", 431,
        "The request has too many header fields.");

    /// <summary>A line that does not end in CR LF, or a CR inside of one.</summary>
    public static readonly HandshakeRule LineEndMalformed = Add(nameof(LineEndMalformed), "RFC 9112 §2.2", 400,
        "A line does not end in CR LF.");

    /// <summary>A control character other than a tab.</summary>
    public static readonly HandshakeRule ControlCharacter = Add(nameof(ControlCharacter), "RFC 9110 §5.5", 400,
        "The request contains a control character.");

    /// <summary>The request line is not "method target version".</summary>
    public static readonly HandshakeRule RequestLineMalformed = Add(nameof(RequestLineMalformed), "RFC 9112 §3", 400,
        "The request line is not a method, a target and an HTTP version, with one space between each.");

    /// <summary>A header field continued on the next line.</summary>
    public static readonly HandshakeRule HeaderFolded = Add(nameof(HeaderFolded), "RFC 9112 §5.2", 400,
        "A header field is folded over two lines.");

    /// <summary>A header line that is not "name: value".</summary>
    public static readonly HandshakeRule HeaderMalformed = Add(nameof(HeaderMalformed), "RFC 9112 §5", 400,
        "A header line is not a name, a colon right behind it, and a value.");

    /// <summary>A method other than GET, or HEAD for the page.</summary>
    public static readonly HandshakeRule MethodNotAllowed = Add(nameof(MethodNotAllowed), "RFC 6455 §4.2.1", 405,
        "The method is not GET.");

    /// <summary>A major HTTP version other than 1.</summary>
    public static readonly HandshakeRule MajorVersionNotSupported = Add(nameof(MajorVersionNotSupported), "RFC 9110 §15.6.6", 505,
        "The HTTP version is not 1.1.");

    /// <summary>A target in no form that is served here.</summary>
    public static readonly HandshakeRule TargetMalformed = Add(nameof(TargetMalformed), "RFC 9112 §3.2", 400,
        "The request target is neither an absolute path nor an absolute URI, or not well formed.");

    /// <summary>More parameters in the query than allowed.</summary>
    public static readonly HandshakeRule QueryParametersTooMany = Add(nameof(QueryParametersTooMany), "RFC 6585 §5", 431,
        "The query has too many parameters.");

    /// <summary>No Host.</summary>
    public static readonly HandshakeRule HostMissing = Add(nameof(HostMissing), "RFC 9112 §3.2", 400,
        "The Host header field is missing.");

    /// <summary>More than one Host.</summary>
    public static readonly HandshakeRule HostDoubled = Add(nameof(HostDoubled), "RFC 9112 §3.2", 400,
        "There is more than one Host header field.");

    /// <summary>A Host that is no host with an optional port.</summary>
    public static readonly HandshakeRule HostMalformed = Add(nameof(HostMalformed), "RFC 9112 §3.2", 400,
        "The Host header field is not a host with an optional port.");

    /// <summary>More elements in Upgrade or Connection than allowed, empty ones among them.</summary>
    public static readonly HandshakeRule TokensTooMany = Add(nameof(TokensTooMany), "RFC 9110 §5.6.1.2", 431,
        "The Upgrade or the Connection header field has too many elements.");

    /// <summary>
    /// The request has header fields of WebSocket, but does not ask for the upgrade: a proxy on the way has removed that part.
    /// </summary>
    public static readonly HandshakeRule UpgradeLost = Add(nameof(UpgradeLost), "RFC 9110 §7.8", 426,
        "The request has WebSocket's fields, but asks for no upgrade. A proxy on the way has to speak HTTP/1.1 to this server, "
        + "and to pass on Upgrade: websocket and Connection: Upgrade.");

    /// <summary>A request to an endpoint that does not ask for the upgrade to WebSocket.</summary>
    public static readonly HandshakeRule UpgradeNotAsked = Add(nameof(UpgradeNotAsked), "RFC 6455 §4.2.1", 426,
        "This is a WebSocket endpoint: the request must ask for an upgrade with HTTP/1.1, Upgrade: websocket and Connection: Upgrade.");

    /// <summary>Upgrade without Connection: Upgrade.</summary>
    public static readonly HandshakeRule ConnectionWithoutUpgrade = Add(nameof(ConnectionWithoutUpgrade), "RFC 6455 §4.2.1", 400,
        "The Connection header field does not contain Upgrade.");

    /// <summary>A protocol version other than 13.</summary>
    public static readonly HandshakeRule ProtocolVersionNot13 = Add(nameof(ProtocolVersionNot13), "RFC 6455 §4.2.2", 426,
        "The Sec-WebSocket-Version header field is not 13.");

    /// <summary>No key.</summary>
    public static readonly HandshakeRule KeyMissing = Add(nameof(KeyMissing), "RFC 6455 §4.2.1", 400,
        "The Sec-WebSocket-Key header field is missing.");

    /// <summary>More than one key.</summary>
    public static readonly HandshakeRule KeyDoubled = Add(nameof(KeyDoubled), "RFC 6455 §11.3.1", 400,
        "There is more than one Sec-WebSocket-Key header field.");

    /// <summary>A key that is not the base64 form of 16 bytes.</summary>
    public static readonly HandshakeRule KeyMalformed = Add(nameof(KeyMalformed), "RFC 6455 §4.2.1", 400,
        "The Sec-WebSocket-Key header field is not 16 bytes in base64.");

    /// <summary>A body with the upgrade. A Content-Length of 0 is none (RFC 9110 §8.6).</summary>
    public static readonly HandshakeRule BodyNotAllowed = Add(nameof(BodyNotAllowed), "RFC 6455 §4.1", 400,
        "An upgrade request has no body: Transfer-Encoding may not be there, and Content-Length only once and as 0.");

    /// <summary>More subprotocols than allowed.</summary>
    public static readonly HandshakeRule SubprotocolsTooMany = Add(nameof(SubprotocolsTooMany), "RFC 6585 §5", 431,
        "The Sec-WebSocket-Protocol header field has too many elements.");

    /// <summary>A malformed list of subprotocols, or one that has a name twice.</summary>
    public static readonly HandshakeRule SubprotocolsMalformed = Add(nameof(SubprotocolsMalformed), "RFC 6455 §11.3.4", 400,
        "The Sec-WebSocket-Protocol header field is not a list of different tokens.");

    /// <summary>More extensions than allowed, or more parameters of one.</summary>
    public static readonly HandshakeRule ExtensionsTooMany = Add(nameof(ExtensionsTooMany), "RFC 6585 §5", 431,
        "The Sec-WebSocket-Extensions header field has too many elements, or one of them too many parameters.");

    /// <summary>A malformed list of extensions.</summary>
    public static readonly HandshakeRule ExtensionsMalformed = Add(nameof(ExtensionsMalformed), "RFC 6455 §9.1", 400,
        "The Sec-WebSocket-Extensions header field does not follow its grammar.");

    /// <summary>More than one Origin.</summary>
    public static readonly HandshakeRule OriginDoubled = Add(nameof(OriginDoubled), "RFC 6454 §7.3", 400,
        "There is more than one Origin header field.");

    /// <summary>A page of an origin that the policy does not allow (<see cref="OriginRule"/>).</summary>
    public static readonly HandshakeRule OriginNotAllowed = Add(nameof(OriginNotAllowed), "RFC 6455 §4.2.2", 403,
        "Pages of this origin may not connect here.");

    /// <summary>A path that is no endpoint. This can only happen if the policy names the endpoints.</summary>
    public static readonly HandshakeRule PathUnknown = Add(nameof(PathUnknown), "RFC 6455 §4.2.2", 404,
        "There is no endpoint at this path.");

    /// <summary>The head did not arrive in time. The server checks this, by its clock.</summary>
    public static readonly HandshakeRule TooSlow = Add(nameof(TooSlow), "RFC 9110 §15.5.9", 408,
        "The request did not arrive in time.");

    /// <summary>The server has as many connections as it may have. The server checks this, by its count.</summary>
    public static readonly HandshakeRule TooManyConnections = Add(nameof(TooManyConnections), "RFC 6455 §10.4", 503,
        "The server has as many connections as it may have.");

    /// <summary>The client's address has as many connections as one may have. The server checks this, by its count.</summary>
    public static readonly HandshakeRule TooManyFromAddress = Add(nameof(TooManyFromAddress), "RFC 6585 §4", 429,
        "Your address has as many connections here as one may have.");

    /// <summary>The client's address opens connections faster than it may. The server checks this, by its clock.</summary>
    public static readonly HandshakeRule TooManyHandshakes = Add(nameof(TooManyHandshakes), "RFC 6585 §4", 429,
        "Your address opens connections faster than it may.");

    /// <summary>The uid has as many connections as one may have. The server checks this, by its count.</summary>
    public static readonly HandshakeRule TooManyOfUid = Add(nameof(TooManyOfUid), "RFC 6585 §4", 429,
        "This uid has as many connections here as one may have.");

    /// <summary>The server holds as much memory as it may. The server checks this, by its memory budget.</summary>
    public static readonly HandshakeRule OutOfMemory = Add(nameof(OutOfMemory), "RFC 6455 §10.4", 503,
        "The server has no memory for another connection.");

    /// <summary>Every rule, in that order.</summary>
    public static IReadOnlyList<HandshakeRule> All { get; } = Rules.AsReadOnly();

    private static HandshakeRule Add(string name, string section, int status, string text)
    {
        HandshakeRule rule = new(name, section, status, text);
        Rules.Add(rule);
        return rule;
    }
}
