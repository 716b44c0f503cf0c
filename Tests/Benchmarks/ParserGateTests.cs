// The gate of the benchmarks: a parser that is wrong in one place of the whole corpus, and only when it reads that wire for the second
// time, is named, makes the exit code 1 and is in no table.

using BenchmarkDotNet.Running;
using RawWs.Benchmarks;
using RawWs.Benchmarks.Corpus;
using RawWs.Benchmarks.Parsers;
using RawWs.Frame;

namespace RawWs.Tests.Benchmarks;

[NonParallelizable]
public sealed class ParserGateTests
{
    private static readonly Type[] Right = [typeof(RawWsParser), typeof(AnotherParser)];

    private IReadOnlyList<Type> _parsers = [];

    [SetUp]
    public void KeepTheParsers() => _parsers = ParserGate.Parsers;

    [TearDown]
    public void PutTheParsersBack()
    {
        ParserGate.Parsers = _parsers;
        Environment.SetEnvironmentVariable(ParserGate.Variable, null);
    }

    [Test]
    public void EveryParserOfTheKit_AndTheReadmesExample_AreRight()
    {
        ParserGate.Parsers = [.. _parsers, typeof(AnotherParser)];
        (int exitCode, string output) = RunTheKit();
        Assert.That(output, Does.Not.Contain("WRONG").And.Contain("// RawWs: right\n").And.Contain("// Another: right\n"));
        Assert.That(exitCode, Is.Zero);
        Assert.That(ParsersMeasured(), Has.Length.EqualTo(_parsers.Count + 1).And.Member("Another"));
    }

    [Test]
    public void AParserThatIsWrongInOnePlace_IsNamed_AndGetsNoTime([Values] Mistake mistake)
    {
        ParserGate.Parsers = [.. Right, typeof(WrongParser)];
        WrongParser.Mistake = mistake;
        (int exitCode, string output) = RunTheKit();
        Assert.That(exitCode, Is.EqualTo(1));
        string line = output.Split('\n').Single(static line => line.StartsWith("// Wrong: ", StringComparison.Ordinal));
        Assert.That(
            line, Does.StartWith($"// Wrong: WRONG, and not measured: {WrongParser.Place}, in fragments: ").And.EndsWith(Said(mistake)));
        Assert.That(output, Does.Contain("// RawWs: right\n").And.Contain("// Another: right\n"));
        Assert.That(ParsersMeasured(), Is.EquivalentTo(["RawWs", "Another"]));
    }

    private static string Said(Mistake mistake) => mistake switch
    {
        Mistake.OneByte or Mistake.OneByteLess => "message 511 has other bytes",
        Mistake.OtherKind => "message 511 is Binary",
        Mistake.MessageMissing => "511 messages in place of 512",
        Mistake.MessageTwice => "513 messages in place of 512",
        Mistake.PongMissing or Mistake.PongTwice => $" bytes of Pongs in place of {WrongParser.Place.Wire.Pongs.Length}",
        Mistake.OneByteOfAPong => "the Pongs have other bytes",
        _ => "InvalidDataException: no",
    };

    // The program as it is, told only to list: the gate comes first, then nothing is measured.
    private static (int ExitCode, string Output) RunTheKit()
    {
        TextWriter console = Console.Out;
        using StringWriter output = new() { NewLine = "\n" };
        Console.SetOut(output);
        try
        {
            int exitCode = (int)typeof(ParserGate).Assembly.EntryPoint!.Invoke(null, [new[] { "--list", "flat" }])!;
            return (exitCode, output.ToString());
        }
        finally
        {
            Console.SetOut(console);
        }
    }

    private static string[] ParsersMeasured() =>
    [
        .. new[] { typeof(FrameDecodeBenchmark), typeof(FragmentDecodeBenchmark) }
            .SelectMany(static type => BenchmarkConverter.TypeToBenchmarks(type).BenchmarksCases)
            .Select(static benchmark => (string)benchmark.Parameters[nameof(ParserBenchmark.Parser)])
            .Distinct()
            .Where(static name => name != HarnessCost.Called), // no parser
    ];
}

/// <summary>What a parser can get wrong.</summary>
public enum Mistake
{
    OneByte,
    OneByteLess,
    OtherKind,
    MessageMissing,
    MessageTwice,
    PongMissing,
    PongTwice,
    OneByteOfAPong,
    Throws,
}

/// <summary>Right everywhere but in one place.</summary>
public sealed class WrongParser : IFrameParser
{
    private readonly Another.Decoder _decoder = new();
    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _readingsOfThePlace;

    public static Traffic Place { get; } =
        Traffic.Fragments.Single(static traffic => traffic is { Kind: PayloadKind.Mixed, Arrival: Arrival.Random, Size.Bytes: 126 });

    public static Mistake Mistake { get; set; }

    public string Name => "Wrong";

    public void Read(Wire wire, MessageSink sink)
    {
        ArgumentNullException.ThrowIfNull(wire);
        bool inPlace = wire == Place.Wire && ++_readingsOfThePlace == 2;
        int messages = 0, pings = 0;
        for (int received; (received = wire.Receive(_buffer)) > 0;)
        {
            foreach (Another.Event e in _decoder.Feed(_buffer.AsSpan(0, received)))
            {
                if (e.IsPing) Answer(wire, e.PongFrame, inPlace && ++pings == 100);
                if (e.IsMessage) Deliver(sink, e, inPlace && ++messages == wire.Messages.Count);
            }
        }
    }

    private static void Answer(Wire wire, byte[] pong, bool here)
    {
        if (here && Mistake == Mistake.PongMissing) return;
        if (here && Mistake == Mistake.PongTwice) wire.Send(pong);
        if (here && Mistake == Mistake.OneByteOfAPong) pong[^1] ^= 1;
        wire.Send(pong);
    }

    private static void Deliver(MessageSink sink, Another.Event message, bool here)
    {
        (bool isText, byte[] payload) = (message.IsText, message.Payload);
        switch (here ? Mistake : (Mistake)(-1))
        {
            case Mistake.OneByte: payload[^1] ^= 1; break;
            case Mistake.OneByteLess: payload = payload[..^1]; break;
            case Mistake.OtherKind: isText = !isText; break;
            case Mistake.MessageTwice: sink.OnMessage(MessageKind.Text, payload); break;
            case Mistake.MessageMissing: return;
            case Mistake.Throws: throw new InvalidDataException("no");
        }

        sink.OnMessage(isText ? MessageKind.Text : MessageKind.Binary, payload);
    }
}
