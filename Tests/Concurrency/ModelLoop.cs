// What a connection of a model stands on: a loop whose turns a task runs, a clock that stands still. Its channel is the
// tests' (MemoryChannel).

using RawWs.Server.Loops;
using RawWs.Server.Memory;

namespace RawWs.Concurrency;

/// <summary>A loop whose turns a task of the model runs, whenever it is woken, until it is told to end and nothing is left to do.</summary>
internal sealed class ModelLoop(int index, TimeProvider time, MemoryBudget budget) : EventLoop(index, time, budget)
{
    private readonly object _signal = new();
    private bool _woken;
    private bool _ends;

    /// <summary>A turn, on the caller's thread.</summary>
    public void Turn(Action events)
    {
        BeginTurn();
        events();
        FinishTurn();
        EndTurn();
    }

    /// <summary>Turns, until nothing is left to do.</summary>
    public void TurnWhileThereIsWork()
    {
        while (HasWork) Turn(static () => { });
    }

    /// <summary>Runs turns in a task of its own until <see cref="End"/>.</summary>
    public Task RunAsync() => Task.Run(Run);

    /// <summary>Nobody posts any more.</summary>
    public void End()
    {
        lock (_signal)
        {
            _ends = true;
            Monitor.PulseAll(_signal);
        }
    }

    public override void Start()
    {
    }

    public override Task StopAsync() => Task.CompletedTask;

    protected override void Wake()
    {
        lock (_signal)
        {
            _woken = true;
            Monitor.PulseAll(_signal);
        }
    }

    // It waits as the real loops do: its own thread looks for work, and others have to wake it. A wake-up that gets lost is a post that is
    // never run, which the model finds.
    private void Run()
    {
        while (true)
        {
            lock (_signal)
            {
                while (!_woken && !_ends) Monitor.Wait(_signal);
                if (!_woken) return;
                _woken = false;
            }

            do Turn(static () => { });
            while (HasWork);
        }
    }
}

/// <summary>A clock that stands still: what the models look at does not depend on time.</summary>
internal sealed class NoTime : TimeProvider
{
    public override long GetTimestamp() => 1_000_000;

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch;
}

/// <summary>Work for a loop that is an action.</summary>
internal sealed class Work(Action run) : ILoopWork
{
    public void OnPosted() => run();

    public void OnFailed(Exception exception) => throw new InvalidOperationException("Work has failed.", exception);
}
