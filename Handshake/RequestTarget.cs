// The request target (RFC 9112 §3.2). Two forms are accepted: an absolute path ("/ws/chat?uid=1"), and an absolute URI as proxies and some
// clients write it ("ws://localhost:3000/ws/chat"). The path is percent-decoded once, and must then be UTF-8.

using System.Text;
using System.Text.Unicode;

namespace RawWs.Handshake;

internal readonly record struct RequestTarget(int AuthorityStart, int AuthorityLength, int QueryStart, int QueryLength)
{
    public static bool TryParse(ReadOnlySpan<byte> target, out RequestTarget parts, out string? path)
    {
        parts = default;
        path = null;
        if (target.ContainsAnyExceptInRange((byte)'!', (byte)'~') || target.Contains((byte)'#')) return false;
        int start = 0, authorityLength = 0;
        int pathStart = 0;
        if (target.IsEmpty) return false;
        if (target[0] != '/')
        {
            start = SchemeLength(target);
            if (start == 0) return false;
            int end = target[start..].IndexOfAny((byte)'/', (byte)'?');
            authorityLength = end < 0 ? target.Length - start : end;
            pathStart = start + authorityLength;
            if (!Authority.IsValid(target.Slice(start, authorityLength))) return false;
        }

        int question = target[pathStart..].IndexOf((byte)'?');
        int pathLength = question < 0 ? target.Length - pathStart : question;
        int queryStart = question < 0 ? target.Length : pathStart + question + 1;
        parts = new RequestTarget(start, authorityLength, queryStart, target.Length - queryStart);
        if (pathLength <= 1)
        {
            path = "/"; // no path, or the slash alone
            return true;
        }

        if (!PercentEncoding.TryDecode(target.Slice(pathStart, pathLength), out byte[] decoded)) return false;
        if (!Utf8.IsValid(decoded)) return false;
        if (decoded.AsSpan().ContainsAny(HttpGrammar.ControlBytes) || decoded.AsSpan().Contains((byte)'\t')) return false;
        path = Encoding.UTF8.GetString(decoded);
        return true;
    }

    private static int SchemeLength(ReadOnlySpan<byte> target)
    {
        ReadOnlySpan<byte> start = target[..Math.Min(target.Length, 8)];
        if (StartsWith(start, "ws://"u8)) return 5;
        if (StartsWith(start, "wss://"u8)) return 6;
        if (StartsWith(start, "http://"u8)) return 7;
        return StartsWith(start, "https://"u8) ? 8 : 0;
    }

    private static bool StartsWith(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> scheme) =>
        bytes.Length >= scheme.Length && Ascii.EqualsIgnoreCase(bytes[..scheme.Length], scheme);
}

internal static class PercentEncoding
{
    /// <summary>Decodes every %XX (RFC 3986 §2.1), and makes a plus a space if the caller says so. False for a malformed escape.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> encoded, out byte[] decoded, bool plusIsSpace = false)
    {
        decoded = new byte[encoded.Length];
        int length = 0;
        for (int i = 0; i < encoded.Length;)
        {
            if (!TryReadByte(encoded, ref i, plusIsSpace, out byte b)) return false;
            decoded[length++] = b;
        }

        Array.Resize(ref decoded, length);
        return true;
    }

    /// <summary>Whether form-encoded bytes, once decoded, are equal to these. With a malformed escape they are not.</summary>
    public static bool FormEquals(ReadOnlySpan<byte> encoded, ReadOnlySpan<byte> plain)
    {
        if (encoded.Length < plain.Length) return false;
        int at = 0;
        foreach (byte expected in plain)
            if (at == encoded.Length || !TryReadByte(encoded, ref at, plusIsSpace: true, out byte b) || b != expected) return false;
        return at == encoded.Length;
    }

    private static bool TryReadByte(ReadOnlySpan<byte> encoded, ref int at, bool plusIsSpace, out byte b)
    {
        b = encoded[at++];
        if (b == '+' && plusIsSpace) b = (byte)' ';
        if (b != '%') return true;
        if (at + 1 >= encoded.Length || !char.IsAsciiHexDigit((char)encoded[at])
            || !char.IsAsciiHexDigit((char)encoded[at + 1])) return false;
        b = (byte)((Digit(encoded[at]) << 4) | Digit(encoded[at + 1]));
        at += 2;
        return true;
    }

    private static int Digit(byte b) => b <= '9' ? b - '0' : (b | 0x20) - 'a' + 10;
}
