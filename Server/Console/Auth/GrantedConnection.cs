// What stands between one connection and the program's application: it ends the connection with its grant, tells it so a minute before, and
// lets no message through that the grant does not allow. Everything else goes on as it is.

using System.Globalization;
using RawWs.Server.Applications;
using RawWs.Server.Routing;

namespace RawWs.Server.Console.Auth;

/// <param name="program">The program's application.</param>
/// <param name="grant">What the client may do.</param>
/// <param name="clock">Calls when it is time.</param>
internal sealed class GrantedConnection(IWebSocketApplication program, Grant grant, TokenClock clock) : IWebSocketApplication
{
    /// <summary>How long before the end the client is told of it.</summary>
    public static readonly TimeSpan NoticeTime = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private WebSocketConnection _connection = null!;
    private DateTimeOffset? _due; // what the clock was asked for; null for nothing
    private bool _wasTold;

    // Nobody asks here: AuthApplication decides.
    public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) => throw new NotSupportedException();

    public void OnOpen(WebSocketConnection connection)
    {
        _connection = connection;
        if (grant.Expires is { } end) Wait(end - NoticeTime);
        program.OnOpen(connection);
    }

    public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message)
    {
        if (grant.Rights is null || UidProtocol.IsHeartbeat(message.Kind, message.Span)
            || !UidProtocol.TrySplit(message.Span, out ReadOnlySpan<byte> address, out _) || grant.Rights.Allow(address))
            return program.OnMessage(connection, message);
        RouterApplication.Refuse(connection, UidError.Forbidden, address);
        return ValueTask.CompletedTask;
    }

    public void OnHeartbeatMissed(WebSocketConnection connection) => program.OnHeartbeatMissed(connection);

    public void OnClose(WebSocketConnection connection, CloseReport report)
    {
        lock (_lock)
        {
            if (_due is { } due) clock.Remove(this, due);
            _due = null;
        }

        program.OnClose(connection, report);
    }

    /// <summary>The time has come for which it waits.</summary>
    public void OnDue()
    {
        DateTimeOffset end = grant.Expires!.Value;
        double left = (end - clock.Now).TotalSeconds;
        if (left <= 0)
        {
            _connection.CloseTokenExpired();
            return;
        }

        if (!_wasTold)
        {
            _wasTold = true;
            // If the client's queue is full it is told when there is room.
            string seconds = Math.Ceiling(left).ToString(CultureInfo.InvariantCulture);
            _ = _connection.SendAsync($"error:token-expires:{seconds}").AsTask();
        }

        Wait(end);
    }

    private void Wait(DateTimeOffset due)
    {
        lock (_lock)
        {
            if (_connection.HasEnded) return; // OnClose has been called, or will find what is set here
            _due = due;
            clock.Add(this, due);
        }
    }
}
