// The server as a service: it listens when the host has started, and stops gracefully with it. It is measured where the host has metrics.

using System.Diagnostics.Metrics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace RawWs.Server.Hosting;

internal sealed class RawWsService(WebSocketServer server, IOptions<RawWsHostingOptions> options, IMeterFactory? meters = null)
    : IHostedService, IDisposable
{
    private readonly ServerMetrics? _metrics = meters is null ? null : new ServerMetrics(server, meters);

    // Read here, so that a wrong one ends the start and not the stop.
    private readonly TimeSpan _drain = options.Value.Drain;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return server.StartAsync();
    }

    /// <summary>
    /// Connections get Close 1001 and the drain's time. When the host's own time is over the stop goes on without anybody waiting, and the
    /// container's end waits for the rest of it.
    /// </summary>
    public Task StopAsync(CancellationToken cancellationToken) => server.StopAsync(_drain).WaitAsync(cancellationToken);

    public void Dispose() => _metrics?.Dispose();
}
