// Masking alone, with a fresh key for each operation. In place it works on what the last operation left, for XOR takes the same time
// whatever the bytes are; no result of these rows is used for anything. The base library's masking cannot be called by itself.

using BenchmarkDotNet.Attributes;
using RawWs.Benchmarks.Corpus;
using RawWs.Benchmarks.Parsers;
using RawWs.Frame;

namespace RawWs.Benchmarks;

public class MaskingBenchmark
{
    private PlacedBytes _payload;
    private PlacedBytes _other;
    private uint _key = 0x9E3779B9;

    [ParamsSource(nameof(Sizes))]
    public PayloadSize Payload { get; set; } = null!;

    public static IEnumerable<PayloadSize> Sizes => PayloadSize.All;

    [GlobalSetup]
    public void Setup()
    {
        _payload = new PlacedBytes(Corpus.Payload.Make(PayloadKind.Binary, Payload.Bytes, new Random(1)), PlacedBytes.Payload);
        _other = new PlacedBytes(Payload.Bytes, PlacedBytes.Message);
    }

    [Benchmark(Description = "Masking.Apply, in place")]
    public uint InPlace() => Masking.Apply(_payload.Span, NextKey());

    [Benchmark(Description = "Masking.Apply, to another buffer")]
    public uint Copying() => Masking.Apply(_payload.Span, _other.Span, NextKey());

    [Benchmark(Description = "Naive: byte by byte")]
    public uint Naive()
    {
        byte[] key = BitConverter.GetBytes(NextKey());
        Span<byte> payload = _payload.Span;
        for (int i = 0; i < payload.Length; i++) payload[i] = (byte)(payload[i] ^ key[i % 4]);
        return key[0];
    }

    [Benchmark(Description = "Limit: XOR by vectors")]
    public uint Limit()
    {
        MemoryLimit.Xor(_payload.Span, _payload.Span, NextKey());
        return _key;
    }

    [Benchmark(Description = "Limit: XOR by vectors, to another buffer")]
    public uint LimitCopying()
    {
        MemoryLimit.Xor(_payload.Span, _other.Span, NextKey());
        return _key;
    }

    [Benchmark(Description = "For scale: the base library's copy")]
    public void Memcpy() => _payload.Span.CopyTo(_other.Span);

    // A step of a linear congruential generator: new for each operation, at the price of a multiplication.
    private uint NextKey() => _key = (_key * 1664525) + 1013904223;
}
