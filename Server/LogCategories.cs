// The categories of the server's log. A name covers those that begin with it and a dot, as everywhere in Microsoft.Extensions.Logging.

namespace RawWs.Server;

/// <summary>The categories under which the server logs. A filter of an ILoggerFactory names them.</summary>
public static class LogCategories
{
    /// <summary>
    /// The server: its start and stop, its problems, and how each connection ended. A filter on this name holds for the other categories
    /// too, unless they have their own.
    /// </summary>
    public const string Server = "RawWs";

    /// <summary>
    /// The life of each connection, all at the level Debug: its request, what was agreed on or why it was refused, its uid, its phases.
    /// </summary>
    public const string Connections = "RawWs.Connections";

    /// <summary>
    /// Each frame received or sent, all at the level Trace: the fields of its header (RFC 6455 §5.2), and never anything of its payload.
    /// </summary>
    public const string Frames = "RawWs.Frames";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [Server, Connections, Frames];
}
