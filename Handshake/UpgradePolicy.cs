// What this server lets in. Immutable, one for all connections.

namespace RawWs.Handshake;

/// <summary>The policy by which upgrades are judged.</summary>
public sealed class UpgradePolicy
{
    /// <summary>Origins that are allowed wherever they are, as browsers write them ("https://example.com"), or "*" for any.</summary>
    public IReadOnlyList<string> AllowedOrigins { get; init; } = [];

    /// <summary>Names of this server, without a port, under which a page of the same host is allowed.</summary>
    public IReadOnlyList<string> AllowedHosts { get; init; } = [];

    /// <summary>Whether the origin "null" is allowed: a page opened from disk, but any site's sandboxed frame too.</summary>
    public bool AllowNullOrigin { get; init; }

    /// <summary>The subprotocols that are spoken here, the preferred first.</summary>
    public IReadOnlyList<string> Subprotocols { get; init; } = [];

    /// <summary>Whether a plain GET of "/" gets a page.</summary>
    public bool HasPage { get; init; }
}
