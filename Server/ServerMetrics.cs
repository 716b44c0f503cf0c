// A server's metrics, by System.Diagnostics.Metrics; docs/ops/metrics.md has the table. No message costs anything for them: what is counted
// of messages and bytes is what each connection counts anyhow, and it is added up when somebody reads (ServerTotals). What is recorded is
// recorded once for a connection. Lag and round trips are samples: once a second each loop is asked, if somebody listens.
// No metric names an address, a uid, a path or anything else that a stranger chooses, and so the number of series has a bound.

using System.Diagnostics.Metrics;
using System.Globalization;
using RawWs.Server.Connections;
using RawWs.Server.Loops;

namespace RawWs.Server;

/// <summary>
/// The metrics of one server, under the meter <see cref="MeterName"/>. They begin with this object, and end when it is disposed. Without
/// one a server has no metrics.
/// </summary>
public sealed class ServerMetrics : IDisposable
{
    /// <summary>The name of the meter.</summary>
    public const string MeterName = "RawWs.Server";

    // How many connections of a loop are asked for their round trip, once a second.
    private const int RoundTripsMax = 16;
    private const int SlotsMax = 1024;

    private const string Direction = "network.io.direction";

    private static readonly TimeSpan SampleInterval = TimeSpan.FromSeconds(1);
    private static readonly InstrumentAdvice<double> ShortTimes = new()
    {
        HistogramBucketBoundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    };

    private static readonly InstrumentAdvice<double> LongTimes = new()
    {
        HistogramBucketBoundaries = [0.1, 1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400, 43200, 86400],
    };

    private readonly WebSocketServer _server;
    private readonly Meter _meter;
    private readonly ServerTotals _totals;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly Sample[] _samples;
    private readonly Histogram<double> _connectionDuration;
    private readonly Histogram<double> _handshakeDuration;
    private readonly Histogram<double> _lag;
    private readonly Histogram<double> _roundTrip;
    private readonly Counter<long> _closes;
    private readonly Counter<long> _handshakeFailures;
    private readonly Counter<long> _refusals;
    private readonly Counter<long> _proxyRefusals;
    private readonly Counter<long> _delays;

    /// <summary>Begins to measure a server.</summary>
    /// <param name="server">The server. What its connections have done before is not counted, so this is made before the start.</param>
    /// <param name="meters">Makes the meter; null for one without a factory.</param>
    /// <exception cref="InvalidOperationException">The server is measured already.</exception>
    public ServerMetrics(WebSocketServer server, IMeterFactory? meters = null)
    {
        ArgumentNullException.ThrowIfNull(server);
        if (server.Metrics is not null) throw new InvalidOperationException("The server is measured already.");
        _server = server;
        _time = server.Options.TimeProvider;
        _totals = new ServerTotals(server.Loops);
        _meter = meters?.Create(MeterName) ?? new Meter(MeterName);
        ObserveConnections();
        ObserveTraffic();
        ObserveLimits();
        _connectionDuration = _meter.CreateHistogram(
            "rawws.server.connection.duration", "s", "How long connections lasted, from accept to end, by cause.", advice: LongTimes);
        _handshakeDuration = _meter.CreateHistogram(
            "rawws.server.handshake.duration", "s", "The time from accept to the open connection.", advice: ShortTimes);
        _closes = _meter.CreateCounter<long>("rawws.server.closes", "{connection}", "Ended connections that were open, by code and cause.");
        _handshakeFailures = _meter.CreateCounter<long>("rawws.server.handshake.failures", "{connection}",
            "Connections that ended before they were open, and without an answer, by cause.");
        _refusals = _meter.CreateCounter<long>("rawws.server.refusals", "{request}", "Requests that were answered without an upgrade.");
        _proxyRefusals = _meter.CreateCounter<long>("rawws.server.proxy.refusals", "{connection}",
            "Connections that ended because of their PROXY header, or for want of one.");
        _delays = _meter.CreateCounter<long>("rawws.server.delays", "{connection}",
            "How often a connection was not read from for a while, because it had sent more than it may, by reason.");
        _lag = _meter.CreateHistogram(
            "rawws.server.loop.lag", "s", "How long work that is posted to a loop waits: a sample a second.", advice: ShortTimes);
        _roundTrip = _meter.CreateHistogram(
            "rawws.server.round_trip", "s", "Round trips to peers, as the kernel estimates them: samples.", advice: ShortTimes);
        _samples = [.. server.Loops.Select(loop => new Sample(this, loop))];
        server.Metrics = this;
        _timer = _time.CreateTimer(static metrics => ((ServerMetrics)metrics!).TakeSamples(), this, SampleInterval, SampleInterval);
    }

    /// <summary>Ends the metrics.</summary>
    public void Dispose()
    {
        _timer.Dispose();
        _server.Metrics = null;
        _meter.Dispose();
    }

    internal void OnOpened(WebSocketConnection connection) => _handshakeDuration.Record(connection.Age.TotalSeconds);

    internal void OnDelayed(Limit which) => _delays.Add(1, new KeyValuePair<string, object?>("reason", which switch
    {
        Limit.Handshakes => "handshakes",
        Limit.Messages => "messages",
        Limit.Bytes => "bytes",
        _ => "broadcasts",
    }));

    internal void OnEnded(CloseReport report, bool opened)
    {
        _totals.OnEnded(report);
        if (report.Cause == EndCause.Http)
        {
            _refusals.Add(1, new KeyValuePair<string, object?>("http.response.status_code", report.Code),
                new KeyValuePair<string, object?>("reason", report.Rule ?? (report.Code == 200 ? "page" : "application")));
            return;
        }

        if (report.Cause == EndCause.ProxyFailed)
            _proxyRefusals.Add(1, new KeyValuePair<string, object?>("reason", report.Rule ?? "timeout"));
        KeyValuePair<string, object?> cause = new("cause", report.Cause.ToString());
        _connectionDuration.Record(report.Duration.TotalSeconds, cause);
        if (opened) _closes.Add(1, cause, new KeyValuePair<string, object?>("code", CodeOf(report.Code)));
        else _handshakeFailures.Add(1, cause);
    }

    // A peer chooses its codes: those that mean something have their own series, the others share one for each thousand.
    private static string CodeOf(int? code) => code switch
    {
        null => "none",
        (>= 1000 and <= 1015) or ServerCloseCodes.TokenExpired or ServerCloseCodes.HeartbeatMissed or ServerCloseCodes.TooSlow
            or ServerCloseCodes.MessageTimeout or ServerCloseCodes.TooFast or ServerCloseCodes.Replaced or ServerCloseCodes.Rejected =>
            code.Value.ToString(CultureInfo.InvariantCulture),
        < 2000 => "1xxx",
        < 4000 => "3xxx",
        _ => "4xxx",
    };

    private void ObserveConnections()
    {
        _meter.CreateObservableUpDownCounter("rawws.server.active_connections", Phases, "{connection}", "Connections by phase.");
        _meter.CreateObservableGauge(
            "rawws.server.connections.limit", () => _server.ConnectionsMax, "{connection}", "How many are let in at once.");
        _meter.CreateObservableUpDownCounter("rawws.server.uids", () => _server.Directory.UidCount, "{uid}", "Uids with a connection.");
        _meter.CreateObservableCounter("rawws.server.turned_away", TurnedAway, "{connection}",
            "Connections that were closed unanswered, because there were too many, by reason.");
        _meter.CreateObservableUpDownCounter("rawws.server.slow_connections", Slow, "{connection}",
            "Connections for which much waits (behind), or as much as may wait (full).");
    }

    private void ObserveTraffic()
    {
        _meter.CreateObservableCounter(
            "rawws.server.messages", Messages, "{message}", "Messages received whole, and accepted for sending, by opcode.");
        _meter.CreateObservableCounter(
            "rawws.server.io", Bytes, "By", "Bytes received, and taken by the kernel, with the handshakes.");
        _meter.CreateObservableCounter("rawws.server.drops", Drops, "{message}",
            "Messages that were accepted for sending and that nobody gets, by reason.");
        _meter.CreateObservableUpDownCounter(
            "rawws.server.queued_messages", () => _totals.Read(TotalsReader.QueuedMessages).QueuedMessages, "{message}",
            "Messages that wait for peers.");
        _meter.CreateObservableUpDownCounter(
            "rawws.server.queued", () => _totals.Read(TotalsReader.QueuedBytes).QueuedBytes, "By",
            "Bytes that wait for peers and the kernel has not accepted.");
    }

    private void ObserveLimits()
    {
        _meter.CreateObservableUpDownCounter("rawws.server.memory.usage", () => _server.HeldBytes, "By", "Bytes held for connections.");
        _meter.CreateObservableGauge("rawws.server.memory.limit", () => _server.HeldBytesMax, "By", "How many may be held.");
        _meter.CreateObservableCounter("rawws.server.loop.processor_time", ProcessorTimes, "s",
            "Processor time of each loop's thread: its rate is how busy the loop is.");
    }

    private IEnumerable<Measurement<int>> Phases()
    {
        ServerTotals.Reading reading = _totals.Read(TotalsReader.Phases);
        return
        [
            With(reading.Handshake, "phase", "handshake"), With(reading.Open, "phase", "open"), With(reading.Closing, "phase", "closing"),
        ];
    }

    private IEnumerable<Measurement<long>> TurnedAway()
    {
        TurnedAway counts = _server.TurnedAway;
        return
        [
            With(counts[TurnedAwayReason.Connections], "reason", "connections"),
            With(counts[TurnedAwayReason.TlsHandshakes], "reason", "tls_handshakes"),
            With(counts[TurnedAwayReason.AddressConnections], "reason", "address_connections"),
            With(counts[TurnedAwayReason.AddressHandshakes], "reason", "address_handshakes"),
        ];
    }

    private IEnumerable<Measurement<int>> Slow()
    {
        int behind = 0, full = 0;
        foreach (ConnectionLoop loop in _server.Loops)
        {
            behind += loop.Congestion.Behind;
            full += loop.Congestion.Full;
        }

        return [With(behind, "level", "behind"), With(full, "level", "full")];
    }

    private IEnumerable<Measurement<long>> Messages()
    {
        ServerTotals.Traffic traffic = _totals.Read(TotalsReader.Messages).Traffic;
        return
        [
            Of(traffic.TextIn, "receive", "text"), Of(traffic.BinaryIn, "receive", "binary"),
            Of(traffic.TextOut, "transmit", "text"), Of(traffic.BinaryOut, "transmit", "binary"),
        ];

        static Measurement<long> Of(long count, string direction, string opcode) => new(count,
            new KeyValuePair<string, object?>(Direction, direction), new KeyValuePair<string, object?>("opcode", opcode));
    }

    private IEnumerable<Measurement<long>> Bytes()
    {
        ServerTotals.Traffic traffic = _totals.Read(TotalsReader.Bytes).Traffic;
        return [With(traffic.BytesIn, Direction, "receive"), With(traffic.BytesOut, Direction, "transmit")];
    }

    private IEnumerable<Measurement<long>> Drops()
    {
        ServerTotals.Traffic traffic = _totals.Read(TotalsReader.Drops).Traffic;
        return [With(traffic.Dropped, "reason", "slow"), With(traffic.Unsent, "reason", "ended")];
    }

    private IEnumerable<Measurement<double>> ProcessorTimes()
    {
        foreach (ConnectionLoop loop in _server.Loops)
            if (loop.Loop.ProcessorTime is { } time) yield return With(time.TotalSeconds, "loop", loop.Loop.Index);
    }

    private static Measurement<T> With<T>(T value, string name, object tag)
        where T : struct => new(value, new KeyValuePair<string, object?>(name, tag));

    private void TakeSamples()
    {
        if (!_lag.Enabled && !_roundTrip.Enabled) return;
        foreach (Sample sample in _samples) sample.Take();
    }

    /// <summary>What is asked of one loop, once a second. One question is under way at a time.</summary>
    private sealed class Sample(ServerMetrics metrics, ConnectionLoop loop) : ILoopWork
    {
        private readonly KeyValuePair<string, object?> _loop = new("loop", loop.Loop.Index);
        private long _asked; // 0: nothing is asked
        private int _next; // the slot to go on with

        public void Take()
        {
            if (Interlocked.CompareExchange(ref _asked, Math.Max(1, metrics._time.GetTimestamp()), 0) == 0) loop.Post(this);
        }

        public void OnPosted()
        {
            metrics._lag.Record(metrics._time.GetElapsedTime(_asked).TotalSeconds, _loop);
            Volatile.Write(ref _asked, 0);
            ReadOnlySpan<ILoopMember?> members = loop.Members.Snapshot;
            int asked = 0;
            for (int i = Math.Min(members.Length, SlotsMax); i > 0 && asked < RoundTripsMax; i--)
            {
                if (_next >= members.Length) _next = 0;
                if (members[_next++] is not WebSocketConnection { IsOpen: true } connection) continue;
                asked++;
                if (connection.Transport.RoundTripMicroseconds is var roundTrip and > 0) metrics._roundTrip.Record(roundTrip / 1e6);
            }
        }
    }
}
