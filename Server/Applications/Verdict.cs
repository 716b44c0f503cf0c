// How a connection ended, and why: the one line that is logged for it, and what the application's OnClose is given.

using System.Runtime.CompilerServices;
using RawWs.Frame;
using RawWs.Server.Log;

namespace RawWs.Server;

/// <summary>What ended a connection. ARCHITECTURE.md has the table: cause, frames sent, code, TCP's end.</summary>
public enum EndCause : byte
{
    /// <summary>Not known: the connection has not ended.</summary>
    None,

    /// <summary>The peer sent a Close and got its answer.</summary>
    PeerClosed,

    /// <summary>The peer's end of the TCP connection ended, or was reset, without a Close.</summary>
    PeerVanished,

    /// <summary>The peer broke a rule of the protocol; the verdict names it.</summary>
    ProtocolViolation,

    /// <summary>The peer's message was past a limit (1009).</summary>
    MessageTooBig,

    /// <summary>A message took too long from its first byte to its last (4001).</summary>
    MessageTimeout,

    /// <summary>The peer sent nothing for the heartbeat's time (3008).</summary>
    Heartbeat,

    /// <summary>The peer left two Pings unanswered, or one that asked whether it lives (1011).</summary>
    PongTimeout,

    /// <summary>The peer's outbox was full (4000).</summary>
    TooSlow,

    /// <summary>The kernel took nothing for the peer for the send timeout.</summary>
    StalledSend,

    /// <summary>The application closed, and the peer did not answer the Close in time.</summary>
    CloseDeadline,

    /// <summary>Another connection took over its uid (4500).</summary>
    Replaced,

    /// <summary>The application did not let it in: its uid is taken (4501).</summary>
    Rejected,

    /// <summary>The application's handler threw (1011).</summary>
    HandlerError,

    /// <summary>The application closed it.</summary>
    ApplicationClosed,

    /// <summary>The application aborted it: a reset, no Close.</summary>
    Aborted,

    /// <summary>The server stopped (1001).</summary>
    Drain,

    /// <summary>The server's memory limit was reached (1013).</summary>
    OutOfMemory,

    /// <summary>The page was served, or the request was refused: it never was a WebSocket connection.</summary>
    Http,
}

/// <summary>How and why a connection ended.</summary>
public sealed record Verdict
{
    /// <summary>What ended it.</summary>
    public required EndCause Cause { get; init; }

    /// <summary>The Close code that was received, or sent if we closed first; null for none (§7.1.5). For HTTP the status.</summary>
    public int? Code { get; init; }

    /// <summary>The reason that went with the code (§7.1.6), or an HTTP refusal's text.</summary>
    public string Reason { get; init; } = "";

    /// <summary>The name of the rule that was broken, or null.</summary>
    public string? Rule { get; init; }

    /// <summary>The opcode of the last frame from the peer, or null before the first.</summary>
    public Opcode? LastFrame { get; init; }

    /// <summary>From the accept to the end.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>The extensions that were agreed on (§9), or null.</summary>
    public string? Extensions { get; init; }

    /// <summary>Messages received whole.</summary>
    public long MessagesIn { get; init; }

    /// <summary>Messages accepted for sending.</summary>
    public long MessagesOut { get; init; }

    /// <summary>Bytes received, the handshake's included.</summary>
    public long BytesIn { get; init; }

    /// <summary>Bytes that the kernel took, the handshake's included.</summary>
    public long BytesOut { get; init; }

    /// <summary>Whether both sides sent a Close (§7.1.4).</summary>
    public bool Clean { get; init; }

    /// <summary>Who ended it: "peer", "server" or "application".</summary>
    public string ClosedBy => Cause switch
    {
        EndCause.PeerClosed or EndCause.PeerVanished => "peer",
        EndCause.ApplicationClosed or EndCause.Aborted or EndCause.Replaced or EndCause.Rejected or EndCause.CloseDeadline => "application",
        _ => "server",
    };

    /// <summary>The verdict on one line, without the reason: that is a stranger's text.</summary>
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
        line.Write(ClosedBy);
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
