// The names of the enum values that log lines show. Enum.ToString finds names by reflection, which costs more.

using RawWs.Frame;

namespace RawWs.Server.Log;

internal static class Names
{
    /// <summary>The value's name, or its number if it has none.</summary>
    public static string Of(EndCause cause) => cause switch
    {
        EndCause.None => nameof(EndCause.None),
        EndCause.PeerClosed => nameof(EndCause.PeerClosed),
        EndCause.PeerVanished => nameof(EndCause.PeerVanished),
        EndCause.ProtocolViolation => nameof(EndCause.ProtocolViolation),
        EndCause.MessageTooBig => nameof(EndCause.MessageTooBig),
        EndCause.MessageTimeout => nameof(EndCause.MessageTimeout),
        EndCause.Heartbeat => nameof(EndCause.Heartbeat),
        EndCause.PongTimeout => nameof(EndCause.PongTimeout),
        EndCause.TooSlow => nameof(EndCause.TooSlow),
        EndCause.StalledSend => nameof(EndCause.StalledSend),
        EndCause.CloseDeadline => nameof(EndCause.CloseDeadline),
        EndCause.Replaced => nameof(EndCause.Replaced),
        EndCause.Rejected => nameof(EndCause.Rejected),
        EndCause.HandlerError => nameof(EndCause.HandlerError),
        EndCause.ApplicationClosed => nameof(EndCause.ApplicationClosed),
        EndCause.Aborted => nameof(EndCause.Aborted),
        EndCause.Drain => nameof(EndCause.Drain),
        EndCause.OutOfMemory => nameof(EndCause.OutOfMemory),
        EndCause.TlsFailed => nameof(EndCause.TlsFailed),
        EndCause.ProxyFailed => nameof(EndCause.ProxyFailed),
        EndCause.TooFast => nameof(EndCause.TooFast),
        EndCause.TokenExpired => nameof(EndCause.TokenExpired),
        EndCause.Http => nameof(EndCause.Http),
        _ => cause.ToString(),
    };

    /// <summary>Who closes, as the lines say it.</summary>
    public static string Of(ClosedBy end) => end switch
    {
        ClosedBy.Peer => "peer",
        ClosedBy.Application => "application",
        _ => "server",
    };

    /// <summary>The value's name, or its number if it is reserved.</summary>
    public static string Of(Opcode opcode) => opcode switch
    {
        Opcode.Continuation => nameof(Opcode.Continuation),
        Opcode.Text => nameof(Opcode.Text),
        Opcode.Binary => nameof(Opcode.Binary),
        Opcode.Close => nameof(Opcode.Close),
        Opcode.Ping => nameof(Opcode.Ping),
        Opcode.Pong => nameof(Opcode.Pong),
        _ => opcode.ToString(),
    };
}
