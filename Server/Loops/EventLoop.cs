// One owner for many connections. A loop runs in turns on one thread at a time, and only it makes system calls on its
// connections' sockets, advances their readers and turns their wheel. Another thread can do two things to a connection: append
// to its outbox, under the outbox's lock, and post it here.
//
// One turn:  wait for events and dispatch them -> run what was posted -> advance the wheel -> flush the connections that have
// something to send -> give the kernel what was put off (as after the events). The order makes a batch: whatever the events of one turn
// caused to be sent to one peer leaves in one send.

using RawWs.Handshake;
using RawWs.Server.Memory;
using RawWs.Server.Time;

namespace RawWs.Server.Loops;

/// <summary>Something that a loop does when its turn comes, on the loop's thread.</summary>
internal interface ILoopWork
{
    void OnPosted();

    /// <summary>It has thrown: a bug. Called on the loop's thread.</summary>
    void OnFailed(Exception exception)
    {
    }
}

internal abstract class EventLoop
{
    private readonly Lock _postsLock = new();
    private readonly TimeProvider _time;
    private readonly long _origin;
    private List<ILoopWork> _posts = [];
    private List<ILoopWork> _running = [];
    private readonly List<WebSocketConnection> _dirty = [];
    private bool _wakeRequested;
    private int _ownerThread;
    private ExecutionContext? _executionContext;

    protected EventLoop(int index, TimeProvider time, MemoryBudget budget)
    {
        Index = index;
        Budget = budget;
        _time = time;
        _origin = time.GetTimestamp();
        Wheel = new TimerWheel(0);
        Broadcasts = new BroadcastLog(this, budget);
    }

    /// <summary>The loop's number among its server's loops, from 0.</summary>
    public int Index { get; }

    public MemoryBudget Budget { get; }

    public TimerWheel Wheel { get; }

    public ReceiveBuffer Buffer { get; } = new();

    /// <summary>The answers to the bytes that are being taken.</summary>
    public SendBatch Batch { get; } = new();

    /// <summary>What is on its way to all of this loop's connections.</summary>
    public BroadcastLog Broadcasts { get; }

    /// <summary>Inboxes of connections that are between two messages.</summary>
    public OwnedSpares<Inbox> Inboxes { get; } = new(1024);

    /// <summary>The request that is being judged at this moment: lent to the application like a message.</summary>
    public UpgradeRequest Request { get; private set; } = new();

    public ConnectionTable Connections { get; } = new();

    /// <summary>Milliseconds since the loop was made, as of the beginning of this turn: what every deadline is reckoned in.</summary>
    public long Now { get; private set; }

    /// <summary>Whether the caller is on this loop's thread, in a turn of it.</summary>
    public bool IsOwner => _ownerThread == Environment.CurrentManagedThreadId;

    protected bool HasPosts
    {
        get
        {
            lock (_postsLock) return _posts.Count > 0;
        }
    }

    protected TimeProvider Time => _time;

    /// <summary>Begins to run turns.</summary>
    public abstract void Start();

    /// <summary>Ends it: returns when no turn runs any more. Not to be called on the loop's own thread.</summary>
    public abstract Task StopAsync();

    /// <summary>Has <paramref name="work"/> run in a coming turn. Any thread; one wake-up for all that is posted meanwhile.</summary>
    public void Post(ILoopWork work)
    {
        if (Add(work)) Wake();
    }

    /// <summary>The same, from the thread on which an operation of the work's own has completed.</summary>
    public virtual void PostCompletion(ILoopWork work) => Post(work);

    /// <summary>
    /// A connection has an operation under way whose completion will be posted, with a buffer that it holds till then: the loop does not stop before. On
    /// the owner's thread.
    /// </summary>
    public virtual void BeginOperation()
    {
    }

    /// <summary>It has completed, and its connection has been told. On the owner's thread.</summary>
    public virtual void EndOperation()
    {
    }

    /// <summary>The connection has something to send at the end of this turn. On the owner's thread, once per connection and turn.</summary>
    public void MarkDirty(WebSocketConnection connection) => _dirty.Add(connection);

    /// <summary>An application takes its time to decide: it keeps the request.</summary>
    public void GiveRequestAway() => Request = new UpgradeRequest();

    /// <summary>Whether no send is put off. On the owner's thread.</summary>
    public virtual bool IsNothingDeferred => true;

    /// <summary>Gives the sends that are put off to the kernel, where there is such a thing. On the owner's thread.</summary>
    public virtual void SubmitDeferred()
    {
    }

    /// <summary>Makes the waiting loop run a turn. Any thread.</summary>
    protected abstract void Wake();

    /// <summary>Queues work. True when the loop has to be woken for it: the owner looks at the queue before it waits.</summary>
    protected bool Add(ILoopWork work)
    {
        lock (_postsLock)
        {
            _posts.Add(work);
            if (_wakeRequested || IsOwner) return false;
            _wakeRequested = true;
            return true;
        }
    }

    /// <summary>What application code has left in the execution context (an AsyncLocal) is not the next connection's.</summary>
    public void RestoreContext()
    {
        if (ExecutionContext.Capture() != _executionContext && _executionContext is not null) ExecutionContext.Restore(_executionContext);
    }

    protected void BeginTurn()
    {
        _executionContext ??= ExecutionContext.Capture();
        _ownerThread = Environment.CurrentManagedThreadId;
        ReadClock();
    }

    protected void ReadClock() => Now = (long)_time.GetElapsedTime(_origin).TotalMilliseconds;

    /// <summary>All of a turn that follows the events.</summary>
    protected void FinishTurn()
    {
        RunPosts();
        Wheel.Advance(Now);
        FlushDirty();
        SubmitDeferred();
    }

    protected void EndTurn() => _ownerThread = 0;

    private void RunPosts()
    {
        List<ILoopWork> work;
        lock (_postsLock)
        {
            _wakeRequested = false;
            if (_posts.Count == 0) return;
            work = _posts;
            _posts = _running;
            _running = work;
        }

        for (int i = 0; i < work.Count; i++)
        {
            try
            {
                work[i].OnPosted();
            }
            catch (Exception exception)
            {
                // A bug of ours, or a logger that throws: it costs the one whose work it was, and not the loop.
                work[i].OnFailed(exception);
            }
        }

        work.Clear();
    }

    // Flushing may open a connection's gate, and then it reads on and may cause more to be sent: the list can grow meanwhile.
    private void FlushDirty()
    {
        for (int i = 0; i < _dirty.Count; i++)
        {
            try
            {
                _dirty[i].Flush();
            }
            catch (Exception exception)
            {
                ((ILoopWork)_dirty[i]).OnFailed(exception);
            }
        }

        _dirty.Clear();
    }
}
