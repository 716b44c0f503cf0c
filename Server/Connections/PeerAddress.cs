// A peer's address and port in 24 bytes: ten thousand idle connections need not hold an IPEndPoint each.

using System.Buffers.Binary;
using System.Net;

namespace RawWs.Server;

internal readonly struct PeerAddress
{
    private readonly ulong _high; // two halves: a UInt128 would be aligned to 16 bytes
    private readonly ulong _low;
    private readonly ushort _port;
    private readonly bool _isV6;

    public PeerAddress(IPEndPoint endPoint)
    {
        Span<byte> bytes = stackalloc byte[16];
        IPAddress address = endPoint.Address.IsIPv4MappedToIPv6 ? endPoint.Address.MapToIPv4() : endPoint.Address;
        address.TryWriteBytes(bytes, out int written);
        UInt128 bits = written == 16 ? BinaryPrimitives.ReadUInt128BigEndian(bytes) : BinaryPrimitives.ReadUInt32BigEndian(bytes);
        this = new PeerAddress(bits, (ushort)endPoint.Port, isV6: written == 16);
    }

    private PeerAddress(UInt128 bits, ushort port, bool isV6) => (_high, _low, _port, _isV6) = ((ulong)(bits >> 64), (ulong)bits, port, isV6);

    /// <summary>From a Linux sockaddr_in or sockaddr_in6: family, port in network order, address.</summary>
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
        Span<byte> bytes = stackalloc byte[16];
        if (_isV6) BinaryPrimitives.WriteUInt128BigEndian(bytes, new UInt128(_high, _low));
        else BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)_low);
        return new IPEndPoint(new IPAddress(bytes[..(_isV6 ? 16 : 4)]), _port);
    }

    public override string ToString() => ToEndPoint().ToString();
}
