// A host with an optional port (RFC 3986 §3.2). It is the value of the Host field, and a part of an absolute target and of an origin.

using System.Buffers;
using System.Net;
using System.Numerics;
using System.Text;

namespace RawWs.Handshake;

/// <summary>A host, in lower case and without the brackets of an IPv6 address, and its port; -1 if it has none.</summary>
internal readonly record struct Authority(string Host, int Port)
{
    private const string BelowLocalhost = ".localhost";

    /// <summary>The longest host in bytes. RFC 3986 §3.2.2 and DNS allow no longer one.</summary>
    public const int HostBytesMax = 255;

    // The bytes of a host name: unreserved, sub-delims, and the percent sign of an escape (RFC 3986 §3.2.2).
    private static readonly SearchValues<byte> NameBytes = SearchValues.Create(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~!$&'()*+,;=%"u8);

    public static bool TryParse(ReadOnlySpan<byte> bytes, out Authority authority)
    {
        authority = default;
        if (bytes.Length > 0 && bytes[0] == '[')
        {
            int end = bytes.IndexOf((byte)']');
            if (end < 0) return false;
            ReadOnlySpan<byte> host = bytes[1..end], rest = bytes[(end + 1)..];
            // An IPv6 address as a URI has it: without a zone, and without brackets inside.
            if (host.Length > HostBytesMax || host.Contains((byte)'%')
                || !IPAddress.TryParse(Encoding.Latin1.GetString(host), out IPAddress? address)
                || address.AddressFamily != System.Net.Sockets.AddressFamily.InterNetworkV6) return false;
            if (!TryParsePort(rest, out int port)) return false;
            authority = new Authority(address.ToString(), port);
            return true;
        }

        if (!TrySplitName(bytes, out ReadOnlySpan<byte> name, out int number)) return false;
        authority = new Authority(Encoding.Latin1.GetString(name).ToLowerInvariant(), number);
        return true;
    }

    /// <summary>The same without a result: nothing is allocated for a name.</summary>
    public static bool IsValid(ReadOnlySpan<byte> bytes) =>
        bytes.StartsWith("["u8) ? TryParse(bytes, out _) : TrySplitName(bytes, out _, out _);

    /// <summary>Splits a name, which is no IPv6 address, from its port; -1 for none.</summary>
    public static bool TrySplitName(ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> name, out int port)
    {
        int colon = bytes.IndexOf((byte)':');
        name = colon < 0 ? bytes : bytes[..colon];
        port = -1;
        if (name.Length is 0 or > HostBytesMax || name.ContainsAnyExcept(NameBytes)) return false;
        if (name.Contains((byte)'%') && !PercentEncoding.TryDecode(name, out _)) return false;
        return TryParsePort(colon < 0 ? default : bytes[colon..], out port);
    }

    /// <summary>Whether the host is an IP address, written as one.</summary>
    public bool IsAddress => TryParseDottedQuad<char>(Host, out _) || TryParseV6(Host, out _);

    /// <summary>Whether a name is an IPv4 address, written as four decimal numbers.</summary>
    public static bool IsDottedQuad(ReadOnlySpan<byte> name) => TryParseDottedQuad(name, out _);

    /// <summary>Whether the host is localhost or a name below it (RFC 6761 §6.3). Such a name never points to another machine.</summary>
    public bool IsLocalhost =>
        Host == "localhost" || (Host.Length > BelowLocalhost.Length && Host.EndsWith(BelowLocalhost, StringComparison.Ordinal));

    /// <summary>Whether the host is this machine's own: localhost and names below it, 127.0.0.0/8 or ::1.</summary>
    public bool IsLoopback =>
        TryParseDottedQuad<char>(Host, out uint quad)
            ? quad >> 24 == 127
            : IsLocalhost || (TryParseV6(Host, out IPAddress? address) && IPAddress.IsLoopback(address!));

    // A colon and digits, or nothing. A colon alone is an empty port, which the grammar allows.
    private static bool TryParsePort(ReadOnlySpan<byte> rest, out int port)
    {
        port = -1;
        if (rest.IsEmpty) return true;
        if (rest[0] != ':') return false;
        ReadOnlySpan<byte> digits = rest[1..];
        if (digits.IsEmpty) return true;
        if (digits.Length > 5 || digits.ContainsAnyExceptInRange((byte)'0', (byte)'9')) return false;
        port = int.Parse(digits, System.Globalization.CultureInfo.InvariantCulture);
        return port <= ushort.MaxValue;
    }

    private static bool TryParseV6(string host, out IPAddress? address)
    {
        address = null;
        return host.Contains(':', StringComparison.Ordinal) && IPAddress.TryParse(host, out address);
    }

    // Four decimal numbers, as a browser writes them. IPAddress.TryParse would also accept "1", "127.1" and "0177.0.0.1", and would
    // allocate.
    private static bool TryParseDottedQuad<TCharacter>(ReadOnlySpan<TCharacter> host, out uint address)
        where TCharacter : unmanaged, IBinaryInteger<TCharacter>
    {
        address = 0;
        int numbers = 0, digits = 0;
        uint number = 0;
        foreach (TCharacter character in host)
        {
            char c = (char)ushort.CreateTruncating(character);
            if (c == '.' && digits > 0 && numbers < 3)
            {
                address = (address << 8) | number;
                numbers++;
                number = 0;
                digits = 0;
            }
            else if (char.IsAsciiDigit(c) && (digits == 0 || number > 0))
            {
                number = (number * 10) + (uint)(c - '0');
                digits++;
                if (number > 255) return false;
            }
            else
            {
                return false;
            }
        }

        address = (address << 8) | number;
        return numbers == 3 && digits > 0;
    }
}
