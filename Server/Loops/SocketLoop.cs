// An event loop without a thread of its own. It is a queue whose turns run one at a time, each on the thread that is at hand: a thread of
// the socket engine when an operation has completed (inline, if the engine may), else one of the pool's. A thread of the application, which
// only sends something, never runs turns.

using RawWs.Server.Memory;
using RawWs.Server.Time;

namespace RawWs.Server.Loops;

internal sealed class SocketLoop : EventLoop, IThreadPoolWorkItem
{
    private readonly ITimer _timer;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _quiet = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _timerDue = long.MaxValue;
    private int _operations = 1; // the pending ones, and one that stands for the loop itself
    private volatile bool _timerFired;
    private int _state; // Idle, Running, RunningAndAsked, Stopped

    private const int TurnsOnEngineMax = 4;
    private const int Idle = 0;
    private const int Running = 1;
    private const int RunningAndAsked = 2;
    private const int Stopped = 3;

    public SocketLoop(int index, TimeProvider time, MemoryBudget budget)
        : base(index, time, budget) =>
        _timer = time.CreateTimer(static loop => ((SocketLoop)loop!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    public override void Start() => Wake();

    public override async Task StopAsync()
    {
        // Operations of closed sockets still complete, and return their buffers in a turn. That takes no time, but no wait here is without
        // an end.
        EndOperation();
        await _quiet.Task.WaitAsync(TimeSpan.FromSeconds(1)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        // The turn that runs now is the last one. If none runs, none will.
        int before = Interlocked.Exchange(ref _state, Stopped);
        if (before is Idle or Stopped) _ended.TrySetResult();
        await _ended.Task.WaitAsync(StopTimeMax).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!_ended.Task.IsCompleted) Log.LoopLeftBehind(Index);
        await _timer.DisposeAsync().ConfigureAwait(false);
    }

    public override void BeginOperation() => Interlocked.Increment(ref _operations);

    public override void EndOperation()
    {
        if (Interlocked.Decrement(ref _operations) == 0) _quiet.TrySetResult();
    }

    /// <summary>Posts work from a thread of the socket engine. If no turn runs, it runs here.</summary>
    public override void PostCompletion(ILoopWork work)
    {
        if (Add(work) && TryEnter()) RunTurns(turnsMax: TurnsOnEngineMax);
    }

    void IThreadPoolWorkItem.Execute() => RunTurns(turnsMax: int.MaxValue);

    protected override void Wake()
    {
        if (TryEnter()) ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    // Whoever changes the state from Idle runs the turns. Others only note that there is more to do.
    private bool TryEnter()
    {
        while (true)
        {
            int state = Volatile.Read(ref _state);
            if (state is RunningAndAsked or Stopped) return false;
            int next = state == Idle ? Running : RunningAndAsked;
            if (Interlocked.CompareExchange(ref _state, next, state) == state) return next == Running;
        }
    }

    // A thread of the engine also reports other sockets' completions. So a loop that has more and more to do continues on a thread of the
    // pool.
    private void RunTurns(int turnsMax)
    {
        for (int turns = 1; ; turns++)
        {
            bool more = RunTurn();
            if (more && turns == turnsMax)
            {
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
                return;
            }

            if (more) continue;
            int state = Interlocked.CompareExchange(ref _state, Idle, Running);
            if (state == Running) return;
            if (state == Stopped)
            {
                _ended.TrySetResult();
                return;
            }

            Interlocked.CompareExchange(ref _state, Running, RunningAndAsked);
        }
    }

    // Returns whether there is more to do at once. A turn that throws is a bug of the server: it costs the rest of that turn, and not the
    // runtime's thread on which it runs. What it has left runs with the next turn that somebody asks for.
    private bool RunTurn()
    {
        try
        {
            BeginTurn();
            FinishTurn();
            SetTimer();
            return HasWork;
        }
        catch (Exception exception)
        {
            Log.LoopFailed(exception, Index);
            return false;
        }
        finally
        {
            EndTurn();
        }
    }

    // A timer may fire a little early, when nothing is due yet. Then it must be set again, for the same time.
    private void OnTimer()
    {
        _timerFired = true;
        Wake();
    }

    // A test may move the clock while the timer is set. Then the timer is set again.
    private void SetTimer()
    {
        long due = Wheel.NextDue();
        if (due == _timerDue && !_timerFired) return;
        _timerFired = false;
        _timerDue = due;
        long before;
        do
        {
            before = Now;
            TimeSpan dueTime = due == long.MaxValue ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(Math.Max(due - Now, 1));
            _timer.Change(dueTime, Timeout.InfiniteTimeSpan);
            ReadClock();
        }
        while (Now - before >= TimerWheel.TickMilliseconds);
    }
}
