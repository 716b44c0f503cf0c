// GET and HEAD /livez and /readyz: a line of text, with 200 or 503. What asks them restarts a program that does not live, and sends no
// clients to one that is not ready.

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace RawWs.Server.Console.Admin;

internal static class HealthEndpoints
{
    public const string LivePath = "/livez";
    public const string ReadyPath = "/readyz";

    /// <summary>Adds the endpoints.</summary>
    public static void Map(IEndpointRouteBuilder routes, Readiness readiness)
    {
        routes.MapGet(LivePath, SayAlive)
            .WithName("livez").WithTags("health")
            .WithSummary("Whether the program lives. No token is needed.").Produces<string>(200, "text/plain");
        routes.MapGet(ReadyPath, () => Say(readiness.FindReason()))
            .WithName("readyz").WithTags("health")
            .WithSummary("Whether newcomers are let in: not while the server drains, nor past a limit, nor without keys for tokens. No "
                + "token is needed.")
            .Produces<string>(200, "text/plain").Produces<string>(503, "text/plain");
        // RFC 9110 §9.3.2: HEAD is GET without the content, which Kestrel leaves out.
        routes.MapMethods(LivePath, [HttpMethods.Head], SayAlive).ExcludeFromDescription();
        routes.MapMethods(ReadyPath, [HttpMethods.Head], () => Say(readiness.FindReason())).ExcludeFromDescription();
    }

    private static ContentHttpResult SayAlive() => TypedResults.Text("alive\n");

    private static ContentHttpResult Say(string? reason) => TypedResults.Text(
        (reason ?? "ready") + "\n", statusCode: reason is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
}
