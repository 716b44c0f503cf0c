// Senders that wait until this node knows the uids of all others: after its start, and when it has been away.

namespace RawWs.Server.Nats;

internal sealed class CompletionWaits
{
    /// <summary>What a wait ends with when it was in vain.</summary>
    public const long InVain = -1;

    private readonly Lock _lock = new();
    private readonly List<(TaskCompletionSource<long> Wait, long Until)> _waits = [];

    /// <summary>Waits, until that time at most. Any thread.</summary>
    /// <returns>The time at which the node knew all; <see cref="InVain"/> if it did not in time.</returns>
    public Task<long> Add(long until)
    {
        TaskCompletionSource<long> wait = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock) _waits.Add((wait, until));
        return wait.Task;
    }

    /// <summary>Ends the waits whose end has come.</summary>
    public void Look(long now, bool isComplete)
    {
        lock (_lock)
        {
            if (_waits.Count == 0) return;
            foreach ((TaskCompletionSource<long> wait, long until) in _waits)
            {
                if (isComplete) wait.TrySetResult(now);
                else if (now >= until) wait.TrySetResult(InVain);
            }

            _waits.RemoveAll(static one => one.Wait.Task.IsCompleted);
        }
    }

    /// <summary>Ends all waits in vain.</summary>
    public void GiveUp() => Look(long.MaxValue, isComplete: false);
}
