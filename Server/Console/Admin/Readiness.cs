// Whether newcomers should be sent here. Not while the server drains, nor past a limit, nor without a key for their tokens: then a newcomer
// gets 503, or nothing, or 401.

namespace RawWs.Server.Console.Admin;

/// <param name="server">The server.</param>
/// <param name="findUnready">Says why nobody can be let in for another reason than the server's; null when somebody can.</param>
internal sealed class Readiness(WebSocketServer server, Func<string?>? findUnready = null)
{
    private volatile bool _drains;

    /// <summary>From now on nobody should come.</summary>
    public void BeginDrain() => _drains = true;

    /// <summary>Why newcomers should not be sent here; null when they should.</summary>
    public string? FindReason()
    {
        if (_drains) return "draining";
        if (!server.IsListening) return "not listening";
        if (server.Count >= server.ConnectionsMax) return "the limit of connections is reached";
        return server.HasRoom ? findUnready?.Invoke() : "the memory limit is reached";
    }
}
