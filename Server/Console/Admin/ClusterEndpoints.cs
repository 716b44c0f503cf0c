// GET /v1/cluster: the servers that act as one.

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using RawWs.Server.Console.Cluster;

namespace RawWs.Server.Console.Admin;

/// <param name="cluster">The cluster; null where there is none.</param>
internal sealed class ClusterEndpoints(ProgramCluster? cluster)
{
    /// <summary>Adds the endpoint.</summary>
    public void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/v1/cluster", (HttpRequest request) => Show(request))
            .WithName("cluster").WithTags("server")
            .WithSummary("The servers that act as one (--backplane), as this one sees them. Without a backplane: 404.")
            .Produces<ClusterAnswer>().Refuses(400, 404);

    private IResult Show(HttpRequest request)
    {
        if (new AdminQuery(request).FindProblem() is { } problem) return problem.ToResult();
        if (cluster is null) return Problem.NoCluster().ToResult();
        ClusterView view = cluster.Show();
        return TypedResults.Json(
            new ClusterAnswer
            {
                Cluster = view.Name,
                Node = view.NodeId,
                Connected = view.IsConnected,
                Complete = view.IsComplete,
                Nodes = [.. view.Nodes.Select(static node => new ClusterNodeAnswer(node.Id, node.IsSelf, node.IsKnown))],
            },
            AdminJson.Default.ClusterAnswer);
    }
}
