// What is left of a measurement when there is no parser in it: the receives, each with its copy, the call for each message, and the
// answers to Pings. It is told where frames end, and what it delivers is still masked, so that it is no contender and does not go through
// the gate. The report takes its time off the others' in a column of its own.

using RawWs.Benchmarks.Corpus;
using RawWs.Frame;

namespace RawWs.Benchmarks.Parsers;

internal sealed class HarnessCost : IFrameParser
{
    /// <summary>The name in the tables.</summary>
    public const string Called = "Harness, without a parser";

    private readonly PlacedBytes _buffer = new(256 * 1024, PlacedBytes.Buffer); // as much room as RawWs has

    public string Name => Called;

    public void Read(Wire wire, MessageSink sink)
    {
        ArgumentNullException.ThrowIfNull(wire);
        ArgumentNullException.ThrowIfNull(sink);
        ReadOnlySpan<FramePlace> frames = wire.Places;
        int next = 0;
        long total = 0;
        Span<byte> buffer = _buffer.Span;
        for (int received; (received = wire.Receive(buffer)) > 0;)
        {
            total += received;
            for (; next < frames.Length && frames[next].PayloadStart + frames[next].Length <= total; next++)
            {
                ref readonly FramePlace frame = ref frames[next];
                Span<byte> bytes = buffer[..Math.Min(frame.Length, buffer.Length)];
                if (frame.Opcode == Opcode.Ping) wire.Send(buffer[..(2 + frame.Length)]);
                else if (frame.Fin && frame.Opcode < Opcode.Close) sink.OnMessage(MessageKind.Binary, bytes);
            }
        }
    }
}
