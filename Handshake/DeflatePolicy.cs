// What this server allows when a client offers permessage-deflate. Immutable; one instance serves all connections.

namespace RawWs.Handshake;

/// <summary>What this server allows of permessage-deflate (RFC 7692 §7.1).</summary>
public sealed class DeflatePolicy
{
    /// <summary>The smallest window that can be negotiated, in bits: 8, which is 2^8 = 256 bytes.</summary>
    public const int WindowBitsMin = 8;

    /// <summary>The largest window in bits: 15, which is 2^15 = 32,768 bytes. It applies when none is negotiated.</summary>
    public const int WindowBitsMax = 15;

    private readonly int _serverWindowBits = WindowBitsMax;
    private readonly int _clientWindowBits = WindowBitsMax;

    /// <summary>Whether the extension is negotiated at all. Default: true.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>
    /// Whether a message of the server may refer to its earlier ones. That compresses better, and keeps a compressor for each connection.
    /// Default: false.
    /// </summary>
    public bool ServerTakeover { get; init; }

    /// <summary>
    /// Whether a message of the client may refer to its earlier ones. Then the server keeps a window for each connection. Default: false.
    /// </summary>
    public bool ClientTakeover { get; init; }

    /// <summary>The largest window that the server uses, in bits, 8 to 15. A client may ask for a smaller one. Default: 15.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not 8 to 15.</exception>
    public int ServerWindowBits
    {
        get => _serverWindowBits;
        init => _serverWindowBits = Checked(value);
    }

    /// <summary>The largest window that a client may use, in bits, 8 to 15, if its offer lets the server limit it. Default: 15.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not 8 to 15.</exception>
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
