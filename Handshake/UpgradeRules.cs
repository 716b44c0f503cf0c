// Judges a request that is well formed. The order is fixed, and the first row that is broken answers; HandshakeRules lists the rows in
// this same order. In words: may it be asked at all (method, version, target, host)? Is an upgrade asked for (else it is the page, or
// an endpoint that needs one, or nothing)? Is it asked for correctly? And only then: may this client have it? Every list is counted before
// it is read.

namespace RawWs.Handshake;

/// <summary>What becomes of a request.</summary>
public enum JudgementKind : byte
{
    /// <summary>It is a valid upgrade.</summary>
    Upgrade,

    /// <summary>It is a plain GET or HEAD of the page.</summary>
    Page,

    /// <summary>It is refused by a row.</summary>
    Refuse,
}

/// <summary>What <see cref="UpgradeRules.Judge"/> found.</summary>
/// <param name="Kind">What becomes of it.</param>
/// <param name="Rule">The broken row, when refused.</param>
/// <param name="Subprotocol">For an upgrade: the subprotocol that both speak, or null.</param>
/// <param name="HeadOnly">The method was HEAD: the answer has no body.</param>
/// <param name="NullOriginUsed">For an upgrade: it came from the origin "null".</param>
public readonly record struct Judgement(JudgementKind Kind, HandshakeRule? Rule, string? Subprotocol, bool HeadOnly, bool NullOriginUsed);

/// <summary>The rules of the opening handshake (RFC 6455 §4.2).</summary>
public static class UpgradeRules
{
    /// <summary>Judges a request.</summary>
    public static Judgement Judge(UpgradeRequest request, UpgradePolicy policy)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(policy);
        bool isHead = request.Method.SequenceEqual("HEAD"u8);
        if (JudgeRequest(request) is { } broken) return Refusal(broken, isHead);

        bool isEndpoint = policy.IsEndpoint(request.Path);
        if (!AsksForUpgrade(request))
        {
            // "/" is the page for who wants a page, and an endpoint for who speaks of WebSocket.
            if (SpeaksOfWebSocket(request) && HandshakeRules.Broken(HandshakeRules.UpgradeLost) is { } lost) return Refusal(lost, isHead);
            if (policy.HasPage && request.Path == "/") return new Judgement(JudgementKind.Page, null, null, isHead, false);
            if (!isEndpoint && HandshakeRules.Broken(HandshakeRules.PathUnknown) is { } unknown) return Refusal(unknown, isHead);
            if (HandshakeRules.Broken(HandshakeRules.UpgradeNotAsked) is { } notAsked) return Refusal(notAsked, isHead);
        }

        if (JudgeUpgrade(request) is { } malformed) return Refusal(malformed, isHead);
        bool nullOriginUsed = false;
        if (!OriginRule.Allows(request, policy, out nullOriginUsed) && HandshakeRules.Broken(HandshakeRules.OriginNotAllowed) is { } foreign) return Refusal(foreign, isHead);
        if (!isEndpoint && HandshakeRules.Broken(HandshakeRules.PathUnknown) is { } nowhere) return Refusal(nowhere, isHead);
        return new Judgement(JudgementKind.Upgrade, null, Negotiate(request, policy), false, nullOriginUsed);
    }

    private static HandshakeRule? JudgeRequest(UpgradeRequest request)
    {
        // An upgrade is asked for with GET (§4.1, point 2); a HEAD is a GET whose body is left out, so the page may be asked for with it.
        bool isGet = request.Method.SequenceEqual("GET"u8);
        bool isPlainHead = request.Method.SequenceEqual("HEAD"u8) && !AsksForUpgrade(request);
        if (!isGet && !isPlainHead && HandshakeRules.Broken(HandshakeRules.MethodNotAllowed) is { } method) return method;
        if (request.MajorVersion != 1 && HandshakeRules.Broken(HandshakeRules.MajorVersionNotSupported) is { } version) return version;
        if (!request.TargetIsValid && HandshakeRules.Broken(HandshakeRules.TargetMalformed) is { } target) return target;
        if (!request.Query.IsEmpty && request.Query.Count((byte)'&') >= request.Limits.QueryParametersMax
            && HandshakeRules.Broken(HandshakeRules.QueryParametersTooMany) is { } parameters) return parameters;

        int hosts = request.CountHeader(KnownField.Host);
        if (hosts == 0 && IsHttp11(request) && HandshakeRules.Broken(HandshakeRules.HostMissing) is { } missing) return missing;
        if (hosts > 1 && HandshakeRules.Broken(HandshakeRules.HostDoubled) is { } doubled) return doubled;
        if (request.TryGetHeader(KnownField.Host, out ReadOnlySpan<byte> host) && !Authority.TryParse(host, out _)
            && HandshakeRules.Broken(HandshakeRules.HostMalformed) is { } malformed) return malformed;
        bool tooMany = HttpGrammar.HasMoreElements(request, KnownField.Upgrade, request.Limits.TokensMax)
            || HttpGrammar.HasMoreElements(request, KnownField.Connection, request.Limits.TokensMax);
        return tooMany ? HandshakeRules.Broken(HandshakeRules.TokensTooMany) : null;
    }

    private static HandshakeRule? JudgeUpgrade(UpgradeRequest request)
    {
        if (!HttpGrammar.ListContains(request, KnownField.Connection, "upgrade"u8)
            && HandshakeRules.Broken(HandshakeRules.ConnectionWithoutUpgrade) is { } connection) return connection;
        bool is13 = request.CountHeader(KnownField.Version) == 1
            && request.TryGetHeader(KnownField.Version, out ReadOnlySpan<byte> version) && version.SequenceEqual("13"u8);
        if (!is13 && HandshakeRules.Broken(HandshakeRules.ProtocolVersionNot13) is { } not13) return not13;

        int keys = request.CountHeader(KnownField.Key);
        if (keys == 0 && HandshakeRules.Broken(HandshakeRules.KeyMissing) is { } missing) return missing;
        if (keys > 1 && HandshakeRules.Broken(HandshakeRules.KeyDoubled) is { } doubled) return doubled;
        if (request.TryGetHeader(KnownField.Key, out ReadOnlySpan<byte> key) && !AcceptKey.IsValid(key)
            && HandshakeRules.Broken(HandshakeRules.KeyMalformed) is { } malformed) return malformed;

        if (HasBody(request) && HandshakeRules.Broken(HandshakeRules.BodyNotAllowed) is { } body) return body;
        if (BrokenBy(request.ReadSubprotocols(), HandshakeRules.SubprotocolsTooMany, HandshakeRules.SubprotocolsMalformed)
            is { } protocols) return protocols;
        if (BrokenBy(request.ReadExtensions(), HandshakeRules.ExtensionsTooMany, HandshakeRules.ExtensionsMalformed)
            is { } extensions) return extensions;
        return request.CountHeader(KnownField.Origin) > 1 ? HandshakeRules.Broken(HandshakeRules.OriginDoubled) : null;
    }

    private static HandshakeRule? BrokenBy(ListStatus status, HandshakeRule tooMany, HandshakeRule malformed) => status switch
    {
        ListStatus.TooMany => HandshakeRules.Broken(tooMany),
        ListStatus.Malformed => HandshakeRules.Broken(malformed),
        _ => null,
    };

    // Behind an upgrade come frames. A proxy that saw a body there would see other requests than we do. A length of 0, said once and as
    // such, is no body.
    private static bool HasBody(UpgradeRequest request)
    {
        int lengths = request.CountHeader(KnownField.ContentLength);
        return request.CountHeader(KnownField.TransferEncoding) > 0 || lengths > 1
            || (request.TryGetHeader(KnownField.ContentLength, out ReadOnlySpan<byte> length) && !length.SequenceEqual("0"u8));
    }

    // RFC 9110 §7.8: "a server MUST ignore an Upgrade header field that is received in an HTTP/1.0 request".
    private static bool AsksForUpgrade(UpgradeRequest request) =>
        IsHttp11(request) && HttpGrammar.ListContains(request, KnownField.Upgrade, "websocket"u8);

    // In HTTP/1.0 too: that is how a proxy passes on what it does not understand.
    private static bool SpeaksOfWebSocket(UpgradeRequest request) =>
        request.CountHeader(KnownField.Key) + request.CountHeader(KnownField.Version)
            + request.CountHeader(KnownField.Subprotocols) + request.CountHeader(KnownField.Extensions) > 0;

    private static bool IsHttp11(UpgradeRequest request) => request.MinorVersion >= 1;

    // The first of ours that the client offers; with none in common the field is left out (§4.2.2, point 5.5).
    private static string? Negotiate(UpgradeRequest request, UpgradePolicy policy)
    {
        if (policy.Subprotocols.Count == 0) return null;
        IReadOnlyList<string> offers = request.Subprotocols;
        foreach (string ours in policy.Subprotocols)
            if (offers.Contains(ours, StringComparer.Ordinal)) return ours;
        return null;
    }

    private static Judgement Refusal(HandshakeRule rule, bool headOnly) => new(JudgementKind.Refuse, rule, null, headOnly, false);
}
