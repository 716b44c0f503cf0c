// Senders that wait until this node knows the uids of all others: after its start, and when it has been away. They go on one after the
// other, in the order in which they came, so that no message overtakes another one; on a thread of the pool, and not on the node's own.

namespace RawWs.Server.Nats;

internal sealed class CompletionWaits
{
    /// <summary>What a wait ends with when it was in vain.</summary>
    public const long InVain = -1;

    private readonly Lock _lock = new();
    private readonly Queue<(TaskCompletionSource<long> Wait, long Until)> _waits = [];
    private readonly Queue<(TaskCompletionSource<long> Wait, long Result)> _over = [];
    private bool _isEnding;
    private volatile bool _any;

    /// <summary>Whether somebody waits, or has waited and has not gone on yet. Any thread.</summary>
    public bool Any => _any;

    /// <summary>Waits, until that time at most. Any thread. What follows the wait must be short: others go on behind it.</summary>
    /// <returns>The time at which the node knew all; <see cref="InVain"/> if it did not in time.</returns>
    public Task<long> Add(long until)
    {
        TaskCompletionSource<long> wait = new();
        lock (_lock)
        {
            _waits.Enqueue((wait, until)); // in the order of their ends too, but for the moments between threads
            _any = true;
        }

        return wait.Task;
    }

    /// <summary>Ends the waits whose end has come.</summary>
    public void Look(long now, bool isComplete)
    {
        lock (_lock)
        {
            while (_waits.TryPeek(out (TaskCompletionSource<long> Wait, long Until) next) && (isComplete || now >= next.Until))
                _over.Enqueue((_waits.Dequeue().Wait, isComplete ? now : InVain));
            if (_over.Count == 0 || _isEnding) return;
            _isEnding = true;
        }

        ThreadPool.UnsafeQueueUserWorkItem(static waits => waits.EndAll(), this, preferLocal: false);
    }

    /// <summary>Ends all waits in vain.</summary>
    public void GiveUp() => Look(long.MaxValue, isComplete: false);

    private void EndAll()
    {
        while (true)
        {
            (TaskCompletionSource<long> Wait, long Result) next;
            lock (_lock)
            {
                if (!_over.TryDequeue(out next))
                {
                    _isEnding = false;
                    _any = _waits.Count > 0;
                    return;
                }
            }

            next.Wait.SetResult(next.Result);
        }
    }
}
