// The small pieces of HTTP's grammar (RFC 9110 §5.6): tokens, optional white space, lists.

using System.Buffers;
using System.Text;

namespace RawWs.Handshake;

/// <summary>What came of reading a list.</summary>
internal enum ListStatus : byte
{
    Unread,
    Done,
    Malformed,
    TooMany,
}

internal static class HttpGrammar
{
    /// <summary>RFC 9110 §5.6.2: what a token is made of.</summary>
    public static readonly SearchValues<byte> TokenBytes = SearchValues.Create(
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    /// <summary>Control characters but for the tab: never part of a line (its CR LF has been taken off).</summary>
    public static readonly SearchValues<byte> ControlBytes = SearchValues.Create(
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 127]);

    public static bool IsToken(ReadOnlySpan<byte> bytes) => bytes.Length > 0 && !bytes.ContainsAnyExcept(TokenBytes);

    /// <summary>Without spaces and tabs at both ends (OWS).</summary>
    public static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> bytes) => bytes.Trim(" \t"u8);

    /// <summary>Takes the next element of a comma-separated list; empty ones are skipped (RFC 9110 §5.6.1.2). False at the end.</summary>
    public static bool TryTakeElement(ref ReadOnlySpan<byte> list, out ReadOnlySpan<byte> element)
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
    /// Whether the lists in all fields of this name have more elements together than allowed. Empty ones count: RFC 9110 §5.6.1.2 lets them
    /// be passed over, but not so many "that they could be used as a denial-of-service mechanism".
    /// </summary>
    public static bool HasMoreElements(UpgradeRequest request, KnownField field, int elementsMax)
    {
        int elements = 0;
        foreach (ReadOnlySpan<byte> value in request.ValuesOf(field)) elements += value.Count((byte)',') + 1;
        return elements > elementsMax;
    }

    /// <summary>Whether a list has this token, in any case, in any of the request's fields of this name.</summary>
    public static bool ListContains(UpgradeRequest request, KnownField field, ReadOnlySpan<byte> token)
    {
        foreach (ReadOnlySpan<byte> value in request.ValuesOf(field))
        {
            ReadOnlySpan<byte> list = value;
            while (TryTakeElement(ref list, out ReadOnlySpan<byte> element))
                if (Ascii.EqualsIgnoreCase(element, token)) return true;
        }

        return false;
    }
}
