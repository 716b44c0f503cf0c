// UTF-8 alone: the validator that can be cut anywhere against the base library's, which must have all of the text at once (and which it uses
// for what lies between the cuts), and against decoding into a string.

using System.Text;
using BenchmarkDotNet.Attributes;
using RawWs.Benchmarks.Corpus;
using RawWs.Frame;

namespace RawWs.Benchmarks;

public class Utf8Benchmark
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private byte[] _text = [];
    private int[] _cuts = [];

    [ParamsSource(nameof(Sizes), Priority = 0)]
    public PayloadSize Payload { get; set; } = null!;

    [Params(PayloadKind.Ascii, PayloadKind.Mixed, PayloadKind.Cjk, Priority = 1)]
    public PayloadKind Text { get; set; }

    public static IEnumerable<PayloadSize> Sizes => PayloadSize.All;

    [GlobalSetup]
    public void Setup()
    {
        Random random = new(1);
        _text = Corpus.Payload.Make(Text, Payload.Bytes, random);
        _cuts = [.. Enumerable.Range(0, 3).Select(_ => random.Next(0, _text.Length + 1)).Order(), _text.Length];
    }

    [Benchmark(Description = "Utf8Validator, whole")]
    public bool Whole()
    {
        Utf8Validator validator = default;
        return validator.Append(_text) && validator.IsComplete;
    }

    [Benchmark(Description = "Utf8Validator, in four pieces")]
    public bool Cut()
    {
        Utf8Validator validator = default;
        int from = 0;
        foreach (int to in _cuts)
        {
            if (!validator.Append(_text.AsSpan(from..to))) return false;
            from = to;
        }

        return validator.IsComplete;
    }

    [Benchmark(Description = "Utf8Validator, byte by byte")]
    public bool ByteByByte()
    {
        Utf8Validator validator = default;
        for (int i = 0; i < _text.Length; i++)
            if (!validator.Append(_text.AsSpan(i, 1))) return false;
        return validator.IsComplete;
    }

    [Benchmark(Description = "Utf8.IsValid")]
    public bool Bcl() => System.Text.Unicode.Utf8.IsValid(_text);

    [Benchmark(Description = "Naive: decoded into a string")]
    public int Naive() => Strict.GetString(_text).Length;
}
