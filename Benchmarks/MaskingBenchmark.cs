// Masking alone, with a fresh key for each operation. In place it works on what the last operation left, for XOR takes the same time
// whatever the bytes are; no result of these rows is used for anything. The base library's masking cannot be called by itself.

using BenchmarkDotNet.Attributes;
using RawWs.Benchmarks.Parsers;
using RawWs.Frame;

namespace RawWs.Benchmarks;

public class MaskingBenchmark
{
    private byte[] _payload = [];
    private byte[] _other = [];
    private uint _key = 0x9E3779B9;

    [ParamsSource(nameof(Sizes))]
    public PayloadSize Payload { get; set; } = null!;

    public static IEnumerable<PayloadSize> Sizes => PayloadSize.All;

    [GlobalSetup]
    public void Setup()
    {
        _payload = Corpus.Payload.Make(Corpus.PayloadKind.Binary, Payload.Bytes, new Random(1));
        _other = new byte[Payload.Bytes];
    }

    [Benchmark(Description = "Masking.Apply, in place")]
    public uint InPlace() => Masking.Apply(_payload, NextKey());

    [Benchmark(Description = "Masking.Apply, to another buffer")]
    public uint Copying() => Masking.Apply(_payload, _other, NextKey());

    [Benchmark(Description = "Naive: byte by byte")]
    public uint Naive()
    {
        byte[] key = BitConverter.GetBytes(NextKey());
        for (int i = 0; i < _payload.Length; i++) _payload[i] = (byte)(_payload[i] ^ key[i % 4]);
        return key[0];
    }

    [Benchmark(Description = "Limit: XOR by vectors")]
    public uint Limit()
    {
        MemoryLimit.Xor(_payload, _payload, NextKey());
        return _key;
    }

    [Benchmark(Description = "Limit: XOR by vectors, to another buffer")]
    public uint LimitCopying()
    {
        MemoryLimit.Xor(_payload, _other, NextKey());
        return _key;
    }

    [Benchmark(Description = "Limit: memcpy")]
    public void Memcpy() => _payload.CopyTo(_other, 0);

    // A step of a linear congruential generator: new for each operation, at the price of a multiplication.
    private uint NextKey() => _key = (_key * 1664525) + 1013904223;
}
