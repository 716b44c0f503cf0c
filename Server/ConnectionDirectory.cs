// Who is here, and under which uid: joined, left, found, counted, kicked; and what is published to them. The connections of all loops. The
// router uses it, and any other application can: the router knows nothing that is not public.
// Joining and leaving of one connection are under one lock, so that a connection that has ended is never left in. What belongs to others (a
// log, an application's code) is called outside of it.

using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text.Unicode;
using RawWs.Frame;
using RawWs.Server.Connections;
using RawWs.Server.Delivery;
using RawWs.Server.Loops;

namespace RawWs.Server;

/// <summary>What happens when a uid has an open connection already.</summary>
public enum DuplicateUid : byte
{
    /// <summary>Both have it, and a message goes to both.</summary>
    Share,

    /// <summary>The older connection is closed (4500).</summary>
    Replace,

    /// <summary>The newer connection does not get the uid, and the older one is asked whether it lives.</summary>
    Reject,
}

/// <summary>
/// The connections of one server: all of them, and those that have joined under a uid. Uids are not authenticated here. Every member may be
/// used from any thread.
/// </summary>
public sealed partial class ConnectionDirectory : IDelivery, IConnectionRegister
{
    /// <summary>The longest uid, in bytes.</summary>
    public const int UidBytesMax = 256;

    // From this size on, one shared copy for many receivers is worth an object of its own.
    private const int SharedBytesMin = 2048;
    private const int LockCount = 64;

    private static readonly Action<WebSocketConnection> CloseIfTooSlow = static connection => connection.CloseIfTooSlow();

    private readonly WebSocketServer _server;
    private readonly UidRegistry _registry;
    private readonly Lock[] _locks = [.. Enumerable.Range(0, LockCount).Select(static _ => new Lock())];

    internal ConnectionDirectory(WebSocketServer server) =>
        (_server, _registry) = (server, new UidRegistry { SharesMax = server.Options.ConnectionsPerUidMax ?? int.MaxValue });

    /// <summary>
    /// A connection has joined under a uid. Called on the thread that has made it join, after that; it must not block. If it throws, that
    /// is logged.
    /// </summary>
    public event Action<WebSocketConnection, ReadOnlyMemory<byte>>? Joined;

    /// <summary>
    /// A connection that had joined has a uid no more: it has ended, another one has taken the uid, or it has joined under another uid.
    /// Called as <see cref="Joined"/> is; after an end before <see cref="IWebSocketApplication.OnClose"/>.
    /// </summary>
    public event Action<WebSocketConnection, ReadOnlyMemory<byte>>? Left;

    /// <summary>How many connections are open. This counts them.</summary>
    public int Count
    {
        get
        {
            int count = 0;
            foreach (ConnectionLoop loop in _server.Loops)
                foreach (ILoopMember? member in loop.Members.Snapshot)
                    if (member is WebSocketConnection { IsOpen: true }) count++;
            return count;
        }
    }

    /// <summary>How many uids have a connection, including those that are ending.</summary>
    public int UidCount => _registry.Count;

    /// <summary>The open connections, in no order. A new list, as of this moment.</summary>
    public IReadOnlyList<WebSocketConnection> GetConnections()
    {
        List<WebSocketConnection> open = [];
        foreach (ConnectionLoop loop in _server.Loops)
            foreach (ILoopMember? member in loop.Members.Snapshot)
                if (member is WebSocketConnection { IsOpen: true } connection) open.Add(connection);
        return open;
    }

    /// <summary>The uids that have a connection, in no order. A new list, as of this moment; the bytes must not be changed.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> GetUids() => _registry.GetUids();

    /// <summary>The connections of a uid, some of which may be ending; empty for none. Nothing is allocated for it.</summary>
    /// <param name="uid">The uid, in UTF-8.</param>
    public ImmutableArray<WebSocketConnection> Find(ReadOnlySpan<byte> uid) =>
        ImmutableCollectionsMarshal.AsImmutableArray(_registry.Find(uid));

    /// <summary>The connections of a uid, some of which may be ending; empty for none.</summary>
    /// <exception cref="ArgumentException">The uid has half of a surrogate pair.</exception>
    public ImmutableArray<WebSocketConnection> Find(string uid) => Find(WebSocketMessage.Text(uid).Span);

    /// <summary>The open connection with this number (<see cref="WebSocketConnection.Id"/>); null for none. This looks at each.</summary>
    public WebSocketConnection? Find(long id)
    {
        foreach (ConnectionLoop loop in _server.Loops)
            foreach (ILoopMember? member in loop.Members.Snapshot)
                if (member is WebSocketConnection { IsOpen: true } connection && connection.Id == id) return connection;
        return null;
    }

    /// <summary>
    /// Makes a connection known under a uid (<see cref="WebSocketConnection.Uid"/>), until it ends. If it had another one it leaves that.
    /// An accepted upgrade that names a uid does this by itself.
    /// </summary>
    /// <param name="connection">A connection of this server.</param>
    /// <param name="uid">The uid, in UTF-8: 1 to 256 bytes. They are copied.</param>
    /// <param name="duplicates">What happens if another open connection has the uid, and this one has not.</param>
    /// <returns>
    /// False when another open connection has the uid and keeps it, or as many share it as may (<see
    /// cref="ServerOptions.ConnectionsPerUidMax"/>); those are asked whether they live
    /// (<see cref="WebSocketConnection.Probe"/>). False also when <paramref name="connection"/> has ended.
    /// </returns>
    /// <exception cref="ArgumentException">
    /// The uid is empty, too long, or not UTF-8; or the connection is another server's.
    /// </exception>
    public bool TryJoin(WebSocketConnection connection, ReadOnlyMemory<byte> uid, DuplicateUid duplicates = DuplicateUid.Share)
    {
        ArgumentNullException.ThrowIfNull(connection);
        if (uid.Length is 0 or > UidBytesMax)
            throw new ArgumentException($"A uid is 1 to {UidBytesMax} bytes, not {uid.Length}.", nameof(uid));
        if (!Utf8.IsValid(uid.Span)) throw new ArgumentException("A uid is UTF-8.", nameof(uid));
        if (connection.Context.Directory != this) throw new ArgumentException("This connection is another server's.", nameof(connection));
        WebSocketConnection[] others;
        ReadOnlyMemory<byte> before;
        bool joined, left = false;
        lock (LockOf(connection))
        {
            before = connection.Uid;
            if (connection.HasEnded) return false;
            if (before.Span.SequenceEqual(uid.Span) && _registry.Find(uid.Span).Contains(connection)) return true;
            byte[] own = uid.ToArray();
            joined = _registry.TryAdd(own, connection, duplicates, out others);
            if (joined)
            {
                left = !before.IsEmpty && _registry.Remove(before.Span, connection);
                connection.SetUid(own);
            }
        }

        if (!joined)
        {
            Probe(others);
            return false;
        }

        connection.TellNamed();
        if (duplicates == DuplicateUid.Replace)
            foreach (WebSocketConnection other in others) other.RequestClose(Endings.Replaced);
        if (left) Tell(Left, connection, before);
        Tell(Joined, connection, connection.Uid);
        foreach (WebSocketConnection other in others) Tell(Left, other, uid); // behind that: the uid is never without one
        return true;
    }

    /// <inheritdoc/>
    public ValueTask<DeliveryResult> Publish(in MessageTarget target, in WebSocketMessage message) => new(target.Kind switch
    {
        TargetKind.Uid => SendToUid(target.UidSpan, message.Kind, message.Span),
        TargetKind.Everybody => SendToEverybody(message),
        TargetKind.Connection => ResultOf(target.Connection!, target.Connection!.TrySend(message)),
        _ => DeliveryResult.Offline,
    });

    /// <summary>Closes all open connections that the target names (<see cref="WebSocketConnection.Close"/>).</summary>
    /// <param name="target">A connection, a uid, or everybody.</param>
    /// <param name="code">As for <see cref="WebSocketConnection.Close"/>.</param>
    /// <param name="reason">At most 123 bytes of UTF-8; empty for none.</param>
    /// <returns>How many there were.</returns>
    /// <exception cref="ArgumentException">A server may not send this code, or the reason is too long.</exception>
    public int Kick(MessageTarget target, ushort code = CloseCodes.NormalClosure, string reason = "")
    {
        IReadOnlyList<WebSocketConnection> connections = target.Kind switch
        {
            TargetKind.Uid => _registry.Find(target.UidSpan),
            TargetKind.Everybody => GetConnections(),
            TargetKind.Connection => [target.Connection!],
            _ => [],
        };
        int count = 0;
        foreach (WebSocketConnection connection in connections)
        {
            if (!connection.IsOpen) continue;
            connection.Close(code, reason);
            count++;
        }

        return count;
    }

    /// <summary>A connection has ended.</summary>
    void IConnectionRegister.Leave(WebSocketConnection connection)
    {
        bool left;
        lock (LockOf(connection)) left = !connection.Uid.IsEmpty && _registry.Remove(connection.Uid.Span, connection);
        if (left) Tell(Left, connection, connection.Uid);
    }

    /// <summary>
    /// Sends a message to all connections of a uid. The result is there at once; the caller may reuse the memory of both.
    /// </summary>
    /// <param name="uid">The uid, in UTF-8.</param>
    /// <param name="message">The message.</param>
    public DeliveryResult SendToUid(ReadOnlySpan<byte> uid, in WebSocketMessage message) => SendToUid(uid, message.Kind, message.Span);

    /// <summary>Sends a message to all connections. The result is there at once; the caller may reuse the memory.</summary>
    /// <param name="message">The message.</param>
    public DeliveryResult SendToEverybody(in WebSocketMessage message) =>
        _server.TryBroadcast(message, CloseIfTooSlow) ? DeliveryResult.Delivered : DeliveryResult.TooSlow;

    /// <summary>So many open connections may share a uid from now on; null for any number. Those that share it keep it.</summary>
    internal void Change(int? connectionsPerUidMax) => _registry.SharesMax = connectionsPerUidMax ?? int.MaxValue;

    bool IConnectionRegister.HasRoom(ReadOnlySpan<byte> uid)
    {
        if (_registry.HasRoom(uid)) return true;
        Probe(_registry.Find(uid));
        return false;
    }

    // Connections that keep another one out must be alive. If they are not, the next try finds the uid free.
    private static void Probe(WebSocketConnection[] holders)
    {
        foreach (WebSocketConnection holder in holders) holder.Probe();
    }

    private DeliveryResult SendToUid(ReadOnlySpan<byte> uid, MessageKind kind, ReadOnlySpan<byte> payload)
    {
        WebSocketConnection[] receivers = _registry.Find(uid);
        return receivers.Length == 1
            ? ResultOf(receivers[0], receivers[0].TrySendChecked(kind, payload))
            : SendToAll(receivers, kind, payload);
    }

    private DeliveryResult SendToAll(WebSocketConnection[] receivers, MessageKind kind, ReadOnlySpan<byte> payload)
    {
        bool isShared = payload.Length >= SharedBytesMin && receivers.Length > 1;
        using SharedMessage? shared = isShared ? _server.TryShareChecked(kind, payload) : null;
        DeliveryResult result = DeliveryResult.Offline;
        foreach (WebSocketConnection receiver in receivers)
        {
            DeliveryResult one = ResultOf(receiver, shared is null ? receiver.TrySendChecked(kind, payload) : receiver.TrySend(shared));
            if (one == DeliveryResult.TooSlow || result == DeliveryResult.Offline) result = one;
        }

        return result;
    }

    private static DeliveryResult ResultOf(WebSocketConnection receiver, SendResult sent)
    {
        if (sent == SendResult.Queued) return DeliveryResult.Delivered;
        if (sent == SendResult.Closed) return DeliveryResult.Offline;
        if (sent == SendResult.Full) receiver.CloseIfTooSlow();
        return DeliveryResult.TooSlow;
    }

    private void Tell(Action<WebSocketConnection, ReadOnlyMemory<byte>>? told, WebSocketConnection connection, ReadOnlyMemory<byte> uid)
    {
        try
        {
            told?.Invoke(connection, uid);
        }
        catch (Exception exception)
        {
            _server.OnListenerThrew(exception, connection.Id);
        }

        TellWatches(uid.Span);
    }

    private Lock LockOf(WebSocketConnection connection) => _locks[(ulong)connection.Id % LockCount];
}
