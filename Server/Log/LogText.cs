// Text from clients on its way into a log line. The line stays one line, and shows which bytes were there. A character that could move a
// terminal's cursor, reverse its text or end the line is escaped, a token is written over, and a long text is cut. Every text of a client
// goes this way: so no line can forget it.

using System.Globalization;
using System.Text;

namespace RawWs.Server.Log;

internal static class LogText
{
    private const int CharactersMax = 200;

    /// <summary>
    /// Hides tokens (<see cref="CredentialMask"/>), escapes control, format and separator characters, lone surrogates, quotes and
    /// backslashes, and cuts the text at 200 characters, or at the given number.
    /// </summary>
    public static string Escape(string text, int charactersMax = CharactersMax) =>
        EscapeOnly(CredentialMask.HideTokens(text), charactersMax);

    /// <summary>The same, but tokens are shown: for whoever has given the text himself.</summary>
    /// <param name="text">The text.</param>
    /// <param name="charactersMax">How many characters there may be.</param>
    /// <param name="quotes">Whether quotes and backslashes are escaped too, so that the text can stand between quotes.</param>
    public static string EscapeOnly(string text, int charactersMax = CharactersMax, bool quotes = true)
    {
        if (IsPlain(text, charactersMax)) return text;
        StringBuilder escaped = new(text.Length + 16);
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (escaped.Length >= charactersMax) return escaped.Append('…').ToString();
            if (quotes && rune.Value is ('"' or '\\')) escaped.Append('\\').Append((char)rune.Value);
            else if (IsHarmless(rune)) escaped.Append(rune.ToString());
            else escaped.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:x}}}");
        }

        return escaped.ToString();
    }

    /// <summary>The same for bytes that should be UTF-8, a uid's for instance.</summary>
    public static string EscapeUtf8(ReadOnlySpan<byte> text) =>
        Escape(Encoding.UTF8.GetString(text[..Math.Min(text.Length, CharactersMax * 4)]));

    private static bool IsPlain(string text, int charactersMax)
    {
        if (text.Length > charactersMax) return false;
        foreach (char c in text)
            if (c is < ' ' or > '~' or '"' or '\\') return false;
        return true;
    }

    /// <summary>Whether a line may have this character: no control, format or separator character, and no lone surrogate.</summary>
    public static bool IsHarmless(Rune rune) => rune != Rune.ReplacementChar && Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);
}
