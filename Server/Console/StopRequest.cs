// When the program stops. At the first signal, whichever that is, its connections are closed properly; at a second one they are ended at
// once. One request may come as two signals: `timeout` signals its child and then the child's group, and the end of a terminal signals the
// shell's children twice. So what comes within half a second of the first signal belongs to the first.

namespace RawWs.Server.Console;

/// <summary>Whether somebody has asked the program to stop. Any thread.</summary>
internal sealed class StopRequest(TimeProvider time)
{
    private static readonly TimeSpan RepeatWindow = TimeSpan.FromMilliseconds(500);

    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _requested = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _first;

    /// <summary>Completes when somebody has asked.</summary>
    public Task Requested => _requested.Task;

    /// <summary>Handles a signal.</summary>
    /// <returns>True when it is a second request: then the end is not waited for.</returns>
    public bool Request()
    {
        lock (_lock)
        {
            if (_requested.Task.IsCompleted) return time.GetElapsedTime(_first) >= RepeatWindow;
            _first = time.GetTimestamp();
            _requested.SetResult();
            return false;
        }
    }
}
