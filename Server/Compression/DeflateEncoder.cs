// Compresses a message by itself (RFC 7692 §7.2.1): it refers to no other one, so everybody with this window can read it, with takeover and
// without. Only the sender's thread has to do with it: it rents a deflater, and returns it.

using RawWs.Frame;
using RawWs.Server.Extensions;

namespace RawWs.Server.Compression;

/// <param name="deflate">What is common to all connections.</param>
/// <param name="windowBits">The receivers' window.</param>
internal sealed class DeflateEncoder(PermessageDeflate deflate, int windowBits) : MessageEncoder
{
    /// <summary>A compressed payload that is longer than the message is not wanted.</summary>
    public override int RoomBytes(int payloadBytes) => checked(payloadBytes + Deflater.Slack);

    /// <summary>
    /// Nothing is written when the message is too small, would not become shorter, or no context is available. Then it is sent
    /// uncompressed, which is always allowed (RFC 7692 §6).
    /// </summary>
    public override ReservedBits Encode(ReadOnlySpan<byte> payload, Span<byte> output, out int written)
    {
        written = 0;
        if (!deflate.Encodes(payload.Length)
            || deflate.Contexts.TryRentDeflater(windowBits, takeover: false) is not { } deflater) return ReservedBits.None;
        // tour: rsv1-set
        bool fits = deflater.TryDeflate(payload, output[..RoomBytes(payload.Length)], out written);
        deflate.Contexts.Return(deflater);
        if (fits && written < payload.Length) return ReservedBits.Rsv1;
        written = 0;
        return ReservedBits.None;
        // tour: end
    }
}
