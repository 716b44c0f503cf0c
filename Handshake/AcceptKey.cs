// The proof that the server has understood: SHA-1 over the client's key and a fixed GUID, in base64 (RFC 6455 §4.2.2, point 5.4).
// §1.3's example: dGhlIHNhbXBsZSBub25jZQ== is answered with s3pPLMBiTxaQ9kYGzzhZRbK+xOo=.

using System.Buffers;
using System.Buffers.Text;

namespace RawWs.Handshake;

/// <summary>Sec-WebSocket-Key and Sec-WebSocket-Accept.</summary>
public static class AcceptKey
{
    /// <summary>The length of a valid key, in bytes: 16 bytes in base64.</summary>
    public const int KeyBytes = 24;

    /// <summary>The length of its answer, in bytes: 20 bytes in base64.</summary>
    public const int AcceptBytes = 28;

    private static ReadOnlySpan<byte> Guid => "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"u8;

    /// <summary>Whether a key is 16 bytes of base64 in exactly 24 characters.</summary>
    public static bool IsValid(ReadOnlySpan<byte> key)
    {
        // The decoder lets white space through, so the characters are looked at one by one; 16 bytes are 22 characters and "==".
        if (key.Length != KeyBytes || !key.EndsWith("=="u8)) return false;
        foreach (byte b in key[..22])
            if (!char.IsAsciiLetterOrDigit((char)b) && b is not ((byte)'+' or (byte)'/')) return false;
        Span<byte> decoded = stackalloc byte[18];
        return Base64.DecodeFromUtf8(key, decoded, out _, out int written) == OperationStatus.Done && written == 16;
    }

    /// <summary>Writes the answer to a key.</summary>
    /// <param name="key">The key as it was sent; of at most 24 bytes.</param>
    /// <param name="accept">Receives 28 bytes.</param>
    public static void Write(ReadOnlySpan<byte> key, Span<byte> accept)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(key.Length, KeyBytes, nameof(key));
        Span<byte> joined = stackalloc byte[KeyBytes + 36];
        key.CopyTo(joined);
        Guid.CopyTo(joined[key.Length..]);
        Span<byte> hash = stackalloc byte[Sha1.HashBytes];
        Sha1.HashData(joined[..(key.Length + Guid.Length)], hash);
        Base64.EncodeToUtf8(hash, accept, out _, out _);
    }
}
