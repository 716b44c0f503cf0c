// What one connection may do before the others have their turn. It is counted, not timed, so that it is the same on every machine: a step
// of the protocol costs 1, and what it causes costs more, in units of some 0.1 microseconds. Time is looked at besides, for a handler may
// be slow: every so many steps, and against the whole turn, because that is what the others wait for. Who has used up its share is put off
// (EventLoop.PutOff) and goes on where it was.

namespace RawWs.Server.Loops;

/// <summary>Something that a connection has caused and that is still on its way: until it has left, its sender is not read from.</summary>
internal interface IUnderWay
{
    /// <summary>
    /// How much of it is left. Where that does not become less from one look to the next the sender waits no longer: who does not take what
    /// he is sent is not to hold it up.
    /// </summary>
    int Left { get; }

    /// <summary>Milliseconds from one look to the next.</summary>
    long LookInterval { get; }

    /// <summary>Has the sender told (<see cref="WebSocketConnection.OnLeft"/>) when it has left. False when it has: nobody need wait. Any thread.</summary>
    bool TryAwait(WebSocketConnection sender);

    /// <summary>The sender waits no longer, and is not to be told. Any thread.</summary>
    void Forget(WebSocketConnection sender);

    /// <summary>A sender has looked, and it has not become less: who is to blame for it holds up nobody else. Any thread.</summary>
    void GiveUp();
}

internal struct TurnShare
{
    /// <summary>The share, about a millisecond.</summary>
    public const int WorkMax = 10_000;

    /// <summary>What a message to another connection costs: it is queued there, and sent.</summary>
    public const int DeliveryWork = 10;

    /// <summary>Broadcasts of one share from which on it matters whether the receivers keep up.</summary>
    public const int FreeBroadcasts = 16;

    private const int InflatedBytesPerWork = 100;
    private const int TakenBytesPerWork = 1024;
    private const int StepsBetweenLooks = 64;
    private const int FirstLook = 8;

    private int _work;
    private int _steps;

    /// <summary>How many messages to everybody have been sent.</summary>
    public int Broadcasts;

    /// <summary>What has to leave first; null for nothing.</summary>
    public IUnderWay? Awaited;

    /// <summary>Begins a share.</summary>
    public void Begin() => this = default;

    /// <summary>Something was caused that costs so much.</summary>
    public void Spend(int work) => _work += work;

    /// <summary>So many bytes have come out of the decompressor.</summary>
    public void SpendInflated(int bytes) => _work += bytes / InflatedBytesPerWork;

    /// <summary>A step is done, with so many bytes.</summary>
    /// <returns>Whether it was the last for now.</returns>
    public bool EndStep(EventLoop loop, int bytes)
    {
        _work += 1 + (bytes / TakenBytesPerWork);
        _steps++;
        return _work >= WorkMax || Awaited is not null || ((_steps % StepsBetweenLooks) == FirstLook && loop.IsTurnLong);
    }
}
