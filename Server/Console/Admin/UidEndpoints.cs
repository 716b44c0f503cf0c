// GET /v1/uids, GET and DELETE /v1/uids/{uid}: who is here, and the end of all connections of a uid. With a backplane the last two are
// about all servers of the cluster; the list is this one's.

using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using RawWs.Server.Console.Cluster;

namespace RawWs.Server.Console.Admin;

/// <param name="server">The server.</param>
/// <param name="cluster">The cluster that it is a node of; null for none.</param>
internal sealed class UidEndpoints(WebSocketServer server, ProgramCluster? cluster)
{
    private const string Folder = "/v1/uids/";

    /// <summary>Adds the endpoints.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/uids", (HttpRequest request, string? prefix, string? after, string? limit) => List(request))
            .WithName("uids").WithTags("uids")
            .WithSummary("The uids that have an open connection on this server: all, or those that begin with prefix. 100 of them, or "
                + "limit (1000 at most), behind the uid after.")
            .Produces<UidPage>().Refuses(400);
        routes.MapGet(Folder + "{uid}", (HttpRequest request, string uid) => ShowAsync(request))
            .WithName("uid").WithTags("uids")
            .WithSummary("Whether a uid is online, and how many connections it has; with a backplane, on each server. A / in it is written "
                + "%2F.")
            .Produces<UidAnswer>().Refuses(400);
        routes.MapDelete(Folder + "{uid}", (HttpRequest request, string uid, string? code, string? reason) => CloseAsync(request))
            .WithName("closeUid").WithTags("uids")
            .WithSummary("Closes all connections of a uid, with a code (1000) and a reason (none); with a backplane, on all servers.")
            .Produces<ClosedAnswer>().Refuses(400);
    }

    private IResult List(HttpRequest request)
    {
        AdminQuery query = new(request);
        string prefix = query.Text("prefix") ?? "";
        string? after = query.Uid("after");
        int limit = query.Limit();
        if (query.FindProblem() is { } problem) return problem.ToResult();
        UidAnswer[] all =
        [
            .. server.Directory.GetUids().Select(uid => Describe(Encoding.UTF8.GetString(uid.Span)))
                .Where(uid => uid.Online && uid.Uid.StartsWith(prefix, StringComparison.Ordinal)),
        ];
        Array.Sort(all, static (one, other) => string.CompareOrdinal(one.Uid, other.Uid));
        (UidAnswer[] page, string? next) = UidList.Cut(all, static uid => uid.Uid, after, limit);
        return TypedResults.Json(new UidPage(all.Length, page, next), AdminJson.Default.UidPage);
    }

    private async Task<IResult> ShowAsync(HttpRequest request)
    {
        if (Read(request, new AdminQuery(request).FindProblem(), out string uid) is { } problem) return problem.ToResult();
        UidAnswer answer = Describe(uid);
        if (cluster is not null)
        {
            NodesAnswer nodes = await cluster.FindAsync(uid, request.HttpContext.RequestAborted).ConfigureAwait(false);
            answer = answer with { Online = nodes.Counts.Any(static node => node.Connections > 0), Cluster = NodesCounts.Of(nodes) };
        }

        return TypedResults.Json(answer, AdminJson.Default.UidAnswer);
    }

    private async Task<IResult> CloseAsync(HttpRequest request)
    {
        Problem? wrong = ConnectionEndpoints.ReadClose(new AdminQuery(request), out ushort code, out string reason);
        if (Read(request, wrong, out string uid) is { } problem) return problem.ToResult();
        if (cluster is null)
        {
            int closed = server.Directory.Kick(MessageTarget.ToUid(uid), code, reason);
            return TypedResults.Json(new ClosedAnswer(closed), AdminJson.Default.ClosedAnswer);
        }

        NodesAnswer nodes = await cluster.KickAsync(uid, code, reason, request.HttpContext.RequestAborted).ConfigureAwait(false);
        return TypedResults.Json(new ClosedAnswer(nodes.Counts.Sum(static node => node.Connections), NodesCounts.Of(nodes)),
            AdminJson.Default.ClosedAnswer);
    }

    private UidAnswer Describe(string uid)
    {
        int open = server.Directory.Find(uid).Count(static connection => connection.IsOpen);
        return new UidAnswer(uid, open > 0, open);
    }

    // Routing leaves %2F as it is, and decodes the rest: then nobody can say what was meant. So the target itself is read.
    private static Problem? Read(HttpRequest request, Problem? wrong, out string uid)
    {
        string target = request.HttpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        int at = target.IndexOf(Folder, StringComparison.OrdinalIgnoreCase);
        uid = at < 0 ? "" : Uri.UnescapeDataString(target[(at + Folder.Length)..].Split('?')[0]);
        // What is no UTF-8 stays escaped, and would be another uid.
        return CheckedSend.FindWrongUid(uid) is { } rule ? Problem.Wrong("uid", rule) : wrong;
    }
}
