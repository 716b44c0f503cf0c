// One message that has gone to other nodes, until all of them have answered or have been given up. Its parts answer in any order, on the
// node's own thread; the sender awaits it. It is used again, so that a message costs no object.

using System.Collections.Concurrent;
using System.Threading.Tasks.Sources;

namespace RawWs.Server.Nats;

internal sealed class PendingPublish : IValueTaskSource<DeliveryResult>
{
    private const int SparesMax = 4096;

    private static readonly ConcurrentQueue<PendingPublish> Spares = new();

    private ManualResetValueTaskSourceCore<DeliveryResult> _core = new() { RunContinuationsAsynchronously = true };
    private int _left;
    private int _results; // a bit for each result that has come

    /// <summary>One that waits for a single part, the caller's own: <see cref="Complete"/> ends it.</summary>
    public static PendingPublish Rent()
    {
        if (!Spares.TryDequeue(out PendingPublish? publish)) publish = new PendingPublish();
        publish._left = 1;
        publish._results = 0;
        return publish;
    }

    public ValueTask<DeliveryResult> Task => new(this, _core.Version);

    /// <summary>More parts are to answer. Before the caller's own is complete.</summary>
    public void Expect(int parts) => Interlocked.Add(ref _left, parts);

    /// <summary>A part has its result; so many parts have the same one.</summary>
    public void Complete(DeliveryResult result, int parts = 1)
    {
        Interlocked.Or(ref _results, 1 << (int)result);
        if (Interlocked.Add(ref _left, -parts) == 0) _core.SetResult(Whole(_results));
    }

    DeliveryResult IValueTaskSource<DeliveryResult>.GetResult(short token)
    {
        DeliveryResult result = _core.GetResult(token);
        _core.Reset();
        if (Spares.Count < SparesMax) Spares.Enqueue(this);
        return result;
    }

    ValueTaskSourceStatus IValueTaskSource<DeliveryResult>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<DeliveryResult>.OnCompleted(Action<object?> continuation, object? state, short token,
        ValueTaskSourceOnCompletedFlags flags) => _core.OnCompleted(continuation, state, token, flags);

    // As within one node: who did not take it matters before who did, and somebody who took it before somebody who is not there.
    private static DeliveryResult Whole(int results)
    {
        if (Has(DeliveryResult.TooSlow)) return DeliveryResult.TooSlow;
        if (Has(DeliveryResult.Unreachable)) return DeliveryResult.Unreachable;
        return Has(DeliveryResult.Delivered) ? DeliveryResult.Delivered : DeliveryResult.Offline;

        bool Has(DeliveryResult result) => (results & (1 << (int)result)) != 0;
    }
}
