// Everything that the server can be told, with its unit and its default. Immutable once made; one method finds what is wrong.

using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using RawWs.Handshake;
using RawWs.Server.Listening;
using RawWs.Server.Log;
using RawWs.Server.Memory;

namespace RawWs.Server;

/// <summary>How readiness comes to the event loops.</summary>
public enum TransportKind : byte
{
    /// <summary>Epoll on Linux, Socket elsewhere.</summary>
    Auto,

    /// <summary>Threads of our own over epoll; Linux only.</summary>
    Epoll,

    /// <summary>System.Net.Sockets' asynchronous operations; everywhere.</summary>
    Socket,
}

/// <summary>The server's options. A property's unit is its type's, or the last word of its name.</summary>
public sealed record ServerOptions
{
    private const int FragmentsDefaultMin = 1024;

    private readonly int? _fragmentsMax;
    private readonly long? _memoryBytesMax;

    /// <summary>Where to listen; port 0 takes a free one. Default: 127.0.0.1:2000.</summary>
    public IReadOnlyList<IPEndPoint> ListenEndPoints { get; init; } = [new IPEndPoint(IPAddress.Loopback, 2000)];

    /// <summary>Where readiness comes from. Default: Auto.</summary>
    public TransportKind Transport { get; init; }

    /// <summary>
    /// With epoll: the small sends of a loop's turn go to the kernel in one system call, where the system has an io_uring for us; where it has none, or forbids
    /// it, each is a call. Default: yes.
    /// </summary>
    public bool IoUring { get; init; } = true;

    /// <summary>How many event loops; default: one per processor.</summary>
    public int Loops { get; init; } = Environment.ProcessorCount;

    /// <summary>The largest message, in bytes of payload; larger ones are closed with 1009. Default: 1 MiB.</summary>
    public int MessageBytesMax { get; init; } = 1024 * 1024;

    /// <summary>
    /// The most fragments of a message; more are closed with 1009. Default: one for each KiB of <see cref="MessageBytesMax"/>, and at
    /// least 1,024. So a sender whose fragments have 1 KiB or more meets only the limit for bytes, and a flood of tiny ones ends.
    /// </summary>
    public int FragmentsMax
    {
        get => _fragmentsMax ?? Math.Max(FragmentsDefaultMin, MessageBytesMax / 1024);
        init => _fragmentsMax = value;
    }

    /// <summary>How long a message may take from its first byte to its last. Default: 30 s.</summary>
    public TimeSpan MessageTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Bytes queued for one peer from which on nothing more is accepted for it. Default: 1 MiB.</summary>
    public int SendBufferBytesMax { get; init; } = 1024 * 1024;

    /// <summary>
    /// The most connections; one more is answered with 503. Default, null: as many as the limit of open files and the memory have room
    /// for at the start, less some that are kept for the process and for those who are only told 503.
    /// </summary>
    public int? ConnectionsMax { get; init; }

    /// <summary>
    /// The most bytes held in unfinished messages and outboxes, all together. Default: a quarter of what the process may have, less what
    /// it needs for itself.
    /// </summary>
    public long MemoryBytesMax
    {
        get => _memoryBytesMax ?? MemoryShare.DefaultBudget(Loops);
        init => _memoryBytesMax = value;
    }

    /// <summary>How long a request may take, and its answer. Default: 10 s.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the peer may take to answer a Close, and then to end its stream. Default: 5 s.</summary>
    public TimeSpan CloseTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a peer may take nothing of what is sent to it. Default: 30 s.</summary>
    public TimeSpan SendTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A peer that sends nothing for so long is closed with 3008; zero: Pings instead. Default: zero.</summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.Zero;

    /// <summary>Without a heartbeat: the time between two Pings. Two unanswered ones close with 1011. Default: 25 s.</summary>
    public TimeSpan PingInterval { get; init; } = TimeSpan.FromSeconds(25);

    /// <summary>Without a heartbeat: this text is sent instead of a Ping, and no answer is expected. Default: none.</summary>
    public string? PingText { get; init; }

    /// <summary>
    /// Origins that are allowed besides loopback and same host, as browsers write them ("https://example.com", "null", "file://"), or "*"
    /// for any. Case and a default port do not matter. Default: none.
    /// </summary>
    public IReadOnlyList<string> AllowedOrigins { get; init; } = [];

    /// <summary>Host names under which this server is reached: for these an Origin of the same host is allowed. Default: none.</summary>
    public IReadOnlyList<string> AllowedHosts { get; init; } = [];

    /// <summary>Subprotocols that the application speaks, the preferred first (§1.9). Default: none.</summary>
    public IReadOnlyList<string> Subprotocols { get; init; } = [];

    /// <summary>Whether permessage-deflate is agreed to (RFC 7692). Default: no; docs/decisions/0003 says why.</summary>
    public bool Compression { get; init; }

    /// <summary>How hard a message is compressed, 1 (fast) to 9 (small). Default: 1.</summary>
    public int CompressionLevel { get; init; } = 1;

    /// <summary>Messages of fewer bytes of payload go out as they are. Default: 256.</summary>
    public int CompressionBytesMin { get; init; } = 256;

    /// <summary>Whether messages may refer to earlier ones, both ways: better compression, for up to 331 KB a connection. Default: no.</summary>
    public bool CompressionTakeover { get; init; }

    /// <summary>The largest window, both ways, as the base-2 logarithm of its bytes, 9 to 15. Default: 15.</summary>
    public int CompressionWindowBits { get; init; } = 15;

    /// <summary>Whether a plain GET of "/" gets the demo page. Default: no.</summary>
    public bool ServesPage { get; init; }

    /// <summary>The clock and its timers. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Where log lines go. Default: nowhere.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;

    internal bool UsesEpoll => Transport == TransportKind.Epoll || (Transport == TransportKind.Auto && OperatingSystem.IsLinux());

    /// <summary>
    /// Whether nobody but this machine's own programs can be meant: every address is loopback, and no host or origin is named. Whoever
    /// names one has the world outside, behind a proxy.
    /// </summary>
    internal bool IsForThisMachineOnly
    {
        get
        {
            foreach (IPEndPoint endPoint in ListenEndPoints)
                if (!IPAddress.IsLoopback(endPoint.Address)) return false;
            return AllowedOrigins.Count == 0 && AllowedHosts.Count == 0;
        }
    }

    /// <summary>The first thing that is wrong, as one sentence that names the property; null when all is well.</summary>
    public string? FindError()
    {
        if (ListenEndPoints.Count == 0) return $"{nameof(ListenEndPoints)}: at least one address is needed.";
        if (Transport == TransportKind.Epoll && !OperatingSystem.IsLinux()) return $"{nameof(Transport)}: epoll exists on Linux only.";
        if (Loops is < 1 or > 1024) return $"{nameof(Loops)}: 1 to 1024, not {Loops}.";
        if (MessageBytesMax is < 1 or > 1 << 30) return $"{nameof(MessageBytesMax)}: 1 to 1 GiB, not {MessageBytesMax}.";
        if (FragmentsMax < 1) return $"{nameof(FragmentsMax)}: at least 1, not {FragmentsMax}.";
        if (SendBufferBytesMax is < 1 or > 1 << 30) return $"{nameof(SendBufferBytesMax)}: 1 to 1 GiB, not {SendBufferBytesMax}.";
        if (ConnectionsMax < 1) return $"{nameof(ConnectionsMax)}: at least 1, not {ConnectionsMax}.";
        if (_memoryBytesMax < MemoryShare.BudgetBytesMin) return $"{nameof(MemoryBytesMax)}: at least 1 MiB, not {MemoryBytesMax} bytes.";
        if (CompressionLevel is < 1 or > 9) return $"{nameof(CompressionLevel)}: 1 to 9, not {CompressionLevel}.";
        if (CompressionBytesMin < 0) return $"{nameof(CompressionBytesMin)}: at least 0, not {CompressionBytesMin}.";
        if (CompressionWindowBits is < 9 or > 15) return $"{nameof(CompressionWindowBits)}: 9 to 15, not {CompressionWindowBits}.";
        foreach (string origin in AllowedOrigins)
            if (OriginRule.FindError(origin) is { } problem) return $"{nameof(AllowedOrigins)}: \"{LogText.Escape(origin)}\" can never match: {problem}.";
        foreach (string host in AllowedHosts)
            if (OriginRule.FindHostError(host) is { } problem) return $"{nameof(AllowedHosts)}: \"{LogText.Escape(host)}\" can never match: {problem}.";
        if (PingText is not null && Heartbeat > TimeSpan.Zero) return $"{nameof(PingText)}: only without a heartbeat (set {nameof(Heartbeat)} to zero).";
        return FindBadTime(nameof(MessageTimeout), MessageTimeout) ?? FindBadTime(nameof(HandshakeTimeout), HandshakeTimeout)
            ?? FindBadTime(nameof(CloseTimeout), CloseTimeout) ?? FindBadTime(nameof(SendTimeout), SendTimeout)
            ?? FindBadTime(nameof(PingInterval), PingInterval) ?? (Heartbeat == TimeSpan.Zero ? null : FindBadTime(nameof(Heartbeat), Heartbeat));
    }

    private static string? FindBadTime(string name, TimeSpan time) =>
        time >= TimeSpan.FromMilliseconds(1) && time <= TimeSpan.FromDays(1) ? null : $"{name}: 0.001 to 86400 seconds, not {time.TotalSeconds}.";

    /// <summary>What the system has too little of for such a server and a few clients, as a sentence; null when there is enough.</summary>
    internal string? FindShortage() =>
        (_memoryBytesMax is null ? MemoryShare.FindShortage(Loops) : null) ?? Descriptors.FindShortage(Loops, UsesEpoll, ListenEndPoints.Count);
}
