// What is measured of the sends of the admin port: they are few beside the clients' messages, so that each is recorded.

using System.Diagnostics.Metrics;

namespace RawWs.Server.Console.Admin;

internal sealed class SendMetrics : IDisposable
{
    /// <summary>The name of the meter.</summary>
    public const string MeterName = "RawWs.Admin";

    private static readonly InstrumentAdvice<int> Counts = new()
    {
        HistogramBucketBoundaries = [0, 1, 2, 5, 10, 100, 1000, 10_000, 100_000],
    };

    private readonly Meter _meter = new(MeterName);
    private readonly Histogram<int> _fanOut;
    private readonly Counter<long> _tooSlow;
    private readonly Counter<long> _offline;

    public SendMetrics()
    {
        _fanOut = _meter.CreateHistogram(
            "rawws.admin.send.fan_out", "{connection}", "How many connections took a message of the admin port.", advice: Counts);
        _tooSlow = _meter.CreateCounter<long>(
            "rawws.admin.send.too_slow", "{connection}", "Connections that did not take a message of the admin port.");
        _offline = _meter.CreateCounter<long>(
            "rawws.admin.send.offline", "{uid}", "Uids to which the admin port should send, and which were offline.");
    }

    /// <summary>A message has been sent.</summary>
    public void Record(SendAnswer answer)
    {
        _fanOut.Record(answer.Delivered);
        _tooSlow.Add(answer.TooSlow);
        _offline.Add(answer.Offline.Count);
    }

    public void Dispose() => _meter.Dispose();
}
