// Every line that the server can log from the level Information up, in one place; the numbers that are missing are the console program's
// (ProgramLog) and the loops' (LoopLines). ConnectionLines and FrameLines have the levels below. Text from clients is escaped before it
// comes here; in a close report it is escaped here.

using Microsoft.Extensions.Logging;
using RawWs.Server.Native;

namespace RawWs.Server.Log;

internal static partial class ServerLog
{
    /// <summary>Event 3: how the connection ended.</summary>
    public static void ConnectionEnded(
        this ILogger log, long id, PeerAddress peer, CloseReport report, ReadOnlySpan<byte> uid = default)
    {
        if (!log.IsEnabled(LogLevel.Information)) return;
        ConnectionEndedState state = new(id, peer, report, LogText.EscapeUtf8(uid));
        log.Log(LogLevel.Information, new EventId(3, nameof(ConnectionEnded)), state, null, ConnectionEndedState.Format);
    }

    /// <summary>Event 4: how the request was answered, and its connection ended.</summary>
    public static void RequestAnswered(this ILogger log, long id, PeerAddress peer, CloseReport report)
    {
        if (!log.IsEnabled(LogLevel.Information)) return;
        RequestAnsweredState state = new(id, peer, report);
        log.Log(LogLevel.Information, new EventId(4, nameof(RequestAnswered)), state, null, RequestAnsweredState.Format);
    }

    [LoggerMessage(5, LogLevel.Warning, "accept backs off for {milliseconds} ms: {error}")]
    public static partial void AcceptBackedOff(this ILogger log, int milliseconds, string error);

    [LoggerMessage(6, LogLevel.Warning, "an Origin of null or file:// was allowed (a page opened from disk, or any site's sandboxed "
        + "frame); it is allowed only while every listening address is loopback and no origin or host is named")]
    public static partial void NullOriginAllowed(this ILogger log);

    [LoggerMessage(7, LogLevel.Error, "the application threw on connection {id}")]
    public static partial void HandlerThrew(this ILogger log, Exception exception, long id);

    [LoggerMessage(8, LogLevel.Critical, "connection {id} met a bug of the server's")]
    public static partial void ConnectionFailed(this ILogger log, Exception exception, long id);

    [LoggerMessage(9, LogLevel.Warning, "{count} connections were closed unanswered: the server is past its limit of {limit}")]
    public static partial void ConnectionsTurnedAway(this ILogger log, long count, int limit);

    [LoggerMessage(30, LogLevel.Warning, "{count} connections were closed unanswered: {limit} handshakes of TLS are under way")]
    public static partial void HandshakesTurnedAway(this ILogger log, long count, int limit);

    [LoggerMessage(40, LogLevel.Warning, "{count} connections were closed unanswered by rule {rule}: their addresses have too many, the "
        + "last one from {peer}")]
    public static partial void AddressTurnedAway(this ILogger log, long count, string rule, PeerAddress peer);

    [LoggerMessage(10, LogLevel.Information, "stopping: {count} connections are closed")]
    public static partial void Stopping(this ILogger log, int count);

    [LoggerMessage(11, LogLevel.Information, "stopped: {clean} of {count} connections closed in time")]
    public static partial void Stopped(this ILogger log, int clean, int count);

    /// <summary>Endings of the last second that have no lines of their own: how many, by kind.</summary>
    [LoggerMessage(15, LogLevel.Information, "{count} more connections ended: {kinds}")]
    public static partial void EndingsSummed(this ILogger log, long count, string kinds);

    [LoggerMessage(16, LogLevel.Error, "there was no memory for connection {id}, which ends; connections together may hold {limit} MiB "
        + "of the process's memory (--max-memory): a lower limit helps, or more memory")]
    public static partial void MemoryMissing(this ILogger log, long id, long limit);

    [LoggerMessage(17, LogLevel.Warning, "{wanted} connections are allowed (--max-connections), but the limit of open files is {files}, "
        + "which has room for {room}: whoever comes after these waits until another has gone")]
    public static partial void ConnectionsPastFiles(this ILogger log, int wanted, int files, int room);

    [LoggerMessage(18, LogLevel.Warning, "{count} log lines were lost: the log threw")]
    public static partial void LinesLost(this ILogger log, long count);

    [LoggerMessage(23, LogLevel.Error, "the application threw when the server had stopped")]
    public static partial void StopThrew(this ILogger log, Exception exception);

    [LoggerMessage(22, LogLevel.Warning, "connection {id} is closed without messages to everybody that came before its Close, "
        + "with code {code}: there was no memory for them")]
    public static partial void BroadcastsMissed(this ILogger log, long id, ushort code);
}
