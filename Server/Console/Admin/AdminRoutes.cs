// What the endpoints of the admin port have in common for their description.

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace RawWs.Server.Console.Admin;

internal static class AdminRoutes
{
    /// <summary>The endpoint may answer with a problem of these statuses, besides those that every endpoint may answer with.</summary>
    public static RouteHandlerBuilder Refuses(this RouteHandlerBuilder endpoint, params ReadOnlySpan<int> statuses)
    {
        endpoint.Produces<Problem>(StatusCodes.Status401Unauthorized, Problem.ContentType)
            .Produces<Problem>(StatusCodes.Status403Forbidden, Problem.ContentType);
        foreach (int status in statuses) endpoint.Produces<Problem>(status, Problem.ContentType);
        return endpoint;
    }
}
