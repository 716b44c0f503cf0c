// How a connection's one long async method waits for bytes: only the method's own state is allocated, once. A Task would capture the
// execution context and a continuation for every read. Here one thread owns method and transport, so a plain call resumes the method. What
// an application leaves in the execution context ends with that call: Transport.Complete sees to it.

using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace RawWs.Server.Channels;

/// <summary>What runs when a read completes: on the owner's thread, inside the completion.</summary>
internal abstract class Continuation
{
    public abstract void Run();
}

/// <summary>A continuation that is a delegate: for code that does not await as a <see cref="LoopMethod"/>.</summary>
internal sealed class ActionContinuation(Action<object?> action, object? state) : Continuation
{
    public override void Run() => action(state);
}

/// <summary>One read, to be awaited once, best by a <see cref="LoopMethod"/>. Its result is the transport's current view.</summary>
internal readonly struct TransportRead(Transport transport) : ICriticalNotifyCompletion
{
    public bool IsCompleted => transport.IsReadCompleted;

    public TransportRead GetAwaiter() => this;

    public ReadResult GetResult() => transport.EndRead();

    public void OnCompleted(Action continuation) =>
        transport.ContinueWith(new ActionContinuation(static action => ((Action)action!)(), continuation));

    public void UnsafeOnCompleted(Action continuation) => OnCompleted(continuation);

    /// <summary>The same without a delegate.</summary>
    public void ContinueWith(Continuation continuation) => transport.ContinueWith(continuation);
}

/// <summary>
/// The return type of an async method that lives on one loop. Its caller does not wait for its end, and whatever it awaits besides reads
/// must come back to the loop's thread by itself. An exception that it does not catch is thrown to the code that resumed it.
/// </summary>
[AsyncMethodBuilder(typeof(LoopMethodBuilder))]
internal readonly struct LoopMethod;

[SuppressMessage("Performance", "CA1822", Justification = "The compiler calls these on an instance.")]
internal struct LoopMethodBuilder
{
    private Continuation? _method;

    public readonly LoopMethod Task => default;

    public static LoopMethodBuilder Create() => default;

    public readonly void Start<TMethod>(ref TMethod method)
        where TMethod : IAsyncStateMachine => method.MoveNext();

    public readonly void SetStateMachine(IAsyncStateMachine method)
    {
    }

    public readonly void SetResult()
    {
    }

    public readonly void SetException(Exception exception) => ExceptionDispatchInfo.Throw(exception);

    public void AwaitOnCompleted<TAwaiter, TMethod>(ref TAwaiter awaiter, ref TMethod method)
        where TAwaiter : INotifyCompletion
        where TMethod : IAsyncStateMachine => awaiter.OnCompleted(Box(ref method).Run);

    public void AwaitUnsafeOnCompleted<TAwaiter, TMethod>(ref TAwaiter awaiter, ref TMethod method)
        where TAwaiter : ICriticalNotifyCompletion
        where TMethod : IAsyncStateMachine
    {
        // This is decided when the code is compiled for this awaiter: the other branch is not in it.
        if (typeof(TAwaiter) == typeof(TransportRead)) Unsafe.As<TAwaiter, TransportRead>(ref awaiter).ContinueWith(Box(ref method));
        else awaiter.UnsafeOnCompleted(Box(ref method).Run);
    }

    // At the first wait the method's state moves from the stack into an object. This builder is a part of that state.
    private Continuation Box<TMethod>(ref TMethod method)
        where TMethod : IAsyncStateMachine
    {
        if (_method is { } present) return present;
        Method<TMethod> box = new();
        _method = box;
        box.State = method;
        return box;
    }

    private sealed class Method<TMethod> : Continuation
        where TMethod : IAsyncStateMachine
    {
        public TMethod State = default!;

        public override void Run() => State.MoveNext();
    }
}
