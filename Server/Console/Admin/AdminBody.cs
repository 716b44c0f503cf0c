// Reads the body of a request: JSON of one type, with a bound. So many bodies are read at once, the others wait: what they hold together
// has a bound too.

using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace RawWs.Server.Console.Admin;

internal sealed class AdminBody : IDisposable
{
    /// <summary>The most bytes of one body.</summary>
    public const int BytesMax = 8 * 1024 * 1024;

    private const int AtOnceMax = 8;

    private readonly SemaphoreSlim _places = new(AtOnceMax);

    /// <summary>The request's body is of another type than any body here.</summary>
    public static Problem WrongType(HttpRequest request) => Problem.Of(StatusCodes.Status415UnsupportedMediaType,
        $"{request.Path} takes Content-Type: application/json, "
            + (string.IsNullOrEmpty(request.ContentType) ? "and there is none." : $"not {request.ContentType}."));

    public void Dispose() => _places.Dispose();

    /// <summary>Reads the body, and handles it while its place is taken.</summary>
    /// <param name="request">The request.</param>
    /// <param name="type">The type of the body.</param>
    /// <param name="handle">Makes the answer.</param>
    public async Task<IResult> HandleAsync<T>(HttpRequest request, JsonTypeInfo<T> type, Func<T, ValueTask<IResult>> handle)
        where T : class
    {
        if (!request.HasJsonContentType()) return WrongType(request).ToResult();
        CancellationToken aborted = request.HttpContext.RequestAborted;
        await _places.WaitAsync(aborted).ConfigureAwait(false);
        try
        {
            T? body = await JsonSerializer.DeserializeAsync(request.Body, type, aborted).ConfigureAwait(false);
            return body is null ? Problem.Wrong("body", "an object is needed").ToResult() : await handle(body).ConfigureAwait(false);
        }
        catch (JsonException exception)
        {
            return Describe(exception).ToResult();
        }
        finally
        {
            _places.Release();
        }
    }

    private static Problem Describe(JsonException exception)
    {
        string path = exception.Path is ['$', '.', .. var inner] ? inner : "";
        if (path.Length == 0) return Problem.Wrong("body", $"it is not the JSON that is needed (line {exception.LineNumber + 1})");
        string name = path[(path.LastIndexOf('.') + 1)..].Split('[')[0];
        string? expected = name switch
        {
            "uid" or "text" or "base64" => "a string",
            "uids" or "except" => "an array of strings",
            "all" => "true",
            "messages" => "an array of objects",
            _ => null,
        };
        return Problem.Wrong(
            path, expected is null ? "there is no such field" : $"{expected} is needed, once, with characters that can be UTF-8");
    }
}
