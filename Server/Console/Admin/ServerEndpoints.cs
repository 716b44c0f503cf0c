// GET /v1/server: what the server is doing.

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace RawWs.Server.Console.Admin;

internal sealed class ServerEndpoints(WebSocketServer server, TimeProvider time, Readiness readiness)
{
    private readonly long _started = time.GetTimestamp();

    /// <summary>Adds the endpoint.</summary>
    public void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/v1/server", (HttpRequest request) => Show(request))
            .WithName("server").WithTags("server").WithSummary("What the server is doing.")
            .Produces<ServerAnswer>().Refuses(400);

    private IResult Show(HttpRequest request)
    {
        if (new AdminQuery(request).FindProblem() is { } problem) return problem.ToResult();
        return TypedResults.Json(
            new ServerAnswer
            {
                Version = Telemetry.Version,
                UptimeSeconds = time.GetElapsedTime(_started).TotalSeconds,
                State = readiness.FindReason() ?? "ready",
                Addresses = [.. server.Addresses.Select(static address => address.ToString())],
                Connections = server.Count,
                ConnectionsMax = server.ConnectionsMax,
                Open = server.Directory.Count,
                Uids = server.Directory.UidCount,
                HeldBytes = server.HeldBytes,
                HeldBytesMax = server.HeldBytesMax,
                Loops = server.Options.Loops,
            },
            AdminJson.Default.ServerAnswer);
    }
}
