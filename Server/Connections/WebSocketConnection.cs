// One connection, from its accepted socket to its close report. This file has what callers see, and who the connection is. Behind it are
// its parts. Each owns its fields and shows verbs; none touches another's. What a part needs of the others it asks the connection for.
//
// Structs inside of this one object:
//
//   Life           the phase, how it ends, and the close report     (PhaseTable, Endings: the same as data; ConnectionEnd)
//   Incoming       bytes -> events of the protocol -> messages      (IncomingEvents, MessageAssembler, Decoding)
//   Handling       messages -> the application, and what is awaited meanwhile
//   OutgoingQueue  what waits for the peer: any thread appends
//   Outgoing       cork and queue -> transport
//   Deadlines      the one timer entry that serves every deadline
//   Counts         what the close report counts
//
// Objects of their own, the second to last only where they are needed:
//
//   Transport            its bytes, in and out; and the lock of the send queue
//   ConnectionExtension  what it has of the extension that was agreed on
//   ConnectionLimits     how much it may do (a field of its terms)
//   RawConnection        what an application has that has taken it over (the same)
//
// Without fields of their own: ConnectionMethod, the one async method that is its life; Opening, the handshake; DeliveryPause, waiting for
// what it has sent to many; Watching, what those who look on are told.
// Everything but the face runs on the owning loop's thread. The face may be called from any thread: it appends to the send queue, under the
// connection's lock, and posts everything else.

using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using RawWs.Frame;
using RawWs.Server.Channels;
using RawWs.Server.Connections;
using RawWs.Server.Extensions;
using RawWs.Server.Log;
using RawWs.Server.Loops;
using RawWs.Server.Native;
using RawWs.Server.Sending;
using RawWs.Server.Time;

namespace RawWs.Server;

/// <summary>One WebSocket connection. Every member may be used from any thread, unless it says otherwise.</summary>
public sealed class WebSocketConnection : ITimerEntry, ITransportOwner, IBroadcastReceiver, IHeldSender, ISentFrames
{
    private byte[]? _uid;
    private ConnectionTerms _terms = ConnectionTerms.None;
    private int _posted;

    // The smallest first: the runtime puts them in this order, and Outgoing beside _posted.
    internal Outgoing Outgoing;
    internal Counts Counts;
    internal Life Life;
    internal Incoming Incoming;
    internal Handling Handling;
    internal OutgoingQueue Queue = new();
    internal Deadlines Deadlines = new();

    internal WebSocketConnection(long id, ConnectionLoop loop, PeerAddress peer, ConnectionLimits? limits = null)
    {
        if (limits is not null) _terms = _terms with { Limits = limits };
        Id = id;
        Loop = loop;
        Peer = peer;
    }

    /// <summary>The connection's number. It is never used again in this process.</summary>
    public long Id { get; }

    /// <summary>
    /// The uid under which the connection is known, in UTF-8; empty for none. It has it from the upgrade's decision or from
    /// <see cref="ConnectionDirectory.TryJoin"/>, and keeps it when it has ended.
    /// </summary>
    public ReadOnlyMemory<byte> Uid => Volatile.Read(ref _uid);

    /// <summary>The endpoint: the request's path, or the name that the application's decision gave. Empty before the upgrade.</summary>
    public string Endpoint => _terms.Endpoint;

    /// <summary>The negotiated subprotocol, or null (§1.9).</summary>
    public string? Subprotocol => _terms.Subprotocol;

    /// <summary>The value of Sec-WebSocket-Extensions in the answer (§9), or null.</summary>
    public string? Extensions => _terms.Extensions;

    /// <summary>
    /// The client's address and port: the peer's, or what trusted proxies say of it (<see cref="ServerOptions.TrustedProxies"/>); the port
    /// is 0 where they do not say it. 0.0.0.0:0 where no address is known, because the peer has come through a socket file. It does not
    /// change once the application has been asked for its decision.
    /// </summary>
    public IPEndPoint RemoteEndPoint => Peer.ToEndPoint();

    /// <summary>Anything that the application wants to keep with the connection.</summary>
    public object? State { get; set; }

    /// <summary>
    /// Who gets the connection's messages, and is told of its end: the server's application, or the one that the upgrade's decision names,
    /// until another one is set. Its OnMessage, OnHeartbeatMissed and OnClose are called for this connection, from the next call on.
    /// </summary>
    public IWebSocketApplication Application
    {
        get => _terms.Application;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            _terms = _terms with { Application = value };
        }
    }

    /// <summary>Whether messages can be sent: the upgrade is through, and no Close has been sent or received.</summary>
    public bool IsOpen => Queue.IsAccepting;

    /// <summary>Whether it is open, and gets messages to everybody (<see cref="UpgradeDecision.IsApart"/>). Any thread.</summary>
    internal bool GetsBroadcasts => Queue.GetsBroadcasts;

    /// <summary>Whether the connection has ended. The application is told of it then, or has been.</summary>
    public bool HasEnded => Life.HasEnded; // the directory reads it under the lock under which it makes connections leave

    /// <summary>How many bytes are queued for the peer that the kernel has not accepted. Without those that lie in the cork.</summary>
    public long QueuedBytes => Queue.QueuedBytes(this);

    /// <summary>The time since the connection was accepted.</summary>
    public TimeSpan Age => Counts.Duration(Loop.Loop.UptimeAtThisMoment);

    /// <summary>
    /// Is cancelled when nothing can be sent any more: a Close has been sent or received, or the connection has broken. It is meant for
    /// work that goes on beside the handlers. While a handler runs nothing is read, so a Close of the peer is found only afterwards: a
    /// handler that waits needs a time limit of its own besides. Callbacks are called on a thread of the pool.
    /// </summary>
    public CancellationToken ConnectionClosed => Life.WhenClosed(this);

    internal ServerContext Context => Loop.Context;

    internal ConnectionLoop Loop { get; }

    /// <summary>The client's address, as <see cref="RemoteEndPoint"/> has it. It is known when the request's head has come.</summary>
    internal PeerAddress Peer { get; private set; }

    /// <summary>Its bytes, in and out. Also the lock of the send queue.</summary>
    internal Transport Transport { get; private set; } = null!;

    /// <summary>What it has of the extension that was agreed on; null if none was.</summary>
    internal ConnectionExtension? Extension { get; private set; }

    /// <summary>The connection as the application has taken it over; null if it has not.</summary>
    internal RawConnection? Raw => _terms.Raw;

    /// <summary>How much it may do; null for no limits. On the owner's thread.</summary>
    internal ConnectionLimits? Limits => _terms.Limits;

    /// <summary>How many bytes have been received, the handshake included. On the owner's thread.</summary>
    internal long BytesReceived => Transport.BytesReceived;

    /// <summary>How many bytes the kernel has taken, or will take with the batch. On the owner's thread.</summary>
    internal long BytesSent => Counts.BytesOut;

    /// <summary>Whether the kernel is full. On the owner's thread.</summary>
    internal bool IsStalled => Outgoing.IsStalled;

    ref TimerLink ITimerEntry.Link => ref Deadlines.Link;

    /// <summary>
    /// Sends a message (§6.1). The caller may reuse the payload's memory when this returns. Text is checked here (§5.6); a message that was
    /// received need not be: see <see cref="TrySend(WebSocketMessage)"/>.
    /// </summary>
    /// <returns>
    /// Queued; Full or Dropped when the send queue is at its bound; OutOfMemory at the server's limit; Closed when the connection is not
    /// open.
    /// </returns>
    /// <exception cref="ArgumentException">The text is not UTF-8: the message says at which byte. Nothing is sent.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such kind.</exception>
    public SendResult TrySend(MessageKind kind, ReadOnlySpan<byte> payload)
    {
        WebSocketMessage.Check(kind, payload);
        return TrySendChecked(kind, payload);
    }

    /// <summary>
    /// Sends a message (§6.1): one that was received, or a part of it, or one that was made. It has been checked, and is not checked again.
    /// The caller may reuse its memory when this returns.
    /// </summary>
    /// <returns>
    /// Queued; Full or Dropped when the send queue is at its bound; OutOfMemory at the server's limit; Closed when the connection is not
    /// open.
    /// </returns>
    public SendResult TrySend(WebSocketMessage message) => TrySendChecked(message.Kind, message.Span);

    /// <summary>Sends a text (§6.1).</summary>
    /// <returns>
    /// Queued; Full or Dropped when the send queue is at its bound; OutOfMemory at the server's limit; Closed when the connection is not
    /// open.
    /// </returns>
    /// <exception cref="ArgumentException">
    /// The string has half of a surrogate pair, which cannot be UTF-8 (§5.6): the message says at which character. Nothing is sent.
    /// </exception>
    public SendResult TrySend(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        const int OnStackMax = 1024;
        int most = text.Length * 3; // a UTF-16 unit is three bytes of UTF-8 at most
        if (text.Length <= OnStackMax / 3)
        {
            Span<byte> utf8 = stackalloc byte[OnStackMax];
            return TrySendChecked(MessageKind.Text, utf8[..WebSocketMessage.Encode(text, utf8[..most])]);
        }

        byte[]? rented = Context.Budget.TryRent(Encoding.UTF8.GetByteCount(text));
        if (rented is null) return SendResult.OutOfMemory;
        try
        {
            return TrySendChecked(MessageKind.Text, rented.AsSpan(0, WebSocketMessage.Encode(text, rented)));
        }
        finally
        {
            Context.Budget.Return(rented);
        }
    }

    /// <summary>
    /// Sends a message that is encoded once for many connections (§6.1). A large one is held by reference until it is sent.
    /// </summary>
    /// <returns>
    /// Queued; Full or Dropped when the send queue is at its bound; OutOfMemory at the server's limit; Closed when the connection is not
    /// open.
    /// </returns>
    /// <exception cref="ObjectDisposedException">The message has been disposed, and no send queue holds it any more.</exception>
    public SendResult TrySend(SharedMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        message.Acquire();
        try
        {
            return TrySendHeld(message);
        }
        finally
        {
            message.Release();
        }
    }

    /// <summary>
    /// Sends a message as soon as there is room for it. What was received, or made, is not checked again. The memory is the caller's, and
    /// must not change before the returned task completes. A handler that waits for it holds up its own connection's messages.
    /// </summary>
    /// <param name="message">The message.</param>
    /// <param name="cancellationToken">Ends the waiting. Then nothing of the message is sent.</param>
    /// <returns>
    /// Queued; OutOfMemory at the server's limit; Closed when the connection is not open, or ends meanwhile. Never Full. Dropped only if
    /// others fill the queue at the same moment, and that is the server's policy.
    /// </returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public ValueTask<SendResult> SendAsync(WebSocketMessage message, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<SendResult>(cancellationToken);
        SendResult sent = TrySendWithRoom(message);
        return sent == SendResult.Full ? SendLaterAsync(message, cancellationToken) : new ValueTask<SendResult>(sent);
    }

    /// <summary>The same for bytes. Text is checked here (§5.6).</summary>
    /// <exception cref="ArgumentException">The text is not UTF-8: the message says at which byte. Nothing is sent.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such kind.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public ValueTask<SendResult> SendAsync(
        MessageKind kind, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken = default) =>
        SendAsync(WebSocketMessage.Create(kind, payload), cancellationToken);

    /// <summary>The same for a string.</summary>
    /// <exception cref="ArgumentException">
    /// The string has half of a surrogate pair, which cannot be UTF-8 (§5.6): the message says at which character. Nothing is sent.
    /// </exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public ValueTask<SendResult> SendAsync(string text, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<SendResult>(cancellationToken);
        SendResult sent = MustWait ? SendResult.Full : TrySend(text);
        return sent == SendResult.Full ? SendLaterAsync(WebSocketMessage.Text(text), cancellationToken) : new ValueTask<SendResult>(sent);
    }

    /// <summary>
    /// Waits for room: completes when at most half of the send queue's bound is used, or when the connection is not open any more.
    /// </summary>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public ValueTask WhenWritable(CancellationToken cancellationToken = default)
    {
        Task room = Queue.WhenWritable(this);
        return room.IsCompleted ? ValueTask.CompletedTask : new ValueTask(room.WaitAsync(cancellationToken));
    }

    /// <summary>
    /// Closes the connection (§7.1.2): what is queued is sent, then a Close frame, and then the closing handshake follows.
    /// </summary>
    /// <param name="code">1000 to 1003, 1007 to 1009, 1011 to 1014, or 3000 to 4999 (§7.4). 1010 is for clients only.</param>
    /// <param name="reason">At most 123 bytes of UTF-8; empty for none.</param>
    /// <exception cref="ArgumentException">A server may not send this code, or the reason is too long.</exception>
    public void Close(ushort code = CloseCodes.NormalClosure, string reason = "")
    {
        if (!CloseCodes.MaySend(Role.Server, code))
            throw new ArgumentException($"The code {code} may not be sent by a server (RFC 6455 §7.4).", nameof(code));
        ArgumentNullException.ThrowIfNull(reason);
        if (Encoding.UTF8.GetByteCount(reason) > ClosePayload.ReasonBytesMax)
            throw new ArgumentException($"The reason is longer than {ClosePayload.ReasonBytesMax} bytes of UTF-8 (RFC 6455 §5.5).",
                nameof(reason));
        RequestClose(Endings.ApplicationClosed with { Code = code, Reason = reason });
    }

    /// <summary>
    /// Closes the connection as <see cref="Close"/> does, and waits until it has ended: the peer has answered the Close, or its time for
    /// that is over. If it is ending already, or has ended, this waits for that end.
    /// </summary>
    /// <remarks>
    /// The connection's own handlers should use <see cref="Close"/>: the end waits for a running handler, and so one that waits for the end
    /// waits until the time for the closing is over (<see cref="ServerOptions.CloseTimeout"/>). It is released then.
    /// </remarks>
    /// <param name="code">1000 to 1003, 1007 to 1009, 1011 to 1014, or 3000 to 4999 (§7.4). 1010 is for clients only.</param>
    /// <param name="reason">At most 123 bytes of UTF-8; empty for none.</param>
    /// <param name="cancellationToken">Ends the waiting. The connection is closed all the same.</param>
    /// <returns>How and why the connection ended: what <see cref="IWebSocketApplication.OnClose"/> is given too.</returns>
    /// <exception cref="ArgumentException">A server may not send this code, or the reason is too long.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public Task<CloseReport> CloseAsync(
        ushort code = CloseCodes.NormalClosure, string reason = "", CancellationToken cancellationToken = default)
    {
        Close(code, reason);
        return Life.WhenEnded().WaitAsync(cancellationToken);
    }

    /// <summary>
    /// Closes a connection whose send queue is full. What the kernel has not begun to send is dropped, and Close 4000 "too slow" follows.
    /// </summary>
    public void CloseTooSlow() => RequestClose(Endings.TooSlow);

    /// <summary>
    /// Closes a connection whose send queue is full because its peer receives nothing: the kernel has sent nothing for five seconds, or for
    /// half of the send timeout if that is less. A connection that makes progress stays; its senders are told
    /// <see cref="SendResult.Full"/>, and decide what to do. This is checked in a turn of the
    /// connection's loop, after one more try to send. Where full queues drop (<see cref="SlowConsumer"/>), it closes nobody.
    /// </summary>
    public void CloseIfTooSlow() => Post(Posted.CloseIfTooSlow);

    /// <summary>
    /// Closes the connection because it misses something for which there was no memory (<see cref="SendResult.OutOfMemory"/>): what is
    /// queued is sent, then a Close with 1013, after which the client may come back.
    /// </summary>
    public void CloseOutOfMemory() => RequestClose(Endings.OutOfMemory);

    /// <summary>
    /// Closes the connection because what proved who the client is has expired: what is queued is sent, then a Close with 3000, after which
    /// the client may come back with a new proof.
    /// </summary>
    public void CloseTokenExpired() => RequestClose(Endings.TokenExpired);

    /// <summary>
    /// Takes one from what the connection may send to everybody (<see cref="ServerOptions.BroadcastRate"/>). Its own handler asks this
    /// before it sends such a message, and before it has awaited anything. Without that limit it is always true.
    /// </summary>
    /// <returns>False when it may not send it: the connection is being closed.</returns>
    /// <exception cref="InvalidOperationException">
    /// The calling thread does not run the connection's loop: it is not its handler's, or the handler has awaited something.
    /// </exception>
    public bool TryTakeBroadcast()
    {
        if (Limits is not { } limits) return true;
        if (!Loop.IsOwner) throw new InvalidOperationException("This is asked on the connection's loop: by its handler, before it awaits.");
        return limits.TryTakeBroadcast(this);
    }

    /// <summary>Ends the connection at once, without a Close. The peer sees a reset, and reports 1006 (§7.1.5).</summary>
    public void Abort() => Post(Posted.Abort);

    /// <summary>
    /// Asks whether the peer lives. It is sent a Ping at once. If nothing at all comes from it within five seconds, it is closed with 1011.
    /// There is one such probe at a time: until the five seconds are over, a further call does nothing. If reading from the peer is paused
    /// at the end of that time, the probe has no result.
    /// </summary>
    public void Probe() => Post(Posted.Probe);

    /// <summary>Asks the connection's loop how the connection is. It answers in one of its turns.</summary>
    /// <param name="cancellationToken">Ends the waiting. A loop that has stopped does not answer.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public Task<ConnectionStatus> GetStatusAsync(CancellationToken cancellationToken = default)
    {
        StatusRequest request = new(this);
        Loop.Loop.Post(request);
        return request.Status.WaitAsync(cancellationToken);
    }

    /// <summary>Sends what has been checked: text is UTF-8. Any thread.</summary>
    internal SendResult TrySendChecked(MessageKind kind, ReadOnlySpan<byte> payload) => Outgoing.TrySend(this, kind, payload);

    /// <summary>Sends a message to which the caller holds a reference for as long as this call takes. Any thread.</summary>
    internal SendResult TrySendHeld(SharedMessage message) => Outgoing.TrySend(this, message);

    /// <summary>Closes it for this reason. Any thread.</summary>
    internal void RequestClose(Ending ending) => Life.RequestClose(this, ending);

    /// <summary>The directory's: it knows the connection under this uid from now on.</summary>
    internal void SetUid(byte[] uid) => Volatile.Write(ref _uid, uid);

    /// <summary>The opening handshake has agreed on this. On the owner's thread.</summary>
    internal void Agree(ConnectionTerms terms, ConnectionExtension? extension) =>
        (_terms, Extension) = (Limits is null ? terms : terms with { Limits = Limits }, extension);

    /// <summary>A trusted proxy has told who its client is. On the owner's thread.</summary>
    internal void NameClient(PeerAddress client)
    {
        PeerAddress proxy = Peer;
        Peer = client;
        if (Loop.WatchesConnections) Watching.TellClient(this, proxy);
        if (!Context.Trust.Trusts(client)) Limits?.EnterLate(this);
    }

    /// <summary>It has joined under a uid. Any thread.</summary>
    internal void TellNamed() => Watching.TellNamed(this);

    /// <summary>The server stops. On the owner's thread.</summary>
    internal void Drain() => Life.Drain(this);

    /// <summary>The server has waited long enough. On the owner's thread.</summary>
    internal void EndDrain()
    {
        Transport.ReceiveWhatIsThere(); // it may be the peer's Close
        Life.Expire(this);
    }

    /// <summary>
    /// A callback has thrown that an application gave to a sending call, and that was told of this connection. The connection is closed.
    /// Any thread.
    /// </summary>
    internal void OnCallbackThrew(Exception exception)
    {
        Context.Log.HandlerThrew(exception, Id);
        RequestClose(Endings.HandlerError with { DropsUnsent = true });
    }

    /// <summary>Begins the connection's life on its loop. Past the server's limit the request is read and answered with 503.</summary>
    internal void Begin(Channel channel, bool overLimit)
    {
        Transport = new Transport(Loop.Loop, channel, this);
        Life.Begin(overLimit);
        if (Loop.IsOwner) StartOnLoop();
        else Post(Posted.Start);
    }

    /// <summary>So many messages have been accepted for sending; below zero: they have not been after all. Any thread.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void CountSent(MessageCount messages)
    {
        Counts.CountMessagesOut(messages.All);
        if (messages.Binary != 0) CountBinariesSent(messages.Binary);
    }

    /// <summary>A message of this kind has been received whole. On the owner's thread.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void CountReceived(MessageKind kind)
    {
        Counts.CountMessageIn();
        if (kind == MessageKind.Binary) CountBinaryReceived();
    }

    [MethodImpl(MethodImplOptions.NoInlining)] // so that the way of a text stays short
    private void CountBinaryReceived()
    {
        Loop.CountBinaryReceived();
        Counts.CountBinaryIn();
    }

    private void CountBinariesSent(int count)
    {
        Loop.CountBinariesSent(count);
        Counts.CountBinariesOut(count);
    }

    /// <summary>Makes the owner do this in a turn of its loop. Any thread.</summary>
    internal void Post(Posted what)
    {
        if (Interlocked.Or(ref _posted, (int)what) == 0) Loop.Post(this);
    }

    /// <summary>Whether this has been posted and is not done yet.</summary>
    internal bool IsPosted(Posted what) => ((Posted)Volatile.Read(ref _posted) & what) != 0;

    void ILoopMember.OnReady(uint events) => Transport.OnReady(events);

    void ILoopMember.Flush() => Outgoing.Flush(this);

    void ILoopMember.Continue() => Incoming.Continue(this);

    void ILoopWork.OnPosted()
    {
        Posted what = (Posted)Interlocked.Exchange(ref _posted, 0);
        if (HasEnded) return;
        if ((what & Posted.Start) != 0) StartOnLoop();
        if ((what & Posted.Close) != 0) Life.CloseAsRequested(this, missesSome: (what & Posted.CloseForMemory) != 0);
        if ((what & Posted.Flush) != 0) Outgoing.Flush(this);
        if ((what & Posted.ResumeReading) != 0) Incoming.ResumeForClosing(this);
        if ((what & Posted.Delivered) != 0) DeliveryPause.End(this);
        if ((what & Posted.CloseForMemory) != 0) Life.Close(this, Endings.OutOfMemory);
        if ((what & Posted.Break) != 0) Transport.Break();
        if ((what & Posted.Probe) != 0) Deadlines.Probe(this);
        if ((what & Posted.CloseIfTooSlow) != 0) Outgoing.CheckSlowness(this);
        if ((what & Posted.Abort) != 0) Life.Abort(this);
    }

    void ILoopWork.OnFailed(Exception exception) => OnFailed(exception);

    void ITimerEntry.OnDue(long now)
    {
        try
        {
            Deadlines.OnDue(this, now);
        }
        catch (Exception exception)
        {
            OnFailed(exception);
        }
    }

    void ITransportOwner.OnWritable() => Outgoing.OnWritable(this);

    void ITransportOwner.OnBroken(string failure)
    {
        Outgoing.OnBroken();
        Life.OnBroken(this, failure);
    }

    void ITransportOwner.OnBatchSent(ReadOnlySpan<byte> frames, int sent) => Outgoing.OnBatchSent(this, frames, sent);

    void ITransportOwner.OnReceived(ReadOnlySpan<byte> bytes) => Loop.Watch.Received(this, BytesReceived, bytes);

    void ITransportOwner.OnStreamEnd() => Life.OnPeerFin(this);

    bool ITransportOwner.TryGetRoom(out ArraySegment<byte> room) => Incoming.TryGetRoom(this, out room);

    void ITransportOwner.OnClientNamed(PeerAddress client) => NameClient(client);

    void ITransportOwner.OnFailed(Exception exception) => OnFailed(exception);

    void ITransportOwner.OnBytesLost() => Life.OnBytesLost(this);

    void IBroadcastReceiver.SendBroadcasts(BroadcastLog log, long end) => Outgoing.SendBroadcasts(this, log, end);

    void IBroadcastReceiver.OnRefused(Delegate callback) => ((Action<WebSocketConnection>)callback)(this);

    void IBroadcastReceiver.OnCallbackThrew(Exception exception) => OnCallbackThrew(exception);

    void IHeldSender.OnDelivered() => Post(Posted.Delivered);

    void ISentFrames.OnFrameSent(long offset, in FrameHeader header) => Loop.Watch.FrameSent(this, offset, header);

    private void StartOnLoop()
    {
        Transport.Key = Loop.Members.Add(this);
        if (Loop.WatchesConnections) Loop.Watch.Begun(this);
        Limits?.Begin(this);
        _ = ConnectionMethod.RunAsync(this);
        Loop.RestoreContext();
    }

    private void OnFailed(Exception exception)
    {
        Life.OnFailed(this, exception);
        try
        {
            Life.Abort(this);
        }
        catch (Exception another)
        {
            Context.OnFailed(this, another); // there is nothing left to try
        }
    }

    // Who waits for room should not lose the message, nor should others lose theirs for it, where a full queue drops.
    private bool MustWait => Context.SlowConsumer != SlowConsumer.Close && Queue.IsFull(this);

    private SendResult TrySendWithRoom(WebSocketMessage message) => MustWait ? SendResult.Full : TrySend(message);

    private async ValueTask<SendResult> SendLaterAsync(WebSocketMessage message, CancellationToken cancellationToken)
    {
        SendResult sent;
        do
        {
            await WhenWritable(cancellationToken).ConfigureAwait(false);
            sent = TrySendWithRoom(message);
        }
        while (sent == SendResult.Full);
        return sent;
    }
}
