// Why a request of the admin port is refused, as problem details (RFC 9457): the status, a sentence, and the field that it is about.

using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace RawWs.Server.Console.Admin;

/// <summary>Problem details (RFC 9457).</summary>
/// <param name="Type">Always about:blank: the title says what the status means.</param>
/// <param name="Title">The words of the status.</param>
/// <param name="Status">The status.</param>
/// <param name="Detail">What is wrong, and what is allowed: a sentence.</param>
/// <param name="Field">The field of the body, or the parameter, that is wrong, as messages[3].uid; null for none.</param>
internal sealed record Problem(string Type, string Title, int Status, string Detail, string? Field)
{
    /// <summary>The type of the answer's content.</summary>
    public const string ContentType = "application/problem+json";

    /// <summary>A problem with a status.</summary>
    public static Problem Of(int status, string detail, string? field = null) =>
        new("about:blank", ReasonPhrases.GetReasonPhrase(status), status, detail, field);

    /// <summary>A field of the request is wrong.</summary>
    public static Problem Wrong(string field, string rule) => Of(StatusCodes.Status400BadRequest, $"{field}: {rule}", field);

    /// <summary>Nobody is there.</summary>
    public static Problem NotFound(string detail) => Of(StatusCodes.Status404NotFound, detail);

    /// <summary>It cannot be done now.</summary>
    public static Problem Unavailable(string detail) => Of(StatusCodes.Status503ServiceUnavailable, detail);

    /// <summary>What is asked for needs a cluster.</summary>
    public static Problem NoCluster() => NotFound("There is no cluster: this server has no --backplane.");

    /// <summary>The answer.</summary>
    public IResult ToResult() => TypedResults.Json(this, AdminJson.Default.Problem, ContentType, Status);
}
