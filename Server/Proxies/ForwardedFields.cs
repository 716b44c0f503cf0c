// The client's address in the fields that proxies of HTTP add: X-Forwarded-For, or Forwarded (RFC 7239). Each proxy adds the address of
// whom it was connected to behind those that it was sent. So only the right end can be trusted, and only as far as each next proxy is
// trusted: the client is the right-most address that is no trusted proxy's; or, if all are, the left-most. What is no address (a name
// that hides one, "unknown", nonsense) tells nothing of what is left of it: then the client is who said it.
//
// One of the two fields is read, and never both: a proxy that sets one may pass on the other as a client has written it.

using System.Net;
using System.Text;
using RawWs.Handshake;

namespace RawWs.Server.Proxies;

internal static class ForwardedFields
{
    private const string XForwardedForName = "X-Forwarded-For", ForwardedName = "Forwarded";

    /// <summary>Finds the client. The request has come from a trusted proxy.</summary>
    /// <returns>Its address, and its port if that is said; null for the proxy itself.</returns>
    public static IPEndPoint? FindClient(UpgradeRequest request, ForwardedField field, ProxyTrust trust)
    {
        string name = field == ForwardedField.Forwarded ? ForwardedName : XForwardedForName;
        Walk walk = new(trust);
        foreach (HeaderField header in request.Headers)
        {
            if (!Ascii.EqualsIgnoreCase(header.Name, name)) continue;
            string value = Encoding.Latin1.GetString(header.Value);
            if (field == ForwardedField.Forwarded) ReadForwarded(value, ref walk);
            else ReadList(value, ref walk);
        }

        return walk.Client;
    }

    private static void ReadList(string value, ref Walk walk)
    {
        foreach (Range part in value.AsSpan().Split(','))
        {
            ReadOnlySpan<char> node = value.AsSpan(part).Trim(" \t");
            if (!node.IsEmpty) walk.Add(node);
        }
    }

    // RFC 7239 §4: Forwarded = 1#( [ pair ] *( ";" [ pair ] ) ), pair = token "=" ( token / quoted-string ).
    private static void ReadForwarded(string value, ref Walk walk)
    {
        ReadOnlySpan<char> rest = value;
        bool isElement = false; // whether the element has a pair
        string? node = null;
        while (true)
        {
            rest = rest.TrimStart(" \t");
            if (rest.IsEmpty || rest[0] is ',' or ';')
            {
                if (rest.IsEmpty || rest[0] == ',')
                {
                    if (isElement) walk.Add(node);
                    (isElement, node) = (false, null);
                }

                if (rest.IsEmpty) return;
                rest = rest[1..];
                continue;
            }

            if (!TryReadPair(ref rest, out ReadOnlySpan<char> name, out string text))
            {
                walk.Add(null); // nobody knows where the next element would begin
                return;
            }

            isElement = true;
            if (!name.Equals("for", StringComparison.OrdinalIgnoreCase)) continue;
            node = node is null ? text : ""; // two of them say nothing
        }
    }

    // Leaves at a comma, a semicolon, white space or the end.
    private static bool TryReadPair(ref ReadOnlySpan<char> rest, out ReadOnlySpan<char> name, out string text)
    {
        text = "";
        int equals = rest.IndexOf('=');
        name = equals < 0 ? default : rest[..equals];
        if (name.IsEmpty || name.IndexOfAny(" \t,;\"") >= 0) return false;
        rest = rest[(equals + 1)..];
        bool good = rest.StartsWith("\"") ? TryReadQuoted(ref rest, out text) : TryReadToken(ref rest, out text);
        if (!good) return false;
        ReadOnlySpan<char> behind = rest.TrimStart(" \t");
        return behind.IsEmpty || behind[0] is ',' or ';';
    }

    // Proxies write addresses with ports and brackets without quotes too, so everything is taken up to a separator.
    private static bool TryReadToken(ref ReadOnlySpan<char> rest, out string text)
    {
        int end = rest.IndexOfAny(" \t,;");
        if (end < 0) end = rest.Length;
        text = rest[..end].ToString();
        rest = rest[end..];
        return text.Length > 0 && !text.Contains('"', StringComparison.Ordinal);
    }

    private static bool TryReadQuoted(ref ReadOnlySpan<char> rest, out string text)
    {
        StringBuilder plain = new();
        text = "";
        for (int i = 1; i < rest.Length; i++)
        {
            if (rest[i] == '"')
            {
                text = plain.ToString();
                rest = rest[(i + 1)..];
                return true;
            }

            if (rest[i] == '\\' && ++i == rest.Length) return false;
            plain.Append(rest[i]);
        }

        return false;
    }

    /// <summary>Goes through the addresses from the left, which needs no memory of them, and has the client when it is through.</summary>
    private struct Walk(ProxyTrust trust)
    {
        /// <summary>Who it is, as far as this has come.</summary>
        public IPEndPoint? Client { get; private set; }

        public void Add(ReadOnlySpan<char> node)
        {
            if (!AddressText.TryParseNode(node, out IPEndPoint endPoint)) Client = null;
            else if (Client is null || !trust.Trusts(endPoint.Address)) Client = endPoint;
        }
    }
}
