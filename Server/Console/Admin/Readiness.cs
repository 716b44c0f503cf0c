// Whether newcomers should be sent here. Not while the server drains, nor past a limit: then a newcomer gets 503, or nothing.

namespace RawWs.Server.Console.Admin;

internal sealed class Readiness(WebSocketServer server)
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
        return server.HasRoom ? null : "the memory limit is reached";
    }
}
