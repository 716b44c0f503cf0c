// Who may use the admin port. With tokens: whoever has one. Without: whoever can connect, which is this machine or whom the socket's mode
// names; but not a page in a browser of this machine. Such a page can send requests to any address. What gives it away is the Origin that
// its browser names, or, if its name has been pointed here, the Host.

using System.Net;
using Microsoft.AspNetCore.Http;

namespace RawWs.Server.Console.Admin;

/// <param name="tokens">The tokens; null for none.</param>
/// <param name="isSocket">Whether the port is a socket in the file system, to which no browser connects.</param>
internal sealed class AdminGuard(AdminTokens? tokens, bool isSocket)
{
    /// <summary>What asks whether the program lives, and should get clients: without a token, because what asks has none.</summary>
    private static readonly string[] OpenPaths = [HealthEndpoints.LivePath, HealthEndpoints.ReadyPath];

    /// <summary>Why the request is refused; null when it is not.</summary>
    public Problem? FindRefusal(HttpRequest request)
    {
        if (tokens is not null)
        {
            if (OpenPaths.Contains(request.Path.Value) || tokens.Match(request.Headers.Authorization)) return null;
            request.HttpContext.Response.Headers.WWWAuthenticate = "Bearer";
            return Problem.Of(StatusCodes.Status401Unauthorized, "Authorization: Bearer TOKEN is needed (--admin-token-file).");
        }

        if (request.Headers.Origin.Count > 0)
            return Problem.Of(StatusCodes.Status403Forbidden, "No page may use the admin port without a token.");
        return isSocket || IsThisMachine(request.Host.Host)
            ? null
            : Problem.Of(StatusCodes.Status403Forbidden, "Without a token the Host is an IP address or localhost.");
    }

    private static bool IsThisMachine(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || IPAddress.TryParse(host.Trim('[', ']'), out _);
}
