// What tells the event loops of their sockets.

namespace RawWs.Server;

/// <summary>How the event loops learn that a socket is ready.</summary>
public enum TransportKind : byte
{
    /// <summary>Epoll on Linux, Socket elsewhere.</summary>
    Auto,

    /// <summary>Own threads over epoll; Linux only.</summary>
    Epoll,

    /// <summary>Asynchronous operations of System.Net.Sockets; on every system.</summary>
    Socket,
}
