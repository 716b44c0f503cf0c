// Which pages may connect (RFC 6455 §10.2). A browser names the origin of the page, and no script can change that. Other clients name any
// origin, or none. Allowed are: a request without an origin; an origin that the policy names; a page of this machine; and a page of the
// host that the request asks for, if the name of that host can be trusted. It can if it is an address, localhost, or a name in the policy.
// Any other name may belong to an attacker who has pointed it here (DNS rebinding), and then "the same host" proves nothing.

using System.Buffers;
using System.Text;

namespace RawWs.Handshake;

/// <summary>
/// The parts of an origin: its scheme in lower case, and its host with a port. If it names no port, the port is the scheme's, or -1 if the
/// scheme is not known.
/// </summary>
internal readonly record struct Origin(string Scheme, Authority Authority)
{
    public bool IsWebPage => Scheme is "http" or "https";
}

/// <summary>What a setting must name so that a refused request is allowed.</summary>
public enum OriginRemedy : byte
{
    /// <summary>No setting can allow it: the value is no origin.</summary>
    None,

    /// <summary>The origin, in <see cref="UpgradePolicy.AllowedOrigins"/>.</summary>
    NameOrigin,

    /// <summary>The host that the request asks for, in <see cref="UpgradePolicy.AllowedHosts"/>: the page is of the same host.</summary>
    NameHost,
}

/// <summary>Decides about origins, and checks the names that a policy may have (RFC 6455 §10.2).</summary>
public static class OriginRule
{
    // The longest scheme in use, a host of 255 bytes and a port fit. A longer value is no origin.
    private const int OriginBytesMax = 300;

    private static readonly SearchValues<char> HexadecimalDigits = SearchValues.Create("0123456789abcdefABCDEF");

    internal static bool Allows(UpgradeRequest request, UpgradePolicy policy, out bool nullOriginUsed)
    {
        nullOriginUsed = false;
        if (!request.TryGetHeader(KnownField.Origin, out ReadOnlySpan<byte> bytes)) return true;
        bool canBeOne = bytes.Length is > 0 and <= OriginBytesMax;
        foreach (string allowed in policy.AllowedOrigins)
            if (allowed == "*" || (canBeOne && Ascii.Equals(bytes, allowed))) return true;
        if (!canBeOne) return false;
        if (bytes.SequenceEqual("null"u8) || bytes.SequenceEqual("file://"u8))
        {
            nullOriginUsed = policy.AllowNullOrigin;
            return policy.AllowNullOrigin;
        }

        // What nearly every browser sends is found without making strings.
        if (IsOfTrustedHost(bytes, request.Host, policy)) return true;
        string text = Encoding.Latin1.GetString(bytes);
        if (!TryParse(text, out Origin origin)) return false;
        if (Array.IndexOf(policy.ParsedOrigins, origin) >= 0) return true;
        if (!origin.IsWebPage) return false;
        if (origin.Authority.IsLoopback) return true;
        return Authority.TryParse(request.Host, out Authority host) && host.Host == origin.Authority.Host && IsTrusted(host, policy);
    }

    /// <summary>Says which setting would allow a request that <see cref="HandshakeRules.OriginNotAllowed"/> has refused.</summary>
    /// <param name="request">The request.</param>
    /// <param name="name">The origin or host to be named, ready to be written in the setting. It has no control characters.</param>
    /// <returns>Where the name belongs.</returns>
    public static OriginRemedy FindRemedy(UpgradeRequest request, out string name)
    {
        ArgumentNullException.ThrowIfNull(request);
        name = "";
        if (!request.TryGetHeader(KnownField.Origin, out ReadOnlySpan<byte> bytes)
            || bytes.Length > OriginBytesMax) return OriginRemedy.None;
        string text = Encoding.Latin1.GetString(bytes);
        if (text == "*" || FindError(text) is not null) return OriginRemedy.None;
        bool isSameHost = TryParse(text, out Origin origin) && origin.IsWebPage
            && Authority.TryParse(request.Host, out Authority host)
            && host.Host == origin.Authority.Host && FindHostError(host.Host) is null;
        name = isSameHost ? origin.Authority.Host : text;
        return isSameHost ? OriginRemedy.NameHost : OriginRemedy.NameOrigin;
    }

    /// <summary>Says why an allowed origin could never match what a browser sends.</summary>
    /// <param name="origin">The origin as a setting names it, or "*".</param>
    /// <returns>The reason, in English words that can follow a colon; null when the origin can match.</returns>
    public static string? FindError(string origin)
    {
        ArgumentNullException.ThrowIfNull(origin);
        if (origin == "*" || IsWithoutHost(origin)) return null;
        if (origin.StartsWith("file:", StringComparison.OrdinalIgnoreCase))
            return "a page from disk has the origin file:// or null, whatever its path";
        if (origin.Equals("null", StringComparison.OrdinalIgnoreCase)) return "it is written null, in lower case";
        int colon = origin.IndexOf("://", StringComparison.Ordinal);
        if (colon < 1 || !IsScheme(origin.AsSpan(0, colon))) return "an origin begins with a scheme, as in https://example.com";
        string scheme = origin[..colon].ToLowerInvariant(), rest = origin[(colon + 3)..];
        if (scheme is "ws" or "wss") return $"an origin is the page's, not the server's: {(scheme == "ws" ? "http" : "https")}://{rest}";
        if (rest.AsSpan().IndexOfAny('/', '?', '#') >= 0) return "an origin has no path, and no slash behind the host";
        if (rest.Contains('*', StringComparison.Ordinal)) return "a * can only stand alone, for all origins";
        if (FindNotAscii(rest) is { } notAscii) return notAscii;
        int portColon = rest.LastIndexOf(':');
        string host = portColon > rest.LastIndexOf(']') ? rest[..portColon] : rest;
        if (!Authority.TryParse(Encoding.Latin1.GetBytes(host), out Authority authority) || authority.Port >= 0
            || (!host.StartsWith('[') && !IsHostName(host) && !authority.IsAddress))
            return "behind the scheme stands a host, and nothing but a port behind it";
        if (!Authority.TryParse(Encoding.Latin1.GetBytes(rest), out _)) return "a port is a number from 0 to 65535";
        return EndsInNumber(authority.Host) && !authority.IsAddress
            ? "browsers write an IPv4 address as four decimal numbers, as in 127.0.0.1"
            : null;
    }

    /// <summary>Says why an allowed host could never match.</summary>
    /// <param name="host">The host's name as a setting has it.</param>
    /// <returns>The reason, in English words that can follow a colon; null when the host can match.</returns>
    public static string? FindHostError(string host)
    {
        ArgumentNullException.ThrowIfNull(host);
        if (host.Contains('*', StringComparison.Ordinal)) return "a * stands for nothing here: each name is written out";
        if (FindNotAscii(host) is { } notAscii) return notAscii;
        if (host.StartsWith('[') || EndsInNumber(host)) return "an IP address needs no permission";
        return IsHostName(host) ? null : "a name is labels with points between them, without scheme, port and path";
    }

    // Pages without a host: a file, an app's own storage, a frame in a sandbox.
    private static bool IsWithoutHost(string origin) => origin is "null" or "file://";

    // A page of the very host and port that the request asks for, and that host is trusted.
    private static bool IsOfTrustedHost(ReadOnlySpan<byte> origin, ReadOnlySpan<byte> host, UpgradePolicy policy)
    {
        int scheme = origin.StartsWith("http://"u8) ? 7 : origin.StartsWith("https://"u8) ? 8 : 0;
        if (scheme == 0 || !origin[scheme..].SequenceEqual(host) || !Authority.TrySplitName(host, out ReadOnlySpan<byte> name, out _))
            return false;
        if (Authority.IsDottedQuad(name) || name.SequenceEqual("localhost"u8)) return true;
        foreach (string allowed in policy.AllowedHosts)
            if (Ascii.EqualsIgnoreCase(name, allowed)) return true;
        return false;
    }

    private static bool IsTrusted(Authority host, UpgradePolicy policy)
    {
        if (host.IsAddress || host.IsLocalhost) return true;
        foreach (string allowed in policy.AllowedHosts)
            if (host.Host.Equals(allowed, StringComparison.OrdinalIgnoreCase)) return true;
        return false;
    }

    // RFC 6454 §5: two origins are the same if scheme, host and port are the same. A port that is left out is the scheme's.
    internal static bool TryParse(string text, out Origin origin)
    {
        origin = default;
        int colon = text.IndexOf("://", StringComparison.Ordinal);
        if (colon < 1 || !Authority.TryParse(Encoding.Latin1.GetBytes(text[(colon + 3)..]), out Authority authority)) return false;
        string scheme = text[..colon].ToLowerInvariant();
        int port = authority.Port >= 0 ? authority.Port : scheme switch
        {
            "http" => 80,
            "https" => 443,
            _ => -1,
        };
        origin = new Origin(scheme, authority with { Port = port });
        return true;
    }

    // The grammar of a scheme is in RFC 3986 §3.1.
    private static bool IsScheme(ReadOnlySpan<char> text)
    {
        foreach (char c in text)
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('+' or '-' or '.')) return false;
        return char.IsAsciiLetter(text[0]);
    }

    private static string? FindNotAscii(string text) =>
        Ascii.IsValid(text) ? null : "browsers write a name that is not ASCII in its ASCII form, which begins with xn--";

    // Letters, digits and hyphens as in DNS, and the underscore, which is in use. A point may end the name.
    private static bool IsHostName(string text)
    {
        if (text.Length is 0 or > Authority.HostBytesMax || text[0] == '.' || text.Contains("..", StringComparison.Ordinal)) return false;
        foreach (char c in text)
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.')) return false;
        return true;
    }

    // A browser takes a host for an IPv4 address if its last label is digits, or 0x and hexadecimal digits.
    private static bool EndsInNumber(string host)
    {
        ReadOnlySpan<char> last = host.AsSpan().TrimEnd('.');
        last = last[(last.LastIndexOf('.') + 1)..];
        if (last.StartsWith("0x", StringComparison.OrdinalIgnoreCase)) return !last[2..].ContainsAnyExcept(HexadecimalDigits);
        return last.Length > 0 && last.IndexOfAnyExceptInRange('0', '9') < 0;
    }
}
