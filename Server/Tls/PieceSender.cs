// Frames whose payloads lie elsewhere, on their way into records: they are copied together, so that records are full. TLS copies in any
// case.

namespace RawWs.Server.Tls;

/// <summary>For one send.</summary>
/// <param name="channel">Seals the pieces, and sends them.</param>
/// <param name="piece">Room for a piece. It is the caller's again when all has been sent.</param>
internal ref struct PieceSender(TlsChannel channel, Span<byte> piece)
{
    private readonly Span<byte> _piece = piece;
    private int _held;

    /// <summary>How many bytes have been sent; or an error.</summary>
    public int Sent { get; private set; }

    /// <summary>Adds bytes, and sends each piece that is full. False when not all of it was sent.</summary>
    public bool TryAdd(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int length = Math.Min(bytes.Length, _piece.Length - _held);
            bytes[..length].CopyTo(_piece[_held..]);
            _held += length;
            bytes = bytes[length..];
            if (_held == _piece.Length && !TrySend()) return false;
        }

        return true;
    }

    /// <summary>Sends what is held. False when not all of it was sent.</summary>
    public bool TrySend()
    {
        int further = channel.Send(_piece[.._held], more: false);
        bool all = further == _held;
        Sent = further < 0 ? further : Sent + further;
        _held = 0;
        return all;
    }
}
