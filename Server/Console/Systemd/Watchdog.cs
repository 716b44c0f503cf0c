// The service manager's watchdog: it ends a program that has not said for so long that it lives (WATCHDOG_USEC, sd_watchdog_enabled(3)).
// What is to live are the event loops, so each is asked, at half of the time; one that hangs says nothing, and then nothing is told.

using System.Globalization;

namespace RawWs.Server.Console.Systemd;

internal sealed class Watchdog : IDisposable
{
    private readonly WebSocketServer _server;
    private readonly ServiceNotices _notices;
    private readonly ITimer _timer;
    private bool _asks;

    /// <param name="server">The server; it runs.</param>
    /// <param name="limit">The manager's time.</param>
    /// <param name="time">The clock.</param>
    /// <param name="notices">Who is told.</param>
    public Watchdog(WebSocketServer server, TimeSpan limit, TimeProvider time, ServiceNotices notices)
    {
        (_server, _notices) = (server, notices);
        _timer = time.CreateTimer(static watchdog => _ = ((Watchdog)watchdog!).AskAsync(), this, limit / 2, limit / 2);
    }

    /// <summary>The time within which the manager wants to hear of this process; null when it does not watch it.</summary>
    public static TimeSpan? ReadLimit()
    {
        if (!long.TryParse(Environment.GetEnvironmentVariable("WATCHDOG_USEC"), NumberStyles.None, CultureInfo.InvariantCulture,
            out long microseconds) || microseconds == 0) return null;
        string? process = Environment.GetEnvironmentVariable("WATCHDOG_PID");
        bool isMeant = process is null || process == Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        return isMeant ? TimeSpan.FromMicroseconds(microseconds) : null;
    }

    public void Dispose() => _timer.Dispose();

    // A loop that has not answered yet is not asked again.
    private async Task AskAsync()
    {
        if (Interlocked.Exchange(ref _asks, true)) return;
        await _server.WhenLoopsRespond().ConfigureAwait(false);
        _notices.TellAlive();
        Volatile.Write(ref _asks, false);
    }
}
