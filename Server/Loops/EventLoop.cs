// One owner for many connections. A loop runs in turns, on one thread at a time. Only the loop makes system calls on its connections'
// sockets, advances their readers and moves its timer wheel. Another thread can do two things to a connection: append to its send queue,
// under the connection's lock, and post it here.
//
// One turn:  wait for events and dispatch them -> run what was posted -> advance the wheel -> continue postponed connections ->
// flush the connections that have something to send -> submit the batch (as after the events).
// Because of this order everything that one turn causes to be sent to one peer leaves in one send.
//
// No connection has a turn for itself. Each has a share of every turn (TurnShare). A connection with bytes left after its share is
// postponed: it waits in a line, of which each turn continues as many as fit into some milliseconds. Long flushing and sending to everybody
// are cut into pieces in the same way.

using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using RawWs.Server.Memory;
using RawWs.Server.Native;
using RawWs.Server.Time;

namespace RawWs.Server.Loops;

internal abstract class EventLoop
{
    // The milliseconds that a turn should last at most. Postponed connections get half of it.
    private const double TurnMilliseconds = 4;
    private const int WorksBetweenLooks = 8;

    [ThreadStatic] private static EventLoop? _current;

    /// <summary>How long a stop waits for the running turn. Only foreign code that does not return takes so long.</summary>
    protected static readonly TimeSpan StopTimeMax = TimeSpan.FromSeconds(5);

    private readonly Lock _postsLock = new();
    private readonly TimeProvider _time;
    private LoopClock _clock;
    private List<ILoopWork> _posts = [];
    private List<ILoopWork> _running = [];
    private int _ran; // how many of _running have been run
    private readonly List<ILoopMember> _dirty = [];
    private readonly Queue<ILoopMember> _postponed = new();
    private int _postponedNow; // how many of _postponed this turn may continue
    private bool _wakeRequested;
    private volatile bool _hasPosts;
    private ExecutionContext? _executionContext;

    protected EventLoop(int index, TimeProvider time, MemoryBudget budget)
    {
        Index = index;
        Budget = budget;
        _time = time;
        _clock = new LoopClock(time);
        Wheel = new TimerWheel(0);
    }

    /// <summary>The loop whose turn runs on this thread, or null.</summary>
    public static EventLoop? Current => _current;

    /// <summary>The loop's number among its server's loops, from 0.</summary>
    public int Index { get; }

    public MemoryBudget Budget { get; }

    /// <summary>Where the loop logs its own problems. This log never throws. Set before the start.</summary>
    public ILogger Log { get; init; } = NullLogger.Instance;

    /// <summary>Whether somebody wants to be told of bytes and frames. Set by the layer above; owner only.</summary>
    public bool WatchesFrames { get; set; }

    /// <summary>The layer above, which has something to do in each turn; null for none. Set before the start.</summary>
    public ITurnPart? Above { get; set; }

    /// <summary>The processor time of the loop's thread; null where it has none of its own, or nobody can say it. Any thread.</summary>
    public virtual TimeSpan? ProcessorTime => null;

    /// <summary>Whether the loop gets no events. Then it is given no new connections. Any thread.</summary>
    public virtual bool IsDeaf => false;

    public TimerWheel Wheel { get; }

    public ReceiveBuffer Buffer { get; } = new();

    public MemberTable Members { get; } = new();

    /// <summary>
    /// The milliseconds in which the loop listened, from its beginning to the beginning of this turn. Every deadline is measured in them.
    /// Time in which the process stood still, or a turn took long, does not count: no peer is to blame for what the loop did not hear.
    /// </summary>
    public long Now => _clock.Now;

    /// <summary>The milliseconds since the loop was made, by the clock: for logs, not for deadlines.</summary>
    public long Uptime => _clock.Uptime;

    /// <summary>The same, read from the clock now. Any thread.</summary>
    public long UptimeAtThisMoment => _clock.UptimeAtThisMoment;

    /// <summary>
    /// Whether little memory is left for what waits, as of the beginning of this turn. Then less is received at once, and fewer answers may
    /// wait.
    /// </summary>
    public bool IsMemoryTight { get; private set; }

    /// <summary>Whether this part of the turn has lasted so long that others should have their turn. Reads the clock.</summary>
    public bool IsTurnLong
    {
        [MethodImpl(MethodImplOptions.NoInlining)] // whoever counts events asks for it at few of them
        get => HasLasted(TurnMilliseconds);
    }

    /// <summary>Whether the caller is on this loop's thread, inside a turn.</summary>
    public bool IsOwner => _current == this;

    /// <summary>Whether there is work that needs no event. On the owner's thread.</summary>
    protected bool HasWork => _hasPosts || _running.Count > 0 || _postponed.Count > 0 || _dirty.Count > 0;

    protected TimeProvider Time => _time;

    /// <summary>Begins to run turns.</summary>
    /// <exception cref="RefusedException">The system refuses something that the loop needs.</exception>
    public abstract void Start();

    /// <summary>
    /// Ends the loop. Completes when no turn runs any more, or when a turn has not ended for <see cref="StopTimeMax"/>. If the loop was
    /// never started, it only returns what it has.
    /// </summary>
    public abstract Task StopAsync();

    /// <summary>Queues work for a coming turn. Any thread; one wake-up serves everything that is posted until the turn.</summary>
    public void Post(ILoopWork work)
    {
        if (Add(work)) Wake();
    }

    /// <summary>The same, on the thread on which an operation of the work itself has completed.</summary>
    public virtual void PostCompletion(ILoopWork work) => Post(work);

    /// <summary>
    /// A connection has begun an operation. Its completion will be posted, and it holds a buffer until then. The loop does not stop before
    /// that. On the owner's thread.
    /// </summary>
    public virtual void BeginOperation()
    {
    }

    /// <summary>The operation has completed, and its connection has been told. On the owner's thread.</summary>
    public virtual void EndOperation()
    {
    }

    /// <summary>
    /// The connection has something to send at the end of this turn. On the owner's thread, once per connection and turn.
    /// </summary>
    public void MarkDirty(ILoopMember member) => _dirty.Add(member);

    /// <summary>
    /// The connection has used up its share, and continues in a coming turn. On the owner's thread; once until it continues.
    /// </summary>
    public void Postpone(ILoopMember member) => _postponed.Enqueue(member);

    /// <summary>Begins a part of the turn that should not last too long: see <see cref="IsTurnLong"/>.</summary>
    public void BeginPhase() => _clock.BeginPhase();

    /// <summary>Whether no send waits in the batch. On the owner's thread.</summary>
    public virtual bool IsBatchEmpty => true;

    /// <summary>Gives the batch to the kernel, if this loop has one. On the owner's thread.</summary>
    public virtual void SubmitBatch()
    {
    }

    /// <summary>Makes the waiting loop run a turn. Any thread.</summary>
    protected abstract void Wake();

    /// <summary>Queues work. True when the loop must be woken for it; its own thread looks at the queue before it waits.</summary>
    protected bool Add(ILoopWork work)
    {
        lock (_postsLock)
        {
            _posts.Add(work);
            _hasPosts = true;
            if (_wakeRequested || IsOwner) return false;
            _wakeRequested = true;
            return true;
        }
    }

    /// <summary>
    /// Restores the execution context. What application code has left in it (an AsyncLocal) must not reach the next connection.
    /// </summary>
    public void RestoreContext()
    {
        if (ExecutionContext.Capture() != _executionContext && _executionContext is not null) ExecutionContext.Restore(_executionContext);
    }

    protected void BeginTurn()
    {
        _executionContext ??= ExecutionContext.Capture();
        _current = this;
        BeginRound();
    }

    /// <summary>
    /// Reads what does not change during this turn: the time, the state of memory, and how many connections are postponed.
    /// </summary>
    protected void BeginRound()
    {
        ReadClock();
        IsMemoryTight = !Budget.HasRoomToWait(Budget.LimitBytes / 16);
        _postponedNow = _postponed.Count;
        Above?.BeginRound(Now);
    }

    protected void ReadClock() => _clock.Read(planned: Wheel.NextDue());

    /// <summary>Everything of a turn that follows the events.</summary>
    protected void FinishTurn()
    {
        RunPosts();
        Wheel.Advance(Now);
        RunPostponed();
        FlushDirty();
        SubmitBatch();
        Above?.EndTurn();
    }

    protected static void EndTurn() => _current = null;

    /// <summary>Whether this part of the turn has lasted longer. Reads the clock.</summary>
    public bool HasLasted(double milliseconds) => _clock.HasLasted(milliseconds);

    // Everything that was posted before this turn, or as much of it as there is time for. The rest goes first in the next turn.
    private void RunPosts()
    {
        if (_running.Count == 0 && !TrySwapPosts()) return;
        if (_running.Count > WorksBetweenLooks) BeginPhase();
        while (_ran < _running.Count)
        {
            ILoopWork work = _running[_ran++];
            try
            {
                work.OnPosted();
            }
            catch (Exception exception)
            {
                // A bug of the server. It costs the one whose work it was, and not the loop.
                work.OnFailed(exception);
            }

            if (_ran % WorksBetweenLooks == 0 && IsTurnLong && _ran < _running.Count) return;
        }

        _running.Clear();
        _ran = 0;
    }

    private bool TrySwapPosts()
    {
        lock (_postsLock)
        {
            _wakeRequested = false;
            _hasPosts = false;
            (_posts, _running) = (_running, _posts);
        }

        return _running.Count > 0;
    }

    // The connections that were postponed before this turn, each at most once, so that others have their turn too.
    private void RunPostponed()
    {
        if (_postponedNow == 0) return;
        BeginPhase();
        do
        {
            ILoopMember member = _postponed.Dequeue();
            try
            {
                member.Continue();
            }
            catch (Exception exception)
            {
                member.OnFailed(exception);
            }
        }
        while (--_postponedNow > 0 && !HasLasted(TurnMilliseconds / 2));
    }

    // Flushing may resume reading from a connection, and that may cause more to be sent. So the list can grow meanwhile.
    private void FlushDirty()
    {
        if (_dirty.Count == 0) return;
        int i = 0;
        if (_dirty.Count > WorksBetweenLooks) BeginPhase();
        for (; i < _dirty.Count; i++)
        {
            if (i % WorksBetweenLooks == WorksBetweenLooks - 1 && IsTurnLong) break;
            try
            {
                _dirty[i].Flush();
            }
            catch (Exception exception)
            {
                _dirty[i].OnFailed(exception);
            }
        }

        _dirty.RemoveRange(0, i);
    }
}
