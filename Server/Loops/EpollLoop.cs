// An event loop on a thread of its own, fed by epoll. One call asks and waits: where something is there it returns at once, and where the
// loop has work of its own it does not wait. Another thread wakes it through an eventfd. Pointers live in small synchronous methods.

using System.Runtime.CompilerServices;
using System.Runtime.Versioning;
using RawWs.Server.Listening;
using RawWs.Server.Log;
using RawWs.Server.Memory;
using RawWs.Server.Native;
using RawWs.Server.Transports;

namespace RawWs.Server.Loops;

/// <summary>Who hears of connections that can be accepted, on the loop's thread.</summary>
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
    private const ulong WakeKey = ulong.MaxValue; // nobody's: it only wakes. A listener's key is its index: no connection has generation 0

    private readonly byte[] _events = GC.AllocateArray<byte>(EventsPerTurn * 16, pinned: true);
    private readonly Thread _thread;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ITimer? _timer; // with a clock that is not the system's: it wakes the loop, which waits without a timeout
    private readonly DeferredSends _deferred;
    private int _firstWritable;
    private readonly bool _usesRing;
    private readonly Lock _waking = new(); // the eventfd is not given back while somebody writes to it, nor written to afterwards
    private readonly LoopTrouble _trouble;
    private int _epoll = None;
    private int _wake = None;
    private bool _started;
    private volatile bool _stopping;

    public EpollLoop(int index, TimeProvider time, MemoryBudget budget, bool usesRing)
        : base(index, time, budget)
    {
        _usesRing = usesRing;
        _deferred = new DeferredSends(time, ring: null);
        _trouble = new LoopTrouble(this);
        if (time != TimeProvider.System)
            _timer = time.CreateTimer(static loop => ((EpollLoop)loop!).Wake(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _thread = new Thread(RunToTheEnd) { IsBackground = true, Name = $"RawWs loop {index}" };
    }

    /// <summary>Who accepts, if this loop does.</summary>
    public IListenEvents? Listening { get; set; }

    public override bool IsNothingDeferred => _deferred.IsEmpty;

    public override bool IsDeaf => _trouble.IsDeaf;

    /// <summary>Sends that go to the kernel when the events are through. Owner only.</summary>
    public DeferredSends Deferred => _deferred;

    public override void Start()
    {
        try
        {
            if (_epoll == None) Open();
            _thread.UnsafeStart(); // the starter's execution context is not ours
            _started = true;
        }
        catch (Exception exception) when (exception is OutOfMemoryException or ThreadStartException)
        {
            GiveBack();
            throw new StartException("there can be no more threads", exception);
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
                Log.LoopLeftBehind(Index); // and with it what it may be using
                return;
            }
        }

        GiveBack();
    }

    /// <summary>Sets what a descriptor is waited for. False when the kernel has no room for it. Owner only.</summary>
    public bool TryRegister(int descriptor, bool isNew, uint events, ulong key) =>
        Linux.EpollControl(_epoll, isNew ? Linux.EpollCtlAdd : Linux.EpollCtlMod, descriptor, events, key) == 0;

    /// <summary>Hears of each connection that arrives at a listener. False when the kernel has no room for it. Any thread.</summary>
    public bool TryListen(int descriptor, int index) =>
        Linux.EpollControl(_epoll, Linux.EpollCtlAdd, descriptor, Linux.EpollIn | Linux.EpollEdge, (ulong)index) == 0;

    /// <summary>Takes a descriptor out of the interest set. False when that is refused: its events go on. Owner only.</summary>
    public bool TryUnregister(int descriptor) => Linux.EpollControl(_epoll, Linux.EpollCtlDel, descriptor, 0, 0) == 0;

    public override void SubmitDeferred() => _deferred.Submit();

    // Before the start and after the end there is nobody to be woken. Where the write is refused, setting the events anew has the kernel
    // look at the eventfd again, which is readable from its beginning.
    protected override void Wake()
    {
        lock (_waking)
        {
            if (_wake != None && !Linux.Signal(_wake)) Linux.EpollControl(_epoll, Linux.EpollCtlMod, _wake, Linux.EpollIn | Linux.EpollEdge, WakeKey);
        }

        _trouble.Wake();
    }

    /// <summary>Has the kernel give what the loop is made of; <see cref="Start"/> does it first.</summary>
    /// <exception cref="StartException">It refuses.</exception>
    public void Open()
    {
        _epoll = Linux.EpollCreate();
        if (_epoll < 0) throw new StartException(Errno.Describe("epoll_create1", Linux.LastError));
        _wake = Linux.EventFd();
        if (_wake < 0) throw new StartException(Errno.Describe("eventfd", Linux.LastError));
        if (Linux.EpollControl(_epoll, Linux.EpollCtlAdd, _wake, Linux.EpollIn | Linux.EpollEdge, WakeKey) != 0)
            throw new StartException(Errno.Describe("epoll_ctl", Linux.LastError));
        _deferred.Log = Log;
        if (_usesRing) _deferred.Use(SendRing.TryCreate(DeferredSends.CountMax));
    }

    // No turn runs.
    private void GiveBack()
    {
        _deferred.Close();
        lock (_waking)
        {
            if (_wake >= 0) Linux.Close(_wake);
            if (_epoll >= 0) Linux.Close(_epoll);
            _wake = _epoll = None;
        }
    }

    // A turn that throws is a bug of ours, for all that others may throw is caught where they are called. It costs what that turn had to
    // do, not the loop.
    private void RunToTheEnd()
    {
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
        RuntimeHelpers.RunClassConstructor(typeof(Linux).TypeHandle); // before the code that would ask for it each time is compiled
        BeginTurn();
        while (!_stopping)
        {
            int count = Wait(HasWork ? 0 : TimeoutMilliseconds());
            BeginRound();
            Dispatch(count);
            GatherBroadcasts();
            FinishTurn();
        }
    }

    // To send to a thousand connections takes milliseconds, in which more would arrive that has to go to all of them again. So whoever
    // is still writing is listened to first, as long as more comes, within a bound of some microseconds.
    private void GatherBroadcasts()
    {
        for (int round = 0, idle = 0; round < GatherRoundsMax && idle < GatherIdleMax; round++)
        {
            if (!Broadcasts.IsWorthGathering || IsTurnLong) return;
            long before = Broadcasts.End;
            int count = Wait(0);
            Dispatch(count);
            idle = Broadcasts.End == before ? idle + 1 : 0;
        }
    }

    // How long nothing is due, for epoll_wait: -1 is for ever.
    private int TimeoutMilliseconds()
    {
        long due = Wheel.NextDue();
        if (_timer is null) return due == long.MaxValue ? -1 : (int)Math.Clamp(due - Now, 0, int.MaxValue);

        // Somebody's hand moves this clock. If it has moved while the timer was set, the timer is set anew.
        long before;
        do
        {
            before = Now;
            _timer.Change(due == long.MaxValue ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(Math.Max(due - Now, 1)), Timeout.InfiniteTimeSpan);
            ReadClock();
        }
        while (Now != before);
        return due <= Now ? 0 : -1;
    }

    private static void Dispatch(WebSocketConnection connection, uint events)
    {
        try
        {
            ((EpollTransport)connection.Transport).OnEvents(events);
        }
        catch (Exception exception)
        {
            ((ILoopWork)connection).OnFailed(exception);
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

    // Who has something to say comes first. To go on sending where the kernel was full may be a megabyte for each: that has a part of the
    // turn, beginning with another one each time. What has to wait is told again by the next epoll_wait.
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

        _deferred.Submit();
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
        if (Connections.Find(key) is { } connection) Dispatch(connection, events);
        else if (key <= int.MaxValue) Listening!.OnReadable((int)key);
        _deferred.SubmitIfLate();
    }
}
