// A connection of a watcher that is the program's: it has asked for a uid, and the program has decided. Everything goes to the program's
// application, as without the Lab; before that the watcher is told the way that a message will take.

using System.Collections.Immutable;
using System.Text.Json;
using RawWs.Frame;
using RawWs.Server.Routing;

namespace RawWs.Server.Console.Lab;

/// <param name="program">The application that the program's decision names.</param>
/// <param name="feed">Who watches.</param>
internal sealed class LabRoom(IWebSocketApplication program, LabFeed feed) : IWebSocketApplication
{
    private const int BytesShownMax = 128, ReceiversMax = 16;

    public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) => program.OnUpgrade(context);

    public void OnOpen(WebSocketConnection connection)
    {
        feed.Tries.OnOpen(connection);
        program.OnOpen(connection);
    }

    public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message)
    {
        // What counts as life only has no way, and the page says it all the time.
        if (!UidProtocol.IsHeartbeat(message.Kind, message.Span)) feed.TellWay(json => WriteWay(json, connection, message));
        return program.OnMessage(connection, message);
    }

    public void OnHeartbeatMissed(WebSocketConnection connection) => program.OnHeartbeatMissed(connection);

    public void OnClose(WebSocketConnection connection, CloseReport report)
    {
        feed.Tries.OnClose(connection, report);
        program.OnClose(connection, report);
    }

    // By the router's own grammar and directory. What it answers is seen on the wire.
    private void WriteWay(Utf8JsonWriter json, WebSocketConnection connection, WebSocketMessage message)
    {
        json.WriteStartObject("way");
        json.WriteNumber("connection", connection.Id);
        json.WriteString("uid", connection.Uid.Span);
        json.WriteNumber("at", (feed.Server.Options.TimeProvider.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalMilliseconds);
        json.WriteBoolean("isText", message.Kind == MessageKind.Text);
        json.WriteNumber("length", message.Length);
        json.WriteString("bytes", Convert.ToHexStringLower(message.Span[..Math.Min(message.Length, BytesShownMax)]));
        if (UidProtocol.TrySplit(message.Span, out ReadOnlySpan<byte> uid, out ReadOnlySpan<byte> body))
        {
            bool toAll = uid.SequenceEqual(UidProtocol.All);
            UidError? problem = !toAll && UidProtocol.Check(uid) is { } wrong ? wrong
                : UidProtocol.LooksLikeNotice(body) ? UidError.ReservedBody
                : null;
            json.WriteNumber("colon", uid.Length);
            json.WriteBoolean("toAll", toAll);
            json.WriteString("problem", problem is { } known ? UidProtocol.Code(known) : null);
            if (problem is null && !toAll) WriteReceivers(json, feed.Server.Directory.Find(uid));
        }
        else
        {
            json.WriteString("problem", UidProtocol.Code(UidError.NoColon));
        }

        json.WriteEndObject();
    }

    // Of connections that are not shown it is said that there are some, as anybody learns who writes to their uid.
    private void WriteReceivers(Utf8JsonWriter json, ImmutableArray<WebSocketConnection> receivers)
    {
        json.WriteStartArray("receivers");
        int left = 0, written = 0;
        foreach (WebSocketConnection receiver in receivers)
        {
            if (!receiver.IsOpen) continue;
            if (written < ReceiversMax && feed.Shows(receiver)) json.WriteNumberValue(receiver.Id);
            else left++;
            written++;
        }

        json.WriteEndArray();
        json.WriteBoolean("others", left > 0);
    }
}
