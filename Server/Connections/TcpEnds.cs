// Which directions of TCP have ended, as far as this server has seen it. What ends a direction that had not ended yet is told to those who
// look on, in that order; a reset ends both.

namespace RawWs.Server.Connections;

/// <summary>A part of <see cref="Life"/>. On the owner's thread.</summary>
internal struct TcpEnds
{
    private bool _own;
    private bool _peers;

    /// <summary>An end has come.</summary>
    public void Add(WebSocketConnection connection, TcpEnding ending)
    {
        bool own = ending != TcpEnding.PeerFin, peers = ending != TcpEnding.OwnFin;
        if ((_own || !own) && (_peers || !peers)) return;
        _own |= own;
        _peers |= peers;
        if (connection.Loop.WatchesConnections) connection.Loop.Watch.TcpEnded(connection, ending);
    }
}
