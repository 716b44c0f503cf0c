// Checks a request that is well formed. The order is fixed, and the first broken rule decides the answer; HandshakeRules lists the rules in
// the same order. The questions are: Is it a request that can be answered at all (method, version, target, host)? Does it ask for an
// upgrade? If not, it gets the page, or the answer that an endpoint needs an upgrade, or that nothing is there. Does it ask correctly? And
// only then: may this client have the upgrade? Every list is counted before it is read.

namespace RawWs.Handshake;

/// <summary>What the answer to a request is.</summary>
public enum UpgradeResultKind : byte
{
    /// <summary>The request is a valid upgrade.</summary>
    Upgrade,

    /// <summary>The request is a plain GET or HEAD of a page.</summary>
    Page,

    /// <summary>The request breaks a rule, and is refused.</summary>
    Refuse,
}

/// <summary>What <see cref="UpgradeRules.Check"/> found.</summary>
/// <param name="Kind">What the answer is.</param>
/// <param name="Rule">For Refuse: the broken rule.</param>
/// <param name="Subprotocol">For Upgrade: the subprotocol that both ends know, or null.</param>
/// <param name="HeadOnly">Whether the method was HEAD: then the answer has no body.</param>
/// <param name="NullOriginUsed">For Upgrade: whether only <see cref="UpgradePolicy.AllowNullOrigin"/> allowed the origin.</param>
public readonly record struct UpgradeResult(
    UpgradeResultKind Kind, HandshakeRule? Rule, string? Subprotocol, bool HeadOnly, bool NullOriginUsed);

/// <summary>The rules of the opening handshake (RFC 6455 §4.2).</summary>
public static class UpgradeRules
{
    /// <summary>Checks a request against every rule, in the fixed order.</summary>
    /// <param name="request">A request that <see cref="RequestReader"/> has read.</param>
    /// <param name="policy">What this server allows.</param>
    /// <returns>What the answer is. The caller writes it (<see cref="UpgradeResponse"/>).</returns>
    public static UpgradeResult Check(UpgradeRequest request, UpgradePolicy policy)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(policy);
        bool isHead = request.Method.SequenceEqual("HEAD"u8);
        if (CheckRequest(request) is { } broken) return Refusal(broken, isHead);

        bool isEndpoint = policy.IsEndpoint(request.Path);
        if (!AsksForUpgrade(request))
        {
            // A path may be both: a page for a plain request, and an endpoint for one that has header fields of WebSocket.
            if (HasWebSocketFields(request)) return Refusal(HandshakeRules.UpgradeLost, isHead);
            if (policy.IsPage(request.Path)) return new UpgradeResult(UpgradeResultKind.Page, null, null, isHead, false);
            return Refusal(isEndpoint ? HandshakeRules.UpgradeNotAsked : HandshakeRules.PathUnknown, isHead);
        }

        if (CheckUpgrade(request) is { } malformed) return Refusal(malformed, isHead);
        if (!OriginRule.Allows(request, policy, out bool nullOriginUsed)) return Refusal(HandshakeRules.OriginNotAllowed, isHead);
        if (!isEndpoint) return Refusal(HandshakeRules.PathUnknown, isHead);
        return new UpgradeResult(UpgradeResultKind.Upgrade, null, Negotiate(request, policy), false, nullOriginUsed);
    }

    private static HandshakeRule? CheckRequest(UpgradeRequest request)
    {
        // An upgrade needs GET (§4.1, point 2). HEAD is a GET whose answer has no body, so a client may ask for the page with it.
        bool isGet = request.Method.SequenceEqual("GET"u8);
        bool isPlainHead = request.Method.SequenceEqual("HEAD"u8) && !AsksForUpgrade(request);
        if (!isGet && !isPlainHead) return HandshakeRules.MethodNotAllowed;
        if (request.MajorVersion != 1) return HandshakeRules.MajorVersionNotSupported;
        if (!request.TargetIsValid) return HandshakeRules.TargetMalformed;
        bool hasManyParameters = !request.Query.IsEmpty && request.Query.Count((byte)'&') >= request.Limits.QueryParametersMax;
        if (hasManyParameters) return HandshakeRules.QueryParametersTooMany;

        int hosts = request.CountHeader(KnownField.Host);
        if (hosts == 0 && IsHttp11(request)) return HandshakeRules.HostMissing;
        if (hosts > 1) return HandshakeRules.HostDoubled;
        bool hasBadHost = request.TryGetHeader(KnownField.Host, out ReadOnlySpan<byte> host) && !Authority.IsValid(host);
        if (hasBadHost) return HandshakeRules.HostMalformed;
        bool hasManyTokens = HttpGrammar.HasMoreElements(request, KnownField.Upgrade, request.Limits.TokensMax)
            || HttpGrammar.HasMoreElements(request, KnownField.Connection, request.Limits.TokensMax);
        return hasManyTokens ? HandshakeRules.TokensTooMany : null;
    }

    private static HandshakeRule? CheckUpgrade(UpgradeRequest request)
    {
        // tour: check-upgrade
        if (!HttpGrammar.ListContains(request, KnownField.Connection, "upgrade"u8)) return HandshakeRules.ConnectionWithoutUpgrade;
        bool is13 = request.CountHeader(KnownField.Version) == 1
            && request.TryGetHeader(KnownField.Version, out ReadOnlySpan<byte> version) && version.SequenceEqual("13"u8);
        if (!is13) return HandshakeRules.ProtocolVersionNot13;

        if (!request.TryGetHeader(KnownField.Key, out ReadOnlySpan<byte> key)) return HandshakeRules.KeyMissing;
        if (request.CountHeader(KnownField.Key) > 1) return HandshakeRules.KeyDoubled;
        if (!AcceptKey.IsValid(key)) return HandshakeRules.KeyMalformed;
        // tour: end

        if (HasBody(request)) return HandshakeRules.BodyNotAllowed;
        if (BrokenBy(request.ReadSubprotocols(), HandshakeRules.SubprotocolsTooMany, HandshakeRules.SubprotocolsMalformed)
            is { } protocols) return protocols;
        if (BrokenBy(request.ReadExtensions(), HandshakeRules.ExtensionsTooMany, HandshakeRules.ExtensionsMalformed)
            is { } extensions) return extensions;
        return request.CountHeader(KnownField.Origin) > 1 ? HandshakeRules.OriginDoubled : null;
    }

    private static HandshakeRule? BrokenBy(ListStatus status, HandshakeRule tooMany, HandshakeRule malformed) => status switch
    {
        ListStatus.TooMany => tooMany,
        ListStatus.Malformed => malformed,
        _ => null,
    };

    // After an upgrade come frames. A proxy that took them for a body would see other requests than this server does. A Content-Length of
    // 0, once and written so, is no body.
    private static bool HasBody(UpgradeRequest request)
    {
        int lengths = request.CountHeader(KnownField.ContentLength);
        return request.CountHeader(KnownField.TransferEncoding) > 0 || lengths > 1
            || (request.TryGetHeader(KnownField.ContentLength, out ReadOnlySpan<byte> length) && !length.SequenceEqual("0"u8));
    }

    // tour: upgrade-asked
    // RFC 9110 §7.8: "a server MUST ignore an Upgrade header field that is received in an HTTP/1.0 request".
    private static bool AsksForUpgrade(UpgradeRequest request) =>
        IsHttp11(request) && HttpGrammar.ListContains(request, KnownField.Upgrade, "websocket"u8);
    // tour: end

    // HTTP/1.0 counts too: a proxy that does not know the upgrade may pass the request on like that.
    private static bool HasWebSocketFields(UpgradeRequest request) =>
        request.CountHeader(KnownField.Key) + request.CountHeader(KnownField.Version)
            + request.CountHeader(KnownField.Subprotocols) + request.CountHeader(KnownField.Extensions) > 0;

    private static bool IsHttp11(UpgradeRequest request) => request.MinorVersion >= 1;

    // The first of our subprotocols that the client offers. If there is none the answer has no such field (§4.2.2, point 5.5).
    private static string? Negotiate(UpgradeRequest request, UpgradePolicy policy)
    {
        if (policy.Subprotocols.Count == 0) return null;
        IReadOnlyList<string> offers = request.Subprotocols;
        foreach (string ours in policy.Subprotocols)
            if (offers.Contains(ours, StringComparer.Ordinal)) return ours;
        return null;
    }

    private static UpgradeResult Refusal(HandshakeRule rule, bool headOnly) => new(UpgradeResultKind.Refuse, rule, null, headOnly, false);
}
