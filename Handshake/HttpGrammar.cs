// The small pieces of HTTP's grammar (RFC 9110 §5.6): tokens, optional white space, lists.

using System.Buffers;
using System.Text;

namespace RawWs.Handshake;

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

    /// <summary>Whether a list has this token, in any case, in any of the request's fields of this name.</summary>
    public static bool ListContains(UpgradeRequest request, ReadOnlySpan<byte> name, ReadOnlySpan<byte> token)
    {
        foreach (HeaderField field in request.Headers)
        {
            if (!Ascii.EqualsIgnoreCase(field.Name, name)) continue;
            ReadOnlySpan<byte> list = field.Value;
            while (TryTakeElement(ref list, out ReadOnlySpan<byte> element))
                if (Ascii.EqualsIgnoreCase(element, token)) return true;
        }

        return false;
    }
}
