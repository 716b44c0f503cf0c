// Which part of a connection's beginning comes next.

namespace RawWs.Server.Channels;

/// <summary>A layer that has something to read before the connection's own bytes come.</summary>
internal enum OpeningLayer : byte
{
    None,

    /// <summary>The header in which a proxy tells its client's address.</summary>
    ProxyHeader,

    /// <summary>The handshake of TLS.</summary>
    Tls,
}
