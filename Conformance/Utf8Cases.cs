// §5.6 and §8.1: text is UTF-8. Each class of invalid sequence, whole and cut at each byte, and that the failure comes at the byte that
// proves it, while the message is still unfinished: a fragment that ends in front of that byte is fine, as a Ping shows.

using System.Text;

namespace RawWs.Conformance;

internal static class Utf8Cases
{
    private const string Chapter = Chapters.Utf8;

    /// <summary>
    /// Sequences that are not UTF-8; the bar stands in front of the byte that proves it, or at the end when only the end does.
    /// </summary>
    private static readonly (string Class, string Hex)[] Invalid =
    [
        ("a lone continuation byte", "|80"), ("a lone continuation byte", "|bf"), ("two continuation bytes", "|80 bf"),
            ("a continuation byte too many", "c3 a9 |80"), ("a continuation byte too many", "e2 82 ac |80"),
        ("a continuation byte too many", "f0 9f 98 80 |80"),
        ("an overlong form of 2 bytes", "|c0 80"), ("an overlong form of 2 bytes", "|c0 af"), ("an overlong form of 2 bytes", "|c1 bf"),
        ("an overlong form of 3 bytes", "e0 |80 80"), ("an overlong form of 3 bytes", "e0 |80 af"),
        ("an overlong form of 3 bytes", "e0 |9f bf"),
        ("an overlong form of 4 bytes", "f0 |80 80 80"), ("an overlong form of 4 bytes", "f0 |80 80 af"),
        ("an overlong form of 4 bytes", "f0 |8f bf bf"),
        ("a surrogate", "ed |a0 80"), ("a surrogate", "ed |ad bf"), ("a surrogate", "ed |ae 80"), ("a surrogate", "ed |af bf"),
            ("a surrogate", "ed |b0 80"), ("a surrogate", "ed |bf bf"), ("a pair of surrogates", "ed |a0 bd ed b8 80"),
        ("past U+10FFFF", "f4 |90 80 80"), ("past U+10FFFF", "f4 |bf bf bf"), ("past U+10FFFF", "|f5 80 80 80"),
        ("past U+10FFFF", "|f7 bf bf bf"),
        ("a form of 5 bytes", "|f8 88 80 80 80"), ("a form of 5 bytes", "|fb bf bf bf bf"), ("a form of 6 bytes", "|fc 84 80 80 80 80"),
            ("a form of 6 bytes", "|fd bf bf bf bf bf"), ("a byte that never occurs", "|fe"), ("a byte that never occurs", "|ff"),
        ("a sequence broken off by a letter", "c3 |41"), ("a sequence broken off by a letter", "e2 |41"),
            ("a sequence broken off by a letter", "e2 82 |41"), ("a sequence broken off by a letter", "f0 9f |41"),
            ("a sequence broken off by a letter", "f0 9f 98 |41"),
        ("a sequence broken off by another", "c3 |c3 a9"), ("a sequence broken off by another", "e2 82 |e2 82 ac"),
            ("a sequence broken off by another", "f0 9f 98 |f0 9f 98 80"),
        ("a sequence that never ends", "c3|"), ("a sequence that never ends", "e2|"), ("a sequence that never ends", "e2 82|"),
            ("a sequence that never ends", "f0|"), ("a sequence that never ends", "f0 9f|"), ("a sequence that never ends", "f0 9f 98|"),
    ];

    private static readonly (string Class, string Hex)[] Valid =
    [
        ("U+0000", "00"), ("U+007F", "7f"), ("U+0080", "c2 80"), ("U+07FF", "df bf"), ("U+0800", "e0 a0 80"), ("U+0FFF", "e0 bf bf"),
            ("U+1000", "e1 80 80"), ("U+CFFF", "ec bf bf"), ("U+D7FF", "ed 9f bf"), ("U+E000", "ee 80 80"),
        ("U+FFFD", "ef bf bd"), ("U+FFFE", "ef bf be"), ("U+FFFF", "ef bf bf"), ("a byte order mark", "ef bb bf"),
        ("U+10000", "f0 90 80 80"),
            ("U+3FFFF", "f0 bf bf bf"), ("U+40000", "f1 80 80 80"), ("U+FFFFF", "f3 bf bf bf"),
        ("U+100000", "f4 80 80 80"), ("U+10FFFF", "f4 8f bf bf"), ("all lengths", "24 c2 a2 e2 82 ac f0 90 8d 88"),
            ("Greek", "ce ba e1 bd b9 cf 83 ce bc ce b5"), ("a joined emoji", "f0 9f 91 a9 e2 80 8d f0 9f 9a 80"),
    ];

    public static IEnumerable<Case> All() => [.. Valid.SelectMany(static item => OfValid(item.Class, item.Hex)),
        .. Invalid.SelectMany(static item => OfInvalid(item.Class, item.Hex)), .. Binary()];

    private static IEnumerable<Case> OfValid(string what, string hex)
    {
        byte[] text = [.. "a"u8, .. Wire.Hex(hex), .. "z"u8], frame = Wire.FrameOf(Wire.Text, text);
        yield return new Dialogue(Chapter, "6455 §5.6", $"{what} ({hex})", Kind.Required, new Send(frame), new Echo(Wire.Text, text));
        yield return new Dialogue(Chapter, "6455 §5.6", $"{what} ({hex}), byte by byte", Kind.Required, new Send(frame, 1),
            new Echo(Wire.Text, text));
        for (int cut = 2; cut < text.Length - 1; cut++)
        {
            // The Ping's answer comes only from a server that has taken the first part and found nothing wrong.
            IReadOnlyList<byte[]> frames = MessageCases.Cut(Wire.Text, text, cut);
            yield return new Dialogue(Chapter, "6455 §5.6", $"{what} ({hex}), cut behind byte {cut - 1} by fragments", Kind.Required,
                new Send(frames[0]), new Alive("the fragment is accepted"), new Send(frames[1]), new Echo(Wire.Text, text));
        }
    }

    private static IEnumerable<Case> OfInvalid(string what, string hex)
    {
        string name = $"{what} ({hex.Replace("|", "", StringComparison.Ordinal)})";
        int valid = Wire.Hex(hex[..hex.IndexOf('|', StringComparison.Ordinal)]).Length;
        bool onlyTheEndProves = hex.EndsWith('|');
        byte[] bad = Wire.Hex(hex), text = [.. "a"u8, .. bad, .. onlyTheEndProves ? ""u8 : "z"u8];
        yield return new Dialogue(Chapter, "6455 §8.1", name, Kind.Required,
            new Send([.. Wire.FrameOf(Wire.Text, text), .. Wire.FrameOf(Wire.Ping, "behind")]), new Fails());
        yield return new Dialogue(Chapter, "6455 §7.4.1", $"{name}: the code", Kind.Strict, new Send(Wire.FrameOf(Wire.Text, text)),
            new Fails(1007));
        for (int cut = 1; cut < bad.Length; cut++)
            yield return new Dialogue(Chapter, "6455 §8.1", $"{name}, cut behind byte {cut} by fragments", Kind.Required,
                new Send([.. Wire.Join(MessageCases.Cut(Wire.Text, text, 1 + cut)), .. Wire.FrameOf(Wire.Ping, "behind")]), new Fails());
        if (onlyTheEndProves)
        {
            byte[][] frames = [.. MessageCases.Cut(Wire.Text, text, text.Length)];
            yield return new Dialogue(Chapter, "6455 §5.6", $"{name}: the end comes in a fragment of its own", Kind.Required,
                new Send(frames[0]),
                new Alive("the fragment is accepted"), new Send(frames[1]), new Fails());
            yield break;
        }

        byte[] frame = Wire.FrameOf(Wire.Text, text);
        int proof = frame.Length - text.Length + 1 + valid + 1;
        yield return new Dialogue(Chapter, "6455 §8.1", $"{name}: inside the frame, at byte {valid + 1} of the sequence", Kind.Strict,
            new Send(frame[..proof]), new Fails(1007));
        byte[] before = Wire.FrameOf(Wire.Text, text.AsSpan(0, 1 + valid), fin: false),
            proving = Wire.FrameOf(Wire.Continuation, text.AsSpan(1 + valid, 1), fin: false);
        yield return new Dialogue(Chapter, "6455 §8.1",
            $"{name}: before the message ends, at byte {valid + 1} of the sequence", Kind.Strict,
            new Send(before), new Alive("the fragment before is accepted"), new Send(proving), new Fails(1007));
    }

    private static IEnumerable<Case> Binary()
    {
        byte[] all = [.. Enumerable.Range(0, 256).Select(static i => (byte)i)];
        yield return new Dialogue(Chapter, "6455 §5.6", "binary with every byte there is", Kind.Required,
            new Send(Wire.FrameOf(Wire.Binary, all)),
            new Echo(Wire.Binary, all));
        foreach ((string what, string hex) in Invalid)
        {
            byte[] bytes = Wire.Hex(hex);
            yield return new Dialogue(Chapter, "6455 §5.6",
                $"binary with {what} ({hex.Replace("|", "", StringComparison.Ordinal)})", Kind.Required,
                new Send(Wire.FrameOf(Wire.Binary, bytes)), new Echo(Wire.Binary, bytes));
        }

        byte[] many = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("aé€😀", 10_000)));
        foreach (int piece in (int[])[997, 4096, 65536])
            yield return new Dialogue(Chapter, "6455 §5.6", $"100 KB of all lengths in pieces of {piece}", Kind.Required,
                new Send(Wire.FrameOf(Wire.Text, many), piece), new Echo(Wire.Text, many));
        IReadOnlyList<byte[]> fragments = MessageCases.Cut(Wire.Text, many, [.. Enumerable.Range(1, 99).Select(static i => i * 997)]);
        yield return new Dialogue(Chapter, "6455 §5.6", "100 KB of all lengths in 100 fragments", Kind.Required,
            new Send(Wire.Join(fragments)),
            new Echo(Wire.Text, many));
        byte[] late = [.. many, 0xFF];
        yield return new Dialogue(Chapter, "6455 §8.1", "an invalid byte behind 100 KB", Kind.Required,
            new Send(Wire.FrameOf(Wire.Text, late)), new Fails());
    }
}
