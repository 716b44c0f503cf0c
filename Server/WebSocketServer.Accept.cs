// The server as acceptor: each new connection is counted, turned away past the limits, or given to the next loop.

using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using RawWs.Handshake;
using RawWs.Server.Channels;
using RawWs.Server.Connections;
using RawWs.Server.Listening;
using RawWs.Server.Log;
using RawWs.Server.Memory;
using RawWs.Server.Native;
using RawWs.Server.Proxies;
using RawWs.Server.Tls;

namespace RawWs.Server;

public sealed partial class WebSocketServer
{
    // Past the limit so many connections, if there is room for them, are still told why (503). Further ones are closed unanswered.
    private const int ToldConnectionsMax = 64;
    private const int ShownCharactersMax = PeerAddress.CharactersMax - 16; // the last character that is shown may be an escaped one
    private const int NoListener = -1; // the connection's bytes come from memory

    private long _lastId;
    private long _backedOffAt;
    private int _nextLoop;
    private PeerAddress[] _peersOfFiles = []; // what the peers of each listener are, if that is a socket file
    private int? _room; // for so many connections there were descriptors at the start
    private int _connectionsMax;
    private int _toldMax;

    /// <summary>How many connections were closed unanswered.</summary>
    internal TurnedAway TurnedAway { get; } = new();

    [SupportedOSPlatform("linux")]
    void IAcceptor.Accept(int listener, int descriptor, PeerAddress peer)
    {
        int before = Interlocked.Increment(ref _count) - 1;
        ConnectionLimits? limits = null;
        try
        {
            if (_peersOfFiles[listener].IsSocketFile) peer = _peersOfFiles[listener];
            if (TurnsAway(listener, before) || !TryEnter(listener, peer, out limits))
            {
                Linux.Close(descriptor);
                ConnectionGone();
                return;
            }

            Begin(Layer(listener, new EpollChannel(descriptor), peer), peer, limits, before);
        }
        catch
        {
            ConnectionGone(limits); // it never began
            throw;
        }
    }

    void IAcceptor.Accept(int listener, Socket socket)
    {
        int before = Interlocked.Increment(ref _count) - 1;
        ConnectionLimits? limits = null;
        try
        {
            PeerAddress peer = _peersOfFiles[listener];
            if (!peer.IsSocketFile) peer = new PeerAddress((IPEndPoint)socket.RemoteEndPoint!);
            if (TurnsAway(listener, before) || !TryEnter(listener, peer, out limits))
            {
                socket.Dispose();
                ConnectionGone();
                return;
            }

            Begin(Layer(listener, new SocketChannel(socket), peer), peer, limits, before);
        }
        catch (Exception exception)
        {
            socket.Dispose();
            ConnectionGone(limits);
            // It may be gone already.
            if (exception is not SocketException { SocketErrorCode: SocketError.NotConnected or SocketError.InvalidArgument }) throw;
        }
    }

    // Answers the connection's number.
    private long Begin(Channel channel, PeerAddress peer, ConnectionLimits? limits, int before)
    {
        WebSocketConnection connection = new(Interlocked.Increment(ref _lastId), NextLoop(), peer, limits);
        connection.Begin(channel, before >= _connectionsMax);
        return connection.Id;
    }

    /// <summary>
    /// Connects a client that is in this process, without a socket. For the server it is a connection like any other, from 127.0.0.1:0: it
    /// is counted, limited, logged and observed. It sends its request first (§4.1).
    /// </summary>
    /// <returns>The client's end; null if the server has no room for it (<see cref="ConnectionsMax"/>).</returns>
    /// <exception cref="InvalidOperationException">The server does not listen: it has not been started, or has been stopped.</exception>
    public MemoryClient? ConnectOverMemory()
    {
        // Under the lock, so that a stop finds the connection or it is not made.
        lock (_loops)
        {
            if (!IsListening) throw new InvalidOperationException("The server does not listen.");
            int before = Interlocked.Increment(ref _count) - 1;
            try
            {
                if (TurnsAway(NoListener, before))
                {
                    ConnectionGone();
                    return null;
                }

                PeerAddress peer = new(new IPEndPoint(IPAddress.Loopback, 0));
                TryEnter(NoListener, peer, out ConnectionLimits? limits); // it takes no place
                MemoryPeerChannel channel = new();
                return new MemoryClient(Begin(channel, peer, limits, before), channel);
            }
            catch
            {
                ConnectionGone();
                throw;
            }
        }
    }

    // Logged at once, and then once a second while it lasts.
    void IAcceptor.OnBackOff(TimeSpan wait, string error)
    {
        TimeProvider time = _context.Options.TimeProvider;
        long now = time.GetTimestamp();
        if (_backedOffAt != 0 && time.GetElapsedTime(_backedOffAt, now) < TimeSpan.FromSeconds(1)) return;
        _backedOffAt = now;
        _context.Log.AcceptBackedOff((int)wait.TotalMilliseconds, error);
    }

    // The descriptors of the loops and listeners are counted by now. An explicit setting is kept, and if there is no room for it that is
    // logged.
    private void SetConnectionsMax()
    {
        int room = _room ??= Descriptors.RoomNow();
        _connectionsMax = Options.ConnectionsMax
            ?? Math.Min(room - Math.Min(ToldConnectionsMax, room / 4),
                MemoryShare.ConnectionsMax(Options.Loops, isTls: Options.HasTls));
        _toldMax = Math.Clamp(room - _connectionsMax, 0, ToldConnectionsMax);
        if (_connectionsMax > room) _context.Log.ConnectionsPastFiles(_connectionsMax, Descriptors.Limit, room);
    }

    // A deaf loop gets no connections, as long as there is another loop.
    private ConnectionLoop NextLoop()
    {
        ConnectionLoop next = _loops[(uint)Interlocked.Increment(ref _nextLoop) % (uint)_loops.Length];
        if (!next.Loop.IsDeaf) return next;
        foreach (ConnectionLoop loop in _loops)
            if (!loop.Loop.IsDeaf) return loop;
        return next;
    }

    // What lies over a connection's plain channel.
    private Channel Layer(int listener, Channel plain, PeerAddress peer)
    {
        Channel channel = Options.ChannelLayer is { } layer ? layer(plain) : plain;
        if (Addresses[listener].HasProxyHeader) channel = new ProxyChannel(channel, _context.Trust.Trusts(peer));
        return IsTls(listener) ? new TlsChannel(channel, Options.Certificates!, _handshakes) : channel;
    }

    private bool IsTls(int listener) => listener != NoListener && Addresses[listener].IsTls;

    private static PeerAddress PeerOfFile(ListenAddress address) =>
        address.SocketPath is null ? default : PeerAddress.OfSocketFile(LogText.Escape($"unix:{address.SocketPath}", ShownCharactersMax));

    private bool TurnsAway(int listener, int before)
    {
        if (before < (long)_connectionsMax + _toldMax && !_stopping)
        {
            if (!IsTls(listener) || !_handshakes.IsFull) return false;
            if (TurnedAway.Count(TurnedAwayReason.TlsHandshakes, out long refused))
                _context.Log.HandshakesTurnedAway(refused, Options.TlsHandshakesMax);
            return true;
        }

        if (TurnedAway.Count(TurnedAwayReason.Connections, out long count)) _context.Log.ConnectionsTurnedAway(count, _connectionsMax);
        return true;
    }

    // Where nobody listens the client is this process, and has no address of its own.
    private bool TryEnter(int listener, PeerAddress peer, out ConnectionLimits? limits)
    {
        limits = _context.Limits is { } all ? new ConnectionLimits(all) { HasEntered = listener == NoListener } : null;
        if (limits is null || listener == NoListener || EntersLater(listener, peer) || limits.TryEnter(peer)) return true;
        bool isRate = limits.Refusal == HandshakeRules.TooManyHandshakes;
        if (TurnedAway.Count(isRate ? TurnedAwayReason.AddressHandshakes : TurnedAwayReason.AddressConnections, out long count))
            _context.Log.AddressTurnedAway(count, limits.Refusal!.Name, peer);
        return false;
    }

    // Behind a proxy the client's address is known later.
    private bool EntersLater(int listener, PeerAddress peer) =>
        Addresses[listener].HasProxyHeader || peer.IsSocketFile || _context.Trust.Trusts(peer);

    private void ConnectionGone(ConnectionLimits? limits = null)
    {
        limits?.Leave();
        if (Interlocked.Decrement(ref _count) == 0 && _stopping) _empty.TrySetResult();
    }
}
