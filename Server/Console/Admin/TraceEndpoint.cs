// GET /v1/trace: what happens on some connections, live, as server-sent events. It is an observation, which holds up nobody: what does not
// fit into its queue, because the reader is slow, is lost, counted and told of. A few traces at a time, and none without a filter.

using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace RawWs.Server.Console.Admin;

/// <param name="server">The server.</param>
/// <param name="stopping">The admin port stops.</param>
internal sealed class TraceEndpoint(WebSocketServer server, CancellationToken stopping)
{
    private const int TracesMax = 8;

    // A reader that has gone is found when something is written.
    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(15);

    private int _traces;

    /// <summary>Adds the endpoint.</summary>
    public void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/v1/trace", (HttpContext context, string? uid, string? address, string? id, string? payload) => TraceAsync(context))
            .WithName("trace").WithTags("trace")
            .WithSummary("Frames, phases and timers of the connections of a uid or address, or of one, as they happen, as server-sent "
                + "events: header fields and lengths, and with payload=1 all bytes of both directions, but what may prove "
                + "who a client is. A uid's connections are told of from the moment in which they have it.")
            .Produces<TraceEvent>(200, "text/event-stream").Refuses(400, 503);

    private async Task<IResult> TraceAsync(HttpContext context)
    {
        AdminQuery query = new(context.Request);
        string? uid = query.Uid("uid");
        ObservationOptions options = new()
        {
            Uid = uid is null ? (ReadOnlyMemory<byte>?)null : Encoding.UTF8.GetBytes(uid),
            Address = query.Address("address"),
            ConnectionId = query.Number("id", 1, long.MaxValue),
            Payload = query.Switch("payload"),
            HidesCredentials = true,
        };
        if (query.FindProblem() is { } problem) return problem.ToResult();
        if (options.Uid is null && options.Address is null && options.ConnectionId is null)
            return Problem.Wrong("uid", "one of uid, address and id is needed").ToResult();
        try
        {
            if (Interlocked.Increment(ref _traces) > TracesMax) return Full($"There are {TracesMax} traces already.");
            using Observation observation = await server.ObserveAsync(options).ConfigureAwait(false);
            using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
            await WriteAsync(context.Response, observation, end.Token).ConfigureAwait(false);
            return TypedResults.Empty;
        }
        catch (InvalidOperationException refused) when (!context.Response.HasStarted)
        {
            return Full(refused.Message);
        }
        catch (OperationCanceledException)
        {
            return TypedResults.Empty; // the reader has gone, or the port stops
        }
        finally
        {
            Interlocked.Decrement(ref _traces);
        }
    }

    private async Task WriteAsync(HttpResponse response, Observation observation, CancellationToken end)
    {
        response.ContentType = "text/event-stream";
        await response.BodyWriter.WriteAsync(": observing\n\n"u8.ToArray(), end).ConfigureAwait(false);
        while (true)
        {
            using CancellationTokenSource silence = CancellationTokenSource.CreateLinkedTokenSource(end);
            await using ITimer timer = server.Options.TimeProvider.CreateTimer(
                static source => ((CancellationTokenSource)source!).Cancel(), silence, SilenceMax, Timeout.InfiniteTimeSpan);
            try
            {
                if (!await observation.WaitToReadAsync(silence.Token).ConfigureAwait(false)) return;
            }
            catch (OperationCanceledException) when (!end.IsCancellationRequested)
            {
                await response.BodyWriter.WriteAsync(": silence\n\n"u8.ToArray(), end).ConfigureAwait(false);
                continue;
            }

            while (observation.TryRead(out ConnectionEvent? told)) await WriteAsync(response, told, end).ConfigureAwait(false);
        }
    }

    // What has been written is sent at once. A reader that does not read is waited for here, and only here.
    private static async Task WriteAsync(HttpResponse response, ConnectionEvent told, CancellationToken end)
    {
        byte[] data = JsonSerializer.SerializeToUtf8Bytes(TraceEvent.Of(told), AdminJson.Default.TraceEvent);
        byte[] line = [.. "event: "u8, .. Encoding.ASCII.GetBytes(told.Kind.ToString()), .. "\ndata: "u8, .. data, .. "\n\n"u8];
        await response.BodyWriter.WriteAsync(line, end).ConfigureAwait(false);
    }

    private static IResult Full(string why) => Problem.Of(StatusCodes.Status503ServiceUnavailable, why).ToResult();
}
