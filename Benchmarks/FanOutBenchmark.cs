// One message to many queues, and out of them again, as far as the kernel's door: encoded once and shared against encoded for each.
// Small frames are copied into each queue, large ones are shared by reference. For scale, a row copies
// the payload once per receiver; it is no limit, for what is shared is not copied.

using BenchmarkDotNet.Attributes;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Memory;
using RawWs.Server.Sending;

namespace RawWs.Benchmarks;

public class FanOutBenchmark
{
    private static readonly int[] Receivers = [100, 1000];
    private static readonly int[] Sizes = [16, 125, 1024, 64 * 1024];

    private readonly MemoryBudget _budget = new(1L << 30);
    private readonly Congestion _congestion = new();
    private readonly byte[] _kernel = new byte[1024 * 1024];
    private SendQueue?[] _queues = [];

    [ParamsSource(nameof(Loads))]
    public FanOut Load { get; set; } = null!;

    public static IEnumerable<FanOut> Loads =>
        from receivers in Receivers from bytes in Sizes select new FanOut(receivers, new PayloadSize(bytes));

    private byte[] Payload { get; set; } = [];

    [GlobalSetup]
    public void Setup()
    {
        Payload = Corpus.Payload.Make(Corpus.PayloadKind.Ascii, Load.Size.Bytes, new Random(1));
        _queues = new SendQueue?[Load.Receivers];
    }

    [Benchmark(Description = "encoded once, shared")]
    public int Shared()
    {
        using (SharedMessage message = SharedMessage.TryCreate(_budget, MessageKind.Text, Payload)!)
            foreach (ref SendQueue? queue in _queues.AsSpan())
                (queue = SendQueue.Rent(_budget, _congestion, now: 0)).TryAppend(message.Plain);
        return Drain();
    }

    [Benchmark(Description = "encoded for each")]
    public int Each()
    {
        foreach (ref SendQueue? queue in _queues.AsSpan())
            (queue = SendQueue.Rent(_budget, _congestion, now: 0)).TryAppend(Opcode.Text, Payload);
        return Drain();
    }

    [Benchmark(Description = "For scale: a memcpy for each")]
    public int Memcpy()
    {
        for (int i = 0; i < _queues.Length; i++) Payload.CopyTo(_kernel, 0);
        return _kernel[0];
    }

    private int Drain()
    {
        int bytes = 0;
        foreach (SendQueue? queue in _queues)
        {
            while (queue!.TryPeek(out ReadOnlySpan<byte> run, out _))
            {
                bytes += run.Length;
                queue.OnSent(run.Length, now: 0);
            }

            queue.Return();
        }

        return bytes;
    }
}

/// <summary>One message to so many.</summary>
/// <param name="Receivers">How many get it.</param>
/// <param name="Size">What each gets.</param>
public sealed record FanOut(int Receivers, PayloadSize Size) : IWork
{
    public long Frames => Receivers;

    public long PayloadBytes => (long)Receivers * Size.Bytes;

    public override string ToString() => $"{Size} to {Receivers:N0}";
}
