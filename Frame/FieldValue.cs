// Values of fields as people read them, for FrameExplainer: numbers, bytes in hexadecimal, text that no terminal obeys.

using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace RawWs.Frame;

/// <summary>Values as people read them; long ones are cut.</summary>
internal static class FieldValue
{
    private const int BytesShown = 32;

    public static string Section(string section) => section.StartsWith("RFC", StringComparison.Ordinal) ? section : $"RFC 6455 §{section}";

    public static string Number(ulong value) => value.ToString(CultureInfo.InvariantCulture);

    public static string Code(ReadOnlySpan<byte> bytes)
    {
        ushort code = BinaryPrimitives.ReadUInt16BigEndian(bytes);
        return string.Create(CultureInfo.InvariantCulture, $"{code} ({CloseCodes.Name(code)})");
    }

    /// <summary>"48 65 6c", or for more than 32 bytes their beginning and "…".</summary>
    public static string Hex(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> shown = bytes[..Math.Min(bytes.Length, BytesShown)];
        string hex = string.Join(' ', shown.ToArray().Select(static value => value.ToString("x2", CultureInfo.InvariantCulture)));
        return bytes.Length > BytesShown ? hex + " …" : hex;
    }

    /// <summary>UTF-8 in quotes. What a terminal might obey, and what is not UTF-8, is escaped.</summary>
    public static string Text(ReadOnlySpan<byte> bytes)
    {
        StringBuilder text = new("\"");
        int at = 0;
        while (at < bytes.Length && at < BytesShown * 2)
        {
            bool valid = Rune.DecodeFromUtf8(bytes[at..], out Rune rune, out int used)
                == OperationStatus.Done;
            if (!valid) text.Append(CultureInfo.InvariantCulture, $"\\x{bytes[at]:x2}");
            else if (rune.Value is '"' or '\\') text.Append('\\').Append((char)rune.Value);
            else if (IsHarmless(rune)) text.Append(rune.ToString());
            else text.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:x}}}");
            at += valid ? used : 1;
        }

        return text.Append(at < bytes.Length ? "…\"" : "\"").ToString();
    }

    private static bool IsHarmless(Rune rune) => Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);
}
