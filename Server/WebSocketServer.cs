// The server: listener, loops and what they share; its start, and how it sends to everybody. WebSocketServer.Accept.cs has what happens to
// new connections, WebSocketServer.Change.cs what can be changed while it runs, WebSocketServer.Observe.cs the observations, and
// WebSocketServer.Stop.cs the end. It knows no protocol; the connections do.

using System.Net;
using System.Runtime.ExceptionServices;
using RawWs.Frame;
using RawWs.Server.Connections;
using RawWs.Server.Listening;
using RawWs.Server.Log;
using RawWs.Server.Loops;
using RawWs.Server.Memory;
using RawWs.Server.Native;
using RawWs.Server.Sending;
using RawWs.Server.Time;
using RawWs.Server.Tls;

namespace RawWs.Server;

/// <summary>A WebSocket server (RFC 6455) over raw sockets. Every member may be used from any thread.</summary>
public sealed partial class WebSocketServer : IAcceptor, IConnectionOwner, IAsyncDisposable
{
    private readonly ServerContext _context;
    private readonly ConnectionLoop[] _loops;
    private readonly EverybodySender _everybody;
    private readonly TlsHandshakes _handshakes;
    private readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Listener? _listener;
    private ServerMetrics? _metrics;
    private TaskCompletionSource? _stopped;
    private bool _started;
    private bool _applicationStarted;
    private int _count;
    private int _clean;
    private volatile bool _stopping;

    /// <summary>Makes a server. Nothing happens before <see cref="StartAsync"/>.</summary>
    /// <exception cref="ArgumentException">An option is wrong; the message names it (<see cref="ServerOptions.FindError"/>).</exception>
    /// <exception cref="ShortageException">
    /// The system has too few descriptors, or too little memory, for the server and a few clients.
    /// </exception>
    public WebSocketServer(ServerOptions options, IWebSocketApplication application)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(application);
        if (options.FindError() is { } error) throw new ArgumentException(error, nameof(options));
        if (options.FindShortage() is { } shortage) throw new ShortageException(shortage);
        options = options.Freeze();
        Budget = new MemoryBudget(options.MemoryBytesMax);
        Options = options;
        Directory = new ConnectionDirectory(this);
        TimeProvider time = GuardedTime.Around(options.TimeProvider);
        _context = new ServerContext(this, options with { TimeProvider = time }, application, Budget);
        _loops = new ConnectionLoop[options.Loops];
        for (int i = 0; i < _loops.Length; i++)
        {
            EventLoop loop = options.UsesEpoll && OperatingSystem.IsLinux()
                ? new EpollLoop(i, time, Budget, options.IoUring) { Log = _context.Log }
                : new SocketLoop(i, time, Budget) { Log = _context.Log };
            _loops[i] = new ConnectionLoop(loop, _context, time);
            _loops[i].Begin(options);
        }

        _everybody = new EverybodySender(_loops, Budget, _context.Extensions);
        _handshakes = new TlsHandshakes(options.TlsHandshakesMax);
        _context.Endings.RunTimerOn(_loops[0].Loop);
    }

    /// <summary>
    /// The options with which it was made, and what <see cref="Change"/> has taken over: a copy, which cannot be changed.
    /// </summary>
    public ServerOptions Options { get; private set; }

    /// <summary>How many bytes the server holds for its connections now: what waits to be sent, unfinished messages, contexts.</summary>
    public long HeldBytes => Budget.HeldBytes;

    /// <summary>How many it may hold (<see cref="ServerOptions.MemoryBytesMax"/>).</summary>
    public long HeldBytesMax => Budget.LimitBytes;

    /// <summary>The budget of all bytes that connections hold.</summary>
    internal MemoryBudget Budget { get; }

    /// <summary>
    /// The addresses on which it listens, with the ports that the system chose: those of <see cref="ServerOptions.ListenEndPoints"/>, then
    /// those of <see cref="ServerOptions.TlsEndPoints"/>, then <see cref="ServerOptions.Listeners"/>. Empty before the start.
    /// </summary>
    public IReadOnlyList<ListenAddress> Addresses => _listener?.Addresses ?? [];

    /// <summary>Those that are no socket files. Empty before the start.</summary>
    public IReadOnlyList<IPEndPoint> EndPoints { get; private set; } = [];

    /// <summary>Who is connected, and under which uid; and how messages are published to them.</summary>
    public ConnectionDirectory Directory { get; }

    /// <summary>Whether it listens: it has been started, and nobody has stopped it.</summary>
    public bool IsListening => Volatile.Read(ref _listener) is not null && Volatile.Read(ref _stopped) is null;

    /// <summary>How many connections there are, including those in their handshake and those that are ending.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>How many connections are let in at once: the option, or what was found at the start. Zero before the start.</summary>
    public int ConnectionsMax => _connectionsMax;

    internal IReadOnlyList<ConnectionLoop> Loops => _loops;

    /// <summary>Who measures; null while nobody does.</summary>
    internal ServerMetrics? Metrics
    {
        get => Volatile.Read(ref _metrics);
        set => Volatile.Write(ref _metrics, value);
    }

    /// <summary>Whether one more connection would be let in now: neither the limit of connections is reached nor that of memory.</summary>
    public bool HasRoom => Count < ConnectionsMax && Budget.HasRoomFor(Opening.BytesPerConnectionMin);

    /// <summary>The kind of transport, in words for the log.</summary>
    internal string TransportName
    {
        get
        {
            if (!OperatingSystem.IsLinux() || !Options.UsesEpoll) return "socket";
            int rings = 0;
            foreach (ConnectionLoop loop in _loops)
                if (((EpollLoop)loop.Loop).Batch.HasRing) rings++;
            return rings == 0 ? "epoll" : rings == _loops.Length ? "epoll with io_uring" : $"epoll, {rings} with io_uring";
        }
    }

    /// <summary>Binds the addresses and begins to accept.</summary>
    /// <exception cref="ListenException">The server cannot listen on an address. It has stopped, and holds nothing any more.</exception>
    /// <exception cref="StartException">
    /// The system refuses something else that the server needs. It has stopped, and holds nothing any more.
    /// </exception>
    /// <exception cref="InvalidOperationException">The server has been started or stopped before.</exception>
    public async Task StartAsync()
    {
        lock (_loops)
        {
            if (_started || _stopped is not null) throw new InvalidOperationException("The server has been started or stopped before.");
            _started = true;
        }

        ExceptionDispatchInfo failure;
        try
        {
            lock (_loops) Bind();
            _context.Application.OnStart(this);
            lock (_loops) Listen();
            return;
        }
        catch (RefusedException refusal)
        {
            failure = ExceptionDispatchInfo.Capture(new StartException(refusal.Message, refusal.InnerException));
        }
        catch (Exception exception)
        {
            failure = ExceptionDispatchInfo.Capture(exception);
        }

        await StopAsync(TimeSpan.Zero).ConfigureAwait(false);
        failure.Throw();
    }

    /// <summary>
    /// Empties the pools of memory for coming connections and messages; the garbage collector takes it. For callers who know that much
    /// memory was needed and is not needed any more.
    /// </summary>
    public void DropSpareMemory()
    {
        Budget.DropPooled();
        SendQueue.DropPooled();
        foreach (ConnectionLoop loop in _loops) loop.Post(new ClearAssemblers(loop));
    }

    /// <summary>
    /// Completes when every event loop has had a turn after this call. A loop that hangs, in a handler for example, never has one, nor
    /// has one of a server that does not run: so give it a time limit. Any thread.
    /// </summary>
    public Task WhenLoopsRespond() => Task.WhenAll(_loops.Select(static loop =>
    {
        LoopResponse response = new();
        loop.Post(response);
        return response.Task;
    }));

    /// <summary>
    /// Encodes a message once for any number of connections. The caller owns it, and disposes it. Null when the server's memory limit is
    /// reached.
    /// </summary>
    public SharedMessage? TryShare(WebSocketMessage message) => TryShareChecked(message.Kind, message.Span);

    /// <summary>The same for bytes; text is checked here.</summary>
    /// <exception cref="ArgumentException">The text is not UTF-8: the message says at which byte.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such kind.</exception>
    public SharedMessage? TryShare(MessageKind kind, ReadOnlySpan<byte> payload)
    {
        WebSocketMessage.Check(kind, payload);
        return TryShareChecked(kind, payload);
    }

    internal SharedMessage? TryShareChecked(MessageKind kind, ReadOnlySpan<byte> payload) => SharedMessage.TryCreate(Budget, kind, payload);

    /// <summary>
    /// Sends to every open connection, once each. A connection whose send queue is full does not get the message, and
    /// <paramref name="refused"/> is told of it.
    /// </summary>
    /// <returns>False when not everybody gets it: a send queue is full, or the server's memory limit is reached.</returns>
    public bool Broadcast(SharedMessage message, Action<WebSocketConnection>? refused = null)
    {
        ArgumentNullException.ThrowIfNull(message);
        return _everybody.Send(message, refused);
    }

    /// <summary>
    /// The same with a message that is encoded here, once; nothing is allocated. If a connection's handler sends much to everybody, reading
    /// from that connection is paused until it is sent.
    /// </summary>
    public bool TryBroadcast(WebSocketMessage message, Action<WebSocketConnection>? refused = null) =>
        TryBroadcastChecked(message.Kind, message.Span, refused);

    /// <summary>The same for bytes; text is checked here.</summary>
    /// <exception cref="ArgumentException">The text is not UTF-8: the message says at which byte. Nothing is sent.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such kind.</exception>
    public bool TryBroadcast(MessageKind kind, ReadOnlySpan<byte> payload, Action<WebSocketConnection>? refused = null)
    {
        WebSocketMessage.Check(kind, payload);
        return TryBroadcastChecked(kind, payload, refused);
    }

    private bool TryBroadcastChecked(MessageKind kind, ReadOnlySpan<byte> payload, Action<WebSocketConnection>? refused) =>
        _everybody.TrySend(kind, payload, refused);

    IConnectionRegister IConnectionOwner.Directory => Directory;

    IPendingDelivery? IConnectionOwner.FindPendingDelivery(bool isMany) => _everybody.FindPending(isMany);

    internal void OnListenerThrew(Exception exception, long connectionId) => _context.Log.HandlerThrew(exception, connectionId);

    void IConnectionOwner.OnConnectionOpened(WebSocketConnection connection) => Metrics?.OnOpened(connection);

    void IConnectionOwner.OnConnectionDelayed(Limit which) => Metrics?.OnDelayed(which);

    void IConnectionOwner.OnConnectionEnded(WebSocketConnection connection, CloseReport report, bool opened)
    {
        Metrics?.OnEnded(report, opened);
        if (_stopping && report.Clean) Interlocked.Increment(ref _clean);
        ConnectionGone(connection.Limits);
    }

    // Both under the lock, so that a concurrent stop finds all of it, or nothing.
    private void Bind()
    {
        if (_stopped is not null) return;
        foreach (ConnectionLoop loop in _loops) loop.Loop.Start();
        _listener = Listener.Bind(Options.Addresses, Options.ListeningSockets, this, _context.Options.TimeProvider);
        EndPoints = [.. Addresses.Select(static address => address.EndPoint).OfType<IPEndPoint>()];
        _peersOfFiles = [.. Addresses.Select(PeerOfFile)];
        SetConnectionsMax();
        _applicationStarted = true;
    }

    private void Listen()
    {
        if (_stopped is null) _listener!.Start(_loops[0].Loop);
    }

    /// <summary>Empties a loop's pool of assemblers, in a turn of it.</summary>
    private sealed class ClearAssemblers(ConnectionLoop loop) : ILoopWork
    {
        public void OnPosted() => loop.Assemblers.Clear();
    }

    /// <summary>Says that a loop has had a turn. Whoever waits goes on on a thread of the pool.</summary>
    private sealed class LoopResponse() : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), ILoopWork
    {
        public void OnPosted() => SetResult();
    }
}
