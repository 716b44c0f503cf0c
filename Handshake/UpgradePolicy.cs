// What this server lets in. Immutable, one for all connections.

namespace RawWs.Handshake;

/// <summary>The policy by which upgrades are judged.</summary>
public sealed class UpgradePolicy
{
    /// <summary>
    /// Origins that are allowed wherever they are, as browsers write them ("https://example.com", "null", "file://"), or "*" for any. Case,
    /// and a default port that is written out, do not matter. <see cref="OriginRule.FindError"/> tells of one that can never match.
    /// </summary>
    public IReadOnlyList<string> AllowedOrigins
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            field = value;
            List<Origin> parsed = [];
            foreach (string text in value)
                if (OriginRule.TryParse(text, out Origin origin)) parsed.Add(origin);
            ParsedOrigins = [.. parsed];
        }
    } = [];

    /// <summary>
    /// Names of this server, without a port, under which a page of the same host is allowed. <see cref="OriginRule.FindHostError"/> tells
    /// of one that can never match.
    /// </summary>
    public IReadOnlyList<string> AllowedHosts { get; init; } = [];

    /// <summary>
    /// Whether the origins "null" and "file://" are allowed: a page opened from disk, an app's, and what small devices send; but any site's
    /// sandboxed frame too.
    /// </summary>
    public bool AllowNullOrigin { get; init; }

    /// <summary>The subprotocols that are spoken here, the preferred first.</summary>
    public IReadOnlyList<string> Subprotocols { get; init; } = [];

    /// <summary>
    /// The paths that are endpoints, percent-decoded; one that ends in a slash stands for all that begin with it, but "/" for itself alone.
    /// Null: every path is.
    /// </summary>
    public IReadOnlyList<string>? Endpoints { get; init; }

    /// <summary>Whether a plain GET of "/" gets a page.</summary>
    public bool HasPage { get; init; }

    /// <summary>Those of the allowed origins that have a host.</summary>
    internal Origin[] ParsedOrigins { get; private init; } = [];

    internal bool IsEndpoint(string path)
    {
        if (Endpoints is null) return true;
        foreach (string endpoint in Endpoints)
            if (path == endpoint || (endpoint.Length > 1 && endpoint.EndsWith('/') && path.StartsWith(endpoint, StringComparison.Ordinal)))
                return true;
        return false;
    }
}
