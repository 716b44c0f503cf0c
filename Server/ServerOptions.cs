// Everything that can be set for the server, with its unit and its default. It may be changed until a server is made of it: the server
// takes a copy, whose setters throw. ServerOptionsCheck finds what is wrong.

using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using RawWs.Frame;
using RawWs.Server.Channels;
using RawWs.Server.Extensions;
using RawWs.Server.Listening;
using RawWs.Server.Memory;

namespace RawWs.Server;

/// <summary>
/// The server's options. A number's unit is in its name (MessageBytesMax: bytes), or is said beside it; times have their type. <see
/// cref="FindError"/> finds a wrong value. A server takes a copy when it is made: later changes have no effect on it, and setting a
/// property of its own (<see cref="WebSocketServer.Options"/>) throws an <see cref="InvalidOperationException"/>.
/// </summary>
public sealed record ServerOptions
{
    private const int FragmentsDefaultMin = 1024;

    private int? _fragmentsMax;
    private long? _memoryBytesMax;
    private Seal? _seal;

    /// <summary>The addresses to listen on. Port 0 means any free port. Default: 127.0.0.1:2000.</summary>
    public IReadOnlyList<IPEndPoint> ListenEndPoints { get; set => field = Given(value); } = [new IPEndPoint(IPAddress.Loopback, 2000)];

    /// <summary>
    /// The addresses to listen on for TLS (wss). They need <see cref="Certificates"/>. Port 0 means any free port. Default: none.
    /// </summary>
    public IReadOnlyList<IPEndPoint> TlsEndPoints { get; set => field = Given(value); } = [];

    /// <summary>
    /// Further addresses to listen on: socket files, and addresses whose connections begin with a PROXY header. Default: none.
    /// </summary>
    public IReadOnlyList<ListenAddress> Listeners { get; set => field = Given(value); } = [];

    /// <summary>
    /// The proxies that are believed what they say of their clients, in PROXY headers (<see cref="ListenAddress.HasProxyHeader"/>) and in
    /// <see cref="ForwardedField"/>: networks ("10.0.0.0/8", "fd00::/8"), addresses, or "unix" for whoever connects to a socket file.
    /// Default: none.
    /// </summary>
    public IReadOnlyList<string> TrustedProxies { get; set => field = Given(value); } = [];

    /// <summary>
    /// The field in which a trusted proxy tells its client's address; the right-most address in it that is no trusted proxy's is the
    /// client's. The other field is not read: a proxy that does not set it passes on what a client has written. Default: XForwardedFor.
    /// </summary>
    public ForwardedField ForwardedField { get; set => field = Open(value); }

    /// <summary>
    /// Sockets that listen already, because whoever started the process has bound them (a service manager's socket activation). Each must
    /// listen on one of the addresses above, which is then not bound again. The server closes them when it stops; one whose descriptor is
    /// marked close-on-exec the runtime shuts down first, for everybody who has it. Default: none.
    /// </summary>
    public IReadOnlyList<Socket> ListeningSockets { get; set => field = Given(value); } = [];

    /// <summary>The certificates for TLS. They may be reloaded while the server runs. Default: null, none.</summary>
    public TlsCertificates? Certificates { get; set => field = Open(value); }

    /// <summary>
    /// The most handshakes of TLS at once, 1 or more: each costs memory and time before anybody knows whom it is for. A further connection
    /// is closed. <see cref="HandshakeTimeout"/> is the time for one, and the request after it. Default: 1,000.
    /// </summary>
    public int TlsHandshakesMax { get; set => field = Open(value); } = 1000;

    /// <summary>How the event loops learn that a socket is ready. Default: Auto.</summary>
    public TransportKind Transport { get; set => field = Open(value); }

    /// <summary>
    /// With epoll: whether the small sends of one turn go to the kernel in one system call. Without an io_uring in the system, or where it
    /// is forbidden, each send is a call of its own. Default: true.
    /// </summary>
    public bool IoUring { get; set => field = Open(value); } = true;

    /// <summary>The number of event loops, 1 to 1024. Default: one per processor.</summary>
    public int Loops { get; set => field = Open(value); } = Environment.ProcessorCount;

    /// <summary>The largest message, in bytes of payload, 1 to 1 GiB. A larger one is closed with 1009 (§10.4). Default: 1 MiB.</summary>
    public int MessageBytesMax { get; set => field = Open(value); } = 1024 * 1024;

    /// <summary>
    /// The most fragments of a message, 1 or more. A message with more is closed with 1009 (§10.4). Default: one for each KiB of
    /// <see cref="MessageBytesMax"/>, and at least 1,024. So a sender whose fragments have 1 KiB or more only meets the limit for bytes,
    /// and a flood of tiny fragments ends.
    /// </summary>
    public int FragmentsMax
    {
        get => _fragmentsMax ?? Math.Max(FragmentsDefaultMin, MessageBytesMax / 1024);
        set => _fragmentsMax = Open(value);
    }

    /// <summary>How long a message may take from its first byte to its last. Default: 30 s.</summary>
    public TimeSpan MessageTimeout { get; set => field = Open(value); } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The bound of a connection's send queue in bytes, 1 to 1 GiB. When so many bytes are queued, no further message is accepted for the
    /// connection. Default: 1 MiB.
    /// </summary>
    public int SendBufferBytesMax { get; set => field = Open(value); } = 1024 * 1024;

    /// <summary>What happens to messages for a connection whose send queue is full. Default: Close.</summary>
    public SlowConsumer SlowConsumer { get; set => field = Open(value); }

    /// <summary>
    /// The most connections, 1 or more. A further one is answered with 503. Default: null, which means as many as the limit of open files
    /// and the memory allow at the start, minus some for the process itself and for those that are only told 503.
    /// </summary>
    public int? ConnectionsMax { get; set => field = Open(value); }

    /// <summary>
    /// The most connections of one address, 1 or more; IPv6 counts by /64. A further one is answered with 429, or, if there are many,
    /// closed unanswered. Default: null, no limit.
    /// </summary>
    public int? ConnectionsPerAddressMax { get; set => field = Open(value); }

    /// <summary>
    /// The most open connections that may share one uid, 1 or more. A further one does not get the uid: its upgrade is answered with 429,
    /// and <see cref="ConnectionDirectory.TryJoin"/> returns false. Default: null, no limit.
    /// </summary>
    public int? ConnectionsPerUidMax { get; set => field = Open(value); }

    /// <summary>How fast one address may open connections. Default: null, no limit.</summary>
    public RateLimit? HandshakeRate { get; set => field = Open(value); }

    /// <summary>How fast one connection may send messages. Default: null, no limit.</summary>
    public RateLimit? MessageRate { get; set => field = Open(value); }

    /// <summary>How fast one connection may send bytes; headers and control frames count too. Default: null, no limit.</summary>
    public RateLimit? ByteRate { get; set => field = Open(value); }

    /// <summary>
    /// How fast one connection may send messages to everybody, in an application that asks
    /// (<see cref="WebSocketConnection.TryTakeBroadcast"/>), as the router does. Default: null, no limit.
    /// </summary>
    public RateLimit? BroadcastRate { get; set => field = Open(value); }

    /// <summary>What happens to whoever is faster. Default: Delay.</summary>
    public OverRate OverRate { get; set => field = Open(value); }

    /// <summary>
    /// The most bytes that all connections together may hold in unfinished messages, send queues and compression contexts; at least 1 MiB.
    /// Default: a quarter of what the process may have, after its own need is subtracted.
    /// </summary>
    public long MemoryBytesMax
    {
        get => _memoryBytesMax ?? MemoryShare.DefaultBudget(Loops);
        set => _memoryBytesMax = Open(value);
    }

    /// <summary>The time for a client's request and the answer to it. Default: 10 s.</summary>
    public TimeSpan HandshakeTimeout { get; set => field = Open(value); } = TimeSpan.FromSeconds(10);

    /// <summary>The time for the peer to answer a Close (§7.1.2), and then to end its stream. Default: 5 s.</summary>
    public TimeSpan CloseTimeout { get; set => field = Open(value); } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The code with which a stop closes connections: 1001 (going away) or 1012 (service restart), after both of which clients may come
    /// back. Default: 1001.
    /// </summary>
    public ushort DrainCloseCode { get; set => field = Open(value); } = CloseCodes.GoingAway;

    /// <summary>
    /// The time over which a stop spreads its Closes, each at a moment of chance, so that clients do not all come back at once. The drain's
    /// time begins after it. Zero to a day. Default: zero, all at once.
    /// </summary>
    public TimeSpan DrainSpread { get; set => field = Open(value); }

    /// <summary>The longest time for which a peer may receive nothing of what is sent to it. Default: 30 s.</summary>
    public TimeSpan SendTimeout { get; set => field = Open(value); } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// A peer that sends nothing for this time is closed with 3008. Zero: the server sends Pings instead. Default: zero (the console
    /// program's is 10 s).
    /// </summary>
    public TimeSpan Heartbeat { get; set => field = Open(value); } = TimeSpan.Zero;

    /// <summary>
    /// Without a heartbeat: the time between two Pings (§5.5.2). A peer that leaves two unanswered is closed with 1011. Default: 25 s.
    /// </summary>
    public TimeSpan PingInterval { get; set => field = Open(value); } = TimeSpan.FromSeconds(25);

    /// <summary>Without a heartbeat: this text is sent instead of a Ping, and no answer is expected. Default: none.</summary>
    public string? PingText { get; set => field = Open(value); }

    /// <summary>
    /// The origins that are allowed besides loopback and the same host, as browsers write them ("https://example.com", "null", "file://");
    /// "*" for all (§10.2). Upper and lower case, and a default port, make no difference. Default: none.
    /// </summary>
    public IReadOnlyList<string> AllowedOrigins { get; set => field = Given(value); } = [];

    /// <summary>The host names of this server: a page of such a host may connect to it (§10.2). Default: none.</summary>
    public IReadOnlyList<string> AllowedHosts { get; set => field = Given(value); } = [];

    /// <summary>The subprotocols of the application, the preferred one first (§1.9). Default: none.</summary>
    public IReadOnlyList<string> Subprotocols { get; set => field = Given(value); } = [];

    /// <summary>Whether permessage-deflate is negotiated (RFC 7692). Default: false; docs/decisions/0003 says why.</summary>
    public bool Compression { get; set => field = Open(value); }

    /// <summary>How hard messages are compressed, from 1 (fast) to 9 (small). Default: 1.</summary>
    public int CompressionLevel { get; set => field = Open(value); } = 1;

    /// <summary>Messages with fewer bytes of payload are sent uncompressed. 0 or more. Default: 256.</summary>
    public int CompressionBytesMin { get; set => field = Open(value); } = 256;

    /// <summary>
    /// Whether messages may refer to earlier ones, in both directions. That compresses better, and costs up to 331 KB a connection.
    /// Default: false.
    /// </summary>
    public bool CompressionTakeover { get; set => field = Open(value); }

    /// <summary>The largest window in both directions, in bits, 9 to 15: 2 to this power bytes. Default: 15.</summary>
    public int CompressionWindowBits { get; set => field = Open(value); } = 15;

    /// <summary>
    /// The paths at which clients may connect, percent-decoded. One that ends in a slash means every path that begins with it; but "/"
    /// means itself alone. Another path is answered with 404. Default: null, and then every path is an endpoint.
    /// </summary>
    public IReadOnlyList<string>? Endpoints { get; set => field = Open(value); }

    /// <summary>The pages with which plain requests of their paths are answered. Default: none (the console program has one).</summary>
    public IReadOnlyList<HttpPage> Pages { get; set => field = Given(value); } = [];

    /// <summary>The clock and its timers. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; set => field = Given(value); } = TimeProvider.System;

    /// <summary>Makes the log. Default: one that logs nothing (the console program's writes to the standard output).</summary>
    public ILoggerFactory LoggerFactory { get; set => field = Given(value); } = NullLoggerFactory.Instance;

    /// <summary>Makes further extensions, which may be agreed on besides compression (docs/decisions/0009). Default: none.</summary>
    internal IReadOnlyList<Func<MemoryBudget, Extension>> FurtherExtensions { get; init; } = [];

    /// <summary>Lays a channel over each connection's plain one, and answers it. Default: null, none.</summary>
    internal Func<Channel, Channel>? ChannelLayer { get; init; }

    /// <summary>The limit of memory as it was given; null for the default.</summary>
    internal long? MemoryBytesMaxGiven => _memoryBytesMax;

    internal bool UsesEpoll => Transport == TransportKind.Epoll || (Transport == TransportKind.Auto && OperatingSystem.IsLinux());

    /// <summary>
    /// Whether only programs on this machine can be meant: every address is loopback, and no host, origin or proxy is named. Whoever names
    /// one expects clients from outside, behind a proxy. So does a socket file: no browser can connect to one.
    /// </summary>
    internal bool IsForThisMachineOnly
    {
        get
        {
            foreach (ListenAddress address in Addresses)
                if (address.EndPoint is null || !IPAddress.IsLoopback(address.EndPoint.Address)) return false;
            return AllowedOrigins.Count == 0 && AllowedHosts.Count == 0 && TrustedProxies.Count == 0;
        }
    }

    /// <summary>All addresses to listen on: the three lists, one after the other.</summary>
    internal IReadOnlyList<ListenAddress> Addresses =>
    [
        .. ListenEndPoints.Select(static endPoint => new ListenAddress(endPoint)),
        .. TlsEndPoints.Select(static endPoint => new ListenAddress(endPoint) { IsTls = true }),
        .. Listeners,
    ];

    /// <summary>Whether one of them is for TLS.</summary>
    internal bool HasTls => TlsEndPoints.Count > 0 || Listeners.Any(static address => address.IsTls);

    /// <summary>The first error, as one sentence that names the property; null when there is none.</summary>
    public string? FindError() => ServerOptionsCheck.FindError(this);

    /// <summary>A copy that shares nothing with this object and cannot be changed.</summary>
    internal ServerOptions Freeze()
    {
        ServerOptions copy = this with
        {
            ListenEndPoints = Copy(ListenEndPoints),
            TlsEndPoints = Copy(TlsEndPoints),
            Listeners = [.. Listeners],
            TrustedProxies = [.. TrustedProxies],
            ListeningSockets = [.. ListeningSockets],
            AllowedOrigins = [.. AllowedOrigins],
            AllowedHosts = [.. AllowedHosts],
            Subprotocols = [.. Subprotocols],
            Endpoints = Endpoints is null ? null : [.. Endpoints],
            Pages = [.. Pages],
        };
        copy._seal = new Seal(copy);
        return copy;
    }

    private static IPEndPoint[] Copy(IReadOnlyList<IPEndPoint> endPoints) =>
        [.. endPoints.Select(static endPoint => new IPEndPoint(endPoint.Address, endPoint.Port))];

    // What a setter assigns. `with` copies the seal, but it is not the copy's, so that a copy of frozen options can be changed.
    private T Open<T>(T value) => _seal is not null && ReferenceEquals(_seal.Sealed, this)
        ? throw new InvalidOperationException("The server has been made: its options cannot be changed any more.")
        : value;

    private T Given<T>(T value, [CallerMemberName] string name = "")
        where T : class
    {
        ArgumentNullException.ThrowIfNull(value, name);
        return Open(value);
    }

    /// <summary>The page of this path, which must be one of <see cref="Pages"/>.</summary>
    internal HttpPage FindPage(string path) => Pages.First(page => page.Path == path);

    /// <summary>What the system has too little of for such a server and a few clients, as a sentence; null when there is enough.</summary>
    internal string? FindShortage() =>
        (_memoryBytesMax is null ? MemoryShare.FindShortage(Loops) : null)
            ?? Descriptors.FindShortage(Loops, UsesEpoll, Addresses.Count);

    /// <summary>Marks the one object that is frozen.</summary>
    private sealed class Seal(ServerOptions @sealed)
    {
        public ServerOptions Sealed { get; } = @sealed;
    }
}
