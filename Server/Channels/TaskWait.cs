// A loop's method awaits a task, on whatever thread it ends. It is what Task.ConfigureAwait(false) gives, in one field in place of two:
// every idle connection keeps its method's awaiters alive.

using System.Runtime.CompilerServices;

namespace RawWs.Server.Channels;

internal readonly struct TaskWait(Task task) : ICriticalNotifyCompletion
{
    public bool IsCompleted => task.IsCompleted;

    public TaskWait GetAwaiter() => this;

    public void GetResult() => task.GetAwaiter().GetResult();

    public void OnCompleted(Action continuation) => task.ConfigureAwait(false).GetAwaiter().OnCompleted(continuation);

    public void UnsafeOnCompleted(Action continuation) => task.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(continuation);
}
