// What a connection knows of the server above it: where that listens, who is here under which uid, what is on its way to everybody, and
// whom to tell when a connection has opened or ended. The server implements it, so that no arrow goes from here to the server.

using System.Net;
using RawWs.Server.Sending;

namespace RawWs.Server.Connections;

internal interface IConnectionOwner
{
    /// <summary>Where the server listens.</summary>
    IReadOnlyList<IPEndPoint> EndPoints { get; }

    /// <summary>Who is here under which uid.</summary>
    IConnectionRegister Directory { get; }

    /// <summary>What is not sent yet of the messages to everybody: what is much of it, or with isMany anything. Null for nothing.</summary>
    IPendingDelivery? FindPendingDelivery(bool isMany);

    /// <summary>The upgrade is through, and the application knows of it. On the owner's thread.</summary>
    void OnConnectionOpened(WebSocketConnection connection);

    /// <summary>A connection is not read from for a while, because of this limit. On the owner's thread.</summary>
    void OnConnectionDelayed(Limit which);

    /// <summary>Called once for each connection, when all that was to be told of its end is told.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="report">How it ended.</param>
    /// <param name="opened">Whether it was open.</param>
    void OnConnectionEnded(WebSocketConnection connection, CloseReport report, bool opened);
}

internal interface IConnectionRegister
{
    /// <summary>Gives a connection a uid: see <see cref="ConnectionDirectory.TryJoin"/>.</summary>
    bool TryJoin(WebSocketConnection connection, ReadOnlyMemory<byte> uid, DuplicateUid duplicates);

    /// <summary>Whether one more connection may share this uid. If not, those that do are asked whether they live.</summary>
    bool HasRoom(ReadOnlySpan<byte> uid);

    /// <summary>Takes the uid away from a connection that has ended, if it has one.</summary>
    void Leave(WebSocketConnection connection);
}
