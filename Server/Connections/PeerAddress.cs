// A peer's address and port; in 16 bytes if it is IPv4. So ten thousand idle connections need not hold an IPEndPoint each.

using System.Buffers.Binary;
using System.Net;
using System.Runtime.CompilerServices;
using RawWs.Server.Log;

namespace RawWs.Server;

internal readonly struct PeerAddress
{
    private readonly byte[]? _v6; // null: an IPv4 address
    private readonly uint _v4;
    private readonly ushort _port;

    public PeerAddress(IPEndPoint endPoint)
    {
        Span<byte> bytes = stackalloc byte[16];
        IPAddress address = endPoint.Address.IsIPv4MappedToIPv6 ? endPoint.Address.MapToIPv4() : endPoint.Address;
        address.TryWriteBytes(bytes, out int written);
        UInt128 bits = written == 16 ? BinaryPrimitives.ReadUInt128BigEndian(bytes) : BinaryPrimitives.ReadUInt32BigEndian(bytes);
        this = new PeerAddress(bits, (ushort)endPoint.Port, isV6: written == 16);
    }

    private PeerAddress(UInt128 bits, ushort port, bool isV6)
    {
        _port = port;
        if (!isV6)
        {
            _v4 = (uint)bits;
            return;
        }

        _v6 = new byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(_v6, bits);
    }

    /// <summary>Makes one from a Linux sockaddr_in or sockaddr_in6: family, port in network order, address.</summary>
    public static PeerAddress FromSockaddr(ReadOnlySpan<byte> sockaddr)
    {
        const int InterNetwork = 2, InterNetworkV6 = 10;
        if (sockaddr.Length < 8) return default;
        int family = BitConverter.ToUInt16(sockaddr);
        ushort port = BinaryPrimitives.ReadUInt16BigEndian(sockaddr[2..]);
        if (family == InterNetwork) return new PeerAddress(BinaryPrimitives.ReadUInt32BigEndian(sockaddr[4..]), port, isV6: false);
        if (family != InterNetworkV6 || sockaddr.Length < 24) return default;
        UInt128 bits = BinaryPrimitives.ReadUInt128BigEndian(sockaddr[8..]);
        bool isMapped = bits >> 32 == 0xFFFF; // ::ffff:a.b.c.d
        return isMapped ? new PeerAddress((uint)bits, port, isV6: false) : new PeerAddress(bits, port, isV6: true);
    }

    public IPEndPoint ToEndPoint()
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, _v4);
        return new IPEndPoint(new IPAddress(_v6 ?? bytes), _port);
    }

    [SkipLocalsInit]
    public override string ToString()
    {
        LineWriter line = new(stackalloc char[64]);
        WriteTo(ref line);
        return line.ToString();
    }

    public void WriteTo(ref LineWriter line)
    {
        if (_v6 is not null)
        {
            // IPv6 text is not simple (the longest run of zeros is left out): the base library writes it.
            line.Write(ToEndPoint().ToString());
            return;
        }

        for (int shift = 24; shift >= 0; shift -= 8)
        {
            line.Write((_v4 >> shift) & 0xFF);
            line.Write(shift == 0 ? ':' : '.');
        }

        line.Write(_port);
    }
}
