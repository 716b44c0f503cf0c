// Payloads of an exact length, made from a seed: the same bytes in every run and for every parser.

using System.Text;

namespace RawWs.Benchmarks.Corpus;

/// <summary>What a payload is made of.</summary>
public enum PayloadKind
{
    /// <summary>Random bytes, in a binary message.</summary>
    Binary,

    /// <summary>Text, one byte a character.</summary>
    Ascii,

    /// <summary>
    /// Text of four scripts, each character drawn anew: one to four bytes long, as no language has them. It is the hardest text for whoever
    /// decides byte by byte.
    /// </summary>
    Mixed,

    /// <summary>Text, three bytes a character.</summary>
    Cjk,
}

/// <summary>Makes payloads.</summary>
public static class Payload
{
    /// <summary>
    /// A payload of exactly <paramref name="length"/> bytes; text is valid UTF-8, its last bytes ASCII where no character fits.
    /// </summary>
    public static byte[] Make(PayloadKind kind, int length, Random random)
    {
        byte[] bytes = new byte[length];
        if (kind == PayloadKind.Binary)
        {
            random.NextBytes(bytes);
            return bytes;
        }

        int at = 0;
        while (at < length)
        {
            Rune rune = Next(kind, random);
            if (rune.Utf8SequenceLength > length - at) rune = new Rune('.');
            at += rune.EncodeToUtf8(bytes.AsSpan(at));
        }

        return bytes;
    }

    private static Rune Next(PayloadKind kind, Random random) => kind switch
    {
        PayloadKind.Ascii => new Rune(random.Next(' ', '~' + 1)),
        PayloadKind.Cjk => new Rune(random.Next(0x4E00, 0x9FA6)),
        _ => random.Next(10) switch
        {
            < 6 => new Rune(random.Next(' ', '~' + 1)),
            < 8 => new Rune(random.Next(0xC0, 0x24F)), // Latin letters with marks, two bytes
            8 => new Rune(random.Next(0x3041, 0x3097)), // Hiragana, three bytes
            _ => new Rune(random.Next(0x1F600, 0x1F650)), // faces, four bytes
        },
    };
}
