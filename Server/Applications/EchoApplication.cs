// Sends every message back as it came.

using RawWs.Frame;
using RawWs.Handshake;

namespace RawWs.Server.Applications;

/// <summary>Echo: text and binary come back as they came.</summary>
public sealed class EchoApplication : IWebSocketApplication
{
    /// <inheritdoc/>
    public ValueTask<UpgradeDecision> OnUpgrade(UpgradeRequest request) => new(UpgradeDecision.Accept());

    /// <inheritdoc/>
    public ValueTask OnMessage(WebSocketConnection connection, MessageKind kind, ReadOnlyMemory<byte> message)
    {
        ArgumentNullException.ThrowIfNull(connection);
        SendResult sent = connection.TrySend(kind, message.Span);
        if (sent == SendResult.Full) connection.CloseTooSlow();
        else if (sent == SendResult.OutOfMemory) connection.Close(CloseCodes.TryAgainLater, "server out of memory"); // an echo that is lost is told
        return ValueTask.CompletedTask;
    }
}
