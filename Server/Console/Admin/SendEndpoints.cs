// POST /v1/send and /v1/send/batch: messages to uids, or to everybody, from a program that is no client. A connection that does not take
// what it is sent is not waited for, and is counted. Nothing of this is special: it is what any application does with the directory. With a
// backplane the message goes to other servers too, and what they answer within their time is told.

using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using RawWs.Server.Console.Cluster;

namespace RawWs.Server.Console.Admin;

internal sealed class SendEndpoints(WebSocketServer server, AdminBody bodies, SendMetrics metrics, ProgramCluster? cluster)
{
    // From this size on a message is held once for all who wait for it. A smaller one is copied into each send queue: that is less memory.
    private const int SharedBytesMin = 2048;

    /// <summary>Adds the endpoints.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/send", (HttpRequest request, CancellationToken _) =>
                bodies.HandleAsync(request, AdminJson.Default.SendRequest, SendAsync))
            .WithName("send").WithTags("send").WithSummary("Sends a message to a uid, to several, or to everybody.")
            .Accepts<SendRequest>("application/json").Produces<SendAnswer>()
            .Refuses(400, 413, 415, 503);
        routes.MapPost("/v1/send/batch", (HttpRequest request, CancellationToken _) =>
                bodies.HandleAsync(request, AdminJson.Default.BatchRequest, SendBatchAsync))
            .WithName("sendBatch").WithTags("send").WithSummary("Sends many messages, in their order.")
            .Accepts<BatchRequest>("application/json").Produces<BatchAnswer>()
            .Refuses(400, 413, 415, 503);
    }

    private async ValueTask<IResult> SendAsync(SendRequest request)
    {
        if (Check(request, "", out Problem? problem) is not { } message) return problem!.ToResult();
        return Send(message, out SentElsewhere? elsewhere) is not { } here
            ? OutOfMemory("Nothing was sent")
            : TypedResults.Json(await FinishAsync(here, elsewhere).ConfigureAwait(false), AdminJson.Default.SendAnswer);
    }

    private async ValueTask<IResult> SendBatchAsync(BatchRequest request)
    {
        if (request.Messages is not { Count: >= 1 and <= CheckedSend.CountMax } requests)
            return Problem.Wrong("messages", $"1 to {CheckedSend.CountMax} messages, not {request.Messages?.Count ?? 0}").ToResult();
        List<CheckedSend> messages = new(requests.Count);
        for (int i = 0; i < requests.Count; i++)
        {
            if (requests[i] is not { } one) return Problem.Wrong($"messages[{i}]", "an object is needed").ToResult();
            if (Check(one, $"messages[{i}].", out Problem? problem) is not { } message) return problem!.ToResult();
            messages.Add(message);
        }

        // All are sent before any answer of another server is waited for.
        long delivered = 0;
        List<(SendAnswer Here, SentElsewhere? Elsewhere)> sent = new(messages.Count);
        foreach (CheckedSend message in messages)
        {
            if (Send(message, out SentElsewhere? elsewhere) is not { } answer)
            {
                foreach ((SendAnswer before, _) in sent) metrics.Record(before);
                return OutOfMemory($"The first {sent.Count} messages were sent");
            }

            sent.Add((answer, elsewhere));
            delivered += answer.Delivered;
        }

        List<SendAnswer> results = new(sent.Count);
        foreach ((SendAnswer here, SentElsewhere? elsewhere) in sent)
            results.Add(await FinishAsync(here, elsewhere).ConfigureAwait(false));
        return TypedResults.Json(new BatchAnswer(delivered, results), AdminJson.Default.BatchAnswer);
    }

    private CheckedSend? Check(SendRequest request, string place, out Problem? problem)
    {
        CheckedSend? send = CheckedSend.Check(request, place, out problem);
        if (cluster is null || send is not { Uids: null, Except.Count: > 0 }) return send;
        problem = Problem.Wrong(place + "except", "with a backplane a message to all goes to everybody");
        return null;
    }

    private async ValueTask<SendAnswer> FinishAsync(SendAnswer here, SentElsewhere? elsewhere)
    {
        SendAnswer answer = elsewhere is null ? here : await elsewhere.FinishAsync(here).ConfigureAwait(false);
        metrics.Record(answer);
        return answer;
    }

    // Null when there is no memory for the message.
    private SendAnswer? Send(CheckedSend send, out SentElsewhere? elsewhere)
    {
        elsewhere = null;
        bool isShared = send.Message.Length >= SharedBytesMin;
        using SharedMessage? shared = isShared ? server.TryShare(send.Message) : null;
        if (isShared && shared is null) return null;
        int delivered = 0, tooSlow = 0;
        List<string> offline = [];
        if (send.Uids is null)
        {
            foreach (WebSocketConnection connection in server.Directory.GetConnections())
            {
                if (send.Except.Count > 0 && send.Except.Contains(Encoding.UTF8.GetString(connection.Uid.Span))) continue;
                Send(connection, send.Message, shared, ref delivered, ref tooSlow);
            }
        }
        else
        {
            foreach (string uid in send.Uids)
            {
                int before = delivered + tooSlow;
                foreach (WebSocketConnection connection in server.Directory.Find(uid))
                    Send(connection, send.Message, shared, ref delivered, ref tooSlow);
                if (delivered + tooSlow == before) offline.Add(uid);
            }
        }

        if (cluster is not null) elsewhere = new SentElsewhere(cluster, send); // this server's own come first
        return new SendAnswer(delivered, tooSlow, offline);
    }

    private static void Send(
        WebSocketConnection connection, WebSocketMessage message, SharedMessage? shared, ref int delivered, ref int tooSlow)
    {
        SendResult sent = shared is null ? connection.TrySend(message) : connection.TrySend(shared);
        if (sent == SendResult.Queued) delivered++;
        else if (sent != SendResult.Closed) tooSlow++;
        if (sent == SendResult.Full) connection.CloseIfTooSlow();
    }

    private static IResult OutOfMemory(string sent) =>
        Problem.Unavailable($"The server's memory limit is reached. {sent}.").ToResult();
}
