// The way back to a loop's thread.

using System.Runtime.CompilerServices;
using RawWs.Server.Loops;
using RawWs.Server.Sending;

namespace RawWs.Server.Connections;

/// <summary>
/// An await of this continues the method on the loop's thread, in a turn of its own. Never at once, even on that thread: the code that
/// completed the awaited operation may be handling another connection's bytes.
/// </summary>
internal readonly struct LoopSwitch(SendingLoop loop) : ICriticalNotifyCompletion
{
    public bool IsCompleted => false;

    public LoopSwitch GetAwaiter() => this;

    public void GetResult()
    {
    }

    public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    public void UnsafeOnCompleted(Action continuation) => loop.Post(new Continuation(continuation));

    private sealed class Continuation(Action action) : ILoopWork
    {
        public void OnPosted() => action();
    }
}
