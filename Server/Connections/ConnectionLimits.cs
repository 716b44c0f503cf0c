// How much one connection may do, and its place among those of its address. A connection of a server without limits has none of this. The
// limits are per connection; with those of connections per address and per uid they bound what an address or a uid can do. Buckets run by
// the loop's clock (EventLoop.Now): time in which the server did not listen brings no tokens.
//
// Delay: nothing is read until the bucket has a token (ReadPauseReasons.Rate), by the connection's timer. Close: what comes without a token
// is not delivered, and the connection is closed with 4002. Messages and messages to everybody are counted one by one; bytes as they are
// received, with frame headers and control frames: so what one read brings is taken from the bucket at once.

using System.Runtime.CompilerServices;
using RawWs.Handshake;
using RawWs.Server.Channels;
using RawWs.Server.Limits;
using RawWs.Server.Native;
using RawWs.Server.Sending;

namespace RawWs.Server.Connections;

/// <summary>The limits of one connection. On the owner's thread.</summary>
/// <param name="limits">What the connections of the server may do.</param>
internal sealed class ConnectionLimits(ServerLimits limits)
{
    private AddressPlace _place; // default for none
    private ConnectionRates _rates = limits.Rates; // those for which the buckets are
    private TokenBucket _messages;
    private TokenBucket _bytes;
    private TokenBucket _broadcasts;
    private long _pausedAt; // while reading is paused
    private long _bytesTaken; // of those received, how many have been taken from the bucket, or came before it

    /// <summary>Whether it has taken its place, or needs none.</summary>
    public bool HasEntered { get; set; }

    /// <summary>When reading goes on, in the loop's milliseconds.</summary>
    public long Due { get; private set; } = long.MaxValue;

    /// <summary>The rule by which its request is refused; null when it is let in.</summary>
    public HandshakeRule? Refusal => _place.Refusal;

    /// <summary>The client's address is known: the connection takes its place among the others. Once, on any thread.</summary>
    /// <returns>False when the address has too many to say so: it should be closed unanswered.</returns>
    public bool TryEnter(PeerAddress client)
    {
        HasEntered = true;
        _place = limits.Enter(client);
        return _place.IsTaken || Refusal is null;
    }

    /// <summary>
    /// The same for a client that a proxy has told of, if it has none yet. Where there are too many its request is refused. Who has come
    /// through a socket file, and of whom nothing is told, has no address.
    /// </summary>
    public void EnterLate(WebSocketConnection connection)
    {
        if (HasEntered || connection.Peer.IsSocketFile) return;
        TryEnter(connection.Peer);
        Begin(connection);
    }

    /// <summary>The connection has ended. Any thread.</summary>
    public void Leave() => limits.Leave(_place);

    /// <summary>The connection begins. Perhaps its request has to wait.</summary>
    public void Begin(WebSocketConnection connection)
    {
        if (_place.Wait > 0) Pause(connection, _place.Wait, Limit.Handshakes);
    }

    /// <summary>The upgrade is through: from now on bytes are counted.</summary>
    public void Open(WebSocketConnection connection) => _bytesTaken = connection.BytesReceived;

    /// <summary>A message has come whole. False when it may not be delivered: the connection is being closed.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)] // so that the way of a message without limits stays short
    public bool TryTakeMessage(WebSocketConnection connection) =>
        TryTake(connection, ref _messages, FollowRates().Messages, 1, Limit.Messages);

    /// <summary>The same for a message that is about to be sent to everybody.</summary>
    public bool TryTakeBroadcast(WebSocketConnection connection) =>
        TryTake(connection, ref _broadcasts, FollowRates().Broadcasts, 1, Limit.Broadcasts);

    /// <summary>Bytes have been received.</summary>
    public void TakeBytes(WebSocketConnection connection)
    {
        long bytes = connection.BytesReceived - _bytesTaken;
        _bytesTaken += bytes;
        if (bytes > 0) TryTake(connection, ref _bytes, FollowRates().Bytes, bytes, Limit.Bytes);
    }

    /// <summary>The timer is due: reading goes on if it is time, or the timer is armed for that again.</summary>
    public void OnDue(WebSocketConnection connection, long now)
    {
        if (now < Due) connection.Deadlines.Arm(connection, Due);
        else Resume(connection);
    }

    /// <summary>Reading goes on, if it was paused.</summary>
    public void Resume(WebSocketConnection connection)
    {
        if (Due == long.MaxValue) return;
        Due = long.MaxValue;
        connection.Deadlines.ResumeAfterDelay(connection, connection.Loop.Now - _pausedAt, _rates.Bytes);
        connection.Transport.ResumeReading(ReadPauseReasons.Rate);
    }

    // The rates that hold now. With another limit its bucket is a new one, which is full; a pause that has begun ends as it began.
    private ConnectionRates FollowRates()
    {
        ConnectionRates now = limits.Rates;
        if (ReferenceEquals(now, _rates)) return now;
        if (now.Messages != _rates.Messages) _messages = default;
        if (now.Bytes != _rates.Bytes) _bytes = default;
        if (now.Broadcasts != _rates.Broadcasts) _broadcasts = default;
        return _rates = now;
    }

    private bool TryTake(WebSocketConnection connection, ref TokenBucket bucket, RateLimit? rate, long tokens, Limit which)
    {
        if (rate is not { } limit || !connection.Life.IsOpen) return true;
        long now = connection.Loop.Now;
        bool isThere = bucket.TryTake(limit, tokens, now);
        if (_rates.Closes)
        {
            if (!isThere) connection.Life.Close(connection, Endings.TooFast with { Reason = Reason(which) });
            return isThere;
        }

        // Reading is paused from then on; but what was read with it may be handled still.
        if (!isThere) bucket.Take(limit, tokens, now);
        long wait = bucket.WaitMilliseconds(limit, now);
        if (wait > 0) Pause(connection, wait, which);
        return true;
    }

    private void Pause(WebSocketConnection connection, long wait, Limit which)
    {
        if (Due == long.MaxValue)
        {
            _pausedAt = connection.Loop.Now;
            connection.Context.OnDelayed(which);
        }

        Due = Math.Max(Due == long.MaxValue ? 0 : Due, connection.Loop.Now + wait);
        connection.Transport.PauseReading(ReadPauseReasons.Rate);
        connection.Deadlines.Arm(connection, Due);
        connection.Loop.Share.Spend(TurnShare.WorkMax); // what was read with this waits too
    }

    private static string Reason(Limit which) => which switch
    {
        Limit.Messages => "too many messages",
        Limit.Bytes => "too many bytes",
        _ => "too many messages to all",
    };
}
