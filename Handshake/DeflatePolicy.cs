// What this server agrees to when a client offers permessage-deflate. Immutable, one for all connections.

namespace RawWs.Handshake;

/// <summary>The policy by which offers of permessage-deflate are judged (RFC 7692 §7.1).</summary>
public sealed class DeflatePolicy
{
    /// <summary>The smallest window that can be negotiated, as the base-2 logarithm of its bytes: 256 bytes.</summary>
    public const int WindowBitsMin = 8;

    /// <summary>The largest window, which holds where none is negotiated: 32 KiB.</summary>
    public const int WindowBitsMax = 15;

    private readonly int _serverWindowBits = WindowBitsMax;
    private readonly int _clientWindowBits = WindowBitsMax;

    /// <summary>Whether the extension is spoken at all. Default: yes.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>Whether the server may refer to its earlier messages: a context per connection, and better compression. Default: no.</summary>
    public bool ServerTakeover { get; init; }

    /// <summary>Whether the client may refer to its earlier messages: a window per connection on our side. Default: no.</summary>
    public bool ClientTakeover { get; init; }

    /// <summary>The server's window at most, in bits, 8 to 15; a client may ask for a smaller one. Default: 15.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not 8 to 15.</exception>
    public int ServerWindowBits
    {
        get => _serverWindowBits;
        init => _serverWindowBits = Checked(value);
    }

    /// <summary>The client's window at most, in bits, 8 to 15, where its offer lets us ask for one. Default: 15.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not 8 to 15.</exception>
    public int ClientWindowBits
    {
        get => _clientWindowBits;
        init => _clientWindowBits = Checked(value);
    }

    private static int Checked(int bits)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bits, WindowBitsMin);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, WindowBitsMax);
        return bits;
    }
}
