// One watcher of the Lab: the page's connection to /lab/feed. Requests wait in a short line and are answered one after the other, on a
// thread of the pool; what is observed is told beside that. On a loop only a sign of life is answered, at once: what stands before it in
// the line may take half a minute. When the feed ends, its observation and the connections that it watches end too.

using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using RawWs.Frame;
using RawWs.Server.Console.Explain;

namespace RawWs.Server.Console.Lab;

/// <param name="lab">The Lab.</param>
/// <param name="server">The server.</param>
/// <param name="id">The part of the path that nobody else knows.</param>
/// <param name="scope">Whose connections are shown.</param>
/// <param name="hasRouter">Whether the program delivers by uid.</param>
internal sealed class LabFeed(LabApplication lab, WebSocketServer server, string id, LabScope scope, bool hasRouter) : IWebSocketApplication
{
    private const int RequestsMax = 16;
    private const int PortOfNone = 80; // what a capture has where the server listens on socket files only
    private const int RequestBytesMax = 256 * 1024;
    private const int WaitingBytesMax = 4 << 20;
    private const int RoomMax = 64;
    private const int AliveBytesMax = 64;

    private readonly Channel<byte[]> _requests = Channel.CreateBounded<byte[]>(RequestsMax);
    private readonly LabWatch _watch = new();
    private WebSocketConnection _connection = null!;
    private CancellationToken _ended;
    private LabSlowReader? _slow;
    private long _waysUntold;

    public string Id => id;

    public WebSocketServer Server => server;

    /// <summary>The connections that are looked at.</summary>
    public LabTries Tries { get; } = new();

    private string TryPath => LabApplication.TryPath + id;

    // LabApplication decides.
    public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) => new(UpgradeDecision.Refuse(500, "Nobody asks here."));

    public void OnOpen(WebSocketConnection connection)
    {
        (_connection, _ended) = (connection, connection.ConnectionClosed);
        _ = Task.Run(RunAsync);
    }

    public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message)
    {
        if (message.Length > RequestBytesMax) SendProblem(0, $"at most {RequestBytesMax} bytes");
        else if (IsAlive(message, out long id)) SendAlive(id);
        else if (!_requests.Writer.TryWrite(message.Memory.ToArray())) SendProblem(0, $"at most {RequestsMax} requests wait");
        return ValueTask.CompletedTask;
    }

    /// <summary>Whether the watcher may know of a connection.</summary>
    public bool Shows(WebSocketConnection connection) =>
        scope == LabScope.All ? connection.Endpoint != LabApplication.FeedPath : Tries.Find(connection.Id) is not null;

    /// <summary>
    /// Tells the way of a message. Called on the loop of its sender: what the watcher has no room for is left out, and counted.
    /// </summary>
    public void TellWay(Action<Utf8JsonWriter> way)
    {
        byte[] told = LabEvents.Write(json =>
        {
            way(json);
            json.WriteNumber("left", Interlocked.Read(ref _waysUntold));
        });
        if (_connection.TrySend(WebSocketMessage.Text(told)) != SendResult.Queued) Interlocked.Increment(ref _waysUntold);
    }

    // The page lives: this counts against the heartbeat.
    private bool IsAlive(WebSocketMessage message, out long id)
    {
        id = 0;
        if (message.Length > AliveBytesMax) return false;
        if (LabRequest.Read(message.Memory, server.Options, out LabRequest request) is not null) return false;
        id = request.Id;
        return request.Do == "alive";
    }

    private void SendAlive(long id) =>
        _connection.TrySend(WebSocketMessage.Text(LabEvents.Write(json => json.WriteNumber("id", id))));

    private async Task RunAsync()
    {
        try
        {
            using Observation observation = await server.ObserveAsync(new ObservationOptions
            {
                Path = scope == LabScope.All ? null : TryPath,
                Payload = true,
                HidesCredentials = true,
                WaitingBytesMax = WaitingBytesMax,
            }).ConfigureAwait(false);
            if (!lab.TryAdd(this))
            {
                _connection.Close(CloseCodes.TryAgainLater, "too many watchers");
                return;
            }

            _slow = new LabSlowReader(server, TryPath, _ended);
            await SendAsync(json => LabEvents.WriteHello(json, server.Options, TryPath, scope, hasRouter)).ConfigureAwait(false);
            await Task.WhenAll(TellAsync(observation), AnswerAsync()).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The feed has ended.
        }
        catch (InvalidOperationException exception)
        {
            bool fits = Encoding.UTF8.GetByteCount(exception.Message) <= ClosePayload.ReasonBytesMax;
            _connection.Close(CloseCodes.TryAgainLater, fits ? exception.Message : "");
        }
        catch
        {
            _connection.Close(CloseCodes.InternalError, "internal error"); // a bug of the Lab ends the Lab, and nothing else
            throw;
        }
        finally
        {
            lab.Remove(this);
            Tries.End();
        }
    }

    private async Task TellAsync(Observation observation)
    {
        while (await observation.WaitToReadAsync(_ended).ConfigureAwait(false))
        {
            List<ConnectionEvent> told = _watch.Take(observation);
            if (told.Count > 0) await SendAsync(json => LabEvents.Write(json, told)).ConfigureAwait(false);
        }
    }

    private async Task AnswerAsync()
    {
        await foreach (byte[] bytes in _requests.Reader.ReadAllAsync(_ended).ConfigureAwait(false))
        {
            if (LabRequest.Read(bytes, server.Options, out LabRequest request) is { } problem) SendProblem(request.Id, problem);
            else await AnswerAsync(request).ConfigureAwait(false);
        }
    }

    private async Task AnswerAsync(LabRequest request)
    {
        switch (request.Do)
        {
            case "explain":
                Conversation explained = request.Bytes is { } one
                    ? ConversationExplainer.Explain(one, request.Settings)
                    : ConversationExplainer.Explain(
                        request.Client, request.Server, request.Settings,
                        (sender, at) => sender == Role.Client ? at : request.Client.Length + at);
                await SendConversationAsync(request, "explained", explained).ConfigureAwait(false);
                break;
            case "rules":
                await SendAnswerAsync(request, json => LabEvents.WriteRules(json, request.Settings.Language)).ConfigureAwait(false);
                break;
            case "page" when Page.Find(request.Name) is { } page:
                await SendAnswerAsync(request, json =>
                {
                    json.WritePropertyName("page");
                    JsonReport.WritePage(json, page, ExampleOf(page, request.Settings), request.Settings.Language);
                }).ConfigureAwait(false);
                break;
            case "page":
                SendProblem(request.Id, "name: there is no such page");
                break;
            case "ping" when Tries.Find(request.Connection) is { } connection:
                connection.Probe();
                await SendAnswerAsync(request, static _ => { }).ConfigureAwait(false);
                break;
            case "trace" when _watch.Find(request.Connection) is { } trace:
                await SendTraceAsync(request, trace).ConfigureAwait(false);
                break;
            case "exercise" when LabExercise.Find(request.Name) is { } exercise:
                await SendVerdictAsync(request, exercise).ConfigureAwait(false);
                break;
            case "exercises":
                await SendAnswerAsync(request, LabEvents.WriteExercises).ConfigureAwait(false);
                break;
            case "exercise":
                SendProblem(request.Id, "name: there is no such exercise");
                break;
            case "ping" or "trace":
                SendProblem(request.Id, "connection: there is no such connection");
                break;
            case "raw":
                await SendRawAsync(request).ConfigureAwait(false);
                break;
            case "phases":
                await SendAnswerAsync(request, LabEvents.WritePhases).ConfigureAwait(false);
                break;
            case "room":
                await SendAnswerAsync(request, WriteRoom).ConfigureAwait(false);
                break;
            case "slow":
                await SendSlowAsync(request).ConfigureAwait(false);
                break;
            default:
                SendProblem(
                    request.Id, "do: allowed: alive, explain, rules, page, ping, trace, raw, exercises, exercise, phases, room, slow");
                break;
        }
    }

    // The page's example for this server.
    private static Example? ExampleOf(Page page, ExplainSettings settings) =>
        page.FindExample(settings.FragmentsMax, LabRequest.BytesMax) is { } example
            ? example with { Settings = example.Settings with { FramesShownMax = settings.FramesShownMax } }
            : null;

    private async Task SendTraceAsync(LabRequest request, LabTrace trace)
    {
        if (!request.AsPcapng)
        {
            Conversation explained;
            lock (_watch) explained = trace.Explain(request.Settings);
            await SendAnswerAsync(request, json => LabEvents.WriteTrace(json, "trace", trace, explained, request.Settings.Language))
                .ConfigureAwait(false);
            return;
        }

        byte[] file;
        lock (_watch) file = LabCapture.Write(trace, server.EndPoints is [var first, ..] ? first.Port : PortOfNone);
        await SendAnswerAsync(request, json => json.WriteNumber("pcapng", file.Length)).ConfigureAwait(false);
        await _connection.SendAsync(WebSocketMessage.Binary(file), _ended).ConfigureAwait(false);
    }

    // A connection that was watched, or pieces that are sent now; what is compressed is only explained.
    private async Task SendVerdictAsync(LabRequest request, LabExercise exercise)
    {
        LabTrace trace = new(0);
        Conversation? explained = null;
        LabRawResult? raw = null;
        if (request.Connection != 0 && _watch.Find(request.Connection) is { } watched)
        {
            trace = watched;
            lock (_watch) explained = trace.Explain(request.Settings);
        }
        else if (request.Settings.Deflate || (request.Chunks.Count == 0 && !request.Handshake))
        {
            byte[] bytes = [.. request.Chunks.SelectMany(static chunk => chunk.Bytes)];
            explained = ConversationExplainer.Explain(bytes, request.Settings with { Sender = Role.Client });
        }
        else if (await TryRawAsync(request, exercise.ProxyTimeout).ConfigureAwait(false) is { } result)
        {
            (trace, raw, explained) = (result.Trace, result, result.Trace.Explain(request.Settings));
        }

        if (explained is null) return;
        string? hint = exercise.Judge(new LabAttempt(trace, explained, raw, request.Answer, server.Options.Heartbeat));
        await SendAnswerAsync(request, json =>
        {
            json.WriteBoolean("solved", hint is null);
            json.WriteString("hint", hint);
            LabEvents.WriteTrace(json, "trace", trace, explained, request.Settings.Language);
        }).ConfigureAwait(false);
    }

    // Null if it cannot be tried, which has been told.
    private async Task<LabRawResult?> TryRawAsync(LabRequest request, TimeSpan? proxyTimeout = null)
    {
        try
        {
            LabRawResult? result = await LabRaw.RunAsync(server, request, TryPath, proxyTimeout, _ended).ConfigureAwait(false);
            if (result is null) SendProblem(request.Id, LabRaw.NoRoom);
            return result;
        }
        catch (Exception exception) when (exception is TimeoutException or InvalidOperationException)
        {
            SendProblem(request.Id, exception.Message);
            return null;
        }
    }

    private async Task SendRawAsync(LabRequest request)
    {
        if (await TryRawAsync(request).ConfigureAwait(false) is not { } result) return;
        Conversation explained = result.Trace.Explain(request.Settings);
        Language language = request.Settings.Language;
        await SendAnswerAsync(request, json => LabEvents.WriteTrace(json, "raw", result.Trace, explained, language, extra =>
        {
            extra.WriteNumber("sent", result.SentBytes);
            extra.WriteString("end", result.End);
        })).ConfigureAwait(false);
    }

    private async Task SendSlowAsync(LabRequest request)
    {
        try
        {
            if (await _slow!.SetAsync(request.Name, request.Rate).ConfigureAwait(false) is { } problem) SendProblem(request.Id, problem);
            else await SendAnswerAsync(request, static _ => { }).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is TimeoutException or InvalidOperationException)
        {
            SendProblem(request.Id, exception.Message);
        }
    }

    private void WriteRoom(Utf8JsonWriter json)
    {
        IEnumerable<WebSocketConnection> known = scope == LabScope.All ? server.Directory.GetConnections().Where(Shows) : Tries.Open;
        List<WebSocketConnection> shown = [.. known.Where(static connection => connection.IsOpen)]; // as the router sees it
        LabEvents.WriteRoom(json, shown.Take(RoomMax));
        json.WriteNumber("left", Math.Max(0, shown.Count - RoomMax));
    }

    private Task SendConversationAsync(LabRequest request, string name, Conversation conversation) => SendAnswerAsync(request, json =>
    {
        json.WritePropertyName(name);
        JsonReport.WriteConversation(json, conversation, request.Settings.Language);
    });

    private Task SendAnswerAsync(LabRequest request, Action<Utf8JsonWriter> write) => SendAsync(json =>
    {
        json.WriteNumber("id", request.Id);
        write(json);
    });

    private async Task SendAsync(Action<Utf8JsonWriter> write) =>
        await _connection.SendAsync(WebSocketMessage.Text(LabEvents.Write(write)), _ended).ConfigureAwait(false);

    // It may be the loop that tells: nobody waits here. A watcher who does not read loses it.
    private void SendProblem(long request, string problem) => _connection.TrySend(Encoding.UTF8.GetString(LabEvents.Write(json =>
    {
        json.WriteNumber("id", request);
        json.WriteString("error", problem);
    })));
}
