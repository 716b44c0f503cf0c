// An event loop on a thread of its own, fed by epoll. One call asks and waits: where something is there it returns at once, and where the loop has work of
// its own it does not wait. Another thread wakes it through an eventfd. Pointers live in small synchronous methods.

using System.Runtime.CompilerServices;
using System.Runtime.Versioning;
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
    private const ulong WakeKey = ulong.MaxValue; // and a listener's key is its index: no connection has generation 0

    private readonly int _epoll;
    private readonly int _wake;
    private readonly byte[] _events = GC.AllocateArray<byte>(EventsPerTurn * 16, pinned: true);
    private readonly Thread _thread;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ITimer? _timer; // with a clock that is not the system's: it wakes the loop, which waits without a timeout
    private readonly DeferredSends _deferred;
    private int _firstWritable;
    private volatile bool _stopping;

    public EpollLoop(int index, TimeProvider time, MemoryBudget budget, bool usesRing)
        : base(index, time, budget)
    {
        _epoll = Linux.EpollCreate();
        if (_epoll < 0) throw new IOException($"epoll_create1 failed with errno {Linux.LastError}.");
        _wake = Linux.EventFd();
        if (_wake < 0)
        {
            int error = Linux.LastError;
            Linux.Close(_epoll);
            throw new IOException($"eventfd failed with errno {error}.");
        }

        _deferred = new DeferredSends(time, usesRing ? SendRing.TryCreate(DeferredSends.CountMax) : null);
        Linux.EpollControl(_epoll, Linux.EpollCtlAdd, _wake, Linux.EpollIn, WakeKey);
        if (time != TimeProvider.System)
            _timer = time.CreateTimer(static loop => ((EpollLoop)loop!).Wake(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _thread = new Thread(Run) { IsBackground = true, Name = $"RawWs loop {index}" };
    }

    /// <summary>Who accepts, if this loop does.</summary>
    public IListenEvents? Listening { get; set; }

    public override bool IsNothingDeferred => _deferred.IsEmpty;

    /// <summary>Sends that go to the kernel when the events are through. Owner only.</summary>
    public DeferredSends Deferred => _deferred;

    public override void Start() => _thread.UnsafeStart(); // the starter's execution context is not ours

    public override async Task StopAsync()
    {
        _stopping = true;
        if (_thread.ThreadState.HasFlag(ThreadState.Unstarted)) _ended.TrySetResult();
        Wake();
        await _ended.Task.ConfigureAwait(false);
        if (_timer is not null) await _timer.DisposeAsync().ConfigureAwait(false);
        _deferred.Close();
        Linux.Close(_wake);
        Linux.Close(_epoll);
    }

    /// <summary>Sets what a descriptor is waited for. False when the kernel has no room for it. Owner only.</summary>
    public bool TryRegister(int descriptor, bool isNew, uint events, ulong key) =>
        Linux.EpollControl(_epoll, isNew ? Linux.EpollCtlAdd : Linux.EpollCtlMod, descriptor, events, key) == 0;

    /// <summary>Waits for connections on a listener. False when the kernel has no room for it. Any thread.</summary>
    public bool TryListen(int descriptor, int index) => Linux.EpollControl(_epoll, Linux.EpollCtlAdd, descriptor, Linux.EpollIn, (ulong)index) == 0;

    /// <summary>Takes a descriptor out of the interest set. Owner only, but for a listener.</summary>
    public void Unregister(int descriptor) => Linux.EpollControl(_epoll, Linux.EpollCtlDel, descriptor, 0, 0);

    public override void SubmitDeferred() => _deferred.Submit();

    protected override void Wake() => Linux.Signal(_wake);

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

        EndTurn();
        _ended.TrySetResult();
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
            return Math.Max(0, Linux.EpollWait(_epoll, events, EventsPerTurn, timeout));
        }
    }

    // Who has something to say comes first. To go on sending where the kernel was full may be a megabyte for each: that has a part of the turn, beginning with
    // another one each time. What has to wait is told again by the next epoll_wait.
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
        else if (key == WakeKey) Linux.ClearSignal(_wake);
        else if (key <= int.MaxValue) Listening!.OnReadable((int)key);
        _deferred.SubmitIfLate();
    }
}
