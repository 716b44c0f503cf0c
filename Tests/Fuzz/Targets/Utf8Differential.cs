// Random text, right and nearly right, through everything that checks UTF-8: the runtime's check says whether it is valid, and an oracle
// that reads byte by byte says which byte is the first that cannot follow. `RawWs.Fuzz utf8 --bytes N` runs it over as many bytes as one
// likes.

using System.Text;
using System.Text.Unicode;
using RawWs.Frame;

namespace RawWs.Fuzz;

internal static class Utf8Differential
{
    private const int TextBytesMax = 5000;

    /// <summary>Checks so many bytes of text, from a seed. Throws at the first difference.</summary>
    /// <returns>How many texts were wrong, and how many there were.</returns>
    public static (long Wrong, long All) Run(long bytes, int seed)
    {
        Random random = new(seed);
        byte[] memory = new byte[TextBytesMax + 4], room = new byte[TextBytesMax + 4];
        long wrong = 0, all = 0;
        for (long seen = 0; seen < bytes; all++)
        {
            int length = random.Next(random.Next(4) switch { 0 => 40, 1 => 300, 2 => 1200, _ => TextBytesMax });
            Span<byte> text = memory.AsSpan(0, Fill(memory, length, random));
            for (int i = random.Next(3); i > 0 && text.Length > 0; i--) Spoil(text, random);
            seen += text.Length;
            if (!Check(text, room, random)) wrong++;
        }

        return (wrong, all);
    }

    private static bool Check(ReadOnlySpan<byte> text, byte[] room, Random random)
    {
        bool valid = Utf8.IsValid(text);
        int prefix = valid ? text.Length : Utf8Oracle.ValidPrefix(text, out _);
        foreach (Utf8Widths.Width width in Utf8Widths.All)
        {
            if (text.Length < width.BytesMin) continue;
            Property.Same(Utf8Widths.MayFollow(width, text, room, (uint)random.Next()), prefix == text.Length);
        }

        Property.Same(Utf8Lookup.IsWhole(text), valid);
        Utf8Validator validator = default;
        Property.Same(validator.Append(text, out int accepted), prefix == text.Length);
        Property.Same(accepted, prefix);
        Property.Same(validator.IsComplete, valid);

        // Masked, in three pieces.
        uint key = (uint)random.Next(), next = key;
        Masking.Apply(text, room, key);
        validator.Reset();
        int from = 0;
        int one = random.Next(text.Length + 1), other = random.Next(text.Length + 1);
        foreach (int end in (Span<int>)[Math.Min(one, other), Math.Max(one, other), text.Length])
        {
            Property.Same(validator.AppendMasked(room.AsSpan(from, end - from), ref next) || from == end, prefix >= end || from == end);
            from = end;
        }

        Property.SameBytes(room.AsSpan(0, text.Length), text);
        Property.Same(validator.IsComplete, valid);
        return valid;
    }

    // Runs of characters of one length each, as text has them, ASCII mostly in long runs.
    private static int Fill(byte[] memory, int length, Random random)
    {
        int at = 0;
        while (at < length)
        {
            int kind = random.Next(5);
            for (int run = kind == 4 ? random.Next(1, 600) : random.Next(1, 12); run > 0 && at < length; run--)
            {
                int value = kind switch
                {
                    1 => random.Next(0x80, 0x800),
                    2 => random.Next(0x800, 0xD800),
                    3 => random.Next(0x10000, 0x110000),
                    _ => random.Next(0x80),
                };
                at += new Rune(value).EncodeToUtf8(memory.AsSpan(at));
            }
        }

        return random.Next(2) == 0 ? at : Math.Min(at, length);
    }

    private static void Spoil(Span<byte> text, Random random)
    {
        ReadOnlySpan<byte> edges =
            [0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0xFF];
        int at = random.Next(text.Length);
        switch (random.Next(4))
        {
            case 0: text[at] = (byte)random.Next(256); break;
            case 1: text[at] = edges[random.Next(edges.Length)]; break;
            case 2: text[at] ^= (byte)(1 << random.Next(8)); break;
            default: text[random.Next(text.Length)] = text[at]; break;
        }
    }
}
