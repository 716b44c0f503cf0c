// The command line of `report`: words in, options or one line about what is wrong out.

namespace RawWs.Benchmarks.Report;

/// <summary>What is to be measured.</summary>
public enum ReportPart
{
    /// <summary>Both.</summary>
    All,

    /// <summary>The benchmarks of parts, in memory.</summary>
    Kit,

    /// <summary>Whole servers.</summary>
    Servers,
}

/// <summary>What `report` was asked for.</summary>
/// <param name="Brief">Everything once, to see that it runs; the times are no figures.</param>
/// <param name="Out">The directory to write to.</param>
/// <param name="Only">What is to be measured.</param>
/// <param name="From">Where to take raw data from in place of measuring; null to measure.</param>
/// <param name="Rows">Which rows of the kit, as BenchmarkDotNet's filters have them; null for all.</param>
/// <param name="Again">Whether the kit's figures that are there stay where they are the faster ones.</param>
public sealed record ReportOptions(bool Brief, string Out, ReportPart Only, string? From, string? Rows, bool Again)
{
    /// <summary>The help text.</summary>
    public const string Usage = """
        report [--short] [--out DIR] [--only kit|servers]   measures, and writes tables, raw data and plots
        report --only kit --rows GLOB --out DIR             a few rows of the kit, for figures
        report --only kit --again [--rows GLOB]             the kit once more, or a few rows of it
        report --from DIR [--out DIR]                       makes tables and plots anew from the raw data in DIR

          --short      everything once, in a few minutes: shows that it runs; its times are no figures
          --out DIR    where to write (default: Benchmarks/results; with --from, that DIR)
          --only PART  kit: the parts in memory; servers: whole servers; the other part's data in DIR stay
          --rows GLOB  '*Frames(Traffic: 16 B Binary, P*', or several with ; between. Without --again not into the default directory,
                       which holds all rows
          --again      of the figures in DIR and the new ones the faster counts: a busy machine makes nobody faster
        """;

    /// <summary>Reads the words after `report`. One of the two results is null.</summary>
    public static (ReportOptions? Options, string? Error) Parse(ReadOnlySpan<string> words, string outDefault)
    {
        bool brief = false, again = false;
        string? output = null, from = null, rows = null;
        ReportPart? only = null;
        for (int i = 0; i < words.Length; i++)
        {
            string word = words[i];
            if (word == "--short")
            {
                brief = true;
                continue;
            }

            if (word == "--again")
            {
                again = true;
                continue;
            }

            if (word is not ("--out" or "--only" or "--from" or "--rows")) return (null, $"unknown option: {word}");
            if (++i == words.Length || words[i].Length == 0 || words[i].StartsWith('-')) return (null, $"{word} needs a value");
            switch (word)
            {
                case "--out":
                    output = words[i];
                    break;
                case "--from":
                    from = words[i];
                    break;
                case "--rows":
                    rows = words[i];
                    break;
                default:
                    only = words[i] switch { "kit" => ReportPart.Kit, "servers" => ReportPart.Servers, _ => null };
                    if (only is null) return (null, $"--only takes kit or servers, not {words[i]}");
                    break;
            }
        }

        if (again && (only != ReportPart.Kit || brief)) return (null, "--again goes with --only kit, for figures");
        if (rows is not null && (only != ReportPart.Kit || (output is null && !again)))
            return (null, "--rows goes with --only kit, and with --out or --again");
        if (from is not null && (brief || only is not null)) return (null, "--from measures nothing: it goes with --out alone");
        if (from is not null && !Directory.Exists(from)) return (null, $"--from: no such directory: {from}");
        return (new ReportOptions(brief, Path.GetFullPath(output ?? from ?? outDefault), only ?? ReportPart.All, from, rows, again), null);
    }
}
