// The parts of HTTP's grammar that several fields share (RFC 9110 §5.6): tokens, optional white space, lists.

using System.Buffers;
using System.Text;

namespace RawWs.Handshake;

/// <summary>The result of reading a list; Unread before that.</summary>
internal enum ListStatus : byte
{
    Unread,
    Done,
    Malformed,
    TooMany,
}

internal static class HttpGrammar
{
    /// <summary>The bytes of which a token is made (RFC 9110 §5.6.2).</summary>
    public static readonly SearchValues<byte> TokenBytes = SearchValues.Create(
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    /// <summary>The control characters except the tab. No line contains one, once its CR LF is removed.</summary>
    public static readonly SearchValues<byte> ControlBytes = SearchValues.Create(
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 127]);

    public static bool IsToken(ReadOnlySpan<byte> bytes) => bytes.Length > 0 && !bytes.ContainsAnyExcept(TokenBytes);

    /// <summary>The bytes without the optional white space (OWS) at both ends: spaces and tabs.</summary>
    public static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> bytes) => bytes.Trim(" \t"u8);

    /// <summary>
    /// Reads the next element of a comma-separated list, and removes it from the list. Empty ones are skipped (RFC 9110 §5.6.1.2). False at
    /// the end.
    /// </summary>
    public static bool TryReadElement(ref ReadOnlySpan<byte> list, out ReadOnlySpan<byte> element)
    {
        while (!list.IsEmpty)
        {
            int comma = list.IndexOf((byte)',');
            element = Trim(comma < 0 ? list : list[..comma]);
            list = comma < 0 ? default : list[(comma + 1)..];
            if (!element.IsEmpty) return true;
        }

        element = default;
        return false;
    }

    /// <summary>
    /// Whether all fields of this name together have more elements than allowed. Empty elements count: a recipient ignores "a reasonable
    /// number" of them, but not so many "that they could be used as a denial-of-service mechanism" (RFC 9110 §5.6.1.2).
    /// </summary>
    public static bool HasMoreElements(UpgradeRequest request, KnownField field, int elementsMax)
    {
        int elements = 0;
        foreach (ReadOnlySpan<byte> value in request.ValuesOf(field)) elements += value.Count((byte)',') + 1;
        return elements > elementsMax;
    }

    /// <summary>Whether one of the request's fields of this name has the token in its list, in upper or lower case.</summary>
    public static bool ListContains(UpgradeRequest request, KnownField field, ReadOnlySpan<byte> token)
    {
        foreach (ReadOnlySpan<byte> value in request.ValuesOf(field))
        {
            ReadOnlySpan<byte> list = value;
            while (TryReadElement(ref list, out ReadOnlySpan<byte> element))
                if (Ascii.EqualsIgnoreCase(element, token)) return true;
        }

        return false;
    }
}
