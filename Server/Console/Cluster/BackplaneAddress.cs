// Where NATS is, as --backplane says it: one server, or several with commas between. NATS lets a user and a password, or a token, stand
// before a host. They are taken out here: what is left can be shown, and is what lines and messages have.

using System.Text.RegularExpressions;

namespace RawWs.Server.Console.Cluster;

/// <summary>The NATS servers, and who logs in there if the addresses say it.</summary>
internal sealed partial class BackplaneAddress
{
    public const string Allowed = "nats://HOST:PORT, or tls://HOST:PORT for TLS; several, 64 at most, with commas between; USER:PASSWORD@ "
        + "or TOKEN@ may stand before a host, the same for all, with %XX for what a URL cannot have";

    private const int PortUnsaid = 4222;
    private const int ServersMax = 64;

    private BackplaneAddress(string urls, bool isTls, string? logIn)
    {
        (Urls, IsTls) = (urls, isTls);
        if (logIn is null) return;
        int colon = logIn.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0) Token = Uri.UnescapeDataString(logIn);
        else (User, Password) = (Uri.UnescapeDataString(logIn[..colon]), Uri.UnescapeDataString(logIn[(colon + 1)..]));
    }

    /// <summary>The addresses, with commas between, without anybody's secret.</summary>
    public string Urls { get; }

    /// <summary>Whether one of them asks for TLS.</summary>
    public bool IsTls { get; }

    public string? User { get; }

    public string? Password { get; }

    public string? Token { get; }

    /// <summary>Reads the addresses. False when <see cref="FindError"/> finds something.</summary>
    public static bool TryParse(string text, out BackplaneAddress address) => Read(text, out address) is null;

    /// <summary>Why these are no addresses, if there is more to say than what is allowed; null if not. No secret is quoted.</summary>
    public static string? FindError(string text) => Read(text, out _) is { Length: > 0 } error ? error : null;

    /// <summary>The same text with stars for what stands before a host: so it may be shown, whatever it is.</summary>
    public static string Hide(string text) => BeforeHost().Replace(text, "$1***@");

    public override string ToString() => Urls;

    // Null when nothing is wrong; empty when there is no more to say than what is allowed.
    private static string? Read(string text, out BackplaneAddress address)
    {
        address = null!;
        List<string> urls = [];
        HashSet<string> logIns = [];
        bool isTls = false;
        string[] parts = text.Split(',', StringSplitOptions.TrimEntries);
        if (parts.Length > ServersMax) return $"there are {parts.Length} servers, and {ServersMax} at most may be named";
        foreach (string part in parts)
        {
            string scheme = part.Split("://")[0];
            if (scheme is not ("nats" or "tls") || scheme.Length == part.Length) return "";
            string rest = part[(scheme.Length + 3)..];
            int at = rest.LastIndexOf('@');
            if (at >= 0) logIns.Add(rest[..at]);
            if (!Uri.TryCreate($"{scheme}://{rest[(at + 1)..]}", UriKind.Absolute, out Uri? uri) || uri.Host.Length == 0) return "";
            if (uri.PathAndQuery is not ("" or "/") || uri.Fragment.Length > 0 || uri.Port == 0)
                return "behind the host there may be a port, and nothing else";
            isTls |= scheme == "tls";
            urls.Add($"{scheme}://{uri.Host}:{(uri.Port < 0 ? PortUnsaid : uri.Port)}");
        }

        if (logIns.Count > 1) return "before each host there is the same user and password, or the same token";
        if (logIns.Any(static logIn => logIn.Split(':') is { Length: > 2 } or [""] or ["", _] or [_, ""]))
            return "before the @ there is a token, or a user, a colon and a password";
        address = new BackplaneAddress(string.Join(',', urls), isTls, logIns.SingleOrDefault());
        return null;
    }

    // From the beginning of an address to the last @ before the next one begins.
    [GeneratedRegex("((?:^|,)\\s*(?:[^,:/@]*://)?)(?:(?!,[^,:/@]*://).)*@", RegexOptions.Singleline)]
    private static partial Regex BeforeHost();
}
