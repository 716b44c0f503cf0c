// What a connection of a model stands on: a loop whose turns a task runs, a channel over memory, a clock that stands still.

using RawWs.Server.Channels;
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

/// <summary>A channel over memory: what arrives, and how much the kernel takes, is what the model says.</summary>
internal sealed class ModelChannel : Channel
{
    private Transport _transport = null!;
    private byte[]? _arriving;

    /// <summary>How many bytes the kernel will still take.</summary>
    public int Room { get; set; } = int.MaxValue;

    public List<byte> Taken { get; } = [];

    public override bool Gathers => true;

    public override void Attach(Transport transport) => _transport = transport;

    public override Readiness OnReady(Transport transport, uint events) => Readiness.Readable;

    public void Arrive(byte[] bytes)
    {
        _arriving = bytes;
        _transport.OnReady(events: 0);
    }

    public override int Send(ReadOnlySpan<byte> bytes, bool more)
    {
        int taken = Math.Min(bytes.Length, Room);
        Room -= taken;
        Taken.AddRange(bytes[..taken]);
        return taken;
    }

    public override int WantReadable(Transport transport) => 0;

    public override int WantWritable(Transport transport) => 0;

    public override void ShutdownWrite()
    {
    }

    public override int Receive(Span<byte> destination)
    {
        if (_arriving is not { } bytes) return Nothing;
        bytes.CopyTo(destination);
        _arriving = null;
        return bytes.Length;
    }

    public override void Close(Transport transport, bool reset)
    {
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
