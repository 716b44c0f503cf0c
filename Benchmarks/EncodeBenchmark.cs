// One frame, from a payload to the bytes that go to the kernel. The base library's sockets send into a stream that counts and drops,
// as the other rows write into a buffer that nobody reads: all of them copy the payload once and put a header before it. The client's
// rows mask it too; the base library draws its own key for each frame, the writer is given a fresh one. Drawing it costs more than a small
// frame, so there is a row without, beside the limit of what masks while it copies.

using System.Net.WebSockets;
using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using RawWs.Benchmarks.Corpus;
using RawWs.Benchmarks.Parsers;
using RawWs.Frame;

namespace RawWs.Benchmarks;

public class EncodeBenchmark : IDisposable
{
    private readonly PlacedBytes _frame = new(FrameWriter.HeaderBytesMax + (1024 * 1024), PlacedBytes.Buffer);
    private readonly CountingStream _stream = new();
    private PlacedBytes _payload;
    private uint _key = 0x9E3779B9;
    private WebSocket _server = null!;
    private WebSocket _client = null!;

    [ParamsSource(nameof(Sizes))]
    public PayloadSize Payload { get; set; } = null!;

    public static IEnumerable<PayloadSize> Sizes => PayloadSize.All;

    [GlobalSetup]
    public void Setup()
    {
        _payload = new PlacedBytes(Corpus.Payload.Make(PayloadKind.Binary, Payload.Bytes, new Random(1)), PlacedBytes.Source);
        _server = WebSocket.CreateFromStream(_stream, new WebSocketCreationOptions { IsServer = true, KeepAliveInterval = TimeSpan.Zero });
        _client = WebSocket.CreateFromStream(_stream, new WebSocketCreationOptions { IsServer = false, KeepAliveInterval = TimeSpan.Zero });
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _server.Dispose();
        _client.Dispose();
        _stream.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark(Description = "RawWs, server")]
    public int Server() => FrameWriter.Write(_frame.Span, Opcode.Binary, _payload.Span);

    [Benchmark(Description = "System.Net.WebSockets, server")]
    public long BclServer() => Send(_server);

    [Benchmark(Description = "Naive, server")]
    public byte[] Naive()
    {
        List<byte> frame = [0x82];
        if (_payload.Length < 126)
        {
            frame.Add((byte)_payload.Length);
        }
        else if (_payload.Length <= 0xFFFF)
        {
            frame.AddRange([126, (byte)(_payload.Length >> 8), (byte)_payload.Length]);
        }
        else
        {
            frame.Add(127);
            for (int i = 7; i >= 0; i--) frame.Add((byte)((long)_payload.Length >> (8 * i)));
        }

        frame.AddRange(_payload.Span);
        return frame.ToArray();
    }

    [Benchmark(Description = "Limit: the base library's copy")]
    public int Limit()
    {
        _payload.Span.CopyTo(_frame.Span[2..]);
        return _payload.Length;
    }

    [Benchmark(Description = "RawWs, client")]
    public int Client()
    {
        Span<byte> key = stackalloc byte[4];
        RandomNumberGenerator.Fill(key);
        return FrameWriter.WriteMasked(_frame.Span, Opcode.Binary, _payload.Span, BitConverter.ToUInt32(key));
    }

    [Benchmark(Description = "RawWs, client, given a key")]
    public int ClientWithKey() => FrameWriter.WriteMasked(
        _frame.Span, Opcode.Binary, _payload.Span, _key = (_key * 1664525) + 1013904223);

    [Benchmark(Description = "Limit: XOR by vectors")]
    public int LimitMasked()
    {
        MemoryLimit.Xor(_payload.Span, _frame.Span[8..], _key = (_key * 1664525) + 1013904223);
        return _payload.Length;
    }

    [Benchmark(Description = "System.Net.WebSockets, client")]
    public long BclClient() => Send(_client);

    private long Send(WebSocket socket)
    {
        ValueTask sending = socket.SendAsync(_payload.Memory, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
        if (!sending.IsCompleted) throw new InvalidOperationException("The stream takes everything at once.");
        sending.GetAwaiter().GetResult();
        return _stream.Count;
    }

    /// <summary>Takes everything at once, and only counts it.</summary>
    private sealed class CountingStream : Stream
    {
        public long Count { get; private set; }

        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => 0;

        public override void Write(byte[] buffer, int offset, int count) => Count += count;

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Count += buffer.Length;
            return ValueTask.CompletedTask;
        }

        public override void Flush()
        {
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
