// What the settings say about who may come in.

namespace RawWs.Server.Console.Auth;

/// <summary>Who decides about clients.</summary>
internal enum AuthKind : byte
{
    /// <summary>Nobody: whoever comes is let in.</summary>
    None,

    /// <summary>A token that the client has.</summary>
    Jwt,
}

/// <summary>Immutable.</summary>
internal sealed record AuthSettings
{
    public AuthKind Kind { get; init; }

    /// <summary>The files with keys, in the settings' order.</summary>
    public IReadOnlyList<JwtKeyFile> KeyFiles { get; init; } = [];

    /// <summary>Whose tokens count; empty for everybody's who has a key.</summary>
    public IReadOnlyList<string> Issuers { get; init; } = [];

    /// <summary>This server's names as tokens have them; empty if it has none.</summary>
    public IReadOnlyList<string> Audiences { get; init; } = [];

    /// <summary>The claim that is the uid.</summary>
    public string UidClaim { get; init; } = "sub";

    /// <summary>The claim that says to whom a client may send.</summary>
    public string RightsClaim { get; init; } = "to";

    /// <summary>The keys; null without tokens.</summary>
    public JwtKeys? Keys { get; init; }

    /// <summary>The back-end that is asked; null for none.</summary>
    public Uri? Url { get; init; }

    /// <summary>How long it may take to answer.</summary>
    public TimeSpan UrlTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How many requests it gets at once; others wait, within the same time.</summary>
    public int UrlRequestsMax { get; init; } = 64;

    /// <summary>Whether somebody decides.</summary>
    public bool IsOn => Kind != AuthKind.None || Url is not null;

    /// <summary>Reads the address of a back-end.</summary>
    public static bool TryUrl(string text, out Uri url) =>
        Uri.TryCreate(text, UriKind.Absolute, out url!) && (url.Scheme == Uri.UriSchemeHttp || url.Scheme == Uri.UriSchemeHttps)
        && url.UserInfo.Length == 0 && url.Fragment.Length == 0;

    /// <summary>What is wrong between these settings; null when nothing is.</summary>
    public string? FindConflict()
    {
        AuthSettings plain = new();
        if (Url is null && (UrlTimeout != plain.UrlTimeout || UrlRequestsMax != plain.UrlRequestsMax))
            return "--auth-timeout, --auth-max-requests: need --auth-url";
        if (Kind == AuthKind.Jwt && Url is not null) return "--auth-url: cannot be there together with --auth jwt";
        if (Kind == AuthKind.Jwt)
            return KeyFiles.Count == 0 ? "--auth jwt: needs a key to check tokens with (--jwt-key, --jwt-secret)" : null;
        string? given = KeyFiles.Count > 0 ? "--jwt-key, --jwt-secret"
            : Issuers.Count > 0 ? "--jwt-issuer"
            : Audiences.Count > 0 ? "--jwt-audience"
            : UidClaim != plain.UidClaim ? "--jwt-uid-claim"
            : RightsClaim != plain.RightsClaim ? "--jwt-to-claim" : null;
        return given is null ? null : $"{given}: needs --auth jwt";
    }
}
