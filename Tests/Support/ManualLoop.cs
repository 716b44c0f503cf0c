// A loop without a thread and a clock of its own.

using RawWs.Server.Loops;
using RawWs.Server.Memory;

namespace RawWs.Tests.Support;

/// <summary>A loop whose turns a test runs.</summary>
internal sealed class ManualLoop(TimeProvider time, MemoryBudget budget) : EventLoop(0, time, budget)
{
    public void Turn(Action events)
    {
        BeginTurn();
        events();
        FinishTurn();
        EndTurn();
    }

    public override void Start()
    {
    }

    public override Task StopAsync() => Task.CompletedTask;

    protected override void Wake()
    {
    }
}
