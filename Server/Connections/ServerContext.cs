// What all connections of one server share: options in the loops' units, the application, the rules, the memory budget.

using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using RawWs.Frame;
using RawWs.Handshake;
using RawWs.Server.Extensions;
using RawWs.Server.Log;
using RawWs.Server.Memory;
using RawWs.Server.Proxies;
using RawWs.Server.Sending;
using RawWs.Server.Time;

namespace RawWs.Server.Connections;

internal sealed class ServerContext
{
    [ThreadStatic] private static ArrayBufferWriter<byte>? _threadWriter;
    [ThreadStatic] private static UpgradeContext? _threadUpgrade;

    private readonly IConnectionOwner _owner;
    private volatile ConnectionTerms _lastTerms = ConnectionTerms.None;
    private int _nullOriginWarned;
    private volatile ServerLimits? _limits;
    private volatile bool _handlersAwait;
    private volatile bool _looksAtMessages;

    public ServerContext(IConnectionOwner owner, ServerOptions options, IWebSocketApplication application, MemoryBudget budget)
    {
        _owner = owner;
        Application = application;
        Budget = budget;
        Log = GuardedLog.Around(options.LoggerFactory.CreateLogger(LogCategories.Server));
        Details = new DetailLog(options.LoggerFactory);
        Endings = new EndingLog(Log, options.TimeProvider);
        ProtocolLimits = new ProtocolLimits { MessageBytesMax = options.MessageBytesMax, FragmentsMax = options.FragmentsMax };
        Extensions = ExtensionSet.Of(ServerExtensions.Make(options, budget, Log), budget);
        Date = new DateText(options.TimeProvider);
        SendBufferBytesMax = options.SendBufferBytesMax;
        SlowConsumer = options.SlowConsumer;
        Heartbeat = options.Heartbeat == TimeSpan.Zero ? 0 : Milliseconds(options.Heartbeat);
        Change(options);
        ChangeLimits(options);
        PingText = options.PingText is null ? null : Encoding.UTF8.GetBytes(options.PingText);
    }

    public ServerOptions Options { get; private set; }

    public IWebSocketApplication Application { get; }

    public MemoryBudget Budget { get; }

    /// <summary>What connections may do; null as long as there has been no limit.</summary>
    public ServerLimits? Limits => _limits;

    /// <summary>A log that never throws.</summary>
    public GuardedLog Log { get; }

    public DetailLog Details { get; }

    public IConnectionRegister Directory => _owner.Directory;

    public EndingLog Endings { get; }

    public ProtocolLimits ProtocolLimits { get; }

    /// <summary>Whether a handler has awaited anything yet. From then on each message is copied for its handler.</summary>
    public bool HandlersAwait
    {
        get => _handlersAwait;
        set
        {
            _handlersAwait = value;
            if (value) _looksAtMessages = true;
        }
    }

    /// <summary>Whether something has to be looked at before a message is delivered: limits, or <see cref="HandlersAwait"/>.</summary>
    public bool LooksAtMessages => _looksAtMessages;

    public RequestLimits RequestLimits { get; } = new();

    /// <inheritdoc cref="ServerOptions.SendBufferBytesMax"/>
    public long SendBufferBytesMax { get; }

    /// <inheritdoc cref="ServerOptions.SlowConsumer"/>
    public SlowConsumer SlowConsumer { get; }

    public UpgradePolicy Policy { get; private set; }

    /// <summary>Which peers are trusted proxies.</summary>
    public ProxyTrust Trust { get; private set; }

    public DateText Date { get; }

    /// <summary>The extensions that are switched on; null when there are none.</summary>
    public ExtensionSet? Extensions { get; }

    public long HandshakeTimeout { get; private set; }

    public long MessageTimeout { get; private set; }

    public long CloseTimeout { get; private set; }

    public long SendTimeout { get; private set; }

    /// <summary>How a stop ends connections.</summary>
    public Ending Drain { get; private set; }

    /// <summary>In milliseconds; zero for Pings instead.</summary>
    public long Heartbeat { get; }

    public long PingInterval { get; private set; }

    public byte[]? PingText { get; }

    /// <summary>
    /// Takes over what can be changed while connections run (the server's Change), but for the limits. Each is read alone, by any loop, and
    /// is the old one or the new one then.
    /// </summary>
    [MemberNotNull(nameof(Options), nameof(Policy), nameof(Trust), nameof(Drain))]
    public void Change(ServerOptions options)
    {
        Options = options;
        Policy = new UpgradePolicy
        {
            AllowedOrigins = options.AllowedOrigins,
            AllowedHosts = options.AllowedHosts,
            AllowNullOrigin = options.IsForThisMachineOnly,
            Subprotocols = options.Subprotocols,
            Endpoints = options.Endpoints,
            Pages = [.. options.Pages.Select(static page => page.Path)],
        };
        Trust = new ProxyTrust(options.TrustedProxies);
        HandshakeTimeout = Milliseconds(options.HandshakeTimeout);
        MessageTimeout = Milliseconds(options.MessageTimeout);
        CloseTimeout = Milliseconds(options.CloseTimeout);
        SendTimeout = Milliseconds(options.SendTimeout);
        PingInterval = Milliseconds(options.PingInterval);
        Drain = Connections.Endings.Drain with { Code = options.DrainCloseCode };
    }

    /// <summary>The same for the limits. Not once the server stops, which ends what runs beside them.</summary>
    public void ChangeLimits(ServerOptions options)
    {
        if (_limits is { } limits) limits.Change(options);
        else _limits = ServerLimits.Of(options);
        if (_limits is not null) _looksAtMessages = true;
    }

    /// <summary>Rents a writer for one HTTP answer. Each thread keeps one.</summary>
    public static ArrayBufferWriter<byte> RentWriter()
    {
        ArrayBufferWriter<byte> writer = _threadWriter ?? new ArrayBufferWriter<byte>(1024);
        _threadWriter = null;
        return writer;
    }

    public static void ReturnWriter(ArrayBufferWriter<byte> writer)
    {
        writer.ResetWrittenCount();
        _threadWriter = writer;
    }

    /// <summary>Makes the terms of a connection. Connections one after the other with equal terms share one object.</summary>
    public ConnectionTerms Terms(string endpoint, string? subprotocol, string? extensions, IWebSocketApplication? application)
    {
        application ??= Application;
        ConnectionTerms last = _lastTerms;
        return last.Endpoint == endpoint && last.Subprotocol == subprotocol && last.Extensions == extensions
            && last.Application == application
            ? last
            : _lastTerms = new ConnectionTerms(endpoint, subprotocol, extensions, application);
    }

    /// <summary>Rents what the application is asked with. Each thread keeps one; who needs time keeps his.</summary>
    public UpgradeContext RentUpgradeContext(WebSocketConnection connection, UpgradeRequest request, string? subprotocol)
    {
        UpgradeContext context = _threadUpgrade ?? new UpgradeContext();
        _threadUpgrade = null;
        context.Begin(_owner, connection, request, subprotocol);
        return context;
    }

    public static void ReturnUpgradeContext(UpgradeContext context)
    {
        context.End();
        _threadUpgrade = context;
    }

    /// <summary>What is not sent yet of the messages to everybody: see <see cref="IConnectionOwner.FindPendingDelivery"/>.</summary>
    public IPendingDelivery? FindPendingDelivery(bool isMany) => _owner.FindPendingDelivery(isMany);

    public void WarnOfNullOrigin()
    {
        if (Interlocked.Exchange(ref _nullOriginWarned, 1) == 0) Log.NullOriginAllowed();
    }

    /// <summary>Tells the server that a connection is not read from for a while, because of this limit.</summary>
    public void OnDelayed(Limit which) => _owner.OnConnectionDelayed(which);

    /// <summary>Tells the server that a connection has opened.</summary>
    public void OnOpened(WebSocketConnection connection) => _owner.OnConnectionOpened(connection);

    /// <summary>Tells the application, the log and the server that a connection has ended.</summary>
    public void OnEnded(WebSocketConnection connection, CloseReport report, bool opened)
    {
        Directory.Leave(connection);
        if (opened)
        {
            try
            {
                connection.Application.OnClose(connection, report);
            }
            catch (Exception exception)
            {
                Log.HandlerThrew(exception, connection.Id);
            }
        }

        connection.Raw?.OnEnded();
        Endings.Tell(connection.Id, connection.Peer, report, connection.Uid.Span);
        _owner.OnConnectionEnded(connection, report, opened);
    }

    /// <summary>Logs that something has thrown on a connection. Returns the cause and code with which the connection ends.</summary>
    public (EndCause Cause, ushort Code) OnFailed(WebSocketConnection connection, Exception exception)
    {
        Endings.TellFailure(connection.Id, exception, Budget.LimitBytes);
        return exception is OutOfMemoryException
            ? (EndCause.OutOfMemory, CloseCodes.TryAgainLater)
            : (EndCause.HandlerError, CloseCodes.InternalError);
    }

    private static long Milliseconds(TimeSpan time) => Math.Max(1, (long)Math.Ceiling(time.TotalMilliseconds));
}
