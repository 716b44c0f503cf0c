// What the service manager is told (sd_notify(3)): a datagram for each notice, to the socket that NOTIFY_SOCKET names. Without the variable
// nobody is told anything. A notice that cannot be sent is lost, and the log says so once: the manager has time limits of its own.

using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using RawWs.Server.Console.Log;

namespace RawWs.Server.Console.Systemd;

/// <summary>Any thread.</summary>
internal sealed class ServiceNotices : IDisposable
{
    private readonly Socket? _socket;
    private readonly UnixDomainSocketEndPoint? _manager;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private bool _hasFailed;

    /// <param name="address">What NOTIFY_SOCKET says: a path, or with "@" first a name outside of the file system; null for nobody.</param>
    /// <param name="time">The clock of which the manager is told.</param>
    /// <param name="log">Told when the manager cannot be.</param>
    public ServiceNotices(string? address, TimeProvider time, ILogger log)
    {
        (_time, _log) = (time, log);
        if (string.IsNullOrEmpty(address)) return;
        try
        {
            _manager = new UnixDomainSocketEndPoint(address[0] == '@' ? "\0" + address[1..] : address);
            _socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false };
        }
        catch (Exception exception) when (exception is SocketException or ArgumentException)
        {
            _socket = null;
            log.NoticesLost(exception.Message);
        }
    }

    /// <summary>Clients are served, as before if it has been told so before.</summary>
    public void TellReady() => Send("READY=1\nSTATUS=serving");

    /// <summary>Settings are read again; <see cref="TellReady"/> follows.</summary>
    public void TellReloading()
    {
        // The manager compares this with its own readings of CLOCK_MONOTONIC, which is what the system's clock counts by on Linux.
        double microseconds = _time.GetTimestamp() * (1e6 / _time.TimestampFrequency);
        Send($"RELOADING=1\nMONOTONIC_USEC={(long)microseconds}");
    }

    /// <summary>The program stops.</summary>
    public void TellStopping() => Send("STOPPING=1\nSTATUS=stopping");

    /// <summary>The program lives.</summary>
    public void TellAlive() => Send("WATCHDOG=1");

    public void Dispose() => _socket?.Dispose();

    private void Send(string notice)
    {
        try
        {
            _socket?.SendTo(Encoding.UTF8.GetBytes(notice), _manager!);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            if (!Interlocked.Exchange(ref _hasFailed, true)) _log.NoticesLost(exception.Message);
        }
    }
}
