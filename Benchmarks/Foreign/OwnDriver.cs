// Ours as a driver among the foreign ones: a parser of this program reads the corpus, and is checked and timed as those are; what it
// prints is told in c/drive.h. It runs in a process of its own, whose code is compiled to the end (see KitConfig).

using System.Diagnostics;
using System.Globalization;
using System.Net.WebSockets;
using RawWs.Benchmarks.Corpus;
using RawWs.Benchmarks.Parsers;

namespace RawWs.Benchmarks.Foreign;

internal static class OwnDriver
{
    private const int Samples = 8;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1), Sample = TimeSpan.FromMilliseconds(60);

    /// <summary>Prints what a driver prints.</summary>
    /// <param name="parser">The parser's name among ours.</param>
    /// <param name="wires">The names of the wires to be timed.</param>
    /// <param name="output">Gets the lines.</param>
    public static int Run(string parser, IReadOnlyCollection<string> wires, TextWriter output)
    {
        string version = typeof(Frame.Opcode).Assembly.GetName().Version!.ToString(3);
        output.WriteLine($"parser\t{parser} (C#)\t{(parser == "RawWs" ? version + ", " : "")}.NET {Environment.Version}");
        foreach (Traffic traffic in Traffic.Measured)
        {
            IFrameParser one = ParserGate.Make(parser);
            if ((ParserGate.MistakeIn(one, traffic.Wire) ?? ParserGate.MistakeIn(one, traffic.Wire)) is not { } why) continue;
            output.WriteLine($"wrong\t{CorpusFiles.NameOf(traffic)}\t{why}");
            return 0;
        }

        output.WriteLine("right");
        foreach ((string name, byte[] bytes) in BrokenFrames.All)
            if (Accepts(ParserGate.Make(parser), bytes)) output.WriteLine($"accepts\t{BrokenFrames.FileName(name)}");
        foreach (Traffic traffic in Traffic.Measured)
            if (wires.Contains(CorpusFiles.NameOf(traffic))) Measure(parser, traffic, output);
        return 0;
    }

    // A wire that has ended is no refusal.
    private static bool Accepts(IFrameParser parser, byte[] bytes)
    {
        try
        {
            parser.Read(new Wire(bytes, [bytes.Length], [], [new SentMessage(default, [])], []), new MessageSink());
            return true;
        }
        catch (WebSocketException exception)
        {
            return exception.WebSocketErrorCode == WebSocketError.ConnectionClosedPrematurely;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    private static void Measure(string name, Traffic traffic, TextWriter output)
    {
        IFrameParser parser = ParserGate.Make(name);
        MessageSink sink = new();
        Time(parser, traffic.Wire, sink, WarmUp);
        double[] times = [.. Enumerable.Range(0, Samples).Select(_ => Time(parser, traffic.Wire, sink, Sample))];
        double mean = times.Average(), spread = Math.Sqrt(times.Sum(time => (time - mean) * (time - mean)) / (Samples - 1));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"time\t{CorpusFiles.NameOf(traffic)}\t{mean:F1}\t{spread:F1}"));
    }

    // Nanoseconds for one reading.
    private static double Time(IFrameParser parser, Wire wire, MessageSink sink, TimeSpan enough)
    {
        long begun = Stopwatch.GetTimestamp();
        TimeSpan passed;
        int rounds = 0;
        do
        {
            wire.Rewind();
            parser.Read(wire, sink);
            rounds++;
        }
        while ((passed = Stopwatch.GetElapsedTime(begun)) < enough);
        return passed.TotalNanoseconds / rounds;
    }
}
