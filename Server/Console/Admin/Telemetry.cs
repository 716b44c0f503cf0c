// The metrics of the program, as somebody wants them: for Prometheus at /metrics of the admin port, and by OTLP to where the usual
// variables say (OTEL_EXPORTER_OTLP_ENDPOINT and its kin, which the exporter reads itself). Without either there are no metrics, and
// nothing of this is loaded.

using System.Reflection;
using Microsoft.AspNetCore.Builder;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using RawWs.Server.Console.Cluster;

namespace RawWs.Server.Console.Admin;

internal sealed class Telemetry : IDisposable
{
    private const string RuntimeMeter = "System.Runtime";
    private const string Path = "/metrics";

    private readonly ServerMetrics _metrics;
    private readonly MeterProvider _provider;

    /// <summary>Begins to measure.</summary>
    /// <param name="server">The server, before its start.</param>
    /// <param name="exports">Whether the metrics are sent by OTLP too.</param>
    public Telemetry(WebSocketServer server, bool exports)
    {
        _metrics = new ServerMetrics(server);
        MeterProviderBuilder builder = Sdk.CreateMeterProviderBuilder()
            .ConfigureResource(static resource => resource.AddService("rawws", serviceVersion: Version))
            .AddMeter(ServerMetrics.MeterName, SendMetrics.MeterName, ProgramCluster.MeterName, RuntimeMeter)
            // What a scrape gets is of this moment.
            .AddPrometheusExporter(static options => options.ScrapeResponseCacheDurationMilliseconds = 0);
        if (exports) builder.AddOtlpExporter();
        _provider = builder.Build();
    }

    /// <summary>The program's version.</summary>
    public static string Version { get; } = typeof(Telemetry).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "";

    /// <summary>Serves the metrics on the admin port.</summary>
    public void ServePrometheus(IApplicationBuilder application) => application.UseOpenTelemetryPrometheusScrapingEndpoint(
        _provider, predicate: null, Path, configureBranchedPipeline: null, optionsName: null);

    public void Dispose()
    {
        _provider.Dispose();
        _metrics.Dispose();
    }
}
