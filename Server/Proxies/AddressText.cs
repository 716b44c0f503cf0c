// Addresses and ports as proxies write them, read strictly: what two readers might understand differently is no address. (The framework's
// parser takes 010.0.0.1 for 8.0.0.1, and 10 for 0.0.0.10.)

using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace RawWs.Server.Proxies;

internal static class AddressText
{
    private const int V6CharactersMax = 45; // eight groups of which the last two are an IPv4 address
    private const int V4CharactersMax = 15;

    /// <summary>Reads IPv4 in four decimal numbers without leading zeros, or IPv6 without brackets and scope.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out IPAddress address)
    {
        address = IPAddress.None;
        bool isV6 = text.Contains(':');
        if (isV6 ? !MayBeV6(text) : !IsV4(text)) return false;
        if (!IPAddress.TryParse(text, out IPAddress? parsed)) return false;
        address = parsed;
        return (parsed.AddressFamily == AddressFamily.InterNetworkV6) == isV6;
    }

    /// <summary>Reads a port: 0 to 65535, without leading zeros.</summary>
    public static bool TryParsePort(ReadOnlySpan<char> text, out int port) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port <= IPEndPoint.MaxPort
        && (text.Length == 1 || text[0] != '0');

    /// <summary>
    /// Reads a node of RFC 7239 §6: an address, IPv6 in brackets, and perhaps a port. IPv6 without brackets is taken too, because
    /// X-Forwarded-For has it. A hidden port ("_x") is 0, as one that is not there. "unknown" and hidden names are no addresses.
    /// </summary>
    public static bool TryParseNode(ReadOnlySpan<char> text, out IPEndPoint endPoint)
    {
        endPoint = new IPEndPoint(IPAddress.None, 0);
        ReadOnlySpan<char> host = text, port = "0";
        int end = text.IndexOf(']');
        if (text.StartsWith("[") && end > 0)
        {
            host = text[1..end];
            if (!host.Contains(':')) return false;
            if (end < text.Length - 1 && !TryCutPort(text[(end + 1)..], out port)) return false;
        }
        else if (text.IndexOf(':') is >= 0 and int colon && text.LastIndexOf(':') == colon)
        {
            host = text[..colon];
            if (!TryCutPort(text[colon..], out port)) return false;
        }

        if (!TryParse(host, out IPAddress address) || !TryParsePort(port, out int number)) return false;
        endPoint = new IPEndPoint(address, number);
        return true;
    }

    private static bool TryCutPort(ReadOnlySpan<char> text, out ReadOnlySpan<char> port)
    {
        port = text[1..];
        bool isThere = text[0] == ':' && port.Length > 0;
        if (port.StartsWith("_")) port = "0";
        return isThere;
    }

    private static bool MayBeV6(ReadOnlySpan<char> text)
    {
        foreach (char c in text)
            if (!char.IsAsciiHexDigit(c) && c is not (':' or '.')) return false;
        int group = text.LastIndexOf(':') + 1;
        return text.Length <= V6CharactersMax && (!text.Contains('.') || IsV4(text[group..]));
    }

    private static bool IsV4(ReadOnlySpan<char> text)
    {
        if (text.Length > V4CharactersMax) return false;
        int numbers = 0;
        foreach (Range part in text.Split('.'))
        {
            ReadOnlySpan<char> number = text[part];
            if (!TryParsePort(number, out int value) || value > byte.MaxValue) return false;
            numbers++;
        }

        return numbers == 4;
    }
}
