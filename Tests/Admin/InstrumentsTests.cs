// How the instruments are read, sent and described: once for a server, at the moment of the reading, by OTLP, and in the table in
// docs/ops/metrics.md.

using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Console.Admin;
using RawWs.Server.Nats;
using RawWs.Tests.Support;

namespace RawWs.Tests.Admin;

public sealed class InstrumentsTests
{
    [Test]
    public async Task AServer_IsMeasuredOnce()
    {
        await using TestServer server = await TestServer.Start(Setup.All[0], new EchoApplication());
        using (ServerMetrics metrics = new(server.Server))
            Assert.That(() => new ServerMetrics(server.Server), Throws.InvalidOperationException);
        using ServerMetrics again = new(server.Server);
    }

    // Every row is an instrument, and every instrument has a row. To write the table anew: RAWWS_WRITE_DOCS=1.
    [Test]
    public async Task TheTable_IsInTheDocs()
    {
        await using TestServer server = await TestServer.Start(Setup.All[0], new EchoApplication());
        List<Instrument> found = [];
        using MeterListener listener = new();
        listener.InstrumentPublished = (instrument, _) =>
        {
            lock (found)
                if (instrument.Meter.Name is ServerMetrics.MeterName or SendMetrics.MeterName or BackplaneMetrics.MeterName)
                    found.Add(instrument);
        };
        using ServerMetrics metrics = new(server.Server);
        using SendMetrics sends = new();
        await using NatsBackplane backplane = new(new NatsBackplaneOptions());
        using BackplaneMetrics cluster = new(backplane);
        listener.Start();
        string table = string.Concat(found.DistinctBy(static instrument => instrument.Name)
            .OrderBy(static instrument => instrument.Name, StringComparer.Ordinal)
            .Select(static one => $"| `{one.Name}` | {Kind(one)} | {one.Unit} | {one.Description} |\n"));
        const string Head = "| name | kind | unit | what |\n| --- | --- | --- | --- |\n";
        string text = Repository.Read("docs/ops/metrics.md");
        int at = text.IndexOf(Head, StringComparison.Ordinal) + Head.Length;
        int end = text.IndexOf("\n\n", at, StringComparison.Ordinal) + 1;
        if (Repository.WritesDocs)
            File.WriteAllText(Repository.At("docs", "ops", "metrics.md"), text = text[..at] + table + text[end..]);
        Assert.That(text, Does.Contain(Head + table + "\n"));
    }

    // What was true before a scrape is in it, however soon it follows another one.
    [Test]
    public async Task AReading_IsOfItsMoment()
    {
        await using AdminRoom room = await AdminRoom.Open(static options => options with { Loops = 1 }, application: new EchoApplication());
        RawClient client = room.Enter();
        using MeterListener listener = new();
        Dictionary<string, double> read = [];
        listener.InstrumentPublished = static (instrument, on) =>
        {
            if (instrument is { Meter.Name: ServerMetrics.MeterName, IsObservable: true }) on.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Note(instrument, value, tags));
        listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Note(instrument, value, tags));
        listener.Start();
        for (int i = 1; i <= 20; i++)
        {
            client.SendText("hello");
            Assert.That(client.ReadText(), Is.EqualTo("hello"));
            read.Clear();
            listener.RecordObservableInstruments();
            Assert.That((read["rawws.server.messages receive text"], read["rawws.server.messages transmit text"]), Is.EqualTo((i, i)));
        }

        void Note(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            string name = instrument.Name;
            foreach ((string _, object? tag) in tags) name += $" {tag}";
            read[name] = value;
        }
    }

    [Test]
    public void ByTheUsualVariables_MetricsAreSent()
    {
        using TcpListener collector = new(IPAddress.Loopback, 0);
        collector.Start();
        Dictionary<string, string> variables = new()
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = $"http://{collector.LocalEndpoint}",
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_METRIC_EXPORT_INTERVAL"] = "100",
        };
        using RunningProgram program = RunningProgram.StartWith(variables, "--listen", "127.0.0.1:0");
        program.WaitForPort();
        Task<TcpClient> accepting = collector.AcceptTcpClientAsync();
        Assert.That(accepting.Wait(TestServer.Patience));
        using TcpClient exporter = accepting.Result;
        exporter.ReceiveTimeout = 30_000;
        byte[] bytes = new byte[256 * 1024];
        int begin = 0, length = 0;
        while (bytes.AsSpan(0, length).IndexOf("rawws.server.active_connections"u8) < 0)
        {
            int received = exporter.GetStream().Read(bytes.AsSpan(length));
            Assert.That(received, Is.GreaterThan(0), Encoding.Latin1.GetString(bytes, 0, length));
            length += received;
            if (!IsWhole(bytes.AsSpan(begin, length - begin))) continue;
            // The first one may be of a moment before there is anything to measure, and no other comes before it is answered.
            exporter.GetStream().Write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"u8);
            begin = length;
        }

        Assert.That(Encoding.Latin1.GetString(bytes, 0, length), Does.StartWith("POST /v1/metrics HTTP/1.1\r\n"));

        static bool IsWhole(ReadOnlySpan<byte> request)
        {
            int head = request.IndexOf("\r\n\r\n"u8);
            if (head < 0) return false;
            string count = Encoding.ASCII.GetString(request[..head]).Split("Content-Length: ")[1].Split('\r')[0];
            return request.Length >= head + 4 + int.Parse(count, System.Globalization.CultureInfo.InvariantCulture);
        }
    }

    private static string Kind(Instrument instrument) => instrument.GetType().Name.Split('`')[0] switch
    {
        "ObservableCounter" or "Counter" => "counter",
        "Histogram" => "histogram",
        "ObservableUpDownCounter" => "up-down counter",
        _ => "gauge",
    };
}
