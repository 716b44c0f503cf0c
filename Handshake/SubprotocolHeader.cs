// Sec-WebSocket-Protocol (RFC 6455 §11.3.4): a list of tokens, all different (§4.1, point 10), over one field or several.

using System.Text;

namespace RawWs.Handshake;

internal static class SubprotocolHeader
{
    /// <summary>The offers in the client's order; none if the field is missing. False when it is malformed.</summary>
    public static bool TryParse(UpgradeRequest request, out List<string> offers)
    {
        offers = [];
        bool present = false;
        foreach (HeaderField field in request.Headers)
        {
            if (!Ascii.EqualsIgnoreCase(field.Name, "Sec-WebSocket-Protocol"u8)) continue;
            present = true;
            ReadOnlySpan<byte> list = field.Value;
            while (HttpGrammar.TryTakeElement(ref list, out ReadOnlySpan<byte> element))
            {
                string offer = Encoding.Latin1.GetString(element);
                if (!HttpGrammar.IsToken(element) || offers.Contains(offer)) return false;
                offers.Add(offer);
            }
        }

        return !present || offers.Count > 0;
    }
}
