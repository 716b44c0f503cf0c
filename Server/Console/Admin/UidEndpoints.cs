// GET /v1/uids, GET and DELETE /v1/uids/{uid}: who is here, and the end of all connections of a uid.

using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace RawWs.Server.Console.Admin;

internal sealed class UidEndpoints(WebSocketServer server)
{
    private const string Folder = "/v1/uids/";

    /// <summary>Adds the endpoints.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/uids", (HttpRequest request, string? prefix, string? after, string? limit) => List(request))
            .WithName("uids").WithTags("uids")
            .WithSummary("The uids that have an open connection: all, or those that begin with prefix. 100 of them, or limit (1000 at "
                + "most), behind the uid after.")
            .Produces<UidPage>().Refuses(400);
        routes.MapGet(Folder + "{uid}", (HttpRequest request, string uid) => Show(request))
            .WithName("uid").WithTags("uids")
            .WithSummary("Whether a uid is online, and how many connections it has. A / in it is written %2F.")
            .Produces<UidAnswer>().Refuses(400);
        routes.MapDelete(Folder + "{uid}", (HttpRequest request, string uid, string? code, string? reason) => Close(request))
            .WithName("closeUid").WithTags("uids").WithSummary("Closes all connections of a uid, with a code (1000) and a reason (none).")
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
        UidAnswer[] left = after is null ? all : [.. all.SkipWhile(uid => string.CompareOrdinal(uid.Uid, after) <= 0)];
        UidAnswer[] page = left[..Math.Min(limit, left.Length)];
        return TypedResults.Json(new UidPage(all.Length, page, left.Length > limit ? page[^1].Uid : null), AdminJson.Default.UidPage);
    }

    private IResult Show(HttpRequest request) => Read(request, new AdminQuery(request).FindProblem(), out string uid) is { } problem
        ? problem.ToResult()
        : TypedResults.Json(Describe(uid), AdminJson.Default.UidAnswer);

    private IResult Close(HttpRequest request)
    {
        Problem? wrong = ConnectionEndpoints.ReadClose(new AdminQuery(request), out ushort code, out string reason);
        if (Read(request, wrong, out string uid) is { } problem) return problem.ToResult();
        int closed = server.Directory.Kick(MessageTarget.ToUid(uid), code, reason);
        return TypedResults.Json(new ClosedAnswer(closed), AdminJson.Default.ClosedAnswer);
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
