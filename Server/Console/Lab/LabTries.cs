// The connections that one feed watches. Messages come back, as from an echo server; those that have a uid are the program's, and LabRoom
// tells of their beginning and end. All of them end with their feed.

using System.Collections.Concurrent;
using RawWs.Frame;
using RawWs.Server.Applications;

namespace RawWs.Server.Console.Lab;

internal sealed class LabTries : IWebSocketApplication
{
    /// <summary>The most connections at once.</summary>
    public const int ConnectionsMax = 8;

    private readonly EchoApplication _echo = new();
    private readonly ConcurrentDictionary<long, WebSocketConnection> _open = new();
    private volatile bool _hasEnded;

    public bool HasRoom => _open.Count < ConnectionsMax;

    /// <summary>Those that are open.</summary>
    public IEnumerable<WebSocketConnection> Open => _open.Values;

    /// <summary>An open connection by its number; null if there is none.</summary>
    public WebSocketConnection? Find(long connection) => _open.GetValueOrDefault(connection);

    // LabApplication decides.
    public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) => _echo.OnUpgrade(context);

    public void OnOpen(WebSocketConnection connection)
    {
        _open[connection.Id] = connection;
        if (_hasEnded) End(connection);
    }

    public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message) => _echo.OnMessage(connection, message);

    public void OnClose(WebSocketConnection connection, CloseReport report) => _open.TryRemove(connection.Id, out _);

    /// <summary>Nobody watches any more.</summary>
    public void End()
    {
        _hasEnded = true;
        foreach (WebSocketConnection connection in _open.Values) End(connection);
    }

    private static void End(WebSocketConnection connection) => connection.Close(CloseCodes.GoingAway, "the Lab's page has gone");
}
