// One owner for many connections. A loop runs in turns on one thread at a time, and only it makes system calls on its
// connections' sockets, advances their readers and turns their wheel. Another thread can do two things to a connection: append
// to its outbox, under the outbox's lock, and post it here.
//
// One turn:  wait for events and dispatch them -> run what was posted -> advance the wheel -> go on with connections that were put off ->
// flush the connections that have something to send -> give the kernel what was put off (as after the events). The order makes a batch:
// whatever the events of one turn caused to be sent to one peer leaves in one send.
//
// Nobody has a turn for himself. A connection has a share of each (TurnShare); what is left of its bytes waits in the line of those who
// were put off, of which a turn takes as many as fit into some milliseconds. Flushing many and sending to everybody are cut into pieces
// likewise.

using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
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
    // A turn is meant to last no longer, in milliseconds: of which the line of the put off has a half.
    private const double TurnMilliseconds = 4;
    private const int WorksBetweenLooks = 8;

    // So much later than planned a turn may come, in milliseconds, before it is ourselves who did not listen.
    private const long LateMilliseconds = 100;

    [ThreadStatic] private static EventLoop? _current;
    /// <summary>How long a stop waits for the turn that runs: only somebody's code that does not return takes so long.</summary>
    protected static readonly TimeSpan StopTimeMax = TimeSpan.FromSeconds(5);

    private readonly Lock _postsLock = new();
    private readonly TimeProvider _time;
    private readonly long _origin;
    private List<ILoopWork> _posts = [];
    private List<ILoopWork> _running = [];
    private int _ran; // how many of these
    private readonly List<WebSocketConnection> _dirty = [];
    private readonly Queue<WebSocketConnection> _putOff = new();
    private int _goesOn; // how many of these in this turn
    private bool _wakeRequested;
    private volatile bool _hasPosts;
    private long _notListened; // milliseconds that count for nobody
    private long _forgiven = -1; // what was due when the loop came late last
    private long _phaseBegan; // a timestamp
    private ExecutionContext? _executionContext;

    /// <summary>What the connection whose bytes are being taken has done in this turn. Owner only.</summary>
    public TurnShare Share;

    protected EventLoop(int index, TimeProvider time, MemoryBudget budget)
    {
        Index = index;
        Budget = budget;
        _time = time;
        _origin = time.GetTimestamp();
        Wheel = new TimerWheel(0);
        Broadcasts = new BroadcastLog(this);
    }

    /// <summary>The loop whose turn runs on this thread, or null.</summary>
    public static EventLoop? Current => _current;

    /// <summary>The loop's number among its server's loops, from 0.</summary>
    public int Index { get; }

    public MemoryBudget Budget { get; }

    /// <summary>Where the loop says what is wrong with itself. It never throws. Set before the start.</summary>
    public ILogger Log { get; init; } = NullLogger.Instance;

    /// <summary>Whether it is told of no events: it is given no more connections. Any thread.</summary>
    public virtual bool IsDeaf => false;

    public TimerWheel Wheel { get; }

    public ReceiveBuffer Buffer { get; } = new();

    /// <summary>The answers to the bytes that are being taken.</summary>
    public SendBatch Batch { get; } = new();

    /// <summary>What is on its way to all of this loop's connections.</summary>
    public BroadcastLog Broadcasts { get; }

    /// <summary>How many of the loop's connections are behind.</summary>
    public Congestion Congestion { get; } = new();

    /// <summary>Inboxes of connections that are between two messages.</summary>
    public OwnedSpares<Inbox> Inboxes { get; } = new(1024);

    /// <summary>The request that is being judged at this moment: lent to the application like a message.</summary>
    public UpgradeRequest Request { get; private set; } = new();

    public ConnectionTable Connections { get; } = new();

    /// <summary>
    /// Milliseconds since the loop was made in which it listened, as of the beginning of this turn: what every deadline is reckoned in.
    /// Where the process stood still, or a turn took long, the time does not count: nobody is to blame for what we did not hear.
    /// </summary>
    public long Now { get; private set; }

    /// <summary>Milliseconds since the loop was made, by the clock: for what is told, not for deadlines.</summary>
    public long Uptime => Now + _notListened;

    /// <summary>As of the beginning of this turn: little memory is left for what waits, so that less is received at once, and fewer answers wait.</summary>
    public bool IsMemoryTight { get; private set; }

    /// <summary>Whether the part of the turn that runs has lasted so long that others should have theirs. Reads the clock.</summary>
    public bool IsTurnLong => HasLasted(TurnMilliseconds);

    /// <summary>Whether the caller is on this loop's thread, in a turn of it.</summary>
    public bool IsOwner => _current == this;

    /// <summary>Whether there is something to do without any event. On the owner's thread.</summary>
    protected bool HasWork => _hasPosts || _running.Count > 0 || _putOff.Count > 0 || _dirty.Count > 0;

    protected TimeProvider Time => _time;

    /// <summary>Begins to run turns.</summary>
    /// <exception cref="Listening.StartException">The system refuses what it takes.</exception>
    public abstract void Start();

    /// <summary>
    /// Ends it: returns when no turn runs any more, or when one has not ended for <see cref="StopTimeMax"/>. Never started, it only gives
    /// back what it has.
    /// </summary>
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

    /// <summary>The connection has used up its share, and goes on in a coming turn. On the owner's thread; once until it does.</summary>
    public void PutOff(WebSocketConnection connection) => _putOff.Enqueue(connection);

    /// <summary>Begins a part of the turn that is to last no longer than it should: see <see cref="IsTurnLong"/>.</summary>
    public void BeginPhase() => _phaseBegan = _time.GetTimestamp();

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
            _hasPosts = true;
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
        _current = this;
        BeginRound();
    }

    /// <summary>Looks at what stays as it is for this turn: the time, what memory there is, and who goes on.</summary>
    protected void BeginRound()
    {
        ReadClock();
        IsMemoryTight = !Budget.HasRoomToWait(Budget.LimitBytes / 16);
        _goesOn = _putOff.Count;
    }

    protected void ReadClock()
    {
        _phaseBegan = _time.GetTimestamp();
        long now = (long)_time.GetElapsedTime(_origin, _phaseBegan).TotalMilliseconds - _notListened;
        // The loop meant to be here when the next entry of the wheel is due. Where it comes late it does as if it had not waited at all,
        // and listens anew; late again, it goes on to that entry and not past it, for a loop that is always late has its deadlines too.
        long planned = Wheel.NextDue();
        if (planned < long.MaxValue && now > planned + LateMilliseconds)
        {
            long counted = planned == _forgiven ? planned + LateMilliseconds : Now;
            _forgiven = planned;
            _notListened += now - counted;
            now = counted;
        }

        Now = now;
    }

    /// <summary>All of a turn that follows the events.</summary>
    protected void FinishTurn()
    {
        RunPosts();
        Wheel.Advance(Now);
        RunPutOff();
        FlushDirty();
        SubmitDeferred();
        if (Broadcasts.IsAwaited) Broadcasts.TellWhoAwaits();
    }

    protected static void EndTurn() => _current = null;

    /// <summary>Whether the part of the turn that runs has lasted longer. Reads the clock.</summary>
    public bool HasLasted(double milliseconds) => _time.GetElapsedTime(_phaseBegan).TotalMilliseconds > milliseconds;

    // All that was posted before this turn, or as much of it as there is time for: then the rest goes before whatever comes.
    private void RunPosts()
    {
        if (_running.Count == 0 && !TryTakePosts()) return;
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
                // A bug of ours, or a logger that throws: it costs the one whose work it was, and not the loop.
                work.OnFailed(exception);
            }

            if (_ran % WorksBetweenLooks == 0 && IsTurnLong && _ran < _running.Count) return;
        }

        _running.Clear();
        _ran = 0;
    }

    private bool TryTakePosts()
    {
        lock (_postsLock)
        {
            _wakeRequested = false;
            _hasPosts = false;
            (_posts, _running) = (_running, _posts);
        }

        return _running.Count > 0;
    }

    // Those who were put off before this turn, each of them once at the most: others come between.
    private void RunPutOff()
    {
        if (_goesOn == 0) return;
        BeginPhase();
        do
        {
            WebSocketConnection connection = _putOff.Dequeue();
            try
            {
                connection.GoOn();
            }
            catch (Exception exception)
            {
                ((ILoopWork)connection).OnFailed(exception);
            }
        }
        while (--_goesOn > 0 && !HasLasted(TurnMilliseconds / 2));
    }

    // Flushing may open a connection's gate, and then it reads on and may cause more to be sent: the list can grow meanwhile.
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
                ((ILoopWork)_dirty[i]).OnFailed(exception);
            }
        }

        _dirty.RemoveRange(0, i);
    }
}
