// Hides what may prove who a client is in the head of a request, whole or cut anywhere, and in what a line of the log shows of it. It is
// written over byte for byte, so that the request keeps its length and its form. What is known to be harmless stays; all else is hidden: a
// back-end may take any header field and any parameter for a proof. And in what stays, wherever it stands, two things are hidden by their
// form: a user with his password before a host, and a token in JSON (JWT).

using System.Numerics;
using System.Text;

namespace RawWs.Server.Log;

internal static class CredentialMask
{
    /// <summary>How an entry of Sec-WebSocket-Protocol begins that carries a token: a page in a browser has no other field.</summary>
    public const string OfferPrefix = "base64url.bearer.";

    private const byte Mask = (byte)'*'; // may stand in a target, a token and a value

    // A token's first part is base64url of an object in JSON, {"alg":…}: it says nothing of who has it. What follows its dot does.
    private const string TokenBegin = "eyJ";
    private const int TokenHeaderLengthMin = 16;

    // Of the query the uid is shown: every log line of the connection has it too.
    private static readonly byte[] ShownParameter = [.. "uid"u8];

    private static readonly byte[][] ShownFields =
    [
        .. new[]
        {
            "Accept", "Accept-Encoding", "Accept-Language", "Cache-Control", "Connection", "Content-Length", "Forwarded", "Host", "Origin",
            "Pragma", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-WebSocket-Extensions", "Sec-WebSocket-Key",
            "Sec-WebSocket-Version", "Transfer-Encoding", "Upgrade", "User-Agent", "Via", "X-Forwarded-For", "X-Forwarded-Host",
            "X-Forwarded-Proto",
        }.Select(Encoding.ASCII.GetBytes),
    ];

    /// <summary>Hides what may be secret in a head, from its first byte on.</summary>
    public static void Hide(Span<byte> head)
    {
        Span<byte> rest = head;
        bool isRequestLine = true;
        while (!rest.IsEmpty)
        {
            int end = rest.IndexOf((byte)'\n');
            Span<byte> line = (end < 0 ? rest : rest[..end]).TrimEnd((byte)'\r');
            rest = end < 0 ? default : rest[(end + 1)..];
            if (line.IsEmpty) continue;
            if (isRequestLine) HideTarget(line, isCut: end < 0);
            else HideField(line);
            isRequestLine = false;
        }

        HideTokens(head);
    }

    /// <summary>Hides what may be secret in what follows a head, if that is another head: a client's frames are masked.</summary>
    public static void HideUnlessFrames(Span<byte> bytes)
    {
        const byte MaskBit = 0x80; // §5.2, in the second byte
        if (bytes.Length < 2 || (bytes[1] & MaskBit) == 0) Hide(bytes);
    }

    /// <summary>A text without the tokens that are in it.</summary>
    public static string HideTokens(string text)
    {
        if (!text.Contains(TokenBegin, StringComparison.Ordinal)) return text;
        char[] hidden = text.ToCharArray();
        HideTokens(hidden.AsSpan());
        return new string(hidden);
    }

    /// <summary>Hides the tokens among the subprotocols that a client offers.</summary>
    /// <param name="offers">The value of Sec-WebSocket-Protocol.</param>
    public static void HideOffers(Span<byte> offers)
    {
        while (!offers.IsEmpty)
        {
            int comma = offers.IndexOf((byte)',');
            Span<byte> offer = (comma < 0 ? offers : offers[..comma]).TrimStart(" \t"u8);
            offers = comma < 0 ? default : offers[(comma + 1)..];
            if (offer.Length > OfferPrefix.Length && Ascii.EqualsIgnoreCase(offer[..OfferPrefix.Length], OfferPrefix))
                offer[OfferPrefix.Length..].Fill(Mask);
        }
    }

    private static void HideTarget(Span<byte> line, bool isCut)
    {
        const int VersionBytes = 9; // " HTTP/1.1"
        bool hasVersion = line.Length > VersionBytes && line[^VersionBytes..].StartsWith(" HTTP/"u8);
        if (hasVersion) line = line[..^VersionBytes];
        int space = line.IndexOf((byte)' ');
        Span<byte> target = line[(space + 1)..];
        if (!target.StartsWith("/"u8)) HideUser(target, isCut && !hasVersion && space >= 0);
        int query = target.IndexOfAny((byte)'?', (byte)'#');
        Span<byte> rest = query < 0 ? default : target[(query + 1)..];
        while (!rest.IsEmpty)
        {
            int end = rest.IndexOf((byte)'&');
            Span<byte> pair = end < 0 ? rest : rest[..end];
            rest = end < 0 ? default : rest[(end + 1)..];
            int equals = pair.IndexOf((byte)'=');
            if (equals < 0) pair.Fill(Mask);
            else if (!pair[..equals].SequenceEqual(ShownParameter)) pair[(equals + 1)..].Fill(Mask);
        }
    }

    private static void HideField(Span<byte> line)
    {
        int colon = line.IndexOf((byte)':');
        // What continues the line before, or is no field, is hidden whole.
        if (colon < 0 || line[0] is (byte)' ' or (byte)'\t')
        {
            line.Fill(Mask);
            return;
        }

        Span<byte> name = line[..colon], value = line[(colon + 1)..].TrimStart((byte)' ');
        if (Ascii.EqualsIgnoreCase(name, "Sec-WebSocket-Protocol"u8)) HideOffers(value);
        else if (!IsShown(name)) value.Fill(Mask);
        else if (IsAddress(name)) HideUser(value, isCut: false);
    }

    // RFC 3986 §3.2.1: a user, and perhaps his password, stand before the host. What is cut before its end may be one.
    private static void HideUser(Span<byte> address, bool isCut)
    {
        int scheme = address.IndexOf("://"u8);
        Span<byte> authority = scheme < 0 ? address : address[(scheme + 3)..];
        int end = authority.IndexOfAny((byte)'/', (byte)'?', (byte)'#');
        if (end >= 0) authority = authority[..end];
        int at = authority.LastIndexOf((byte)'@');
        if (at >= 0) authority[..at].Fill(Mask);
        else if (isCut && end < 0) authority.Fill(Mask);
    }

    // Header, dot, and all that may belong to it. The dots may be percent-encoded.
    private static void HideTokens<T>(Span<T> text)
        where T : unmanaged, IBinaryInteger<T>
    {
        ReadOnlySpan<T> begin = [T.CreateTruncating('e'), T.CreateTruncating('y'), T.CreateTruncating('J')];
        while (text.IndexOf(begin) is >= 0 and int start)
        {
            text = text[start..];
            int header = 0;
            while (header < text.Length && IsBase64Url(text[header])) header++;
            int end = header;
            while (end < text.Length && (IsBase64Url(text[end]) || IsOneOf(text[end], ".%="))) end++;
            bool isToken = header >= TokenHeaderLengthMin && header < text.Length && IsOneOf(text[header], ".%");
            if (isToken) text[..end].Fill(T.CreateTruncating(Mask));
            text = text[Math.Max(isToken ? end : header, begin.Length)..];
        }
    }

    private static bool IsBase64Url<T>(T symbol)
        where T : unmanaged, IBinaryInteger<T> =>
        symbol < T.CreateTruncating(0x7F) && (char.IsAsciiLetterOrDigit((char)ushort.CreateTruncating(symbol)) || IsOneOf(symbol, "-_"));

    private static bool IsOneOf<T>(T symbol, string symbols)
        where T : unmanaged, IBinaryInteger<T> => symbols.Contains((char)ushort.CreateTruncating(symbol));

    private static bool IsAddress(ReadOnlySpan<byte> name) => Ascii.EqualsIgnoreCase(name, "Host"u8)
        || Ascii.EqualsIgnoreCase(name, "Origin"u8) || Ascii.EqualsIgnoreCase(name, "X-Forwarded-Host"u8);

    private static bool IsShown(ReadOnlySpan<byte> name)
    {
        foreach (byte[] shown in ShownFields)
            if (Ascii.EqualsIgnoreCase(name, shown)) return true;
        return false;
    }
}
