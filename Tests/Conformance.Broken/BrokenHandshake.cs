// The server's opening handshake: the head of a request in, the answer out.

using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace RawWs.Conformance.Broken;

/// <param name="Text">The answer, with its empty line.</param>
/// <param name="Accepted">Whether frames follow.</param>
/// <param name="Deflate">What was agreed about compression, or null.</param>
internal sealed record HandshakeAnswer(string Text, bool Accepted, DeflateAgreement? Deflate);

internal sealed partial class BrokenHandshake(IReadOnlySet<string> broken)
{
    private const string Token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";

    /// <summary>Judges a head, without its last empty line.</summary>
    public HandshakeAnswer Answer(string head)
    {
        string[] lines = head.Split("\r\n");
        List<(string Name, string Value)> fields = [];
        foreach (string line in lines.Skip(1))
        {
            Match match = FieldLine().Match(line);
            if (!match.Success && !Broken("head-syntax-unchecked")) return Refuse(400);
            string value = match.Groups[2].Value;
            fields.Add((match.Groups[1].Value, Broken("values-untrimmed") && value.Length > 0 ? value[1..] : value.Trim(' ', '\t')));
        }

        string[] words = lines[0].Split(' ');
        if (!Broken("request-line-unchecked") && (words.Length != 3 || !VersionWord().IsMatch(words[2]))) return Refuse(400);
        if (words[0] != "GET" && !Broken("method-unchecked")) return Refuse(405);
        if (!lines[0].EndsWith(" HTTP/1.1", StringComparison.Ordinal) && !Broken("request-line-unchecked")) return Refuse(426);
        if (All(fields, "Host").Count != 1 && !Broken("host-unchecked")) return Refuse(400);
        if (!Has(fields, "Upgrade", "websocket") && !Broken("upgrade-unchecked")) return Refuse(426);
        if (!Has(fields, "Connection", "Upgrade") && !Broken("connection-unchecked")) return Refuse(400);
        if (All(fields, "Sec-WebSocket-Version") is not ["13"] && !Broken("version-unchecked"))
            return Refuse(Broken("version-status-400") ? 400 : 426, Broken("version-not-told") ? "" : "Sec-WebSocket-Version: 13\r\n");
        List<string> keys = All(fields, "Sec-WebSocket-Key");
        if ((keys is not [string only] || !KeyText().IsMatch(only)) && !Broken("key-unchecked")) return Refuse(400);
        string extensions = string.Join(", ", All(fields, "Sec-WebSocket-Extensions")), subprotocols =
            string.Join(", ", All(fields, "Sec-WebSocket-Protocol"));
        string[] names = subprotocols.Split(", ");
        bool listsAreFine = (extensions.Length == 0 || ExtensionList().IsMatch(extensions))
            && (subprotocols.Length == 0 || TokenList().IsMatch(subprotocols)) && names.Distinct().Count() == names.Length;
        return listsAreFine || Broken("lists-unchecked") ? Accept(keys.Count > 0 ? keys[0] : "", extensions, subprotocols) : Refuse(400);
    }

    private HandshakeAnswer Accept(string key, string extensions, string subprotocols)
    {
        StringBuilder answer = new("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
        string accept = ResponseHead.AcceptOf(key);
        answer.Append(CultureInfo.InvariantCulture,
            $"Sec-WebSocket-Accept: {(Broken("accept-without-key") ? ResponseHead.AcceptOf("") : accept)}\r\n");
        if (Broken("extension-unasked")) answer.Append("Sec-WebSocket-Extensions: x-unasked\r\n");
        if (Broken("subprotocol-unasked")) answer.Append("Sec-WebSocket-Protocol: x-unasked\r\n");
        if (subprotocols.Length > 0 && Broken("subprotocol-of-its-own")) answer.Append("Sec-WebSocket-Protocol: of-its-own\r\n");
        if (extensions.Length > 0 && Broken("extensions-accepted-unknown"))
            answer.Append(CultureInfo.InvariantCulture, $"Sec-WebSocket-Extensions: {extensions}\r\n");
        DeflateAgreement? agreed = null;
        foreach (string offer in extensions.Split(','))
        {
            (agreed, string parameters) = Negotiate(offer);
            if (agreed is not null && !Broken("extensions-accepted-unknown"))
                answer.Append(CultureInfo.InvariantCulture, $"Sec-WebSocket-Extensions: {DeflateOffer.Name}{parameters}\r\n");
            if (agreed is not null || Broken("first-offer-only")) break;
        }

        return new HandshakeAnswer(answer.Append("\r\n").ToString(), true, agreed);
    }

    // RFC 7692 §7.1: an offer in, what is agreed out, with the parameters of the answer; null: declined.
    private (DeflateAgreement? Agreed, string Parameters) Negotiate(string offer)
    {
        string[] parts = [.. offer.Split(';').Select(static part => part.Trim(' ', '\t'))];
        if (parts[0] != DeflateOffer.Name) return (null, "");
        DeflateAgreement agreed = new(false, false, 15, 15);
        StringBuilder parameters = new();
        HashSet<string> seen = [];
        foreach (string part in parts.Skip(1))
        {
            string[] pair = [.. part.Split('=').Select(static word => word.Trim(' ', '\t'))];
            string value = pair.Length > 1 ? pair[1] : "";
            if (value.StartsWith('"') && Broken("quoted-values-unknown")) return (null, "");
            value = value.Trim('"');
            int bits = WindowBits().IsMatch(value) ? int.Parse(value, CultureInfo.InvariantCulture) : 0;
            bool fine = seen.Add(pair[0]);
            switch (pair[0])
            {
                case "server_no_context_takeover" when value.Length == 0:
                    agreed = agreed with { ServerNoContextTakeover = true };
                    break;
                case "client_no_context_takeover" when value.Length == 0:
                    agreed = agreed with { ClientNoContextTakeover = true };
                    break;
                case "server_max_window_bits" when bits > 0:
                    agreed = agreed with { ServerMaxWindowBits = bits };
                    break;
                case "client_max_window_bits" when bits > 0 || pair.Length == 1:
                    agreed = agreed with { ClientMaxWindowBits = bits > 0 ? bits : 15 };
                    if (bits == 0) continue;
                    break;
                default:
                    fine = false;
                    break;
            }

            if (!fine && !Broken("offers-unchecked")) return (null, "");
            if (fine) parameters.Append(CultureInfo.InvariantCulture, $"; {pair[0]}{(bits > 0 ? "=" : "")}{(bits > 0 ? value : "")}");
        }

        return (agreed, Broken("parameters-not-answered") ? "" : parameters.ToString());
    }

    private static HandshakeAnswer Refuse(int status, string field = "") =>
        new(
            string.Create(CultureInfo.InvariantCulture,
                $"HTTP/1.1 {status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n{field}\r\n"), false, null);

    private List<string> All(List<(string Name, string Value)> fields, string name)
    {
        StringComparison comparison = Broken("names-case-sensitive") ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase;
        return [.. fields.Where(field => field.Name.Equals(name, comparison)).Select(static field => field.Value)];
    }

    private bool Has(List<(string Name, string Value)> fields, string name, string token)
    {
        StringComparer comparer = Broken("tokens-case-sensitive") ? StringComparer.Ordinal : StringComparer.OrdinalIgnoreCase;
        return All(fields, name).Any(value => Broken("tokens-not-split")
            ? comparer.Equals(value, token) : value.Split(',').Select(static part => part.Trim()).Contains(token, comparer));
    }

    private bool Broken(string rule) => broken.Contains(rule);

    [GeneratedRegex($@"^({Token}):([\t -\xff]*)$")]
    private static partial Regex FieldLine();

    [GeneratedRegex("^HTTP/[0-9][.][0-9]$")]
    private static partial Regex VersionWord();

    [GeneratedRegex("^[A-Za-z0-9+/]{22}==$")]
    private static partial Regex KeyText();

    [GeneratedRegex($@"^{Token}([ \t]*,[ \t]*{Token})*$")]
    private static partial Regex TokenList();

    [GeneratedRegex(
        $@"^{Token}([ \t]*;[ \t]*{Token}([ \t]*=[ \t]*({Token}|""{Token}""))?)*"
        + $@"[ \t]*(,[ \t]*{Token}([ \t]*;[ \t]*{Token}([ \t]*=[ \t]*({Token}|""{Token}""))?)*[ \t]*)*$")]
    private static partial Regex ExtensionList();

    [GeneratedRegex("^([89]|1[0-5])$")]
    private static partial Regex WindowBits();
}
