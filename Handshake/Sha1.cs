// SHA-1 (RFC 3174) of a short message that is wholly there: bytes in, the digest's 20 bytes out. The handshake does not use it for security
// (RFC 6455 §10.8). For 60 bytes a call into the system's library costs more than the hash: docs/decisions/0005 has the figures.

using System.Buffers.Binary;
using System.Numerics;

namespace RawWs.Handshake;

internal static class Sha1
{
    public const int HashBytes = 20;

    private const int BlockBytes = 64;
    private const int LengthBytes = 8;

    /// <summary>Writes the digest of <paramref name="message"/> to the first 20 bytes of <paramref name="hash"/>.</summary>
    public static void HashData(ReadOnlySpan<byte> message, Span<byte> hash)
    {
        Span<uint> state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0];
        ReadOnlySpan<byte> rest = message;
        for (; rest.Length >= BlockBytes; rest = rest[BlockBytes..]) Add(rest, state);

        // RFC 3174 §4: a one bit, zeros, and the length in bits fill the last block, or the last two.
        Span<byte> end = stackalloc byte[2 * BlockBytes];
        end.Clear();
        rest.CopyTo(end);
        end[rest.Length] = 0x80;
        int blocks = rest.Length < BlockBytes - LengthBytes ? 1 : 2;
        BinaryPrimitives.WriteUInt64BigEndian(end[((blocks * BlockBytes) - LengthBytes)..], (ulong)message.Length * 8);
        for (int i = 0; i < blocks; i++) Add(end[(i * BlockBytes)..], state);

        for (int i = 0; i < state.Length; i++) BinaryPrimitives.WriteUInt32BigEndian(hash[(i * 4)..], state[i]);
    }

    // RFC 3174 §6.1: the 80 rounds of one block.
    private static void Add(ReadOnlySpan<byte> block, Span<uint> state)
    {
        Span<uint> words = stackalloc uint[80];
        for (int t = 0; t < 16; t++) words[t] = BinaryPrimitives.ReadUInt32BigEndian(block[(t * 4)..]);
        for (int t = 16; t < 80; t++) words[t] = BitOperations.RotateLeft(words[t - 3] ^ words[t - 8] ^ words[t - 14] ^ words[t - 16], 1);

        uint a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
        for (int t = 0; t < 80; t++)
        {
            uint mixed = t switch
            {
                < 20 => ((b & c) | (~b & d)) + 0x5A827999,
                < 40 => (b ^ c ^ d) + 0x6ED9EBA1,
                < 60 => ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDC,
                _ => (b ^ c ^ d) + 0xCA62C1D6,
            };
            uint next = BitOperations.RotateLeft(a, 5) + mixed + e + words[t];
            (e, d, c, b, a) = (d, c, BitOperations.RotateLeft(b, 30), a, next);
        }

        state[0] += a;
        state[1] += b;
        state[2] += c;
        state[3] += d;
        state[4] += e;
    }
}
