// Which peers are trusted proxies: those whose word about their clients is taken.

using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using RawWs.Server.Native;

namespace RawWs.Server.Proxies;

/// <summary>The networks of trusted proxies, and perhaps all peers of socket files. Immutable.</summary>
internal sealed class ProxyTrust
{
    /// <summary>The word for the peers of socket files.</summary>
    public const string SocketFiles = "unix";

    private readonly List<IPNetwork> _networks = [];
    private readonly bool _trustsSocketFiles;

    /// <param name="trusted">Networks (10.0.0.0/8), addresses, or <see cref="SocketFiles"/>; each without an error.</param>
    public ProxyTrust(IEnumerable<string> trusted)
    {
        foreach (string text in trusted)
        {
            if (text == SocketFiles) _trustsSocketFiles = true;
            else if (Read(text, out IPNetwork network) is null) _networks.Add(network);
        }
    }

    /// <summary>What is wrong with a text, to be read after it; null when nothing is.</summary>
    public static string? FindError(string text) => text == SocketFiles ? null : Read(text, out _);

    /// <summary>Whether this peer is a trusted proxy.</summary>
    public bool Trusts(PeerAddress peer) =>
        peer.IsSocketFile ? _trustsSocketFiles : _networks.Count > 0 && Trusts(peer.ToEndPoint().Address);

    /// <summary>The same for an address.</summary>
    public bool Trusts(IPAddress address)
    {
        IPAddress plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        foreach (IPNetwork network in _networks)
            if (network.Contains(plain)) return true;
        return false;
    }

    // The framework would clear them without a word. But somebody has meant them.
    private static bool HasBitsBehind(IPAddress address, int count)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int length);
        UInt128 value = BinaryPrimitives.ReadUInt128BigEndian(bytes) >> (128 - (8 * length));
        return count > 0 && value << (128 - count) != 0;
    }

    private static string? Read(string text, out IPNetwork network)
    {
        network = default;
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        if (!AddressText.TryParse(slash < 0 ? text : text[..slash], out IPAddress address)) return "is no network, and not \"unix\"";
        if (address.IsIPv4MappedToIPv6) return "is an IPv4 address in IPv6's clothes: write it as IPv4";
        int bits = address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128, prefix = bits;
        bool isGood = slash < 0 || int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out prefix);
        if (!isGood || prefix > bits)
            return $"has no prefix from 0 to {bits} behind the slash";
        if (HasBitsBehind(address, bits - prefix)) return $"has bits behind its prefix of {prefix}";
        network = new IPNetwork(address, prefix);
        return null;
    }
}
