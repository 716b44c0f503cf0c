// Which pages may connect (RFC 6455 §10.2). A browser names the page's origin, and no script can make it lie; other clients name what they
// like, or nothing. Allowed are: no origin at all; an origin that the policy names; a page of this machine; and a page
// of the same host, where the host's name can be trusted. It can be, if it is an address, localhost, or a name that the policy knows: any
// other name may be an attacker's who has pointed it here (DNS rebinding), and then "same host" says nothing.

using System.Text;

namespace RawWs.Handshake;

internal static class OriginRule
{
    public static bool Allows(UpgradeRequest request, UpgradePolicy policy, out bool nullOriginUsed)
    {
        nullOriginUsed = false;
        if (request.Origin is not { } text) return true;
        foreach (string allowed in policy.AllowedOrigins)
            if (allowed == "*" || IsSame(allowed, text)) return true;
        if (text == "null")
        {
            nullOriginUsed = policy.AllowNullOrigin;
            return policy.AllowNullOrigin;
        }

        if (!TryParse(text, out string scheme, out Authority origin) || scheme is not ("http" or "https")) return false;
        if (origin.IsLoopback) return true;
        return Authority.TryParse(request.Host, out Authority host) && host.Host == origin.Host && IsTrusted(host, policy);
    }

    private static bool IsTrusted(Authority host, UpgradePolicy policy)
    {
        if (host.IsAddress || host.Host == "localhost") return true;
        foreach (string allowed in policy.AllowedHosts)
            if (host.Host.Equals(allowed, StringComparison.OrdinalIgnoreCase)) return true;
        return false;
    }

    // RFC 6454 §5: scheme, host and port are the same, a port left out being the scheme's.
    private static bool IsSame(string allowed, string origin)
    {
        if (string.Equals(allowed, origin, StringComparison.Ordinal)) return true;
        return TryParse(allowed, out string scheme, out Authority one) && TryParse(origin, out string otherScheme, out Authority other)
            && scheme == otherScheme && one.Host == other.Host && Port(scheme, one) == Port(scheme, other);
    }

    private static int Port(string scheme, Authority authority) => authority.Port >= 0 ? authority.Port : scheme switch
    {
        "http" => 80,
        "https" => 443,
        _ => -1,
    };

    private static bool TryParse(string text, out string scheme, out Authority authority)
    {
        authority = default;
        int colon = text.IndexOf("://", StringComparison.Ordinal);
        scheme = colon < 0 ? "" : text[..colon].ToLowerInvariant();
        return colon > 0 && Authority.TryParse(Encoding.Latin1.GetBytes(text[(colon + 3)..]), out authority);
    }
}
