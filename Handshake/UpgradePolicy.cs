// Which requests this server upgrades. Immutable; one instance serves all connections.

using System.Text;

namespace RawWs.Handshake;

/// <summary>What a server allows in an upgrade: origins, hosts, subprotocols, endpoints and pages.</summary>
public sealed class UpgradePolicy
{
    /// <summary>
    /// The origins that are allowed whatever host they ask for, as browsers write them ("https://example.com", "null", "file://"); "*" for
    /// any. Upper and lower case, and a default port that is written out, make no difference. <see cref="OriginRule.FindError"/> finds one
    /// that can never match. Default: none.
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
    /// The names of this server, without a port. A page of such a host may connect to the same host.
    /// <see cref="OriginRule.FindHostError"/> finds one that can never match. Default: none.
    /// </summary>
    public IReadOnlyList<string> AllowedHosts { get; init; } = [];

    /// <summary>
    /// Whether the origins "null" and "file://" are allowed. They belong to a page opened from disk, to apps and small devices, but also to
    /// a sandboxed frame of any site. Default: false.
    /// </summary>
    public bool AllowNullOrigin { get; init; }

    /// <summary>The subprotocols of this server, the preferred one first (RFC 6455 §1.9). Default: none.</summary>
    public IReadOnlyList<string> Subprotocols { get; init; } = [];

    /// <summary>Whether a name can be that of a subprotocol: a token of HTTP (RFC 6455 §4.1, item 10 of the request).</summary>
    public static bool IsSubprotocolName(string name) => Ascii.IsValid(name) && HttpGrammar.IsToken(Encoding.ASCII.GetBytes(name));

    /// <summary>
    /// The paths that are endpoints, percent-decoded. One that ends in a slash means every path that begins with it; but "/" means itself
    /// alone. Default: null, and then every path is an endpoint.
    /// </summary>
    public IReadOnlyList<string>? Endpoints { get; init; }

    /// <summary>
    /// The paths at which there is a page, percent-decoded: a plain GET or HEAD of one gets it (<see cref="UpgradeResultKind.Page"/>). The
    /// same path may also be an endpoint. Default: none.
    /// </summary>
    public IReadOnlyList<string> Pages { get; init; } = [];

    /// <summary>The allowed origins that have a host, parsed.</summary>
    internal Origin[] ParsedOrigins { get; private init; } = [];

    internal bool IsEndpoint(string path)
    {
        if (Endpoints is null) return true;
        foreach (string endpoint in Endpoints)
            if (path == endpoint || (endpoint.Length > 1 && endpoint.EndsWith('/') && path.StartsWith(endpoint, StringComparison.Ordinal)))
                return true;
        return false;
    }

    internal bool IsPage(string path)
    {
        foreach (string page in Pages)
            if (path == page) return true;
        return false;
    }
}
