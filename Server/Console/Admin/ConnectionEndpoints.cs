// GET /v1/connections, GET and DELETE /v1/connections/{id}: who is connected, how a connection is, and its end.

using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using RawWs.Frame;

namespace RawWs.Server.Console.Admin;

internal sealed class ConnectionEndpoints(WebSocketServer server)
{
    // A loop answers in its next turn. One that somebody's code keeps is not waited for without an end.
    private static readonly TimeSpan AnswerTimeMax = TimeSpan.FromSeconds(5);

    /// <summary>Adds the endpoints.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/connections", (HttpRequest request, string? uid, string? address, string? minAge, string? maxAge,
                string? minQueued, string? after, string? limit) => List(request))
            .WithName("connections").WithTags("connections")
            .WithSummary("The open connections, by number: those of a uid or address, those of an age (seconds), those for which so many "
                + "bytes wait. 100 of them, or limit (1000 at most), behind the number after.")
            .Produces<ConnectionPage>().Refuses(400);
        routes.MapGet("/v1/connections/{id}", (HttpRequest request, string id) => ShowAsync(request, id))
            .WithName("connection").WithTags("connections").WithSummary("One connection, with its report so far.")
            .Produces<ConnectionAnswer>().Refuses(400, 404, 503);
        routes.MapDelete("/v1/connections/{id}", (HttpRequest request, string id, string? code, string? reason) => Close(request, id))
            .WithName("closeConnection").WithTags("connections").WithSummary("Closes a connection, with a code (1000) and a reason (none).")
            .Produces<ClosedAnswer>().Refuses(400, 404);
    }

    /// <summary>Code and reason of a Close that is asked for.</summary>
    /// <param name="query">The request's parameters; nothing but these two may be there besides what was read before.</param>
    /// <param name="code">The code.</param>
    /// <param name="reason">The reason.</param>
    public static Problem? ReadClose(AdminQuery query, out ushort code, out string reason)
    {
        code = (ushort)(query.Number("code", 0, ushort.MaxValue) ?? CloseCodes.NormalClosure);
        reason = query.Text("reason") ?? "";
        if (query.FindProblem() is { } problem) return problem;
        if (!CloseCodes.MaySend(Role.Server, code))
            return Problem.Wrong("code", "1000 to 1003, 1007 to 1009, 1011 to 1014, or 3000 to 4999 (RFC 6455 §7.4)");
        return Encoding.UTF8.GetByteCount(reason) > ClosePayload.ReasonBytesMax
            ? Problem.Wrong("reason", $"{ClosePayload.ReasonBytesMax} bytes of UTF-8 at most (RFC 6455 §5.5)")
            : null;
    }

    private IResult List(HttpRequest request)
    {
        AdminQuery query = new(request);
        string? uid = query.Uid("uid");
        IPAddress? address = query.Address("address");
        long? minAge = query.Number("minAge", 0, int.MaxValue), maxAge = query.Number("maxAge", 0, int.MaxValue);
        long? minQueued = query.Number("minQueued", 0, long.MaxValue);
        long after = query.Number("after", 0, long.MaxValue) ?? 0;
        int limit = query.Limit();
        if (query.FindProblem() is { } problem) return problem.ToResult();

        IEnumerable<WebSocketConnection> found = uid is null
            ? server.Directory.GetConnections()
            : server.Directory.Find(uid).Where(static connection => connection.IsOpen);
        if (address is not null) found = found.Where(connection => connection.RemoteEndPoint.Address.Equals(address));
        if (minAge is { } least) found = found.Where(connection => connection.Age.TotalSeconds >= least);
        if (maxAge is { } most) found = found.Where(connection => connection.Age.TotalSeconds <= most);
        if (minQueued is { } bytes) found = found.Where(connection => connection.QueuedBytes >= bytes);

        WebSocketConnection[] all = [.. found];
        WebSocketConnection[] left = [.. all.Where(connection => connection.Id > after)];
        Array.Sort(left, static (one, other) => one.Id.CompareTo(other.Id));
        ConnectionAnswer[] page = [.. left.Take(limit).Select(static connection => Describe(connection, null))];
        return TypedResults.Json(new ConnectionPage(all.Length, page, left.Length > limit ? page[^1].Id : null),
            AdminJson.Default.ConnectionPage);
    }

    private async Task<IResult> ShowAsync(HttpRequest request, string id)
    {
        if (Find(id, new AdminQuery(request).FindProblem(), out WebSocketConnection? connection) is { } problem) return problem.ToResult();
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(request.HttpContext.RequestAborted);
        patience.CancelAfter(AnswerTimeMax);
        try
        {
            ConnectionStatus status = await connection!.GetStatusAsync(patience.Token).ConfigureAwait(false);
            return TypedResults.Json(Describe(connection, status), AdminJson.Default.ConnectionAnswer);
        }
        catch (OperationCanceledException) when (!request.HttpContext.RequestAborted.IsCancellationRequested)
        {
            return Problem.Of(StatusCodes.Status503ServiceUnavailable, "The connection's loop does not answer.").ToResult();
        }
    }

    private IResult Close(HttpRequest request, string id)
    {
        Problem? wrong = ReadClose(new AdminQuery(request), out ushort code, out string reason);
        if (Find(id, wrong, out WebSocketConnection? connection) is { } problem) return problem.ToResult();
        connection!.Close(code, reason);
        return TypedResults.Json(new ClosedAnswer(1), AdminJson.Default.ClosedAnswer);
    }

    private Problem? Find(string id, Problem? wrong, out WebSocketConnection? connection)
    {
        connection = null;
        if (!long.TryParse(id, out long number) || number < 1) return Problem.Wrong("id", "a connection's number is needed");
        if (wrong is not null) return wrong;
        connection = server.Directory.Find(number);
        return connection is null ? Problem.NotFound($"No open connection has the number {number}.") : null;
    }

    private static ConnectionAnswer Describe(WebSocketConnection connection, ConnectionStatus? status)
    {
        IPEndPoint peer = connection.RemoteEndPoint;
        return new ConnectionAnswer
        {
            Id = connection.Id,
            Uid = Encoding.UTF8.GetString(connection.Uid.Span),
            Address = connection.Peer.IsSocketFile ? connection.Peer.ToString() : peer.Address.ToString(),
            Port = peer.Port,
            Endpoint = connection.Endpoint,
            Subprotocol = connection.Subprotocol,
            Extensions = connection.Extensions,
            AgeSeconds = (status?.Age ?? connection.Age).TotalSeconds,
            QueuedBytes = status?.QueuedBytes ?? connection.QueuedBytes,
            Report = status is null ? null : new ReportAnswer
            {
                IdleSeconds = status.Idle.TotalSeconds,
                RoundTripMilliseconds = status.RoundTrip?.TotalMilliseconds,
                MessagesIn = status.MessagesIn,
                MessagesOut = status.MessagesOut,
                MessagesDropped = status.MessagesDropped,
                MessagesQueued = status.MessagesQueued,
                FramesIn = FramesAnswer.Of(status.FramesIn),
                FramesOut = FramesAnswer.Of(status.FramesOut),
                BytesIn = status.BytesIn,
                BytesOut = status.BytesOut,
            },
        };
    }
}
