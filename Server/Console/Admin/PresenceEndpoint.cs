// GET /v1/presence: who is online, who comes and who goes, live, as server-sent events: on this server, or with a backplane in the whole
// cluster. It is a watch, which holds up nobody. Of a uid that has come and gone before the reader took it he is told nothing, but how many
// such changes there were. A few readers at a time.

using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using RawWs.Server.Console.Cluster;

namespace RawWs.Server.Console.Admin;

/// <param name="server">The server.</param>
/// <param name="cluster">The cluster that it is a node of; null for none.</param>
/// <param name="stopping">The admin port stops.</param>
internal sealed class PresenceEndpoint(WebSocketServer server, ProgramCluster? cluster, CancellationToken stopping)
{
    private const int WatchesMax = 16;
    private const int UidsUnsaid = 100_000;

    // A reader that has gone is found when something is written.
    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(15);

    private int _watches;

    /// <summary>Adds the endpoint.</summary>
    public void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/v1/presence", (HttpContext context, string[]? uid, string? most) => WatchAsync(context))
            .WithName("presence").WithTags("uids")
            .WithSummary("Who is online, who comes and who goes, as it happens, as server-sent events: the uids that are named (uid, up to "
                + "1000 times), or all. First those that are online come, then whole says that these were all, and then what changes. "
                + "With a backplane it is about all servers. Where more uids than most (100000) are online it ends with tooMany.")
            .Produces<PresenceAnswer>(200, "text/event-stream").Refuses(400, 503);

    private async Task<IResult> WatchAsync(HttpContext context)
    {
        AdminQuery query = new(context.Request);
        PresenceOptions options = new()
        {
            Uids = query.Uids("uid"),
            UidsMax = (int)(query.Number("most", 1, PresenceOptions.UidsCeiling) ?? UidsUnsaid),
        };
        if (query.FindProblem() is { } problem) return problem.ToResult();
        if (options.FindError() is { } error) return Problem.Wrong("uid", error).ToResult();
        try
        {
            if (Interlocked.Increment(ref _watches) > WatchesMax)
                return Problem.Unavailable($"There are {WatchesMax} watches already.").ToResult();
            using PresenceWatch watch = cluster?.WatchPresence(options) ?? server.Directory.WatchPresence(options);
            using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
            await WriteAsync(context.Response, watch, end.Token).ConfigureAwait(false);
            return TypedResults.Empty;
        }
        catch (InvalidOperationException refused) when (!context.Response.HasStarted)
        {
            return Problem.Unavailable(refused.Message).ToResult();
        }
        catch (OperationCanceledException)
        {
            return TypedResults.Empty; // the reader has gone, or the port stops
        }
        finally
        {
            Interlocked.Decrement(ref _watches);
        }
    }

    private async Task WriteAsync(HttpResponse response, PresenceWatch watch, CancellationToken end)
    {
        response.ContentType = "text/event-stream";
        await response.BodyWriter.WriteAsync(": watching\n\n"u8.ToArray(), end).ConfigureAwait(false);
        while (true)
        {
            using CancellationTokenSource silence = CancellationTokenSource.CreateLinkedTokenSource(end);
            await using ITimer timer = server.Options.TimeProvider.CreateTimer(
                static source => ((CancellationTokenSource)source!).Cancel(), silence, SilenceMax, Timeout.InfiniteTimeSpan);
            try
            {
                if (!await watch.WaitToReadAsync(silence.Token).ConfigureAwait(false)) return;
            }
            catch (OperationCanceledException) when (!end.IsCancellationRequested)
            {
                await response.BodyWriter.WriteAsync(": silence\n\n"u8.ToArray(), end).ConfigureAwait(false);
                continue;
            }

            while (watch.TryRead(out PresenceEvent? told)) await WriteAsync(response, told, end).ConfigureAwait(false);
        }
    }

    // A reader that does not read is waited for here, and only here.
    private static async Task WriteAsync(HttpResponse response, PresenceEvent told, CancellationToken end)
    {
        byte[] data = JsonSerializer.SerializeToUtf8Bytes(PresenceAnswer.Of(told), AdminJson.Default.PresenceAnswer);
        byte[] line = [.. "event: "u8, .. Encoding.ASCII.GetBytes(PresenceAnswer.NameOf(told.Kind)), .. "\ndata: "u8, .. data, .. "\n\n"u8];
        await response.BodyWriter.WriteAsync(line, end).ConfigureAwait(false);
    }
}

/// <summary>Something that a watch of presence tells.</summary>
/// <param name="Kind">came, went, whole, notWhole or tooMany.</param>
/// <param name="Uid">Of came and went: the uid.</param>
/// <param name="Node">Of came and went, with a backplane: the server (--node-id).</param>
/// <param name="LeftOut">How many changes before this were left out, undone before they were read; not there for none.</param>
internal sealed record PresenceAnswer(string Kind, string? Uid, string? Node, long? LeftOut)
{
    public static PresenceAnswer Of(PresenceEvent told) => new(NameOf(told.Kind),
        told.Uid.Length > 0 ? told.Uid : null, told.Node.Length > 0 ? told.Node : null, told.LeftOut > 0 ? told.LeftOut : null);

    public static string NameOf(PresenceKind kind) => JsonNamingPolicy.CamelCase.ConvertName(kind.ToString());
}
