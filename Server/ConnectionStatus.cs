// What can be said of a connection while it goes on.

namespace RawWs.Server;

/// <summary>A connection's report so far (<see cref="WebSocketConnection.GetStatusAsync"/>). The numbers belong together.</summary>
public sealed record ConnectionStatus
{
    /// <summary>The time since the accept.</summary>
    public TimeSpan Age { get; init; }

    /// <summary>The time since bytes last came from the peer.</summary>
    public TimeSpan Idle { get; init; }

    /// <summary>The round trip to the peer and back, as the kernel estimates it; null where it does not say it.</summary>
    public TimeSpan? RoundTrip { get; init; }

    /// <summary>How many bytes are queued for the peer that the kernel has not accepted.</summary>
    public long QueuedBytes { get; init; }

    /// <summary>How many messages have been received whole.</summary>
    public long MessagesIn { get; init; }

    /// <summary>How many messages have been accepted for sending.</summary>
    public long MessagesOut { get; init; }

    /// <summary>
    /// How many of them were dropped, because the peer takes less than it is sent (<see cref="CloseReport.MessagesDropped"/>).
    /// </summary>
    public long MessagesDropped { get; init; }

    /// <summary>How many of them wait, with the one that the kernel has begun to take.</summary>
    public long MessagesQueued { get; init; }

    /// <summary>The frames received.</summary>
    public OpcodeCounts FramesIn { get; init; }

    /// <summary>The frames accepted for sending.</summary>
    public OpcodeCounts FramesOut { get; init; }

    /// <summary>How many bytes have been received, including the handshake.</summary>
    public long BytesIn { get; init; }

    /// <summary>How many bytes the kernel has accepted for sending, including the handshake.</summary>
    public long BytesOut { get; init; }
}
