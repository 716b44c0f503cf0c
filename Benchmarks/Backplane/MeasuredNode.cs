// The program as a node of which the load is measured, and the metrics are read.

using System.Runtime.Versioning;
using RawWs.Benchmarks.Load;

namespace RawWs.Benchmarks.Backplane;

[SupportedOSPlatform("linux")]
internal sealed class MeasuredNode : IDisposable
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

    /// <summary>What it tells of itself now.</summary>
    public async Task<MetricSample[]> ReadMetricsAsync() => [.. MetricsText.Read(await _http.GetStringAsync(_metrics))];

    public void Dispose()
    {
        Server.Dispose();
        _http.Dispose();
    }
}
