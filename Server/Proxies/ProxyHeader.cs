// The PROXY header, with which a proxy says for whom it connects. In: the first bytes of a connection, as many as there are. Out: that more
// are needed, or the header's length and the client's address, or the rule that is broken, at the earliest byte that proves it (in a line
// at its end). Nothing is kept here.
//
//   version 1   PROXY TCP4 192.0.2.1 198.51.100.2 50123 443\r\n       at most 107 bytes; TCP6 likewise
//               PROXY UNKNOWN …\r\n                                   the client is not told, and what follows means nothing
//
//   version 2   0D 0A 0D 0A 00 0D 0A 51 55 49 54 0A
//               +--------------+--------------+---------------------+
//               | version 2, 4 | family, 4    | length of what      |   command 0: LOCAL (the proxy's own, for a check of health)
//               | command, 4   | protocol, 4  | follows, 16         |           1: PROXY
//               +--------------+--------------+---------------------+   family 0: none, 1: IPv4, 2: IPv6, 3: unix
//               | source and destination address, their ports, 16   |   protocol 0: none, 1: stream, 2: datagrams
//               | each; then further values, which are skipped      |
//               +---------------------------------------------------+
//
// Of valid headers those that tell no address of a TCP client (LOCAL, UNKNOWN, unix, datagrams) leave the client to be the proxy itself.

using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using RawWs.Server.Native;

namespace RawWs.Server.Proxies;

/// <summary>What the bytes say.</summary>
/// <param name="Length">The header's length in bytes; 0 while it is not whole.</param>
/// <param name="Client">The client's address; null if the header tells none.</param>
/// <param name="Rule">The broken rule; null for none.</param>
internal readonly record struct ProxyHeader(int Length, PeerAddress? Client, ProxyRule? Rule)
{
    /// <summary>The longest header that is taken. Version 2 could have 65,551 bytes, and nobody sends that many.</summary>
    public const int BytesMax = 4096;

    private const int LineBytesMax = 107;
    private const int FixedBytes = 16;

    private static ReadOnlySpan<byte> Line => "PROXY "u8;

    private static ReadOnlySpan<byte> Signature => "\r\n\r\n\0\r\nQUIT\n"u8;

    /// <summary>Whether the header has come, and nothing is wrong with it.</summary>
    public bool IsWhole => Length > 0;

    /// <summary>Reads the header at the beginning of these bytes.</summary>
    public static ProxyHeader Read(ReadOnlySpan<byte> bytes)
    {
        if (BeginsAs(bytes, Line)) return bytes.Length < Line.Length ? default : ReadLine(bytes);
        if (BeginsAs(bytes, Signature)) return ReadBinary(bytes);
        return Broken(ProxyRules.NoHeader);
    }

    // Whether the bytes are the beginning, or a part of it.
    private static bool BeginsAs(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> beginning) =>
        beginning.StartsWith(bytes[..Math.Min(bytes.Length, beginning.Length)]);

    private static ProxyHeader Broken(ProxyRule rule) => new(0, null, rule);

    private static ProxyHeader ReadLine(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> room = bytes[..Math.Min(bytes.Length, LineBytesMax)];
        int end = room.IndexOfAny((byte)'\r', (byte)'\n');
        if (end < 0) return bytes.Length < LineBytesMax ? default : Broken(ProxyRules.LineTooLong);
        if (room[end] == '\n') return Broken(ProxyRules.LineEnd);
        if (end + 1 == LineBytesMax) return Broken(ProxyRules.LineTooLong);
        if (end + 1 == room.Length) return default;
        if (room[end + 1] != '\n') return Broken(ProxyRules.LineEnd);

        string[] fields = Encoding.Latin1.GetString(room[Line.Length..end]).Split(' ');
        if (fields[0] == "UNKNOWN") return new ProxyHeader(end + 2, null, null);
        if (fields[0] is not ("TCP4" or "TCP6")) return Broken(ProxyRules.Protocol);
        if (fields.Length != 5 || fields.Contains("")) return Broken(ProxyRules.Fields);
        AddressFamily family = fields[0] == "TCP4" ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6;
        if (!AddressText.TryParse(fields[1], out IPAddress source) || source.AddressFamily != family
            || !AddressText.TryParse(fields[2], out IPAddress destination) || destination.AddressFamily != family)
            return Broken(ProxyRules.Address);
        return AddressText.TryParsePort(fields[3], out int port) && AddressText.TryParsePort(fields[4], out _)
            ? new ProxyHeader(end + 2, new PeerAddress(new IPEndPoint(source, port)), null)
            : Broken(ProxyRules.Port);
    }

    private static ProxyHeader ReadBinary(ReadOnlySpan<byte> bytes)
    {
        const int VersionAt = 12, FamilyAt = 13, LengthAt = 14, Local = 0, Proxy = 1;
        if (bytes.Length <= VersionAt) return default;
        if (bytes[VersionAt] >> 4 != 2) return Broken(ProxyRules.Version);
        int command = bytes[VersionAt] & 15;
        if (command is not (Local or Proxy)) return Broken(ProxyRules.Command);
        if (bytes.Length <= FamilyAt) return default;
        // Of LOCAL everything that follows is to be skipped, its family too.
        int addressBytes = command == Local ? 0 : AddressBytes(bytes[FamilyAt]);
        if (addressBytes < 0) return Broken(ProxyRules.Family);
        if (bytes.Length < FixedBytes) return default;
        int follows = BinaryPrimitives.ReadUInt16BigEndian(bytes[LengthAt..]);
        if (follows < addressBytes) return Broken(ProxyRules.TooShort);
        if (FixedBytes + follows > BytesMax) return Broken(ProxyRules.TooLong);
        if (bytes.Length < FixedBytes + follows) return default;
        PeerAddress? client = command == Local ? null : ClientOf(bytes[FamilyAt], bytes.Slice(FixedBytes, follows));
        return new ProxyHeader(FixedBytes + follows, client, null);
    }

    // How many bytes the addresses of a family have; below zero for one that does not exist.
    private static int AddressBytes(byte family) => family switch
    {
        0x00 => 0,
        0x11 or 0x12 => (2 * 4) + (2 * 2),
        0x21 or 0x22 => (2 * 16) + (2 * 2),
        0x31 or 0x32 => 2 * 108,
        _ => -1,
    };

    private static PeerAddress? ClientOf(byte family, ReadOnlySpan<byte> addresses)
    {
        int length = family switch
        {
            0x11 => 4,
            0x21 => 16,
            _ => 0,
        };
        if (length == 0) return null;
        IPAddress source = new(addresses[..length]);
        return new PeerAddress(new IPEndPoint(source, BinaryPrimitives.ReadUInt16BigEndian(addresses[(2 * length)..])));
    }
}
