// An echo that keeps who was opened, and how each connection ended.

using System.Threading.Channels;
using RawWs.Server;
using RawWs.Server.Applications;

namespace RawWs.Tests.Support;

internal sealed class ReportedEcho : IWebSocketApplication
{
    private readonly EchoApplication _echo = new();
    private readonly Channel<WebSocketConnection> _opened = System.Threading.Channels.Channel.CreateUnbounded<WebSocketConnection>();
    private readonly Channel<CloseReport> _reports = System.Threading.Channels.Channel.CreateUnbounded<CloseReport>();

    /// <summary>The next one that is opened.</summary>
    public Task<WebSocketConnection> Opened() => _opened.Reader.ReadAsync().AsTask().WaitAsync(TestServer.Patience);

    /// <summary>How the next one has ended.</summary>
    public Task<CloseReport> Next() => _reports.Reader.ReadAsync().AsTask().WaitAsync(TestServer.Patience);

    public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) => new(UpgradeDecision.Accept());

    public void OnOpen(WebSocketConnection connection) => _opened.Writer.TryWrite(connection);

    public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message) => _echo.OnMessage(connection, message);

    public void OnClose(WebSocketConnection connection, CloseReport report) => _reports.Writer.TryWrite(report);
}
