// The opening handshake, once per connection: the request parsed, judged and answered. A request is kept for as long as its connection's
// application likes, so here something is allocated: one copy of the head and an index into it. The base library has no such parser that
// can be called; the naive row is what a tutorial writes, and the limit only looks for the head's end.

using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using BenchmarkDotNet.Attributes;
using RawWs.Handshake;

namespace RawWs.Benchmarks;

public class HandshakeBenchmark
{
    private const string Start = "GET /ws/chat?uid=100 HTTP/1.1\r\nHost: 127.0.0.1:2000\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

    private const string Browsers =
        "Pragma: no-cache\r\nCache-Control: no-cache\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\n"
        + "Origin: http://127.0.0.1:2000\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9\r\n"
        + "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nSec-WebSocket-Protocol: chat, superchat\r\n";

    private static readonly RequestLimits Limits = new();
    private static readonly UpgradePolicy Policy = new();

    private readonly ArrayBufferWriter<byte> _answer = new(1024);
    private byte[] _bytes = [];
    private ReadOnlySequence<byte> _whole;
    private ReadOnlySequence<byte> _cut;

    [Params("least", "a browser's", "a browser's with 4 KiB of cookies")]
    public string Request { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        string text = Start + (Request == "least" ? "" : Browsers);
        if (Request.EndsWith("cookies", StringComparison.Ordinal)) text += $"Cookie: session={new string('c', 4096)}\r\n";
        _bytes = Encoding.ASCII.GetBytes(text + "\r\n");
        _whole = new ReadOnlySequence<byte>(_bytes);
        Piece first = new(_bytes.AsMemory(0, _bytes.Length / 3), 0);
        Piece last = first.Append(_bytes.AsMemory(_bytes.Length / 3));
        _cut = new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
        if (Answer() == 0 || ParseCut() is null) throw new InvalidOperationException("The request is refused.");
    }

    [Benchmark(Description = "RequestReader.TryRead")]
    public UpgradeRequest? Parse() => Read(_whole);

    [Benchmark(Description = "RequestReader.TryRead, cut in two")]
    public UpgradeRequest? ParseCut() => Read(_cut);

    [Benchmark(Description = "parsed, judged and answered by 101")]
    public int Answer()
    {
        UpgradeRequest request = Read(_whole)!;
        UpgradeResult result = UpgradeRules.Check(request, Policy);
        if (result.Kind != UpgradeResultKind.Upgrade) return 0;
        _answer.ResetWrittenCount();
        UpgradeResponse.WriteSwitchingProtocols(_answer, request, result.Subprotocol);
        return _answer.WrittenCount;
    }

    [Benchmark(Description = "Naive: split into strings, and answered")]
    public string Naive()
    {
        string[] lines = Encoding.ASCII.GetString(_bytes).Split("\r\n");
        Dictionary<string, string> headers = new(StringComparer.OrdinalIgnoreCase);
        foreach (string line in lines.Skip(1).Where(static line => line.Length > 0))
        {
            string[] parts = line.Split(": ", 2);
            headers[parts[0]] = parts[1];
        }

#pragma warning disable CA5350 // §4.2.2 prescribes SHA-1, which protects nothing here; the naive way takes the system's.
        byte[] hash = SHA1.HashData(Encoding.ASCII.GetBytes(headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
#pragma warning restore CA5350
        return $"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + $"Sec-WebSocket-Accept: {Convert.ToBase64String(hash)}\r\n\r\n";
    }

    [Benchmark(Description = "Limit: where the head ends")]
    public int Limit() => _bytes.AsSpan().IndexOf("\r\n\r\n"u8);

    private static UpgradeRequest? Read(ReadOnlySequence<byte> buffer)
    {
        RequestReader.TryRead(ref buffer, Limits, out UpgradeRequest? request, out _);
        return request;
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, long start) => (Memory, RunningIndex) = (memory, start);

        public Piece Append(ReadOnlyMemory<byte> memory)
        {
            Piece next = new(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
