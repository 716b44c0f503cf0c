// The lines about one connection's life, at the level Debug. Text from strangers and from applications is escaped and cut before it comes
// here (LogText), so no line has more than about a thousand characters. A request's query is left out: people put secrets there.

using Microsoft.Extensions.Logging;
using RawWs.Server.Native;

namespace RawWs.Server.Log;

internal static partial class ConnectionLines
{
    /// <summary>A whole request has come. The answer is not decided yet.</summary>
    [LoggerMessage(100, LogLevel.Debug, "request {id} from {peer} is {method} \"{path}\", host \"{host}\", origin \"{origin}\", "
        + "subprotocols \"{subprotocols}\", extensions \"{extensions}\"")]
    public static partial void RequestCame(this ILogger log, long id, PeerAddress peer, string method, string path, string host,
        string origin, string subprotocols, string extensions);

    [LoggerMessage(101, LogLevel.Debug, "request {id} from {peer} is refused: {status}{rule}: {reason}")]
    public static partial void RequestRefused(this ILogger log, long id, PeerAddress peer, int status, string rule, string reason);

    /// <summary>An offer is declined, which is no error: another one may be accepted, or none (RFC 7692 §5).</summary>
    [LoggerMessage(102, LogLevel.Debug, "request {id} offers {extension}, which is declined: {reason}")]
    public static partial void OfferDeclined(this ILogger log, long id, string extension, string reason);

    [LoggerMessage(103, LogLevel.Debug, "connection {id} from {peer} is open: endpoint \"{endpoint}\", uid \"{uid}\", "
        + "subprotocol \"{subprotocol}\", extensions \"{extensions}\"")]
    public static partial void ConnectionOpened(this ILogger log, long id, PeerAddress peer, string endpoint, string uid,
        string subprotocol, string extensions);

    [LoggerMessage(104, LogLevel.Debug, "connection {id} has the uid \"{uid}\"")]
    public static partial void ConnectionNamed(this ILogger log, long id, string uid);

    /// <summary>The connection goes from one phase to the next. The cause, and who began it, are those of the whole ending.</summary>
    [LoggerMessage(105, LogLevel.Debug, "connection {id}: {from} -> {to}, begun by the {by}: {cause}{code}{rule}")]
    public static partial void PhaseChanged(this ILogger log, long id, string from, string to, string by, string cause, string code,
        string rule);

    /// <summary>A trusted proxy has told who its client is. From now on the lines name the client.</summary>
    [LoggerMessage(106, LogLevel.Debug, "connection {id} from {proxy} is a proxy's, for {client}")]
    public static partial void ClientNamed(this ILogger log, long id, PeerAddress proxy, PeerAddress client);
}
