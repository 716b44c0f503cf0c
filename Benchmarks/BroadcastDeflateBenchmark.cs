// One message to many receivers that agreed on permessage-deflate, as far as the frame that each of them gets: compressed once for each
// window among them and shared, against compressed for each. What is left to pay for a receiver is a look at whether its frame is made.

using System.Globalization;
using System.Text;
using BenchmarkDotNet.Attributes;
using RawWs.Frame;
using RawWs.Handshake;
using RawWs.Server;
using RawWs.Server.Compression;
using RawWs.Server.Memory;

namespace RawWs.Benchmarks;

public class BroadcastDeflateBenchmark : IDisposable
{
    private const int MessageBytes = 1000;

    private static readonly int[][] Windows = [[15], [15, 13, 11, 9]];
    private static readonly int[] Receivers = [10, 1000];

    private readonly MemoryBudget _budget = new(1L << 30);
    private byte[] _frame = [];
    private byte[] _payload = [];
    private int[] _windowBits = [];
    private PermessageDeflate _deflate = null!;

    [ParamsSource(nameof(Loads))]
    public Broadcast Load { get; set; } = null!;

    public static IEnumerable<Broadcast> Loads =>
        from windows in Windows from receivers in Receivers select new Broadcast(receivers, windows, new PayloadSize(MessageBytes));

    [GlobalSetup]
    public void Prepare()
    {
        Random random = new(1);
        StringBuilder text = new("[");
        while (text.Length < MessageBytes)
            text.Append(CultureInfo.InvariantCulture, $$"""{"id":{{random.Next(1_000_000)}},"room":"room-{{random.Next(50)}}",""")
                .Append(CultureInfo.InvariantCulture, $"\"price\":{random.Next(100_000) / 100.0}}},");
        _payload = Encoding.ASCII.GetBytes(text.ToString(0, MessageBytes));
        _windowBits = [.. Enumerable.Range(0, Load.Receivers).Select(i => Load.WindowBits[i % Load.WindowBits.Length])];
        _deflate = new PermessageDeflate(new DeflateContexts(_budget, level: 1, pooledMax: 2), new DeflatePolicy(), bytesMin: 1);
        _frame = new byte[_deflate.EncoderFor(15).FrameRoomBytes(_payload.Length)];
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _deflate.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark(Description = "compressed once a window, shared")]
    public int Shared()
    {
        int bytes = 0;
        using SharedMessage message = SharedMessage.TryRent(_budget, MessageKind.Text, _payload)!;
        foreach (int windowBits in _windowBits) bytes += message.Encoded(_deflate.EncoderFor(windowBits)).Length;
        return bytes;
    }

    [Benchmark(Description = "compressed for each")]
    public int Each()
    {
        int bytes = 0;
        foreach (int windowBits in _windowBits) bytes += _deflate.EncoderFor(windowBits).TryWriteFrame(_frame, MessageKind.Text, _payload);
        return bytes;
    }
}

/// <summary>One message to so many receivers.</summary>
/// <param name="Receivers">How many get it.</param>
/// <param name="WindowBits">The windows that they agreed on, in turns.</param>
/// <param name="Size">What each gets, before it is compressed.</param>
public sealed record Broadcast(int Receivers, int[] WindowBits, PayloadSize Size) : IWork
{
    public long Frames => Receivers;

    public long PayloadBytes => (long)Receivers * Size.Bytes;

    public override string ToString() => $"{Size} to {Receivers:N0}, {WindowBits.Length} {(WindowBits.Length == 1 ? "window" : "windows")}";
}
