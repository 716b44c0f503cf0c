// The program as a node of which the load is measured, and the metrics are read.

using System.Globalization;
using System.Runtime.Versioning;
using System.Text.RegularExpressions;
using RawWs.Benchmarks.Load;

namespace RawWs.Benchmarks.Backplane;

[SupportedOSPlatform("linux")]
internal sealed partial class MeasuredNode : IDisposable
{
    private readonly HttpClient _http = new();
    private readonly Uri _metrics;

    /// <summary>Starts it and waits until it listens.</summary>
    /// <param name="command">A shell's command for it, without where it listens.</param>
    /// <exception cref="LoadFailure">It does not listen.</exception>
    public MeasuredNode(string command)
    {
        int admin = RunningServer.FindFreePort();
        _metrics = new Uri($"http://127.0.0.1:{admin}/metrics");
        Server = RunningServer.Start(
            $"{command} --listen 127.0.0.1:{{port}} --admin 127.0.0.1:{admin}", pinning: null, CancellationToken.None);
    }

    public RunningServer Server { get; }

    public async Task<string> ReadMetricsAsync() => await _http.GetStringAsync(_metrics);

    /// <summary>The sum of a metric's values, of those that have a word among their labels.</summary>
    /// <exception cref="LoadFailure">There is none.</exception>
    public static double Sum(string metrics, string name, string word)
    {
        Match[] lines =
        [
            .. Line().Matches(metrics)
                .Where(line => line.Groups[1].Value == name && line.Groups[2].Value.Contains(word, StringComparison.Ordinal)),
        ];
        return lines.Length == 0
            ? throw new LoadFailure($"the node has no metric {name}")
            : lines.Sum(static line => double.Parse(line.Groups[3].Value, CultureInfo.InvariantCulture));
    }

    public void Dispose()
    {
        Server.Dispose();
        _http.Dispose();
    }

    [GeneratedRegex(@"^(\w+)(\{[^}]*\})? ([0-9.eE+-]+)", RegexOptions.Multiline)]
    private static partial Regex Line();
}
