// An event loop on a thread of its own, over epoll. One call asks for events and waits for them. It returns at once if there are events,
// and it does not wait if the loop has other work. Another thread wakes the loop through an eventfd. Pointers live in small synchronous
// methods only.

using System.Runtime.CompilerServices;
using System.Runtime.Versioning;
using RawWs.Server.Memory;
using RawWs.Server.Native;

namespace RawWs.Server.Loops;

/// <summary>Is told when connections can be accepted, on the loop's thread.</summary>
internal interface IListenEvents
{
    void OnReadable(int index);
}

[SupportedOSPlatform("linux")]
internal sealed class EpollLoop : EventLoop
{
    private const int EventsPerTurn = 512;
    private const int GatherRoundsMax = 32;
    private const int GatherIdleMax = 3;
    private const int None = -1;
    // Of no member: it only wakes the loop. A listener's key is its index, since no member has generation 0.
    private const ulong WakeKey = ulong.MaxValue;

    private readonly byte[] _events = GC.AllocateArray<byte>(EventsPerTurn * 16, pinned: true);
    private readonly Thread _thread;
    private volatile int _threadId; // the kernel's; 0 before the start
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ITimer? _timer; // for a clock that is not the system's: it wakes the loop, which then waits without a timeout
    private readonly SendBatch _batch;
    private int _firstWritable;
    private readonly bool _usesRing;
    private readonly Lock _waking = new(); // so that nobody writes to the eventfd while it is closed, or afterwards
    private readonly LoopTrouble _trouble;
    private int _epoll = None;
    private int _wake = None;
    private bool _started;
    private volatile bool _stopping;

    public EpollLoop(int index, TimeProvider time, MemoryBudget budget, bool usesRing)
        : base(index, time, budget)
    {
        _usesRing = usesRing;
        _batch = new SendBatch(time, ring: null);
        _trouble = new LoopTrouble(this);
        if (time != TimeProvider.System)
            _timer = time.CreateTimer(static loop => ((EpollLoop)loop!).Wake(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _thread = new Thread(RunToTheEnd) { IsBackground = true, Name = $"RawWs loop {index}" };
    }

    /// <summary>The part that accepts, if this loop accepts.</summary>
    public IListenEvents? Listening { get; set; }

    public override bool IsBatchEmpty => _batch.IsEmpty;

    public override bool IsDeaf => _trouble.IsDeaf;

    /// <summary>The sends that go to the kernel when the turn's events are handled. Owner only.</summary>
    public SendBatch Batch => _batch;

    public override void Start()
    {
        try
        {
            if (_epoll == None) Open();
            _thread.UnsafeStart(); // without the starter's execution context
            _started = true;
        }
        catch (Exception exception) when (exception is OutOfMemoryException or ThreadStartException)
        {
            GiveBack();
            throw new RefusedException("there can be no more threads", exception);
        }
        catch
        {
            GiveBack();
            throw;
        }
    }

    public override async Task StopAsync()
    {
        _stopping = true;
        if (_timer is not null) await _timer.DisposeAsync().ConfigureAwait(false);
        if (_started)
        {
            Wake();
            await _ended.Task.WaitAsync(StopTimeMax).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!_ended.Task.IsCompleted)
            {
                Log.LoopLeftBehind(Index); // with everything that it may be using
                return;
            }
        }

        GiveBack();
    }

    /// <summary>Sets the events for which a descriptor is registered. False when the kernel has no memory for it. Owner only.</summary>
    public bool TryRegister(int descriptor, bool isNew, uint events, ulong key) =>
        Linux.EpollControl(_epoll, isNew ? Linux.EpollCtlAdd : Linux.EpollCtlMod, descriptor, events, key) == 0;

    /// <summary>
    /// Registers a listener, to be told of each connection that arrives. False when the kernel has no memory for it. Any thread.
    /// </summary>
    public bool TryListen(int descriptor, int index) =>
        Linux.EpollControl(_epoll, Linux.EpollCtlAdd, descriptor, Linux.EpollIn | Linux.EpollEdge, (ulong)index) == 0;

    /// <summary>Removes a descriptor from the interest set. False when the kernel refuses: then its events go on. Any thread.</summary>
    public bool TryUnregister(int descriptor) => Linux.EpollControl(_epoll, Linux.EpollCtlDel, descriptor, 0, 0) == 0;

    public override void SubmitBatch() => _batch.Submit();

    public override TimeSpan? ProcessorTime => _threadId == 0 ? null : Linux.ProcessorTime(_threadId);

    // Before the start and after the end there is nobody to wake. If the write is refused, the events are set again. That makes the kernel
    // look at the eventfd, which is readable from its beginning.
    protected override void Wake()
    {
        lock (_waking)
        {
            if (_wake != None && !Linux.Signal(_wake))
                Linux.EpollControl(_epoll, Linux.EpollCtlMod, _wake, Linux.EpollIn | Linux.EpollEdge, WakeKey);
        }

        _trouble.Wake();
    }

    /// <summary>Gets from the kernel what the loop needs. <see cref="Start"/> calls it first, if nobody has.</summary>
    /// <exception cref="RefusedException">The kernel refuses.</exception>
    public void Open()
    {
        _epoll = Linux.EpollCreate();
        if (_epoll < 0) throw new RefusedException(Errno.Describe("epoll_create1", Linux.LastError));
        _wake = Linux.EventFd();
        if (_wake < 0) throw new RefusedException(Errno.Describe("eventfd", Linux.LastError));
        if (Linux.EpollControl(_epoll, Linux.EpollCtlAdd, _wake, Linux.EpollIn | Linux.EpollEdge, WakeKey) != 0)
            throw new RefusedException(Errno.Describe("epoll_ctl", Linux.LastError));
        _batch.Log = Log;
        if (_usesRing) _batch.Use(SendRing.TryCreate(SendBatch.CountMax));
    }

    // No turn runs.
    private void GiveBack()
    {
        _batch.Close();
        lock (_waking)
        {
            if (_wake >= 0) Linux.Close(_wake);
            if (_epoll >= 0) Linux.Close(_epoll);
            _wake = _epoll = None;
        }
    }

    // A turn that throws is a bug of the server: whatever other code throws is caught where it is called. It costs the rest of that turn,
    // not the loop.
    private void RunToTheEnd()
    {
        _threadId = Linux.ThreadId;
        while (!_stopping)
        {
            try
            {
                Run();
            }
            catch (Exception exception)
            {
                _trouble.OnTurnThrew(exception);
            }
        }

        EndTurn();
        _ended.TrySetResult();
    }

    private void Run()
    {
        RuntimeHelpers.RunClassConstructor(typeof(Linux).TypeHandle); // before the code that would check for it each time is compiled
        BeginTurn();
        while (!_stopping)
        {
            int count = Wait(HasWork ? 0 : TimeoutMilliseconds());
            BeginRound();
            Dispatch(count);
            Gather();
            FinishTurn();
        }
    }

    // To send to a thousand connections takes milliseconds. More may arrive in that time, and must go to all of them again. So the loop
    // first listens again for some microseconds, as long as more comes.
    private void Gather()
    {
        for (int round = 0, idle = 0; round < GatherRoundsMax && idle < GatherIdleMax; round++)
        {
            if (Above is not { MayGather: true } above || IsTurnLong) return;
            long before = above.Gathered;
            int count = Wait(0);
            Dispatch(count);
            idle = above.Gathered == before ? idle + 1 : 0;
        }
    }

    // How long nothing is due, for epoll_wait; -1 for ever.
    private int TimeoutMilliseconds()
    {
        long due = Wheel.NextDue();
        if (_timer is null)
        {
            if (due == long.MaxValue) return -1;
            return due <= Now ? 0 : (int)Math.Min(due - Now, int.MaxValue);
        }

        // Somebody else moves this clock. If it has moved while the timer was set, the timer is set again.
        long before;
        do
        {
            before = Now;
            TimeSpan dueTime = due == long.MaxValue ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(Math.Max(due - Now, 1));
            _timer.Change(dueTime, Timeout.InfiniteTimeSpan);
            ReadClock();
        }
        while (Now != before);
        return due <= Now ? 0 : -1;
    }

    private static void Dispatch(ILoopMember member, uint events)
    {
        try
        {
            member.OnReady(events);
        }
        catch (Exception exception)
        {
            member.OnFailed(exception);
        }
    }

    private unsafe int Wait(int timeout)
    {
        fixed (byte* events = _events)
        {
            int count = Linux.EpollWait(_epoll, events, EventsPerTurn, timeout);
            return count >= 0 && !_trouble.IsDeaf ? count : _trouble.AfterWait(count, timeout);
        }
    }

    // Connections from which bytes have arrived go first. Then those to which the kernel can send again: each may have a megabyte to send,
    // so they get only a part of the turn, and each turn begins with another one of them. The next epoll_wait reports the others again.
    private unsafe void Dispatch(int count)
    {
        fixed (byte* events = _events)
        {
            int writable = 0;
            for (int i = 0; i < count; i++)
            {
                if (Linux.EventMask(events, i) == Linux.EpollOut) writable++;
                else Dispatch(Linux.EventData(events, i), Linux.EventMask(events, i));
            }

            if (writable > 0) DispatchWritable(events, count);
        }

        _batch.Submit();
    }

    private unsafe void DispatchWritable(byte* events, int count)
    {
        BeginPhase();
        int start = _firstWritable % count;
        for (int n = 0; n < count; n++)
        {
            int i = start + n < count ? start + n : start + n - count;
            if (Linux.EventMask(events, i) != Linux.EpollOut) continue;
            Dispatch(Linux.EventData(events, i), Linux.EpollOut);
            _firstWritable = i + 1;
            if (IsTurnLong) return;
        }
    }

    private void Dispatch(ulong key, uint events)
    {
        if (Members.Find(key) is { } member) Dispatch(member, events);
        else if (key <= int.MaxValue) Listening!.OnReadable((int)key);
        _batch.SubmitIfLate();
    }
}
