// Headers alone, a thousand of a kind in a row, each with a key of its own. The base library has no reader of headers that can be
// called; the limit only adds up the bytes.

using System.Buffers;
using System.Buffers.Binary;
using BenchmarkDotNet.Attributes;
using RawWs.Frame;

namespace RawWs.Benchmarks;

public class HeaderDecodeBenchmark
{
    private const int Count = 1000;

    private byte[] _headers = [];
    private ReadOnlySequence<byte>[] _straddling = [];
    private int _length;

    [ParamsSource(nameof(Forms))]
    public HeaderForm Header { get; set; } = null!;

    public static IEnumerable<HeaderForm> Forms => [new(16), new(126), new(64 * 1024)];

    [GlobalSetup]
    public void Setup()
    {
        Random random = new(1);
        _length = FrameWriter.HeaderLength((ulong)Header.PayloadLength, masked: true);
        _headers = new byte[Count * _length];
        for (int i = 0; i < Count; i++)
            FrameWriter.WriteHeader(_headers.AsSpan(i * _length), Opcode.Text, (ulong)Header.PayloadLength, (uint)random.Next());
        _straddling = [.. Enumerable.Range(0, Count).Select(i => Cut(_headers.AsMemory(i * _length, _length), random.Next(1, _length)))];
    }

    [Benchmark(Description = "FrameReader.TryRead, a span", OperationsPerInvoke = Count)]
    public ulong Span()
    {
        ulong sum = 0;
        for (int at = 0; at < _headers.Length; at += _length)
        {
            if (FrameReader.TryRead(_headers.AsSpan(at), out FrameHeader header) == ReadStatus.Done)
                sum += header.PayloadLength + header.MaskingKey;
        }

        return sum;
    }

    [Benchmark(Description = "FrameReader.TryRead, cut in two", OperationsPerInvoke = Count)]
    public ulong Straddling()
    {
        ulong sum = 0;
        foreach (ReadOnlySequence<byte> sequence in _straddling)
        {
            ReadOnlySequence<byte> buffer = sequence;
            if (FrameReader.TryRead(ref buffer, out FrameHeader header) == ReadStatus.Done) sum += header.PayloadLength + header.MaskingKey;
        }

        return sum;
    }

    [Benchmark(Description = "Naive: a class for each header", OperationsPerInvoke = Count)]
    public long Naive()
    {
        long sum = 0;
        for (int at = 0; at < _headers.Length; at += _length)
        {
            NaiveHeader header = new(_headers, at);
            sum += header.Length + header.Mask[0];
        }

        return sum;
    }

    [Benchmark(Description = "Limit: the bytes added up", OperationsPerInvoke = Count)]
    public ulong Limit()
    {
        ulong sum = 0;
        for (int at = 0; at < _headers.Length; at += _length) sum += BinaryPrimitives.ReadUInt16LittleEndian(_headers.AsSpan(at));
        return sum;
    }

    private static ReadOnlySequence<byte> Cut(ReadOnlyMemory<byte> bytes, int at)
    {
        Segment first = new(bytes[..at], 0);
        Segment second = new(bytes[at..], at);
        first.Append(second);
        return new ReadOnlySequence<byte>(first, 0, second, second.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, long start) => (Memory, RunningIndex) = (memory, start);

        public void Append(Segment next) => Next = next;
    }

    private sealed class NaiveHeader
    {
        public NaiveHeader(byte[] bytes, int at)
        {
            Fin = (bytes[at] & 0x80) != 0;
            Opcode = bytes[at] & 0x0F;
            Length = bytes[at + 1] & 0x7F;
            int extended = Length == 126 ? 2 : Length == 127 ? 8 : 0;
            if (extended > 0) Length = 0;
            for (int i = 0; i < extended; i++) Length = (Length << 8) | bytes[at + 2 + i];
            Mask = bytes[(at + 2 + extended)..(at + 6 + extended)];
        }

        public bool Fin { get; }

        public int Opcode { get; }

        public long Length { get; }

        public byte[] Mask { get; }
    }
}

/// <summary>A masked header in one of the three forms of its length. No payload is touched, so there is no throughput to tell.</summary>
/// <param name="PayloadLength">The payload's length that it announces, in bytes.</param>
public sealed record HeaderForm(int PayloadLength) : IWork
{
    public long Frames => 1;

    public long PayloadBytes => 0;

    public PayloadSize Size => new(PayloadLength);

    public override string ToString() => $"{FrameWriter.HeaderLength((ulong)PayloadLength, masked: true)} B";
}
