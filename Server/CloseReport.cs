// How a connection ended, and why. One line of the log is made of it, and the application's OnClose gets it.

using System.Runtime.CompilerServices;
using RawWs.Frame;
using RawWs.Server.Log;

namespace RawWs.Server;

/// <summary>What ended a connection. ARCHITECTURE.md has the table: cause, frames sent, code, the end of TCP.</summary>
public enum EndCause : byte
{
    /// <summary>Not known: the connection has not ended.</summary>
    None,

    /// <summary>The peer sent a Close, and this server answered it.</summary>
    PeerClosed,

    /// <summary>The peer's stream ended or was reset without a Close.</summary>
    PeerVanished,

    /// <summary>The peer broke a rule of the protocol; the report names it.</summary>
    ProtocolViolation,

    /// <summary>A message of the peer passed a limit (1009).</summary>
    MessageTooBig,

    /// <summary>A message took too long from its first byte to its last (4001).</summary>
    MessageTimeout,

    /// <summary>The peer sent nothing for the heartbeat's time (3008).</summary>
    Heartbeat,

    /// <summary>The peer left two Pings unanswered, or the one of a probe (1011).</summary>
    PongTimeout,

    /// <summary>The peer's send queue was full, and the kernel could send nothing (4000).</summary>
    TooSlow,

    /// <summary>For the whole send timeout the kernel could send nothing to the peer.</summary>
    StalledSend,

    /// <summary>The application closed, and the peer did not answer the Close in time.</summary>
    CloseDeadline,

    /// <summary>Another connection took over its uid (4500).</summary>
    Replaced,

    /// <summary>The connection was not let in, because another one has its uid (4501).</summary>
    Rejected,

    /// <summary>A handler of the application threw (1011).</summary>
    HandlerError,

    /// <summary>The application closed it.</summary>
    ApplicationClosed,

    /// <summary>The application aborted it: a reset, no Close.</summary>
    Aborted,

    /// <summary>The server stopped (1001).</summary>
    Drain,

    /// <summary>The server's memory limit was reached (1013).</summary>
    OutOfMemory,

    /// <summary>The peer broke TLS, or did not finish its handshake in time; the reason says what.</summary>
    TlsFailed,

    /// <summary>The peer sent more than it may in this time (4002); the reason says of what.</summary>
    TooFast,

    /// <summary>The peer sent no valid PROXY header, or not in time, or is no trusted proxy; the reason says what.</summary>
    ProxyFailed,

    /// <summary>What proved who the client is has expired (3000).</summary>
    TokenExpired,

    /// <summary>The request was answered with the page or refused: it never was a WebSocket connection.</summary>
    Http,
}

/// <summary>Which end closed a connection.</summary>
public enum ClosedBy : byte
{
    /// <summary>The server, for a reason of its own.</summary>
    Server,

    /// <summary>The peer.</summary>
    Peer,

    /// <summary>The application.</summary>
    Application,
}

/// <summary>How and why a connection ended.</summary>
public sealed record CloseReport
{
    /// <summary>What ended it.</summary>
    public required EndCause Cause { get; init; }

    /// <summary>
    /// The Close code that was received, or sent if this server closed first; null for none (§7.1.5). For Http: the HTTP status.
    /// </summary>
    public int? Code { get; init; }

    /// <summary>
    /// The reason that came with the code (§7.1.6), or why a request was answered as it was. A stranger may have written it.
    /// </summary>
    public string Reason { get; init; } = "";

    /// <summary>
    /// The name of the broken rule, or null (<see cref="FrameRules"/>, <see cref="RawWs.Handshake.HandshakeRules"/>, those of a PROXY
    /// header, which docs/ops/proxies.md has, or the application's: <see cref="UpgradeDecision.Rule"/>).
    /// </summary>
    public string? Rule { get; init; }

    /// <summary>The opcode of the last frame from the peer; null before the first.</summary>
    public Opcode? LastFrame { get; init; }

    /// <summary>The time from the accept to the end.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>The time from the last bytes that came from the peer to the end.</summary>
    public TimeSpan Idle { get; init; }

    /// <summary>The value of Sec-WebSocket-Extensions in the answer (§9), or null.</summary>
    public string? Extensions { get; init; }

    /// <summary>How many messages were received whole.</summary>
    public long MessagesIn { get; init; }

    /// <summary>How many messages were accepted for sending.</summary>
    public long MessagesOut { get; init; }

    /// <summary>
    /// How many of them were dropped, because the peer took less than it was sent: where full send queues drop
    /// (<see cref="SlowConsumer"/>), before a Close with 4000, or because there was no memory for the rest of them.
    /// </summary>
    public long MessagesDropped { get; init; }

    /// <summary>How many of them still waited when the connection ended. Nobody gets them.</summary>
    public long MessagesUnsent { get; init; }

    /// <summary>How many of them the kernel has taken whole.</summary>
    public long MessagesDelivered => MessagesOut - MessagesDropped - MessagesUnsent;

    /// <summary>How many bytes were received, including the handshake.</summary>
    public long BytesIn { get; init; }

    /// <summary>How many bytes the kernel has accepted for sending, including the handshake.</summary>
    public long BytesOut { get; init; }

    /// <summary>Whether both ends sent a Close (§7.1.4).</summary>
    public bool Clean { get; init; }

    /// <summary>Which end closed it.</summary>
    public ClosedBy ClosedBy => WhoCloses(Cause);

    internal static ClosedBy WhoCloses(EndCause cause) => cause switch
    {
        EndCause.PeerClosed or EndCause.PeerVanished => ClosedBy.Peer,
        EndCause.ApplicationClosed or EndCause.Aborted or EndCause.Replaced or EndCause.Rejected or EndCause.CloseDeadline =>
            ClosedBy.Application,
        _ => ClosedBy.Server,
    };

    /// <summary>The report on one line, without the reason, because a stranger may have written that.</summary>
    [SkipLocalsInit]
    public override string ToString()
    {
        LineWriter line = new(stackalloc char[512]);
        WriteTo(ref line);
        return line.ToString();
    }

    internal void WriteTo(ref LineWriter line)
    {
        line.Write("closed by ");
        line.Write(Names.Of(ClosedBy));
        line.Write(": ");
        line.Write(Names.Of(Cause));
        line.Write(", code ");
        if (Code is int code) line.Write(code);
        else line.Write("none");
        if (Rule is not null)
        {
            line.Write(", rule ");
            line.Write(Rule);
        }

        line.Write(Clean ? ", clean" : ", not clean");
        line.Write(", last frame ");
        line.Write(LastFrame is Opcode opcode ? Names.Of(opcode) : "none");
        line.Write(", ");
        line.WriteSeconds(Duration);
        line.Write(" s");
        WriteTraffic(ref line, ", in ", MessagesIn, BytesIn);
        WriteTraffic(ref line, ", out ", MessagesOut, BytesOut);
        if (MessagesDropped > 0)
        {
            line.Write(", dropped ");
            line.Write(MessagesDropped);
        }

        if (MessagesUnsent > 0)
        {
            line.Write(", unsent ");
            line.Write(MessagesUnsent);
        }

        if (Extensions is null) return;
        line.Write(", ");
        line.Write(Extensions);
    }

    private static void WriteTraffic(ref LineWriter line, string way, long messages, long bytes)
    {
        line.Write(way);
        line.Write(messages);
        line.Write(" messages ");
        line.Write(bytes);
        line.Write(" bytes");
    }
}
