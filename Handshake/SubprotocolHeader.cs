// Parses Sec-WebSocket-Protocol (RFC 6455 §11.3.4): a list of different tokens (§4.1, point 10), in one field or several.

using System.Text;

namespace RawWs.Handshake;

internal static class SubprotocolHeader
{
    private const int ComparedMax = 8; // up to so many offers are compared one by one; a set would cost more

    /// <summary>
    /// Reads the offers of a request that has the field, in the client's order. They are valid only if the status is Done.
    /// </summary>
    public static ListStatus Parse(UpgradeRequest request, out List<string> offers)
    {
        offers = [];
        if (HttpGrammar.HasMoreElements(request, KnownField.Subprotocols, request.Limits.SubprotocolsMax)) return ListStatus.TooMany;
        HashSet<string>? known = null;
        foreach (ReadOnlySpan<byte> value in request.ValuesOf(KnownField.Subprotocols))
        {
            ReadOnlySpan<byte> list = value;
            while (HttpGrammar.TryReadElement(ref list, out ReadOnlySpan<byte> element))
            {
                if (!HttpGrammar.IsToken(element)) return ListStatus.Malformed;
                string offer = Encoding.Latin1.GetString(element);
                if (offers.Count == ComparedMax) known = [.. offers];
                if (known is null ? offers.Contains(offer) : !known.Add(offer)) return ListStatus.Malformed;
                offers.Add(offer);
            }
        }

        return offers.Count > 0 ? ListStatus.Done : ListStatus.Malformed;
    }
}
