// GET /v1/cluster/uids: who is online on any server of the cluster. A watch of presence gathers it: all servers are asked for their uids
// by name, and the page is cut from the whole. So a page costs what the whole list does; whoever wants to stay informed asks /v1/presence
// once.

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using RawWs.Server.Console.Cluster;

namespace RawWs.Server.Console.Admin;

/// <param name="server">The server.</param>
/// <param name="cluster">The cluster; null where there is none.</param>
internal sealed class ClusterUidsEndpoint(WebSocketServer server, ProgramCluster? cluster)
{
    private const int UidsUnsaid = 100_000;
    private const int ListsMax = 4;

    private static readonly TimeSpan ListTimeMax = TimeSpan.FromMinutes(1);

    private int _lists;

    /// <summary>Adds the endpoint.</summary>
    public void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/v1/cluster/uids", (HttpRequest request, string? prefix, string? after, string? limit, string? most) =>
            ListAsync(request))
            .WithName("clusterUids").WithTags("uids")
            .WithSummary("The uids that are online on any server of the cluster (--backplane), each with a server that has it: all, or "
                + "those that begin with prefix. 100 of them, or limit (1000 at most), behind the uid after. Where more than most (100000) "
                + "are online: 503. Without a backplane: 404.")
            .Produces<ClusterUidPage>().Refuses(400, 404, 503);

    private async Task<IResult> ListAsync(HttpRequest request)
    {
        AdminQuery query = new(request);
        string prefix = query.Text("prefix") ?? "";
        string? after = query.Uid("after");
        int limit = query.Limit();
        PresenceOptions options = new() { UidsMax = (int)(query.Number("most", 1, PresenceOptions.UidsCeiling) ?? UidsUnsaid) };
        if (query.FindProblem() is { } problem) return problem.ToResult();
        if (cluster is null) return Problem.NoCluster().ToResult();
        SortedDictionary<string, string> online = new(StringComparer.Ordinal);
        try
        {
            if (Interlocked.Increment(ref _lists) > ListsMax)
                return Problem.Unavailable($"{ListsMax} lists are being made already.").ToResult();
            using PresenceWatch watch = cluster.WatchPresence(options);
            PresenceKind end = await GatherAsync(watch, online, request.HttpContext.RequestAborted).ConfigureAwait(false);
            if (end == PresenceKind.TooMany)
                return Problem.Unavailable($"More than {options.UidsMax} uids are online: say how many it may be (most).").ToResult();
            ClusterUid[] all =
            [
                .. online.Where(uid => uid.Key.StartsWith(prefix, StringComparison.Ordinal))
                    .Select(static uid => new ClusterUid(uid.Key, uid.Value)),
            ];
            (ClusterUid[] page, string? next) = UidList.Cut(all, static uid => uid.Uid, after, limit);
            return TypedResults.Json(
                new ClusterUidPage(all.Length, end == PresenceKind.Whole, page, next), AdminJson.Default.ClusterUidPage);
        }
        catch (InvalidOperationException refused)
        {
            return Problem.Unavailable(refused.Message).ToResult();
        }
        finally
        {
            Interlocked.Decrement(ref _lists);
        }
    }

    // Until all is told, or nothing has come for as long as any answer is waited for: a long list takes longer than one answer. What it has
    // come to: Whole, TooMany, or NotWhole.
    private async Task<PresenceKind> GatherAsync(
        PresenceWatch watch, SortedDictionary<string, string> online, CancellationToken aborted)
    {
        using CancellationTokenSource most = new(ListTimeMax, server.Options.TimeProvider);
        using CancellationTokenSource patience = new(cluster!.AnswerWithin, server.Options.TimeProvider);
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, most.Token, aborted);
        try
        {
            while (await watch.WaitToReadAsync(end.Token).ConfigureAwait(false))
            {
                patience.CancelAfter(cluster.AnswerWithin);
                while (watch.TryRead(out PresenceEvent? told))
                {
                    if (told.Kind is PresenceKind.Whole or PresenceKind.TooMany) return told.Kind;
                    if (told.Kind == PresenceKind.Came) online[told.Uid] = told.Node;
                    else if (told.Kind == PresenceKind.Went) online.Remove(told.Uid);
                }
            }
        }
        catch (OperationCanceledException) when (!aborted.IsCancellationRequested)
        {
            // Some server has not answered.
        }

        return PresenceKind.NotWhole;
    }
}
