// What is counted while it counts: messages, latencies, errors, processor time. A window opens and closes. In the closed loop a message is
// in it that comes back in it; in the open loop one that was due in it, however late it comes back: so none of those that a stall has
// held up is left out.

using System.Runtime.Versioning;
using HdrHistogram;

namespace RawWs.Benchmarks.Load;

[SupportedOSPlatform("linux")]
internal sealed class LoadMeter(bool isOpenLoop, ServerProcess? server)
{
    private const long LatencyNanosecondsMax = 3600L * 1_000_000_000;

    private readonly LongHistogram _latencies = new(1, LatencyNanosecondsMax, 3);
    private long _latency; // of the last messages, which mostly come in groups that were due together
    private long _ofLatency;
    private long _from = long.MaxValue;
    private long _to = long.MaxValue;
    private double _serverSeconds;
    private double _clientSeconds;

    public long Messages { get; private set; }

    public long Errors { get; private set; }

    /// <summary>What the first error was.</summary>
    public string? FirstError { get; private set; }

    public bool IsOpen => _from != long.MaxValue;

    public double Seconds => (_to - _from) / 1e9;

    /// <summary>Processor time of the server in the window; null where its process is not known.</summary>
    public double? ServerSeconds => server is null ? null : _serverSeconds;

    /// <summary>Processor time of this thread in the window.</summary>
    public double ClientSeconds => _clientSeconds;

    public void Open(long now)
    {
        _serverSeconds = server?.ProcessorSeconds ?? 0;
        _clientSeconds = ClientCalls.ReadClock(ClientCalls.ThreadClock);
        _from = now;
    }

    public void Close(long now)
    {
        _to = now;
        _clientSeconds = ClientCalls.ReadClock(ClientCalls.ThreadClock) - _clientSeconds;
        _serverSeconds = (server?.ProcessorSeconds ?? 0) - _serverSeconds;
    }

    /// <summary>A message is back.</summary>
    /// <param name="now">When, in nanoseconds of the run's clock.</param>
    /// <param name="due">When it was due.</param>
    public void OnMessage(long now, long due)
    {
        long counts = isOpenLoop ? due : now;
        if (counts < _from || counts >= _to) return;
        Messages++;
        long latency = now - due;
        if (latency != _latency) Record(latency);
        _ofLatency++;
    }

    public void OnError(string cause, long count = 1)
    {
        Errors += count;
        FirstError ??= cause;
    }

    /// <summary>The latency in microseconds that so many of a hundred messages do not exceed; null without messages.</summary>
    public double? Microseconds(double percentile) =>
        Messages == 0 ? null : Math.Round(Latencies.GetValueAtPercentile(percentile) / 1000.0, 1);

    private LongHistogram Latencies
    {
        get
        {
            Record(_latency);
            return _latencies;
        }
    }

    private void Record(long next)
    {
        if (_ofLatency > 0) _latencies.RecordValueWithCount(Math.Clamp(_latency, 1, LatencyNanosecondsMax), _ofLatency);
        (_latency, _ofLatency) = (next, 0);
    }
}
