// UTF-8 alone: the validator that can be cut anywhere against the base library's, which must have all of the text at once, and against
// decoding into a string. The row that unmasks too (from 2 KiB on in the same pass) has the key 0: all is done that another key would have
// done, and the text stays as it is.

using System.Text;
using BenchmarkDotNet.Attributes;
using RawWs.Benchmarks.Corpus;
using RawWs.Frame;

namespace RawWs.Benchmarks;

public class Utf8Benchmark
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static readonly string[] Words =
        "hello the of and naïve être über für здравствуй не на что Ελληνικά και שלום 世界 你好 こんにちは ありがとう 😀 👍".Split(' ');

    private PlacedBytes _text;
    private int[] _cuts = [];

    [ParamsSource(nameof(Sizes), Priority = 0)]
    public PayloadSize Payload { get; set; } = null!;

    [ParamsAllValues(Priority = 1)]
    public Script Text { get; set; }

    public static IEnumerable<PayloadSize> Sizes => PayloadSize.All;

    [GlobalSetup]
    public void Setup()
    {
        Random random = new(1);
        _text = new PlacedBytes(Make(Text, Payload.Bytes, random), PlacedBytes.Payload);
        _cuts = [.. Enumerable.Range(0, 3).Select(_ => random.Next(0, _text.Length + 1)).Order(), _text.Length];
    }

    [Benchmark(Description = "Utf8Validator, whole")]
    public bool Whole()
    {
        Utf8Validator validator = default;
        return validator.Append(_text.Span) && validator.IsComplete;
    }

    [Benchmark(Description = "Utf8Validator, unmasked too")]
    public bool Masked()
    {
        Utf8Validator validator = default;
        uint key = 0;
        return validator.AppendMasked(_text.Span, ref key) && validator.IsComplete;
    }

    [Benchmark(Description = "Utf8Validator, in four pieces")]
    public bool Cut()
    {
        Utf8Validator validator = default;
        int from = 0;
        ReadOnlySpan<byte> text = _text.Span;
        foreach (int to in _cuts)
        {
            if (!validator.Append(text[from..to])) return false;
            from = to;
        }

        return validator.IsComplete;
    }

    [Benchmark(Description = "Utf8Validator, byte by byte")]
    public bool ByteByByte()
    {
        Utf8Validator validator = default;
        ReadOnlySpan<byte> text = _text.Span;
        for (int i = 0; i < text.Length; i++)
            if (!validator.Append(text.Slice(i, 1))) return false;
        return validator.IsComplete;
    }

    [Benchmark(Description = "Utf8.IsValid")]
    public bool Bcl() => System.Text.Unicode.Utf8.IsValid(_text.Span);

    [Benchmark(Description = "Naive: decoded into a string")]
    public int Naive() => Strict.GetString(_text.Span).Length;

    // As Payload.Make does for the corpus, whose kinds are fewer.
    private static byte[] Make(Script script, int length, Random random)
    {
        byte[] bytes = new byte[length];
        for (int at = 0; at < length;)
        {
            foreach (Rune rune in Next(script, random).EnumerateRunes())
            {
                if (at == length) break;
                Rune fits = rune.Utf8SequenceLength > length - at ? new Rune('.') : rune;
                at += fits.EncodeToUtf8(bytes.AsSpan(at));
            }
        }

        return bytes;
    }

    private static string Next(Script script, Random random) => script switch
    {
        Script.Ascii => new Rune(random.Next(' ', '~' + 1)).ToString(),
        Script.Words => Words[random.Next(Words.Length)] + " ",
        Script.Cyrillic => random.Next(7) == 0 ? " " : new Rune(random.Next(0x430, 0x450)).ToString(),
        Script.Cjk => new Rune(random.Next(0x4E00, 0x9FA6)).ToString(),
        Script.Emoji => new Rune(random.Next(0x1F600, 0x1F650)).ToString(),
        _ => new Rune(random.Next(4) switch
        {
            0 => random.Next(' ', 0x7F),
            1 => random.Next(0x80, 0x800),
            2 => random.Next(0x800, 0xD800),
            _ => random.Next(0x10000, 0x110000),
        }).ToString(),
    };

    /// <summary>What the text is written in.</summary>
    public enum Script
    {
        /// <summary>One byte a character.</summary>
        Ascii,

        /// <summary>Words of several languages, a space behind each.</summary>
        Words,

        /// <summary>Two bytes a character, and spaces.</summary>
        Cyrillic,

        /// <summary>Three bytes a character.</summary>
        Cjk,

        /// <summary>Four bytes a character.</summary>
        Emoji,

        /// <summary>Each character of another length than the one before, as it happens.</summary>
        Random,
    }
}
