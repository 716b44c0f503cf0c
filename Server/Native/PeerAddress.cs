// A peer's address and port; in 16 bytes if it is IPv4. So ten thousand idle connections need not hold an IPEndPoint each. A peer that has
// come through a socket file has no address: it is shown by the file's name, and is 0.0.0.0:0 to whoever needs an address.

using System.Buffers.Binary;
using System.Net;
using System.Runtime.CompilerServices;

namespace RawWs.Server.Native;

internal readonly struct PeerAddress
{
    /// <summary>The most characters of the text: an IPv6 address in brackets, a scope, and a port; or a socket file.</summary>
    public const int CharactersMax = 160;

    private readonly object? _other; // a byte[] for IPv6, a string for a socket file; null: an IPv4 address
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

    private PeerAddress(string socketFile) => _other = socketFile;

    private PeerAddress(UInt128 bits, ushort port, bool isV6)
    {
        _port = port;
        if (!isV6)
        {
            _v4 = (uint)bits;
            return;
        }

        byte[] bytes = new byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, bits);
        _other = bytes;
    }

    /// <summary>Whether the peer has come through a socket file, and nobody has said where from.</summary>
    public bool IsSocketFile => _other is string;

    /// <summary>Makes one for the peers of a socket file.</summary>
    /// <param name="shown">What a log shows, at most <see cref="CharactersMax"/> characters.</param>
    public static PeerAddress OfSocketFile(string shown) => new(shown);

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

    /// <summary>An IPv4 address, or the /64 of an IPv6 one: whoever has one address there has all of it.</summary>
    public NetworkAddress Network => _other is byte[] v6
        ? new NetworkAddress(BinaryPrimitives.ReadUInt64BigEndian(v6), true)
        : new NetworkAddress(_v4, false);

    public IPEndPoint ToEndPoint()
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, _v4);
        return new IPEndPoint(new IPAddress(_other as byte[] ?? bytes), _port);
    }

    [SkipLocalsInit]
    public override string ToString()
    {
        Span<char> text = stackalloc char[CharactersMax];
        return text[..Format(text)].ToString();
    }

    /// <summary>Writes address and port, as in 192.0.2.1:80 or [2001:db8::1]:80, or a socket file.</summary>
    /// <param name="text">The caller's memory, at least <see cref="CharactersMax"/> characters.</param>
    /// <returns>How many characters were written.</returns>
    public int Format(Span<char> text)
    {
        if (_other is not null)
        {
            // IPv6 text is not simple (the longest run of zeros is left out): the base library writes it.
            string other = _other as string ?? ToEndPoint().ToString();
            other.CopyTo(text);
            return other.Length;
        }

        int length = 0;
        for (int shift = 24; shift >= 0; shift -= 8)
        {
            length += WriteDigits((_v4 >> shift) & 0xFF, text[length..]);
            text[length++] = shift == 0 ? ':' : '.';
        }

        return length + WriteDigits(_port, text[length..]);
    }

    private static int WriteDigits(uint number, Span<char> text)
    {
        int length = 1;
        for (uint rest = number / 10; rest > 0; rest /= 10) length++;
        for (int i = length - 1; i >= 0; i--, number /= 10) text[i] = (char)('0' + (number % 10));
        return length;
    }
}
