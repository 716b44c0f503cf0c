// A loop without a thread and a clock of its own.

using RawWs.Server.Loops;
using RawWs.Server.Memory;

namespace RawWs.Tests.Support;

/// <summary>A loop whose turns a test runs.</summary>
internal sealed class ManualLoop(TimeProvider time, MemoryBudget budget) : EventLoop(0, time, budget)
{
    private Action? _batched; // a batch of one send

    public override bool IsBatchEmpty => _batched is null;

    /// <summary>Adds a send to the batch; false when there is one already.</summary>
    public bool TryBatch(Action send)
    {
        if (_batched is not null) return false;
        _batched = send;
        return true;
    }

    public override void SubmitBatch()
    {
        Action? send = _batched;
        _batched = null;
        send?.Invoke();
    }

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
