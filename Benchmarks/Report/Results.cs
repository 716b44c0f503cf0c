// What a run found, and what is to be known about it: the content of the raw data's files.

using System.Globalization;

namespace RawWs.Benchmarks.Report;

/// <summary>One run's figures, of one sort.</summary>
/// <param name="Run">How they came about.</param>
/// <param name="Figures">The figures, in the order of the tables.</param>
/// <typeparam name="T">A record whose properties are the raw data's columns.</typeparam>
public sealed record Results<T>(RunInfo Run, IReadOnlyList<T> Figures);

/// <summary>How figures came about.</summary>
/// <param name="Date">When the run began.</param>
/// <param name="Command">What to type to have it again.</param>
/// <param name="Brief">Whether it only shows that everything runs.</param>
/// <param name="Commit">The commit that was measured; null where git does not tell.</param>
/// <param name="Machine">What it ran on, by name.</param>
/// <param name="Versions">What took part, by name.</param>
/// <param name="Failures">What went wrong, a line each.</param>
public sealed record RunInfo(
    DateTimeOffset Date,
    string Command,
    bool Brief,
    string? Commit,
    IReadOnlyDictionary<string, string> Machine,
    IReadOnlyDictionary<string, string> Versions,
    IReadOnlyList<string> Failures);

/// <summary>One row of one benchmark.</summary>
/// <param name="Benchmark">The benchmark's class.</param>
/// <param name="Method">Its method.</param>
/// <param name="Contender">The column in which it stands: a parser, or what the method describes itself as.</param>
/// <param name="Case">The row in which it stands: the parameters' values.</param>
/// <param name="MessageBytes">Each message's payload in bytes; null where there is none to speak of.</param>
/// <param name="Frames">Frames in one operation; null where none are counted.</param>
/// <param name="PayloadBytes">Payload bytes in one operation.</param>
/// <param name="MeanNs">An operation's mean time in nanoseconds; null where it failed.</param>
/// <param name="MedianNs">The median.</param>
/// <param name="StdDevNs">The standard deviation; null where a single iteration has none.</param>
/// <param name="Iterations">How many iterations these come from.</param>
/// <param name="AllocatedBytes">Bytes allocated by an operation.</param>
/// <param name="Error">Why there is no result; null where there is one.</param>
public sealed record KitFigure(
    string Benchmark,
    string Method,
    string Contender,
    string Case,
    long? MessageBytes,
    long? Frames,
    long? PayloadBytes,
    double? MeanNs,
    double? MedianNs,
    double? StdDevNs,
    int Iterations,
    long? AllocatedBytes,
    string? Error)
{
    /// <summary>Mean time per frame in nanoseconds, or per operation where no frames are counted.</summary>
    public double? NsPerFrame => MeanNs / (Frames ?? 1);

    /// <summary>The standard deviation of that; null where there is none.</summary>
    public double? NsPerFrameSpread => StdDevNs / (Frames ?? 1);

    /// <summary>Payload in 10^9 bytes per second; null where no payload is touched.</summary>
    public double? GBPerSecond => PayloadBytes > 0 && MeanNs > 0 ? PayloadBytes / MeanNs : null;

    /// <summary>The standard deviation of that, as far as one can be told from the time's.</summary>
    public double? GBPerSecondSpread => GBPerSecond * StdDevNs / MeanNs;

    /// <summary>
    /// What the row is beside its size: what follows the message's size where the row begins with that, and else the whole row.
    /// </summary>
    public string FindVariant()
    {
        string size = MessageBytes is { } bytes ? new PayloadSize((int)bytes).ToString() : "";
        return Case.StartsWith(size, StringComparison.Ordinal) ? Case[size.Length..] : Case;
    }

    /// <summary>Bytes allocated per frame, or per operation.</summary>
    public double? AllocatedPerFrame => (double?)AllocatedBytes / (Frames ?? 1);
}

/// <summary>Figures as they stand in tables.</summary>
internal static class Digits
{
    /// <summary>Three digits that mean something, thousands set apart: 0.0123, 1.23, 12.3, 123, 12,345. A dash for none.</summary>
    public static string Three(double? figure)
    {
        if (figure is not { } value || double.IsNaN(value)) return "–";
        double size = Math.Abs(value);
        string format = size switch { 0 => "0", < 0.0995 => "0.000", < 9.995 => "0.00", < 99.95 => "0.0", _ => "#,0" };
        return value.ToString(format, CultureInfo.InvariantCulture);
    }

    /// <summary>
    /// A figure and its spread, the spread with no more digits behind the point than the figure: 12.3 ±0.4. Without a spread, the figure.
    /// </summary>
    public static string WithSpread(double? figure, double? spread)
    {
        string text = Three(figure);
        if (figure is not { } value || spread is not { } around || !double.IsFinite(value) || !double.IsFinite(around)) return text;
        int point = text.IndexOf('.', StringComparison.Ordinal);
        string format = point < 0 ? "#,0" : "0." + new string('0', text.Length - point - 1);
        return $"{text} ±{around.ToString(format, CultureInfo.InvariantCulture)}";
    }
}
