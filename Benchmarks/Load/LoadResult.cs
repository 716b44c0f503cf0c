// The figures of one load, as one line of JSON or as lines for people. One list makes both.

using System.Globalization;
using System.Runtime.Versioning;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace RawWs.Benchmarks.Load;

[SupportedOSPlatform("linux")]
internal sealed class LoadResult(LoadOptions options, LoadMeter meter)
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public required double ConnectSeconds { get; init; }

    public required double? ConnectServerSeconds { get; init; }

    public required double? ResidentBytesPerConnection { get; init; }

    public required long? ResidentBytes { get; init; }

    public long Messages => meter.Messages;

    public long Errors => meter.Errors;

    public string? FirstError => meter.FirstError;

    public double MessagesPerSecond => meter.Messages / meter.Seconds;

    public double? MessagesPerServerSecond => Per(meter.ServerSeconds, meter.Messages);

    public double? HandshakesPerServerSecond => Per(ConnectServerSeconds, options.Sockets);

    /// <summary>The latency in microseconds that so many of a hundred messages do not exceed; null without messages.</summary>
    public double? Microseconds(double percentile) => meter.Microseconds(percentile);

    public void WriteJson(TextWriter output) =>
        output.WriteLine(JsonSerializer.Serialize(Figures().Where(static figure => figure.Value is not null).ToDictionary(), Plain));

    public void Write(TextWriter output)
    {
        foreach ((string name, object? value) in Figures())
            if (value is not null) output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-28} {value}"));
    }

    private static double? Per(double? seconds, double count) => seconds > 0 ? count / seconds : null;

    private static double? Round(double? figure, int digits = 0) => figure is { } value ? Math.Round(value, digits) : null;

    private IEnumerable<KeyValuePair<string, object?>> Figures()
    {
        yield return new("mode", options.Mode.ToString().ToLowerInvariant());
        yield return new("conns", options.Connections);
        yield return new("connect_s", Round(ConnectSeconds, 3));
        yield return new("handshakes_per_s", Round(options.Sockets / ConnectSeconds));
        yield return new("handshakes_per_server_cpu_s", Round(HandshakesPerServerSecond));
        if (options.Mode is LoadMode.Idle or LoadMode.Connect) yield return new("rss_per_conn", Round(ResidentBytesPerConnection));
        if (options.Mode is LoadMode.Echo or LoadMode.Broadcast)
        {
            if (options.Rate > 0) yield return new("rate", options.Rate);
            else yield return new("pipeline", options.Pipeline);
            yield return new("size", options.SizeBytes);
            yield return new("seconds", Round(meter.Seconds, 3));
            yield return new("msgs", Messages);
            yield return new("msgs_per_s", Round(MessagesPerSecond));
            yield return new("msgs_per_server_cpu_s", Round(MessagesPerServerSecond));
            yield return new("p50_us", Microseconds(50));
            yield return new("p90_us", Microseconds(90));
            yield return new("p99_us", Microseconds(99));
            yield return new("p99_9_us", Microseconds(99.9));
            yield return new("max_us", Microseconds(100));
            yield return new("server_cores", Round(meter.ServerSeconds / meter.Seconds, 3));
            yield return new("client_cores", Round(meter.ClientSeconds / meter.Seconds, 3));
        }

        yield return new("server_rss", ResidentBytes);
        yield return new("errors", Errors);
        yield return new("first_error", FirstError);
    }
}
