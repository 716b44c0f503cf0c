// What a handler causes after an await of its own. It is then on a thread of the pool, where no loop says whose bytes are handled. So in an
// application whose handlers await, each handler is called with its connection's share in the execution context, which goes with it from
// thread to thread. When the handler is done, what it has sent to many is checked before the connection is read from again. One share
// serves one handler after another. A handler that continues after an await keeps it to its end, and the loop makes another.

namespace RawWs.Server.Sending;

/// <summary>What one handler sends to many. Filled on any thread.</summary>
internal sealed class HandlerShare
{
    private static readonly AsyncLocal<HandlerShare?> OfThisThread = new();

    private readonly ExecutionContext? _context;
    private volatile IHeldSender? _sender;
    private int _broadcasts;
    private SharedMessage? _delivery;
    private int _deliveryUse;

    public HandlerShare()
    {
        HandlerShare? before = OfThisThread.Value;
        OfThisThread.Value = this;
        _context = ExecutionContext.Capture(); // null: the flow is suppressed, and with it the share
        OfThisThread.Value = before;
    }

    /// <summary>The share of the handler that runs here, away from its loop. Null if there is none, or it is done.</summary>
    public static HandlerShare? Current => OfThisThread.Value is { _sender: not null } share ? share : null;

    /// <summary>A handler of this connection is called next, on this thread. The loop restores the execution context afterwards.</summary>
    public void Begin(IHeldSender sender)
    {
        (_sender, _broadcasts, _delivery) = (sender, 0, null);
        if (_context is not null) ExecutionContext.Restore(_context);
    }

    /// <summary>The handler was done without an await.</summary>
    public void Rest() => _sender = null;

    /// <summary>It has sent one message to everybody.</summary>
    public void CountBroadcast() => Interlocked.Increment(ref _broadcasts);

    /// <summary>It has sent a long message to many. The connection waits for the first of these.</summary>
    public void WaitFor(SharedMessage message, int use)
    {
        if (Interlocked.CompareExchange(ref _delivery, message, null) is null) Volatile.Write(ref _deliveryUse, use);
    }

    /// <summary>The handler is done. What it does later (by a timer that it has set, say) does not count for its connection.</summary>
    /// <param name="broadcasts">How many messages it has sent to everybody.</param>
    /// <returns>The long message that is not all sent yet; it tells the connection when it is. Null for none.</returns>
    public IPendingDelivery? End(out int broadcasts)
    {
        IHeldSender sender = _sender!;
        _sender = null;
        broadcasts = Volatile.Read(ref _broadcasts);
        return Volatile.Read(ref _delivery) is { } message && message.TryWait(sender, Volatile.Read(ref _deliveryUse)) ? message : null;
    }
}
