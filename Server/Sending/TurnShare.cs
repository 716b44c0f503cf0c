// What one connection may do before the others have their turn. It is counted, not timed, so that it is the same on every machine. An event
// of the protocol costs 1, and what it causes costs more, in units of about 0.1 microseconds. The clock is read besides, because a handler
// may be slow: every so many events, and against the whole turn, because that is what the others wait for. A connection that has used up
// its share is postponed (EventLoop.Postpone), and continues later where it was.

using RawWs.Server.Loops;

namespace RawWs.Server.Sending;

internal struct TurnShare
{
    /// <summary>The size of a share: about a millisecond.</summary>
    public const int WorkMax = 10_000;

    /// <summary>What a message to another connection costs: it is queued there, and sent.</summary>
    public const int DeliveryWork = 10;

    /// <summary>After so many broadcasts in one share it matters whether the receivers keep up.</summary>
    public const int FreeBroadcasts = 16;

    private const int DecodedBytesPerWork = 100;
    private const int BytesPerWork = 1024;
    private const int EventsBetweenChecks = 32;

    private int _work;
    private int _events; // of all shares: one that is short need not read the clock

    /// <summary>How many messages to everybody were sent in this share.</summary>
    public int Broadcasts;

    /// <summary>What must be sent before more is read from the connection; null for nothing.</summary>
    public IPendingDelivery? PendingDelivery;

    /// <summary>Begins a share.</summary>
    public void Begin() => (_work, Broadcasts, PendingDelivery) = (0, 0, null);

    /// <summary>Counts something that costs so much.</summary>
    public void Spend(int work) => _work += work;

    /// <summary>Counts bytes that an extension has decoded.</summary>
    public void SpendDecoded(int bytes) => _work += bytes / DecodedBytesPerWork;

    /// <summary>Counts an event that had so many bytes.</summary>
    /// <returns>Whether the share ends with it.</returns>
    public bool EndEvent(EventLoop loop, int bytes)
    {
        int work = _work + 1 + (int)((uint)bytes / BytesPerWork);
        int events = _events + 1;
        (_work, _events) = (work, events);
        return work >= WorkMax || PendingDelivery is not null
            || ((uint)events % EventsBetweenChecks == 0 && loop.IsTurnLong);
    }
}
