// What a program tells of itself at /metrics, in the text format of Prometheus.

using System.Globalization;
using System.Text.RegularExpressions;

namespace RawWs.Benchmarks.Load;

/// <summary>One line of it.</summary>
/// <param name="Name">The metric's name, as it stands there.</param>
/// <param name="Labels">Its labels, in braces; empty for none.</param>
/// <param name="Value">Its value.</param>
internal readonly record struct MetricSample(string Name, string Labels, double Value);

internal static partial class MetricsText
{
    /// <summary>The samples, in their order.</summary>
    public static IEnumerable<MetricSample> Read(string text) => Line().Matches(text).Select(static line => new MetricSample(
        line.Groups[1].Value, line.Groups[2].Value, double.Parse(line.Groups[3].Value, CultureInfo.InvariantCulture)));

    [GeneratedRegex(@"^(\w+)(\{[^}]*\})? ([0-9.eE+-]+)", RegexOptions.Multiline)]
    private static partial Regex Line();
}
