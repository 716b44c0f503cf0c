// The gate: every parser reads the whole corpus, twice over on one connection, before any is measured, and only those that get all of it
// right are measured. Benchmarks run in processes of their own, which are told the result by a variable of the environment.

using RawWs.Benchmarks.Corpus;

namespace RawWs.Benchmarks.Parsers;

/// <summary>Lets those parsers through that give the right results.</summary>
public static class ParserGate
{
    internal const string Variable = "RAWWS_BENCHMARKS_PARSERS";
    private const char Separator = ';';

    /// <summary>The classes of all parsers: those of this program, but for the gate's own tests.</summary>
    internal static IReadOnlyList<Type> Parsers { get; set; } = [.. typeof(IFrameParser).Assembly.GetExportedTypes()
        .Where(static type => type.IsClass && !type.IsAbstract && type.IsAssignableTo(typeof(IFrameParser)))];

    /// <summary>The names of the parsers that are right.</summary>
    public static IEnumerable<string> RightParsers
    {
        get
        {
            if (Environment.GetEnvironmentVariable(Variable) is null) Judge(TextWriter.Null);
            return Environment.GetEnvironmentVariable(Variable)!.Split(Separator, StringSplitOptions.RemoveEmptyEntries);
        }
    }

    /// <summary>
    /// Judges all parsers, and lets those through that are right. What each of the others got wrong first, with its name.
    /// </summary>
    public static IReadOnlyList<string> Judge(TextWriter output)
    {
        (IReadOnlyList<string> right, IReadOnlyList<string> wrong) = Judge(MakeAll(), output);
        Environment.SetEnvironmentVariable(Variable, string.Join(Separator, right));
        return wrong;
    }

    /// <summary>Judges these parsers, ends them, and writes a line about each.</summary>
    /// <returns>The names of those that are right, and what each of the others got wrong first.</returns>
    internal static (IReadOnlyList<string> Right, IReadOnlyList<string> Wrong) Judge(IEnumerable<IFrameParser> parsers, TextWriter output)
    {
        List<string> right = [], wrong = [];
        foreach (IFrameParser parser in parsers)
        {
            string? mistake = FirstMistake(parser);
            (parser as IDisposable)?.Dispose();
            if (mistake is null) right.Add(parser.Name);
            else wrong.Add($"{parser.Name}: WRONG, and not measured: {mistake}");
            output.WriteLine($"// {(mistake is null ? parser.Name + ": right" : wrong[^1])}");
        }

        return (right, wrong);
    }

    /// <summary>A new parser of this name.</summary>
    public static IFrameParser Make(string name) =>
        name == HarnessCost.Called ? new HarnessCost() : MakeAll().Single(parser => parser.Name == name);

    private static IEnumerable<IFrameParser> MakeAll() => Parsers
        .Select(static type => (IFrameParser)Activator.CreateInstance(type)!)
        .OrderBy(static parser => parser switch { RawWsParser => 0, BclParser => 1, MemoryLimit => 3, _ => 2 })
        .ThenBy(static parser => parser.Name, StringComparer.Ordinal);

    private static string? FirstMistake(IFrameParser parser)
    {
        foreach (Traffic traffic in Traffic.All.Concat(Traffic.EvenFragments))
        {
            for (int round = 0; round < 2; round++)
            {
                if (MistakeIn(parser, traffic.Wire) is { } mistake)
                    return $"{traffic}{(traffic.Fragmented ? ", in fragments" : "")}: {mistake}";
            }
        }

        return null;
    }

    /// <summary>What a parser gets wrong first of a wire; null for nothing.</summary>
    internal static string? MistakeIn(IFrameParser parser, Wire wire)
    {
        wire.Rewind(keepsSent: true);
        MessageSink sink = new(keeps: true);
        try
        {
            parser.Read(wire, sink);
        }
        catch (Exception exception)
        {
            return $"{exception.GetType().Name}: {exception.Message}";
        }

        for (int i = 0; i < Math.Min(sink.Kept.Count, wire.Messages.Count); i++)
        {
            if (sink.Kept[i].Kind != wire.Messages[i].Kind) return $"message {i} is {sink.Kept[i].Kind}";
            if (!sink.Kept[i].Payload.AsSpan().SequenceEqual(wire.Messages[i].Payload)) return $"message {i} has other bytes";
        }

        if (sink.Kept.Count != wire.Messages.Count) return $"{sink.Kept.Count} messages in place of {wire.Messages.Count}";
        if (wire.BytesSent != wire.Pongs.Length) return $"{wire.BytesSent} bytes of Pongs in place of {wire.Pongs.Length}";
        return wire.Sent.SequenceEqual(wire.Pongs) ? null : "the Pongs have other bytes";
    }
}
