// What a driver prints, as figures. The lines are described in c/drive.h.

using System.Globalization;
using RawWs.Benchmarks.Corpus;

namespace RawWs.Benchmarks.Foreign;

internal static class ForeignLines
{
    /// <summary>The figures of one driver: one for each wire that it timed, or one that says why it gets no time.</summary>
    public static IReadOnlyList<ForeignFigure> Read(IEnumerable<string> lines)
    {
        ForeignFigure parser = new("?", "", [], null, null, null, null, null, null, null, "its driver said nothing");
        List<string> accepts = [];
        List<ForeignFigure> timed = [];
        foreach (string[] words in lines.Select(static line => line.TrimEnd('\r').Split('\t')))
        {
            switch (words)
            {
                case ["parser", var name, var version]:
                    parser = parser with { Parser = name, Version = version, Problem = "its driver was not done" };
                    break;
                case ["right"]:
                    parser = parser with { Problem = null };
                    break;
                case ["wrong", var wire, var why]:
                    parser = parser with { Problem = $"wrong, and not timed: {wire}: {why}" };
                    break;
                case ["accepts", var broken]:
                    accepts.Add(BrokenFrames.NameOf(broken));
                    break;
                case ["time", var wire, var mean, var spread]:
                    timed.Add(Timed(parser, wire, Number(mean), Number(spread)));
                    break;
            }
        }

        if (parser.Problem is null && timed.Count == 0) parser = parser with { Problem = "right, and not timed" };
        return [.. (parser.Problem is null ? timed : [parser]).Select(figure => figure with { Accepts = accepts })];
    }

    private static ForeignFigure Timed(ForeignFigure parser, string wire, double mean, double spread)
    {
        Traffic traffic = ForeignCommand.Timed.Single(timed => CorpusFiles.NameOf(timed) == wire);
        return parser with
        {
            Wire = wire,
            Case = $"{traffic}{(traffic.Fragmented ? ", in fragments" : "")}",
            MessageBytes = traffic.Size.Bytes,
            Frames = traffic.Wire.Frames.Count,
            PayloadBytes = traffic.PayloadBytes,
            MeanNs = mean,
            StdDevNs = spread,
        };
    }

    private static double Number(string word) => double.Parse(word, NumberStyles.Float, CultureInfo.InvariantCulture);
}
