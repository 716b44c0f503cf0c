// Whole frames, from the wire to the message: receive, header, rules, unmasking, UTF-8, delivery. One operation reads a wire of up to
// 512 messages; each payload comes anew from the wire (see Wire), in every row by the same copy.

using BenchmarkDotNet.Attributes;
using RawWs.Benchmarks.Corpus;
using RawWs.Benchmarks.Parsers;

namespace RawWs.Benchmarks;

/// <summary>One message a frame.</summary>
public class FrameDecodeBenchmark : ParserBenchmark
{
    [ParamsSource(nameof(Corpus), Priority = 0)]
    public Traffic Traffic { get; set; } = null!;

    public static IEnumerable<Traffic> Corpus => Traffic.Frames;

    [GlobalSetup]
    public void Setup() => Begin(Traffic);

    [Benchmark]
    public long Frames() => ReadWire();
}

/// <summary>
/// Messages in fragments, with control frames in between: a frame in each receive, cut at random and byte by byte; and in fragments of one
/// size, with nothing between.
/// </summary>
public class FragmentDecodeBenchmark : ParserBenchmark
{
    [ParamsSource(nameof(Corpus), Priority = 0)]
    public Traffic Traffic { get; set; } = null!;

    public static IEnumerable<Traffic> Corpus => Traffic.Fragments.Concat(Traffic.EvenFragments);

    [GlobalSetup]
    public void Setup() => Begin(Traffic);

    [Benchmark]
    public long Fragments() => ReadWire();
}

/// <summary>What both have in common: one parser, one wire, read over and over.</summary>
public abstract class ParserBenchmark
{
    private readonly MessageSink _sink = new();
    private IFrameParser _parser = null!;
    private Wire _wire = null!;

    [ParamsSource(nameof(Parsers), Priority = 1)]
    public string Parser { get; set; } = "";

    /// <summary>Those that read everything right, and beside them what the harness costs without any.</summary>
    public static IEnumerable<string> Parsers => ParserGate.RightParsers.Append(HarnessCost.Called);

    protected void Begin(Traffic traffic)
    {
        ArgumentNullException.ThrowIfNull(traffic);
        _wire = traffic.Wire;
        _parser = ParserGate.Make(Parser);
    }

    protected long ReadWire()
    {
        _wire.Rewind();
        _parser.Read(_wire, _sink);
        return _sink.Count;
    }
}
