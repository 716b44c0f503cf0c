// Hides what may prove who a client is in the head of a request, whole or cut anywhere, and in what a line of the log shows of it. It is
// written over byte for byte, so that the request keeps its length and its form. What is known to be harmless stays; all else is hidden: a
// back-end may take any header field and any parameter for a proof.

using System.Text;

namespace RawWs.Server.Log;

internal static class CredentialMask
{
    /// <summary>How an entry of Sec-WebSocket-Protocol begins that carries a token: a page in a browser has no other field.</summary>
    public const string OfferPrefix = "base64url.bearer.";

    private const byte Mask = (byte)'*'; // may stand in a target, a token and a value

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
        bool isRequestLine = true;
        while (!head.IsEmpty)
        {
            int end = head.IndexOf((byte)'\n');
            Span<byte> line = (end < 0 ? head : head[..end]).TrimEnd((byte)'\r');
            head = end < 0 ? default : head[(end + 1)..];
            if (line.IsEmpty) continue;
            if (isRequestLine) HideQuery(line);
            else HideField(line);
            isRequestLine = false;
        }
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

    private static void HideQuery(Span<byte> line)
    {
        const int VersionBytes = 9; // " HTTP/1.1"
        if (line.Length > VersionBytes && line[^VersionBytes..].StartsWith(" HTTP/"u8)) line = line[..^VersionBytes];
        int question = line.IndexOf((byte)'?');
        Span<byte> rest = question < 0 ? default : line[(question + 1)..];
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
    }

    private static bool IsShown(ReadOnlySpan<byte> name)
    {
        foreach (byte[] shown in ShownFields)
            if (Ascii.EqualsIgnoreCase(name, shown)) return true;
        return false;
    }
}
