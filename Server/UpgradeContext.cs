// What an application is asked with: the request, and between which addresses it came. The local address is asked of the kernel only when
// somebody wants it.

using System.Net;
using System.Text;
using RawWs.Handshake;
using RawWs.Server.Connections;
using RawWs.Server.Native;

namespace RawWs.Server;

/// <summary>
/// A client asks for an upgrade. Valid until the decision is made: after that its members throw
/// <see cref="InvalidOperationException"/>, until it is used for another client. Copy what is needed later.
/// </summary>
public sealed class UpgradeContext
{
    private IConnectionOwner? _owner;
    private WebSocketConnection? _connection;
    private UpgradeRequest? _request;
    private IPEndPoint? _local;

    internal UpgradeContext()
    {
    }

    /// <summary>The request, which is valid (§4.2.1): its target, path, query, origin and header fields.</summary>
    public UpgradeRequest Request => _request ?? throw Over();

    /// <summary>The number that the connection has, and keeps: <see cref="WebSocketConnection.Id"/>.</summary>
    public long ConnectionId => Connection.Id;

    /// <summary>The client's address and port: <see cref="WebSocketConnection.RemoteEndPoint"/>. A new object.</summary>
    public IPEndPoint RemoteEndPoint => Connection.RemoteEndPoint;

    /// <summary>The same; it says also whether the client has come through a socket file, and has no address.</summary>
    internal PeerAddress Peer => Connection.Peer;

    /// <summary>
    /// The address and port of this end of the connection. Where there is none, or the system does not say it any more: 0.0.0.0:0.
    /// </summary>
    public IPEndPoint LocalEndPoint => _local ??= Connection.Transport.FindLocalEndPoint() ?? new IPEndPoint(IPAddress.Any, 0);

    /// <summary>
    /// The listening address through which the connection came, one of <see cref="WebSocketServer.EndPoints"/>. Null if none of them has
    /// its local address, as for a socket file.
    /// </summary>
    public IPEndPoint? Listener
    {
        get
        {
            IPEndPoint local = LocalEndPoint;
            IPEndPoint? any = null;
            foreach (IPEndPoint endPoint in _owner!.EndPoints)
            {
                if (endPoint.Equals(local)) return endPoint;
                // The system lets only one listener have a port for all addresses of a family.
                bool isForAll = endPoint.Address.Equals(IPAddress.Any) || endPoint.Address.Equals(IPAddress.IPv6Any);
                if (isForAll && endPoint.Port == local.Port && endPoint.AddressFamily == local.AddressFamily) any = endPoint;
            }

            return any;
        }
    }

    /// <summary>Whether the client only wants to know what the decision would be. It gets no uid.</summary>
    public bool IsQuestion { get; internal set; }

    /// <summary>The header fields, in the client's order.</summary>
    public UpgradeRequest.HeaderEnumerator Headers => Request.Headers;

    /// <summary>The subprotocol that the server has chosen from the client's offers (§4.2.2); null for none.</summary>
    public string? Subprotocol { get; private set; }

    /// <summary>Finds the value of the first header field of a name.</summary>
    /// <param name="name">The name, in upper or lower case.</param>
    /// <returns>The value, each byte as one character (ISO 8859-1); null if there is no such field. A stranger has written it.</returns>
    public string? FindHeader(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        foreach (HeaderField field in Request.Headers)
            if (Ascii.EqualsIgnoreCase(field.Name, name)) return Encoding.Latin1.GetString(field.Value);
        return null;
    }

    private WebSocketConnection Connection => _connection ?? throw Over();

    /// <summary>A client asks. The object may have been used before.</summary>
    internal void Begin(IConnectionOwner owner, WebSocketConnection connection, UpgradeRequest request, string? subprotocol) =>
        (_owner, _connection, _request, Subprotocol, _local, IsQuestion) = (owner, connection, request, subprotocol, null, false);

    /// <summary>The decision is made, and nothing is held any more.</summary>
    internal void End() => Begin(null!, null!, null!, null);

    /// <summary>The application needs time. What must be asked of the socket is asked now, on its loop.</summary>
    internal void KeepAddresses() => _ = LocalEndPoint;

    private static InvalidOperationException Over() => new("The decision is made: what the context knew is not held any more.");
}
