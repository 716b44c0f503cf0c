// How wide text is in a terminal, and where a line of it may end. A Chinese character takes two columns, and a line may end behind it,
// unless a mark follows that may not begin a line.

using System.Text;

namespace RawWs.Server.Console.Explain;

internal static class TextWidth
{
    private const string NotFirst = "，。、；：？！）》」』”’…";
    private const string NotLast = "（《「『“‘";

    /// <summary>Whether a character takes two columns.</summary>
    public static bool IsWide(char c) => c is (>= '\u2E80' and <= '\u9FFF') or (>= '\uF900' and <= '\uFAFF')
        or (>= '\uFF00' and <= '\uFF60') or (>= '\uAC00' and <= '\uD7A3');

    /// <summary>The columns of a text.</summary>
    public static int Of(string text)
    {
        int width = 0;
        foreach (char c in text) width += IsWide(c) ? 2 : 1;
        return width;
    }

    /// <summary>The text, with spaces behind it up to so many columns.</summary>
    public static string Pad(string text, int columns) => text + new string(' ', Math.Max(0, columns - Of(text)));

    /// <summary>The lines of a text, none wider than so many columns. A word that is wider is cut.</summary>
    public static IEnumerable<string> Wrap(string text, int columns)
    {
        StringBuilder line = new();
        int width = 0;
        foreach (string piece in Pieces(text).SelectMany(piece => piece.Chunk(columns)).Select(static part => new string(part)))
        {
            int more = Of(piece.TrimEnd());
            if (width > 0 && width + more > columns)
            {
                yield return line.ToString().TrimEnd();
                line.Clear();
                width = 0;
            }

            line.Append(piece);
            width += Of(piece);
        }

        if (line.Length > 0) yield return line.ToString().TrimEnd();
    }

    // Words with the spaces behind them, and wide characters with the marks that stay with them.
    private static IEnumerable<string> Pieces(string text)
    {
        int start = 0;
        for (int i = 1; i < text.Length; i++)
        {
            bool mayEnd = text[i - 1] == ' ' || IsWide(text[i - 1]) || IsWide(text[i]);
            if (!mayEnd || text[i] == ' ' || NotFirst.Contains(text[i], StringComparison.Ordinal)
                || NotLast.Contains(text[i - 1], StringComparison.Ordinal)) continue;
            yield return text[start..i];
            start = i;
        }

        yield return text[start..];
    }
}
