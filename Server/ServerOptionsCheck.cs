// What is wrong with options: the first error, as a sentence. Nothing is changed, and nothing is asked of the system.

using System.Buffers;
using System.Text.Unicode;
using RawWs.Frame;
using RawWs.Handshake;
using RawWs.Server.Listening;
using RawWs.Server.Log;
using RawWs.Server.Memory;
using RawWs.Server.Proxies;

namespace RawWs.Server;

internal static class ServerOptionsCheck
{
    /// <summary>The first error, as one sentence that names the property; null when there is none.</summary>
    public static string? FindError(ServerOptions options)
    {
        if (FindNull(options) is { } missing) return missing;
        if (options.Addresses.Count == 0) return $"{nameof(options.ListenEndPoints)}: at least one address is needed.";
        if (options.HasTls && options.Certificates is null)
            return $"{nameof(options.Certificates)}: an address for TLS needs some.";
        if (FindBadAddress(options) is { } address) return address;
        if (!Enum.IsDefined(options.ForwardedField))
            return $"{nameof(options.ForwardedField)}: there is no such field as {options.ForwardedField}.";
        if (options.TlsHandshakesMax < 1) return $"{nameof(options.TlsHandshakesMax)}: at least 1, not {options.TlsHandshakesMax}.";
        if (!Enum.IsDefined(options.Transport))
            return $"{nameof(options.Transport)}: there is no such transport as {options.Transport}.";
        if (options.Transport == TransportKind.Epoll && !OperatingSystem.IsLinux())
            return $"{nameof(options.Transport)}: epoll exists on Linux only.";
        if (options.Loops is < 1 or > 1024) return $"{nameof(options.Loops)}: 1 to 1024, not {options.Loops}.";
        if (options.MessageBytesMax is < 1 or > 1 << 30)
            return $"{nameof(options.MessageBytesMax)}: 1 to 1 GiB, not {options.MessageBytesMax}.";
        if (options.FragmentsMax < 1) return $"{nameof(options.FragmentsMax)}: at least 1, not {options.FragmentsMax}.";
        if (options.SendBufferBytesMax is < 1 or > 1 << 30)
            return $"{nameof(options.SendBufferBytesMax)}: 1 to 1 GiB, not {options.SendBufferBytesMax}.";
        if (!Enum.IsDefined(options.SlowConsumer))
            return $"{nameof(options.SlowConsumer)}: there is no such policy as {options.SlowConsumer}.";
        if (options.ConnectionsMax < 1) return $"{nameof(options.ConnectionsMax)}: at least 1, not {options.ConnectionsMax}.";
        if (options.ConnectionsPerAddressMax < 1)
            return $"{nameof(options.ConnectionsPerAddressMax)}: at least 1, not {options.ConnectionsPerAddressMax}.";
        if (options.ConnectionsPerUidMax < 1)
            return $"{nameof(options.ConnectionsPerUidMax)}: at least 1, not {options.ConnectionsPerUidMax}.";
        if (!Enum.IsDefined(options.OverRate)) return $"{nameof(options.OverRate)}: there is no such answer as {options.OverRate}.";
        if (options.MemoryBytesMaxGiven < MemoryShare.BudgetBytesMin)
            return $"{nameof(options.MemoryBytesMax)}: at least 1 MiB, not {options.MemoryBytesMax} bytes.";
        if (options.CompressionLevel is < 1 or > 9)
            return $"{nameof(options.CompressionLevel)}: 1 to 9, not {options.CompressionLevel}.";
        if (options.CompressionBytesMin < 0)
            return $"{nameof(options.CompressionBytesMin)}: at least 0, not {options.CompressionBytesMin}.";
        if (options.CompressionWindowBits is < 9 or > 15)
            return $"{nameof(options.CompressionWindowBits)}: 9 to 15, not {options.CompressionWindowBits}.";
        foreach (string origin in options.AllowedOrigins)
            if (OriginRule.FindError(origin) is { } problem)
                return $"{nameof(options.AllowedOrigins)}: \"{LogText.Escape(origin)}\" can never match: {problem}.";
        foreach (string host in options.AllowedHosts)
            if (OriginRule.FindHostError(host) is { } problem)
                return $"{nameof(options.AllowedHosts)}: \"{LogText.Escape(host)}\" can never match: {problem}.";
        foreach (string name in options.Subprotocols)
            if (!UpgradePolicy.IsSubprotocolName(name))
                return $"{nameof(options.Subprotocols)}: \"{LogText.Escape(name)}\" is no token of HTTP, "
                    + "which the name of a subprotocol must be.";
        if (FindBadPath(options) is { } path) return path;
        if (options.DrainCloseCode is not (CloseCodes.GoingAway or CloseCodes.ServiceRestart))
            return $"{nameof(options.DrainCloseCode)}: 1001 or 1012, not {options.DrainCloseCode}.";
        if (options.DrainSpread < TimeSpan.Zero || options.DrainSpread > TimeSpan.FromDays(1))
            return $"{nameof(options.DrainSpread)}: 0 to 86400 seconds, not {options.DrainSpread.TotalSeconds}.";
        if (options.PingText is not null && !IsText(options.PingText))
            return $"{nameof(options.PingText)}: it has half of a surrogate pair, which cannot be UTF-8.";
        if (options.PingText is not null && options.Heartbeat > TimeSpan.Zero)
            return $"{nameof(options.PingText)}: only without a heartbeat (set {nameof(options.Heartbeat)} to zero).";
        return FindBadRate(nameof(options.HandshakeRate), options.HandshakeRate)
            ?? FindBadRate(nameof(options.MessageRate), options.MessageRate)
            ?? FindBadRate(nameof(options.ByteRate), options.ByteRate)
            ?? FindBadRate(nameof(options.BroadcastRate), options.BroadcastRate)
            ?? FindBadTime(nameof(options.MessageTimeout), options.MessageTimeout)
            ?? FindBadTime(nameof(options.HandshakeTimeout), options.HandshakeTimeout)
            ?? FindBadTime(nameof(options.CloseTimeout), options.CloseTimeout)
            ?? FindBadTime(nameof(options.SendTimeout), options.SendTimeout)
            ?? FindBadTime(nameof(options.PingInterval), options.PingInterval)
            ?? (options.Heartbeat == TimeSpan.Zero ? null : FindBadTime(nameof(options.Heartbeat), options.Heartbeat));
    }

    // Values may come from a file by way of a binder, which does not know what may be null.
    private static string? FindNull(ServerOptions options)
    {
        (string Name, IEnumerable<object?>? Values)[] lists =
        [
            (nameof(options.ListenEndPoints), options.ListenEndPoints), (nameof(options.TlsEndPoints), options.TlsEndPoints),
            (nameof(options.Listeners), options.Listeners), (nameof(options.TrustedProxies), options.TrustedProxies),
            (nameof(options.ListeningSockets), options.ListeningSockets),
            (nameof(options.AllowedOrigins), options.AllowedOrigins), (nameof(options.AllowedHosts), options.AllowedHosts),
            (nameof(options.Subprotocols), options.Subprotocols), (nameof(options.Endpoints), options.Endpoints),
            (nameof(options.Pages), options.Pages),
        ];
        foreach ((string name, IEnumerable<object?>? values) in lists)
            if (values is not null && values.Contains(null)) return $"{name}: one of them is null.";
        return null;
    }

    private static string? FindBadAddress(ServerOptions options)
    {
        foreach (string proxy in options.TrustedProxies)
            if (ProxyTrust.FindError(proxy) is { } problem)
                return $"{nameof(options.TrustedProxies)}: \"{LogText.Escape(proxy)}\" {problem}.";
        bool trustsSocketFiles = options.TrustedProxies.Contains(ProxyTrust.SocketFiles);
        foreach (ListenAddress address in options.Listeners)
        {
            string shown = $"{nameof(options.Listeners)}: {LogText.Escape(address.ToString())}";
            if (address.SocketPath is { } path && SocketFile.FindError(path) is { } problem) return $"{shown} {problem}.";
            if (!address.HasProxyHeader) continue;
            if (options.TrustedProxies.Count == 0)
                return $"{shown} takes PROXY headers from {nameof(options.TrustedProxies)}, of which there are none.";
            if (address.SocketPath is not null && !trustsSocketFiles)
                return $"{shown} takes PROXY headers, and \"{ProxyTrust.SocketFiles}\" is not among {nameof(options.TrustedProxies)}.";
        }

        return null;
    }

    private static string? FindBadPath(ServerOptions options)
    {
        if (options.Endpoints is { Count: 0 })
            return $"{nameof(options.Endpoints)}: at least one path is needed, or null for every path.";
        foreach (string endpoint in options.Endpoints ?? [])
            if (!IsPath(endpoint))
                return $"{nameof(options.Endpoints)}: \"{LogText.Escape(endpoint)}\" is no path: it must begin with a slash.";
        foreach (HttpPage page in options.Pages)
        {
            if (page.Path is null) return $"{nameof(options.Pages)}: a page has no path.";
            if (!IsPath(page.Path))
                return $"{nameof(options.Pages)}: \"{LogText.Escape(page.Path)}\" is no path: it must begin with a slash.";
            if (options.FindPage(page.Path) != page)
                return $"{nameof(options.Pages)}: there are two of the path \"{LogText.Escape(page.Path)}\".";
            if (page.ContentSecurityPolicy is null || page.ContentSecurityPolicy.AsSpan().ContainsAnyExceptInRange(' ', '~'))
                return $"{nameof(options.Pages)}: the content security policy of \"{LogText.Escape(page.Path)}\" must be printable ASCII.";
            if (page.ContentType is null || page.ContentType.AsSpan().ContainsAnyExceptInRange(' ', '~'))
                return $"{nameof(options.Pages)}: the content type of \"{LogText.Escape(page.Path)}\" must be printable ASCII.";
        }

        return null;
    }

    private static bool IsPath(string path) => path.StartsWith('/');

    private static bool IsText(string text) => Utf8.FromUtf16(text, new byte[3 * text.Length], out _, out _, replaceInvalidSequences: false)
        == OperationStatus.Done;

    private static string? FindBadRate(string name, RateLimit? rate) =>
        rate is { PerSecond: < 1 } or { Burst: < 1 } ? $"{name}: at least 1 a second and 1 at once, not {rate}." : null;

    private static string? FindBadTime(string name, TimeSpan time) =>
        time >= TimeSpan.FromMilliseconds(1) && time <= TimeSpan.FromDays(1)
            ? null
            : $"{name}: 0.001 to 86400 seconds, not {time.TotalSeconds}.";
}
