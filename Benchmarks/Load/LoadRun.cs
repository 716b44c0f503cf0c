// One load from its first connection to its last: one thread, one epoll, buffers for all connections together. This file has the order
// of things and the clock; .Connect opens connections, .Traffic sends and receives.
//
// The closed loop keeps so many messages in flight: one that is back lets the next one go. The open loop has a schedule, and each
// message's latency counts from when it was due by it, whether or not it could be sent then. A server that stops for a second so gets a
// second, falling, for all that were due meanwhile, and not for the one that was in flight (coordinated omission).

using System.Diagnostics;
using System.Numerics;
using System.Runtime.Versioning;
using RawWs.Server.Native;

namespace RawWs.Benchmarks.Load;

[SupportedOSPlatform("linux")]
internal sealed partial class LoadRun : IDisposable
{
    private const int EventsPerTurn = 512;
    private const int TurnMilliseconds = 20;
    private const long Millisecond = 1_000_000;
    private const long Second = 1000 * Millisecond;
    private const long QuietMax = 2 * Second; // at the end: nothing comes any more

    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1);

    private readonly LoadOptions _options;
    private readonly CancellationToken _cancellation;
    private readonly LoadTraffic _traffic;
    private readonly LoadConnection[] _connections;
    private readonly ServerProcess? _server;
    private readonly LoadMeter _meter;
    private readonly long _deadline;
    private readonly int _epoll = Linux.EpollCreate();
    private readonly byte[] _events = GC.AllocateArray<byte>(EventsPerTurn * 16, pinned: true);
    private readonly bool _isOpenLoop;
    private readonly bool _broadcasts;
    private bool _hasStarted; // before, messages are answers to the first ones, and do not count
    private bool _isSending;
    private long _progress; // when something that is waited for came last

    private LoadRun(LoadOptions options, CancellationToken cancellation)
    {
        if (_epoll < 0) throw new LoadFailure($"epoll_create1: {ClientCalls.Describe(Linux.LastError)}.");
        int descriptors = Linux.OpenFilesMax();
        if (descriptors < options.Sockets + 100)
            throw new LoadFailure(
                $"{options.Sockets} connections need {options.Sockets + 100} descriptors, and this process may have {descriptors} "
                + $"(ulimit -n).");
        _options = options;
        _isOpenLoop = options.Rate > 0;
        _broadcasts = options.Mode == LoadMode.Broadcast;
        _cancellation = cancellation;
        _deadline = Now + (long)(options.EffectiveTimeout.TotalSeconds * Second);
        _traffic = new LoadTraffic(options);
        _server = options.ProcessId == 0 ? null : new ServerProcess(options.ProcessId);
        _meter = new LoadMeter(_isOpenLoop, _server);
        _ringMask = RingSize - 1;
        _connections = MakeConnections();
        _receiving = new byte[TailBytesMax + (options.SizeBytes > 32 * 1024 ? 256 * 1024 : 64 * 1024)];
        _budget = options.Messages > 0 ? options.Messages : long.MaxValue;
        _missing = new int[_broadcasts ? RingSize : 0];
    }

    // On Linux a tick of this clock is a nanosecond.
    private static long Now => Stopwatch.GetTimestamp();

    // Room for all messages that can be under way on one connection: of a pair, one can be ahead by all that the other has in flight.
    private int RingSize => (int)BitOperations.RoundUpToPowerOf2((uint)_options.Pipeline * 2);

    /// <summary>Puts a load on a server.</summary>
    /// <exception cref="LoadFailure">It could not be put on, or not to its end.</exception>
    public static LoadResult Run(LoadOptions options, CancellationToken cancellation = default)
    {
        using LoadRun run = new(options, cancellation);
        return run.Run();
    }

    public void Dispose()
    {
        foreach (LoadConnection connection in _connections)
            if (connection.Descriptor >= 0) CloseDescriptor(connection, reset: true);
        Linux.Close(_epoll);
    }

    private LoadResult Run()
    {
        long residentBefore = _server?.ResidentBytes ?? 0;
        double processorBefore = _server?.ProcessorSeconds ?? 0;
        long begun = Now;
        OpenAll();
        double connectSeconds = (Now - begun) / 1e9;
        double connectProcessor = (_server?.ProcessorSeconds ?? 0) - processorBefore;
        GetReady();
        if (_options.SecondEndPoint is not null) HoldStill(Settling); // who is on one server is known on the other a moment later
        if (_options.Mode == LoadMode.Idle) HoldStill(_options.Seconds);
        long residentAfter = _server?.ResidentBytes ?? 0;
        if (_options.Mode is LoadMode.Echo or LoadMode.Broadcast) Exchange();
        EndAll();
        return new LoadResult(_options, _meter)
        {
            ConnectSeconds = connectSeconds,
            ConnectServerSeconds = _server is null ? null : connectProcessor,
            ResidentBytesPerConnection = _server is null ? null : (double)(residentAfter - residentBefore) / _options.Sockets,
            ResidentBytes = _server?.ResidentBytes,
        };
    }

    // The first messages have been dealt with and everybody is there to be sent to once each connection's Ping is answered: frames are
    // taken in order. A server that does not answer Pings gets some time instead.
    private void GetReady()
    {
        if (_options.Hello is null && !_broadcasts) return;
        foreach (LoadConnection connection in _connections)
        {
            if (_options.Hello is { } hello) connection.AddExtra(Frame.Opcode.Text, LoadTraffic.Expand(hello, connection.Index));
            connection.AddExtra(Frame.Opcode.Ping, "ready?"u8);
            connection.AwaitsPong = true;
            _awaitedPongs++;
            Flush(connection);
        }

        _progress = Now;
        while (_awaitedPongs > 0 && Now - _progress < QuietMax) Turn(TurnMilliseconds);
    }

    private void HoldStill(TimeSpan time)
    {
        long until = Now + (long)(time.TotalSeconds * Second);
        while (Now < until && _alive > 0) Turn(TurnMilliseconds);
    }

    private void Exchange()
    {
        bool byTime = _options.Messages == 0;
        _hasStarted = _isSending = true;
        _start = _progress = Now;
        long opens = byTime ? _start + (long)(_options.WarmUp.TotalSeconds * Second) : _start;
        long closes = byTime ? opens + (long)(_options.Seconds.TotalSeconds * Second) : long.MaxValue;
        if (_isOpenLoop) ClientCalls.WaitPrecisely();
        else BeginClosedLoop();
        for (long now = _start; now < closes && HasMore; now = Now)
        {
            if (!_meter.IsOpen && now >= opens) _meter.Open(_isOpenLoop ? opens : now);
            if (_isOpenLoop) OpenLoopTurn(now, Math.Min(closes, now + (TurnMilliseconds * Millisecond)));
            else ClosedLoopTurn();
        }

        if (!_meter.IsOpen) _meter.Open(Now); // everything ended while it warmed up
        if (_isOpenLoop && byTime) IssueDue(closes);
        _meter.Close(_isOpenLoop && byTime ? closes : Now);
        Drain();
    }

    // By count, the run ends when the last one is back.
    private bool HasMore => _alive > 0 && !_isBroken && (_budget > 0 || Outstanding > 0);

    private void Drain()
    {
        _isSending = false;
        FlushListed();
        _progress = Now;
        while (Outstanding > 0 && _alive > 0 && !_isBroken && Now - _progress < QuietMax) Turn(TurnMilliseconds);
        if (Outstanding > 0 && !_isBroken) _meter.OnError($"{Outstanding} messages did not come back.", Outstanding);
    }

    private void Turn(int milliseconds)
    {
        CheckTime();
        Dispatch(Wait(milliseconds));
    }

    private void CheckTime()
    {
        _cancellation.ThrowIfCancellationRequested();
        if (Now > _deadline) throw new LoadFailure($"the run is not over after {_options.EffectiveTimeout.TotalSeconds:0.#} s.");
    }

    private void OnEvents(LoadConnection connection, uint events)
    {
        if (connection.State == ConnectionState.Closed) return;
        if (connection.State == ConnectionState.Connecting)
        {
            SendRequest(connection);
            return;
        }

        if ((events & Linux.EpollOut) != 0 && !Flush(connection)) return;
        if ((events & (Linux.EpollIn | Linux.EpollErr | Linux.EpollHup)) != 0) Receive(connection);
    }

    private void Dispatch(int count)
    {
        for (int i = 0; i < count; i++)
        {
            uint events = EventMask(i, out LoadConnection connection);
            OnEvents(connection, events);
        }
    }

    private unsafe int Wait(int milliseconds)
    {
        fixed (byte* events = _events) return Linux.EpollWait(_epoll, events, EventsPerTurn, milliseconds);
    }

    private unsafe uint EventMask(int index, out LoadConnection connection)
    {
        fixed (byte* events = _events)
        {
            connection = _connections[(int)Linux.EventData(events, index)];
            return Linux.EventMask(events, index);
        }
    }
}
