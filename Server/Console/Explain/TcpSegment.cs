// A captured packet in, its TCP segment out, or nothing when it is something else. Below TCP there may be Ethernet (with VLAN tags), the
// loopback and "any" devices of several systems, or bare IP; IPv4 and IPv6. Fragments of IP packets are passed over: what they carry is
// then missing in the stream, and told of there.

using System.Buffers.Binary;
using System.Net;

namespace RawWs.Server.Console.Explain;

/// <summary>A segment. The payload is a view of the file's bytes.</summary>
internal readonly record struct TcpSegment(
    IPEndPoint Source, IPEndPoint Destination, uint Sequence, bool Syn, bool Ack, ReadOnlyMemory<byte> Payload)
{
    private const int Tcp = 6;

    /// <summary>Reads the segment of a packet. False for what is no TCP, or is cut inside of a header.</summary>
    public static bool TryRead(CapturedPacket packet, out TcpSegment segment)
    {
        segment = default;
        return TryFindIp(packet, out ReadOnlyMemory<byte> ip) && ip.Length > 0 && (ip.Span[0] >> 4) switch
        {
            4 => TryReadV4(ip, out segment),
            6 => TryReadV6(ip, out segment),
            _ => false,
        };
    }

    private static bool TryFindIp(CapturedPacket packet, out ReadOnlyMemory<byte> ip)
    {
        ReadOnlySpan<byte> bytes = packet.Bytes.Span;
        int header = packet.LinkType switch
        {
            0 or 108 => 4,              // a loopback device of BSD
            1 => EthernetHeader(bytes),
            12 or 14 or 101 or 228 or 229 => 0, // bare IP
            113 => 16,                  // Linux's "any"
            276 => 20,                  // the same, newer
            _ => -1,
        };
        ip = header >= 0 && bytes.Length > header ? packet.Bytes[header..] : default;
        return !ip.IsEmpty;
    }

    private static int EthernetHeader(ReadOnlySpan<byte> bytes)
    {
        int at = 12;
        while (bytes.Length >= at + 2)
        {
            int type = BinaryPrimitives.ReadUInt16BigEndian(bytes[at..]);
            if (type is 0x0800 or 0x86DD) return at + 2;
            if (type is not (0x8100 or 0x88A8)) return -1;
            at += 4;
        }

        return -1;
    }

    private static bool TryReadV4(ReadOnlyMemory<byte> ip, out TcpSegment segment)
    {
        segment = default;
        ReadOnlySpan<byte> bytes = ip.Span;
        int header = (bytes[0] & 15) * 4;
        if (header < 20 || bytes.Length < header || bytes[9] != Tcp) return false;
        if ((BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]) & 0x3FFF) != 0) return false; // a fragment

        // Captured before the network card has cut it, a packet says 0.
        int total = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        int end = total == 0 ? ip.Length : Math.Min(total, ip.Length);
        return end >= header && TryReadTcp(ip[header..end], new IPAddress(bytes[12..16]), new IPAddress(bytes[16..20]), out segment);
    }

    private static bool TryReadV6(ReadOnlyMemory<byte> ip, out TcpSegment segment)
    {
        segment = default;
        ReadOnlySpan<byte> bytes = ip.Span;
        if (bytes.Length < 40) return false;
        int total = BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]);
        int end = total == 0 ? ip.Length : Math.Min(40 + total, ip.Length), at = 40, next = bytes[6];
        while (next is 0 or 43 or 60)
        {
            if (end - at < 8) return false;
            next = bytes[at];
            at += (bytes[at + 1] + 1) * 8;
        }

        return next == Tcp && at <= end && TryReadTcp(ip[at..end], new IPAddress(bytes[8..24]), new IPAddress(bytes[24..40]), out segment);
    }

    private static bool TryReadTcp(ReadOnlyMemory<byte> tcp, IPAddress source, IPAddress destination, out TcpSegment segment)
    {
        segment = default;
        ReadOnlySpan<byte> bytes = tcp.Span;
        if (bytes.Length < 20) return false;
        int header = (bytes[12] >> 4) * 4;
        if (header < 20 || header > bytes.Length) return false;
        segment = new TcpSegment(
            new IPEndPoint(source, BinaryPrimitives.ReadUInt16BigEndian(bytes)),
            new IPEndPoint(destination, BinaryPrimitives.ReadUInt16BigEndian(bytes[2..])),
            BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]),
            (bytes[13] & 2) != 0,
            (bytes[13] & 16) != 0,
            tcp[header..]);
        return true;
    }
}
