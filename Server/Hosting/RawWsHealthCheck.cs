// Whether the server can take more clients. Unhealthy: it does not listen. Degraded: it listens, and a newcomer gets 503, because the limit
// of connections or the memory limit is reached.

using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace RawWs.Server.Hosting;

internal sealed class RawWsHealthCheck(WebSocketServer server) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(Check());

    private HealthCheckResult Check()
    {
        Dictionary<string, object> data = new()
        {
            ["connections"] = server.Count,
            ["connectionsMax"] = server.ConnectionsMax,
            ["heldBytes"] = server.HeldBytes,
            ["heldBytesMax"] = server.HeldBytesMax,
        };
        if (!server.IsListening) return HealthCheckResult.Unhealthy("the server does not listen", data: data);
        if (server.Count >= server.ConnectionsMax) return HealthCheckResult.Degraded("the limit of connections is reached", data: data);
        return server.HasRoom
            ? HealthCheckResult.Healthy($"{server.Count} connections", data)
            : HealthCheckResult.Degraded("the memory limit is reached", data: data);
    }
}
