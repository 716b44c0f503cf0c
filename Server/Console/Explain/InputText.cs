// Bytes from text: hexadecimal digits or base64. A wrong text gives the place of the first wrong character, counted from 1, and what is
// accepted.

using System.Globalization;
using System.Text;
using RawWs.Server.Log;

namespace RawWs.Server.Console.Explain;

internal static class InputText
{
    /// <summary>
    /// Reads pairs of hexadecimal digits. Between bytes there may be white space, colons and commas, and before one "0x". Returns what is
    /// wrong, or null.
    /// </summary>
    public static string? ReadHex(string text, out byte[] bytes)
    {
        const string Accepted = "accepted are pairs of hexadecimal digits, with spaces, colons or commas between bytes if need be";
        bytes = [];
        List<byte> read = [];
        for (int i = 0; i < text.Length;)
        {
            char c = text[i];
            if (char.IsWhiteSpace(c) || c is ':' or ',')
            {
                i++;
            }
            else if (c == '0' && i + 1 < text.Length && text[i + 1] is 'x' or 'X')
            {
                i += 2;
                if (i == text.Length || !char.IsAsciiHexDigit(text[i])) return Wrong(text, i, "a byte is missing", Accepted);
            }
            else
            {
                if (!char.IsAsciiHexDigit(c)) return Wrong(text, i, "is no hexadecimal digit", Accepted);
                bool isAlone = i + 1 == text.Length || char.IsWhiteSpace(text[i + 1]) || text[i + 1] is ':' or ',';
                if (isAlone) return Wrong(text, i, "stands alone", Accepted);
                if (!char.IsAsciiHexDigit(text[i + 1])) return Wrong(text, i + 1, "is no hexadecimal digit", Accepted);
                read.Add(byte.Parse(text.AsSpan(i, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
                i += 2;
            }
        }

        bytes = [.. read];
        return null;
    }

    /// <summary>Reads base64; white space is skipped. Returns what is wrong, or null.</summary>
    public static string? ReadBase64(string text, out byte[] bytes)
    {
        const string Accepted = "accepted are the letters, digits, + and / of base64, in fours, filled up with =";
        bytes = [];
        StringBuilder plain = new();
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (char.IsWhiteSpace(c)) continue;
            bool isFill = c == '=', follows = plain.Length > 0 && plain[^1] == '=';
            bool isOurs = char.IsAsciiLetterOrDigit(c) || c is '+' or '/' || isFill;
            if (!isOurs || (follows && !isFill)) return Wrong(text, i, "does not belong there", Accepted);
            plain.Append(c);
        }

        byte[] room = new byte[(plain.Length / 4 * 3) + 3];
        if (!Convert.TryFromBase64String(plain.ToString(), room, out int written))
            return Wrong(text, text.Length, "it ends inside of a four", Accepted);
        bytes = room[..written];
        return null;
    }

    private static string Wrong(string text, int at, string what, string accepted)
    {
        string shown = at < text.Length ? $"\"{LogText.Escape(text[at].ToString())}\" " : "";
        return string.Create(CultureInfo.InvariantCulture, $"at character {at + 1}: {shown}{what}; {accepted}");
    }
}
