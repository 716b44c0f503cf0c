// The ways in which a connection ends, as data: a row for each. ARCHITECTURE.md shows the same table; a test compares the two, and both
// with PhaseTable. What is sent and what becomes of TCP follows from the row's event.

using RawWs.Frame;
using RawWs.Server.Channels;

namespace RawWs.Server.Connections;

/// <summary>Where the code of a close report comes from.</summary>
internal enum CodeSource : byte
{
    /// <summary>There is no code.</summary>
    None,

    /// <summary>The row has it.</summary>
    Row,

    /// <summary>It is in the peer's Close.</summary>
    Peer,

    /// <summary>It is the broken rule's.</summary>
    Rule,

    /// <summary>The application has chosen it.</summary>
    Application,

    /// <summary>It is the status of the HTTP answer.</summary>
    Status,
}

/// <summary>A row: one way to end. Immutable.</summary>
/// <param name="Cause">What the close report says.</param>
/// <param name="Event">What happens: the column of <see cref="PhaseTable"/>.</param>
/// <param name="CodeFrom">Where the report's code comes from.</param>
internal sealed record Ending(EndCause Cause, PhaseEvent Event, CodeSource CodeFrom)
{
    /// <summary>The report's code, if the row has one.</summary>
    public ushort? Code { get; init; }

    /// <summary>The reason that goes with the code, in a Close and in the report.</summary>
    public string Reason { get; init; } = "";

    /// <summary>Whether what the kernel has not begun to send is dropped before the Close.</summary>
    public bool DropsUnsent { get; init; }

    /// <summary>
    /// Whether the code stays even if messages to everybody had to be lost before it: its clients know it. Any other Close becomes
    /// <see cref="Endings.OutOfMemory"/> then.
    /// </summary>
    public bool KeepsCode { get; init; }
}

/// <summary>The rows, in ARCHITECTURE.md's order.</summary>
internal static class Endings
{
    private const string TokenExpiredReason = "token expired: reconnect with a new one";

    public static readonly Ending
        PeerClosed = new(EndCause.PeerClosed, PhaseEvent.PeerCloses, CodeSource.Peer),
        PeerVanished = new(EndCause.PeerVanished, PhaseEvent.StreamEnds, CodeSource.None),
        TlsFailed = new(EndCause.TlsFailed, PhaseEvent.StreamEnds, CodeSource.None),
        TlsTimeout = new(EndCause.TlsFailed, PhaseEvent.Aborts, CodeSource.None) { Reason = "TLS handshake timeout" },
        ProxyFailed = new(EndCause.ProxyFailed, PhaseEvent.StreamEnds, CodeSource.None),
        ProxyTimeout = new(EndCause.ProxyFailed, PhaseEvent.Aborts, CodeSource.None) { Reason = "PROXY header timeout" },
        ProtocolViolation = new(EndCause.ProtocolViolation, PhaseEvent.Fails, CodeSource.Rule),
        MessageTooBig = new(EndCause.MessageTooBig, PhaseEvent.Fails, CodeSource.Row) { Code = CloseCodes.MessageTooBig },
        MessageTimeout = Closes(EndCause.MessageTimeout, ServerCloseCodes.MessageTimeout, "message timeout"),
        Heartbeat = Closes(EndCause.Heartbeat, ServerCloseCodes.HeartbeatMissed, "Network connection timeout!"),
        PongTimeout = Closes(EndCause.PongTimeout, CloseCodes.InternalError, "ping timeout"),
        TooSlow = Closes(EndCause.TooSlow, ServerCloseCodes.TooSlow, "too slow") with { DropsUnsent = true },
        TooFast = Closes(EndCause.TooFast, ServerCloseCodes.TooFast, "too many messages"),
        StalledSend = new(EndCause.StalledSend, PhaseEvent.Aborts, CodeSource.None),
        ApplicationClosed = new(EndCause.ApplicationClosed, PhaseEvent.Closes, CodeSource.Application) { KeepsCode = true },
        CloseDeadline = new(EndCause.CloseDeadline, PhaseEvent.Expires, CodeSource.Application),
        Aborted = new(EndCause.Aborted, PhaseEvent.Aborts, CodeSource.None),
        Replaced = Closes(EndCause.Replaced, ServerCloseCodes.Replaced, "replaced by another connection") with { KeepsCode = true },
        Rejected = Closes(EndCause.Rejected, ServerCloseCodes.Rejected, "uid taken") with { KeepsCode = true },
        HandlerError = Closes(EndCause.HandlerError, CloseCodes.InternalError, "internal error"),
        OutOfMemory = Closes(EndCause.OutOfMemory, CloseCodes.TryAgainLater, "server out of memory"),
        BytesLost = OutOfMemory with { Event = PhaseEvent.Fails },
        RestLost = new(EndCause.OutOfMemory, PhaseEvent.Aborts, CodeSource.None),
        Drain = Closes(EndCause.Drain, CloseCodes.GoingAway, "server shutting down") with { Event = PhaseEvent.Stops },
        TokenExpired = Closes(EndCause.TokenExpired, ServerCloseCodes.TokenExpired, TokenExpiredReason) with { KeepsCode = true },
        Http = new(EndCause.Http, PhaseEvent.Answers, CodeSource.Status);

    /// <summary>Every row.</summary>
    public static IReadOnlyList<Ending> All { get; } =
    [
        PeerClosed, PeerVanished, TlsFailed, TlsTimeout, ProxyFailed, ProxyTimeout, ProtocolViolation, MessageTooBig, MessageTimeout,
        Heartbeat, PongTimeout, TooSlow, TooFast, StalledSend, ApplicationClosed, CloseDeadline, Aborted, Replaced, Rejected, HandlerError,
        OutOfMemory, BytesLost, RestLost, Drain, TokenExpired, Http,
    ];

    /// <summary>How a connection ends whose peer has broken this layer's rules. A handshake of TLS may be over by then.</summary>
    public static Ending FailureOf(OpeningLayer layer) => layer == OpeningLayer.ProxyHeader ? ProxyFailed : TlsFailed;

    /// <summary>How a connection ends whose peer has not opened this layer in time.</summary>
    public static Ending TimeoutOf(OpeningLayer layer) => layer == OpeningLayer.ProxyHeader ? ProxyTimeout : TlsTimeout;

    private static Ending Closes(EndCause cause, ushort code, string reason) =>
        new(cause, PhaseEvent.Closes, CodeSource.Row) { Code = code, Reason = reason };
}
