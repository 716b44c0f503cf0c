// The proof that the server has read the client's key: SHA-1 over the key and a fixed GUID, in base64 (RFC 6455 §4.2.2, point 5.4).
// §1.3's example: the key dGhlIHNhbXBsZSBub25jZQ== gives s3pPLMBiTxaQ9kYGzzhZRbK+xOo=.

using System.Buffers;
using System.Buffers.Text;

namespace RawWs.Handshake;

/// <summary>Checks Sec-WebSocket-Key, and makes Sec-WebSocket-Accept from it (RFC 6455 §4.2.2).</summary>
public static class AcceptKey
{
    /// <summary>The length of a valid key in bytes: 24. It is 16 bytes in base64.</summary>
    public const int KeyBytes = 24;

    /// <summary>The length of Sec-WebSocket-Accept in bytes: 28. It is 20 bytes in base64.</summary>
    public const int AcceptBytes = 28;

    internal static ReadOnlySpan<byte> Guid => "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"u8;

    /// <summary>Whether a key is 16 bytes of base64 in exactly 24 characters.</summary>
    public static bool IsValid(ReadOnlySpan<byte> key)
    {
        // The decoder accepts white space, so each character is checked first. 16 bytes are 22 characters and "=="; whatever else stands in
        // the last two places makes more bytes than 16, or none.
        if (key.Length != KeyBytes) return false;
        foreach (byte b in key[..22])
            if (!char.IsAsciiLetterOrDigit((char)b) && b is not ((byte)'+' or (byte)'/')) return false;
        Span<byte> decoded = stackalloc byte[18];
        return Base64.DecodeFromUtf8(key, decoded, out _, out int written) == OperationStatus.Done && written == 16;
    }

    /// <summary>Writes the value of Sec-WebSocket-Accept for a key (§4.2.2, point 5.4).</summary>
    /// <param name="key">The key as the client sent it; at most <see cref="KeyBytes"/> bytes. It is not checked here.</param>
    /// <param name="accept">The caller's memory; <see cref="AcceptBytes"/> bytes of it are written.</param>
    /// <exception cref="ArgumentOutOfRangeException">The key is longer.</exception>
    public static void Write(ReadOnlySpan<byte> key, Span<byte> accept)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(key.Length, KeyBytes, nameof(key));
        // tour: accept
        Span<byte> joined = stackalloc byte[KeyBytes + 36];
        key.CopyTo(joined);
        Guid.CopyTo(joined[key.Length..]);
        Span<byte> hash = stackalloc byte[Sha1.HashBytes];
        Sha1.HashData(joined[..(key.Length + Guid.Length)], hash);
        Base64.EncodeToUtf8(hash, accept, out _, out _);
        // tour: end
    }
}
