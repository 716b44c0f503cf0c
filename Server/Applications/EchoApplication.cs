// Sends every message back as it came.

using System.Runtime.CompilerServices;

namespace RawWs.Server.Applications;

/// <summary>Echo: text and binary come back as they came.</summary>
public sealed class EchoApplication : IWebSocketApplication
{
    /// <inheritdoc/>
    public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) => new(UpgradeDecision.Accept());

    /// <inheritdoc/>
    public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message)
    {
        ArgumentNullException.ThrowIfNull(connection);
        SendResult sent = connection.TrySend(message);
        return sent == SendResult.Queued ? ValueTask.CompletedTask : SendLaterOrClose(sent, connection, message);
    }

    // Apart, for the room on the stack that it takes would be cleared for each message.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ValueTask SendLaterOrClose(SendResult sent, WebSocketConnection connection, WebSocketMessage message)
    {
        if (sent == SendResult.Full) return SendLater(connection, message);
        CloseIfLost(connection, sent);
        return ValueTask.CompletedTask;
    }

    // Nothing is read from the connection until there is room for its message.
    private static async ValueTask SendLater(WebSocketConnection connection, WebSocketMessage message) =>
        CloseIfLost(connection, await connection.SendAsync(message).ConfigureAwait(false));

    // A lost echo is told to the client by a Close.
    private static void CloseIfLost(WebSocketConnection connection, SendResult sent)
    {
        if (sent == SendResult.OutOfMemory) connection.CloseOutOfMemory();
    }
}
