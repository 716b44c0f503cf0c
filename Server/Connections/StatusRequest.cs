// Somebody asks how a connection is. Its loop answers, because only that may look at the socket, and so that the numbers belong together.

using RawWs.Server.Loops;

namespace RawWs.Server.Connections;

internal sealed class StatusRequest(WebSocketConnection connection) : ILoopWork
{
    private readonly TaskCompletionSource<ConnectionStatus> _status = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes in a turn of the loop.</summary>
    public Task<ConnectionStatus> Status => _status.Task;

    public void OnPosted()
    {
        SentMessages sent = connection.Queue.Count(connection);
        int roundTrip = connection.Transport.RoundTripMicroseconds;
        _status.TrySetResult(new ConnectionStatus
        {
            Age = connection.Age,
            Idle = connection.Deadlines.Silence(connection),
            RoundTrip = roundTrip < 0 ? null : TimeSpan.FromMicroseconds(roundTrip),
            QueuedBytes = connection.QueuedBytes,
            MessagesIn = connection.Counts.MessagesIn,
            MessagesOut = sent.Sent,
            MessagesDropped = sent.Dropped,
            MessagesQueued = sent.Queued,
            FramesIn = connection.Incoming.CountFrames(connection),
            FramesOut = connection.Counts.FramesOut,
            BytesIn = connection.BytesReceived,
            BytesOut = connection.BytesSent,
        });
    }

    public void OnFailed(Exception exception) => _status.TrySetException(exception);
}
