// When the program stops: at the first signal that asks for it, whichever that is, its connections are closed properly; at another, at
// once. One wish may come as two signals: `timeout` signals its child and then the group that the child is in, and a terminal's end
// signals the shell's children twice. So what comes within half a second of the first is the first's.

namespace RawWs.Server;

/// <summary>Whether somebody has asked for the end. Any thread.</summary>
internal sealed class StopWish(TimeProvider time)
{
    private static readonly TimeSpan OneWish = TimeSpan.FromMilliseconds(500);

    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _first;

    /// <summary>Complete once somebody has.</summary>
    public Task Asked => _asked.Task;

    /// <summary>A signal has come.</summary>
    /// <returns>True when it is a second wish: the end is not waited for.</returns>
    public bool Ask()
    {
        lock (_lock)
        {
            if (_asked.Task.IsCompleted) return time.GetElapsedTime(_first) >= OneWish;
            _first = time.GetTimestamp();
            _asked.SetResult();
            return false;
        }
    }
}
