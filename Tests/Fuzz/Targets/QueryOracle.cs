// A form-encoded query, split and replaced as the format's description says: at each ampersand, at the first equals sign, each plus a
// space.

using System.Globalization;
using System.Text.RegularExpressions;

namespace RawWs.Fuzz;

internal static partial class QueryOracle
{
    /// <summary>The first value of this name, in hexadecimal, empty where it is none, and how often the name is there.</summary>
    public static (string Hex, int Count) Find(string query, string name)
    {
        List<string> values = [];
        foreach (string parameter in query.Split('&').Where(static parameter => parameter.Length > 0))
        {
            string[] pair = parameter.Split('=', 2);
            if (Decode(pair[0]) == ToHex(name)) values.Add(pair.Length == 1 ? "" : Decode(pair[1]) ?? "");
        }

        return (values.FirstOrDefault() ?? "", values.Count);
    }

    private static string? Decode(string text) => Form().IsMatch(text)
        ? Piece().Replace(text, static piece => piece.Value switch
        {
            ['%', .. string digits] => digits.ToUpperInvariant(),
            "+" => "20",
            _ => ToHex(piece.Value),
        })
        : null;

    private static string ToHex(string latin1) =>
        string.Concat(latin1.Select(static c => ((int)c).ToString("X2", CultureInfo.InvariantCulture)));

    [GeneratedRegex(@"\A(?:[^%]|%[0-9A-Fa-f]{2})*\z", RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex Form();

    [GeneratedRegex(@"%..|.", RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex Piece();
}
