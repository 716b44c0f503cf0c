// Senders that wait until this node knows the uids of all others: after its start, and when it has been away. They go on one after the
// other, in the order in which they came, so that no message overtakes another one; on a thread of the pool, and not on the node's own.

namespace RawWs.Server.Nats;

/// <summary>How a wait has ended.</summary>
/// <param name="At">When.</param>
/// <param name="IsComplete">Whether the node knew all then; if not, the wait was in vain.</param>
internal readonly record struct WaitEnd(long At, bool IsComplete);

internal sealed class CompletionWaits
{
    private readonly Lock _lock = new();
    private readonly Queue<(TaskCompletionSource<WaitEnd> Wait, long Until)> _waits = [];
    private readonly Queue<(TaskCompletionSource<WaitEnd> Wait, WaitEnd End)> _over = [];
    private bool _isEnding;
    private bool _isClosed;
    private volatile bool _any;

    /// <summary>Whether somebody waits, or has waited and has not gone on yet. Any thread.</summary>
    public bool Any => _any;

    /// <summary>Waits, until that time at most. Any thread. What follows the wait must be short: others go on behind it.</summary>
    public Task<WaitEnd> Add(long until)
    {
        TaskCompletionSource<WaitEnd> wait = new();
        lock (_lock)
        {
            if (_isClosed) return Task.FromResult(new WaitEnd(until, IsComplete: false));
            _waits.Enqueue((wait, until)); // in the order of their ends too, but for the moments between threads
            _any = true;
        }

        return wait.Task;
    }

    /// <summary>Ends all waits in vain, and nobody waits any more.</summary>
    public void Close(long now)
    {
        lock (_lock) _isClosed = true;
        GiveUp(now);
    }

    /// <summary>Ends the waits whose end has come.</summary>
    public void Look(long now, bool isComplete) => End(now, isComplete, all: isComplete);

    /// <summary>Ends all waits in vain.</summary>
    public void GiveUp(long now) => End(now, isComplete: false, all: true);

    private void End(long now, bool isComplete, bool all)
    {
        lock (_lock)
        {
            while (_waits.TryPeek(out (TaskCompletionSource<WaitEnd> Wait, long Until) next) && (all || now >= next.Until))
                _over.Enqueue((_waits.Dequeue().Wait, new WaitEnd(now, isComplete)));
            if (_over.Count == 0 || _isEnding) return;
            _isEnding = true;
        }

        ThreadPool.UnsafeQueueUserWorkItem(static waits => waits.EndAll(), this, preferLocal: false);
    }

    private void EndAll()
    {
        while (true)
        {
            (TaskCompletionSource<WaitEnd> Wait, WaitEnd End) next;
            lock (_lock)
            {
                if (!_over.TryDequeue(out next))
                {
                    _isEnding = false;
                    _any = _waits.Count > 0;
                    return;
                }
            }

            next.Wait.SetResult(next.End);
        }
    }
}
