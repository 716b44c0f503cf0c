// Sec-WebSocket-Extensions by one regular expression for the whole field, which is RFC 6455 §9.1's grammar with the white space and the
// empty elements that RFC 9110 §5.6 lets a recipient take.

using System.Text;
using System.Text.RegularExpressions;
using RawWs.Handshake;

namespace RawWs.Fuzz;

internal static partial class ExtensionOracle
{
    private const string Token = @"[-!#$%&'*+.^_`|~0-9A-Za-z]+";

    // A quoted string whose content, once the backslashes are taken out, is a token.
    private const string Quoted = """
        "(?:\\?[-!#$%&'*+.^_`|~0-9A-Za-z])+"
        """;

    private const string Parameter = $@"[ \t]*;[ \t]*(?:{Token})(?:[ \t]*=[ \t]*(?:{Token}|{Quoted}))?";
    private const string Extension = $@"(?:{Token})(?:{Parameter})*";

    /// <summary>The offers of a field, or null where it is malformed.</summary>
    public static List<ExtensionOffer>? Parse(string field)
    {
        if (!List().IsMatch(field)) return null;
        List<ExtensionOffer> offers = [];
        foreach (Match extension in Element().Matches(field))
        {
            // No separator can stand inside a quoted string: what it holds is a token.
            string[] parts = [.. extension.Value.Split(';').Select(static part => part.Trim(' ', '\t'))];
            offers.Add(new ExtensionOffer(parts[0], [.. parts.Skip(1).Select(ToParameter)]));
        }

        return offers;
    }

    private static ExtensionParameter ToParameter(string text)
    {
        string[] pair = [.. text.Split('=', 2).Select(static part => part.Trim(' ', '\t'))];
        return new ExtensionParameter(pair[0], pair.Length == 1 ? null : pair[1].Replace("\"", "", StringComparison.Ordinal)
            .Replace("\\", "", StringComparison.Ordinal));
    }

    /// <summary>The offers as a field: the simplest form, or the one with every value quoted and every character of it escaped.</summary>
    public static string Write(IReadOnlyList<ExtensionOffer> offers, bool quoted)
    {
        StringBuilder field = new();
        foreach (ExtensionOffer offer in offers)
        {
            field.Append(field.Length > 0 ? ", " : "").Append(offer.Name);
            foreach (ExtensionParameter parameter in offer.Parameters)
            {
                field.Append("; ").Append(parameter.Name);
                if (parameter.Value is not { } value) continue;
                field.Append('=').Append(quoted ? '"' + string.Concat(value.Select(static c => "\\" + c)) + '"' : value);
            }
        }

        return field.ToString();
    }

    [GeneratedRegex($@"\A[ \t,]*(?:{Extension}(?:[ \t]*,[ \t,]*{Extension})*[ \t,]*)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex List();

    [GeneratedRegex(Extension, RegexOptions.CultureInvariant)]
    private static partial Regex Element();
}
