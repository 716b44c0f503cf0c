// dotnet run -c Release --project Benchmarks -- --filter '*Deflate*'
// What a compressed message costs each way, and what the ways that were not taken would cost: docs/decisions/0003 draws on it.

using System.IO.Compression;
using System.Net.WebSockets;
using System.Text;
using BenchmarkDotNet.Attributes;
using RawWs.Benchmarks.Corpus;
using RawWs.Benchmarks.Parsers;
using RawWs.Frame;
using RawWs.Server.Compression;
using RawWs.Server.Extensions;
using RawWs.Server.Memory;

namespace RawWs.Benchmarks;

public class DeflateBenchmark : IDisposable
{
    private const int MessageCount = 64;

    private static readonly PayloadSize[] Messages = [new(1000), new(64 * 1024)];

    private readonly byte[][] _messages = new byte[MessageCount][];
    private readonly byte[][] _payloads = new byte[MessageCount][];
    private readonly byte[][] _payloadsWithTail = new byte[MessageCount][];
    private readonly MemoryStream _stream = new();
    private readonly MessageSink _sink = new();
    private byte[] _room = [];
    private byte[] _output = [];
    private DeflateContexts _contexts = null!;
    private Deflater _takeover = null!;
    private DeflateStream _streamTakeover = null!;
    private BclParser? _socket;
    private Wire _wire = null!;

    [ParamsSource(nameof(Sizes), Priority = 0)]
    public PayloadSize Message { get; set; } = null!;

    [Params(1, 6, Priority = 1)]
    public int Level { get; set; }

    public static IEnumerable<PayloadSize> Sizes => Messages;

    private CompressionLevel StreamLevel => Level == 1 ? CompressionLevel.Fastest : CompressionLevel.Optimal;

    [GlobalSetup]
    public void Prepare()
    {
        string[] words =
            "the of and to in is that for it was on are as with they be at one have this from or had by but some what there we can".Split(
                ' ');
        Random random = new(1);
        _contexts = new DeflateContexts(new MemoryBudget(100_000_000), Level, pooledMax: 2);
        _takeover = _contexts.TryRentDeflater(15, takeover: true)!;
        _streamTakeover = new DeflateStream(_stream, StreamLevel, leaveOpen: true);
        _room = new byte[Deflater.RoomBytes(Message.Bytes)];
        _output = new byte[Message.Bytes + 4096];
        for (int i = 0; i < MessageCount; i++)
        {
            StringBuilder text = new();
            while (text.Length < Message.Bytes) text.Append(words[random.Next(words.Length)]).Append(' ');
            _messages[i] = Encoding.ASCII.GetBytes(text.ToString(0, Message.Bytes));
            DeflateWithoutTakeover(i, out int written);
            _payloads[i] = _room[..written];
            // Behind the tail a final block, so that a DeflateStream sees an end.
            _payloadsWithTail[i] = [.. _payloads[i], 0x00, 0x00, 0xFF, 0xFF, 0x03, 0x00];
        }
    }

    [GlobalSetup(Targets = [nameof(SocketTakeover), nameof(SocketInflateTakeover)])]
    public void PrepareSocketTakeover() => PrepareSocket(takeover: true);

    [GlobalSetup(Targets = [nameof(SocketFresh), nameof(SocketInflateFresh)])]
    public void PrepareSocketFresh() => PrepareSocket(takeover: false);

    [GlobalCleanup]
    public void Dispose()
    {
        _socket?.Dispose();
        _streamTakeover.Dispose();
        _stream.Dispose();
        _contexts.Return(_takeover);
        _contexts.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark(Description = "deflate, takeover", OperationsPerInvoke = MessageCount)]
    public int Takeover()
    {
        int sum = 0;
        for (int i = 0; i < MessageCount; i++)
        {
            _takeover.TryDeflate(_messages[i], _room, out int written);
            sum += written;
        }

        return sum;
    }

    [Benchmark(Description = "deflate, no takeover: shared context, full flush", OperationsPerInvoke = MessageCount)]
    public int Shared()
    {
        int sum = 0;
        for (int i = 0; i < MessageCount; i++)
        {
            DeflateWithoutTakeover(i, out int written);
            sum += written;
        }

        return sum;
    }

    [Benchmark(Description = "deflate, no takeover: a new context for each", OperationsPerInvoke = MessageCount)]
    public int Fresh()
    {
        int sum = 0;
        for (int i = 0; i < MessageCount; i++)
        {
            using Deflater deflater = Deflater.TryCreate(Level, 15, takeover: true)!;
            deflater.TryDeflate(_messages[i], _room, out int written);
            sum += written;
        }

        return sum;
    }

    [Benchmark(Description = "deflate, DeflateStream, takeover", OperationsPerInvoke = MessageCount)]
    public long StreamTakeover()
    {
        long sum = 0;
        for (int i = 0; i < MessageCount; i++)
        {
            _stream.SetLength(0);
            _streamTakeover.Write(_messages[i]);
            _streamTakeover.Flush();
            sum += _stream.Length;
        }

        return sum;
    }

    [Benchmark(Description = "deflate, DeflateStream, a new one for each", OperationsPerInvoke = MessageCount)]
    public long StreamFresh()
    {
        long sum = 0;
        for (int i = 0; i < MessageCount; i++)
        {
            _stream.SetLength(0);
            using (DeflateStream deflate = new(_stream, StreamLevel, leaveOpen: true))
            {
                deflate.Write(_messages[i]);
                deflate.Flush();
            }

            sum += _stream.Length;
        }

        return sum;
    }

    [Benchmark(Description = "deflate, System.Net.WebSockets, takeover", OperationsPerInvoke = MessageCount)]
    public long SocketTakeover() => SendAll();

    [Benchmark(Description = "deflate, System.Net.WebSockets, no takeover", OperationsPerInvoke = MessageCount)]
    public long SocketFresh() => SendAll();

    [Benchmark(Description = "inflate, pooled", OperationsPerInvoke = MessageCount)]
    public long Inflate()
    {
        long sum = 0;
        for (int i = 0; i < MessageCount; i++)
        {
            Inflater inflater = _contexts.TryRentInflater(15)!;
            inflater.Inflate(_payloads[i], _output, out _, out int written);
            inflater.Finish();
            sum += written;
            _contexts.Return(inflater);
        }

        return sum;
    }

    [Benchmark(Description = "inflate, DeflateStream, a new one for each", OperationsPerInvoke = MessageCount)]
    public long InflateStream()
    {
        long sum = 0;
        for (int i = 0; i < MessageCount; i++)
        {
            using MemoryStream payload = new(_payloadsWithTail[i]);
            using DeflateStream inflate = new(payload, CompressionMode.Decompress);
            sum += inflate.ReadAtLeast(_output, Message.Bytes);
        }

        return sum;
    }

    [Benchmark(Description = "inflate, System.Net.WebSockets, takeover", OperationsPerInvoke = MessageCount)]
    public long SocketInflateTakeover() => ReceiveAll();

    [Benchmark(Description = "inflate, System.Net.WebSockets, no takeover", OperationsPerInvoke = MessageCount)]
    public long SocketInflateFresh() => ReceiveAll();

    private void PrepareSocket(bool takeover)
    {
        Prepare();
        _socket = new BclParser(new WebSocketDeflateOptions { ServerContextTakeover = takeover, ClientContextTakeover = takeover });
        // The payloads of the other rows, which stand alone: with takeover the socket only keeps its context.
        WireBuilder wire = new(new Random(1));
        for (int i = 0; i < MessageCount; i++) wire.AddCompressed(MessageKind.Binary, _payloads[i], _messages[i]);
        _wire = wire.Build(static () => int.MaxValue);
        // Twice, as they are measured: over and over on one connection.
        string? mistake = ParserGate.MistakeIn(_socket, _wire) ?? ParserGate.MistakeIn(_socket, _wire) ?? MistakeInSent(takeover);
        if (mistake is not null) throw new InvalidOperationException($"WRONG, and not measured: {_socket.Name}: {mistake}");
    }

    // Sends all messages twice over, and inflates what was sent: without takeover each message by itself.
    private string? MistakeInSent(bool takeover)
    {
        _wire.Rewind(keepsSent: true);
        for (int i = 0; i < 2 * MessageCount; i++) _socket!.Write(_wire, _messages[i % MessageCount]);
        ReadOnlySpan<byte> sent = _wire.Sent;
        using Inflater inflater = Inflater.TryCreate(15)!;
        for (int i = 0; i < 2 * MessageCount; i++)
        {
            if (FrameReader.TryRead(sent, out FrameHeader header) != ReadStatus.Done) return $"frame {i} sent is none";
            if (header is not { Fin: true, Masked: false, Opcode: Opcode.Binary, Reserved: ReservedBits.Rsv1 })
                return $"frame {i} sent is not a whole compressed message";
            int end = header.HeaderLength + (int)header.PayloadLength;
            if (!takeover) inflater.TryReset(15);
            DecodeStatus status = inflater.Inflate(sent[header.HeaderLength..end], _output, out _, out int written);
            if (status != DecodeStatus.NeedMoreData || inflater.Finish() != DecodeStatus.Done)
                return $"message {i} sent cannot be inflated";
            if (!_output.AsSpan(0, written).SequenceEqual(_messages[i % MessageCount])) return $"message {i} sent has other bytes";
            sent = sent[end..];
        }

        return sent.IsEmpty ? null : $"{sent.Length} bytes too many are sent";
    }

    private long SendAll()
    {
        _wire.Rewind();
        foreach (byte[] message in _messages) _socket!.Write(_wire, message);
        return _wire.BytesSent;
    }

    private long ReceiveAll()
    {
        _wire.Rewind();
        _socket!.Read(_wire, _sink);
        return _sink.Bytes;
    }

    private void DeflateWithoutTakeover(int message, out int written)
    {
        Deflater deflater = _contexts.TryRentDeflater(15, takeover: false)!;
        deflater.TryDeflate(_messages[message], _room, out written);
        _contexts.Return(deflater);
    }
}
