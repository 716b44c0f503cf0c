// Refuses to measure where figures would be wrong: on one processor the runtime's own threads (the collector's, the compiler's) take
// their time out of what is measured, and a server and its load generator share what each should have.

namespace RawWs.Benchmarks;

internal static class EnoughProcessors
{
    /// <summary>What is said, once.</summary>
    public const string Refusal =
        "this process has one processor (pinned, or the machine has no more): the runtime's own threads would be measured too; at least "
        + "two processors are needed";

    /// <summary>Words of BenchmarkDotNet's with which nothing is measured for figures.</summary>
    private static readonly string[] NoFigures = ["--list", "--info", "--help", "--version", "Dry", "dry"];

    /// <summary>Whether there is more than one.</summary>
    /// <param name="processors">How many this process may use.</param>
    public static bool AreHere(int processors) => processors > 1;

    /// <summary>Whether the kit's command line asks for figures, which one processor cannot give.</summary>
    public static bool AreWantedBy(IEnumerable<string> arguments) => !arguments.Any(NoFigures.Contains);
}
