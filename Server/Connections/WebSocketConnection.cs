// One connection, from its accepted socket to its close report. This file has the public face and its fields. The other files are its life:
//   .Run              the one async method: handshake, receive loop, ending
//   .Receive          bytes -> events of the protocol -> messages delivered, control frames answered
//   .Extensions       messages in and out that an extension transforms
//   .Broadcast        what is sent to everybody
//   .Send             the application -> cork or send queue
//   .Waiting          what others wait for: room, the end
//   .Flush            both -> kernel, back-pressure
//   .PendingDelivery  reading is paused until what it has caused to be sent has left
//   .Deadlines        the one timer entry that serves every deadline
//   .Ending           how it ends, and the close report
//   .Watch            what is told of it to those who look on: the logs at the levels Debug and Trace, observations
// Everything but the face runs on the owning loop's thread. The face may be called from any thread: it appends to the send queue, under the
// connection's lock, and posts everything else.

using System.Net;
using System.Text;
using RawWs.Frame;
using RawWs.Server.Channels;
using RawWs.Server.Connections;
using RawWs.Server.Log;
using RawWs.Server.Loops;
using RawWs.Server.Native;
using RawWs.Server.Sending;
using RawWs.Server.Time;

namespace RawWs.Server;

/// <summary>One WebSocket connection. Every member may be used from any thread, unless it says otherwise.</summary>
public sealed partial class WebSocketConnection : ITimerEntry, ITransportOwner, IBroadcastReceiver, IHeldSender, ISentFrames
{
    private readonly ServerContext _context;
    private readonly ConnectionLoop _loop;
    private readonly PeerAddress _peer;
    private Transport _transport = null!; // also the lock of the send queue: no other object is needed for that
    private byte[]? _uid;
    private ConnectionTerms _terms = ConnectionTerms.None;
    private Phase _phase;
    private int _posted;

    internal WebSocketConnection(long id, ServerContext context, ConnectionLoop loop, PeerAddress peer)
    {
        Id = id;
        _context = context;
        _loop = loop;
        _peer = peer;
    }

    /// <summary>The phases of a connection. It only ever moves forward.</summary>
    private enum Phase : byte
    {
        /// <summary>The HTTP request is awaited, checked and answered.</summary>
        Handshake,

        /// <summary>Messages go both ways.</summary>
        Open,

        /// <summary>This server has sent a Close first. Frames are parsed for the peer's Close; data is not delivered.</summary>
        Closing,

        /// <summary>
        /// Nothing is parsed any more. What is queued is sent, then SHUT_WR, and bytes are discarded until the peer's end of stream.
        /// </summary>
        Ending,

        /// <summary>The socket is closed, and everything has been returned.</summary>
        Ended,
    }

    /// <summary>What has been posted to the owner; several flags may be set at once.</summary>
    [Flags]
    private enum Posted
    {
        Flush = 1,
        Start = 2,
        Close = 4,
        Abort = 8,
        ResumeReading = 16,
        Break = 32,
        Delivered = 64,
        CloseForMemory = 128,
        Probe = 256,
        CloseIfTooSlow = 512,
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

    /// <summary>The peer's address and port.</summary>
    public IPEndPoint RemoteEndPoint => _peer.ToEndPoint();

    /// <summary>Anything that the application wants to keep with the connection.</summary>
    public object? State { get; set; }

    /// <summary>
    /// Who gets the connection's messages, and is told of its end: the server's application, until another one is set. Its OnMessage,
    /// OnHeartbeatMissed and OnClose are called for this connection, from the next call on.
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
    public bool IsOpen => Volatile.Read(ref _accepting);

    /// <summary>Whether the connection has ended. The directory reads it under the lock under which it makes connections leave.</summary>
    internal bool HasEnded => _phase == Phase.Ended;

    internal PeerAddress Peer => _peer;

    internal Transport Transport => _transport;

    /// <summary>
    /// Closes the connection (§7.1.2): what is queued is sent, then a Close frame, and then the closing handshake follows.
    /// </summary>
    /// <param name="code">1000 to 1003, 1007 to 1009, 1011 to 1014, or 3000 to 4999 (§7.4). 1010 is for clients only.</param>
    /// <param name="reason">At most 123 bytes of UTF-8; empty for none.</param>
    /// <exception cref="ArgumentException">A server may not send this code, or the reason is too long.</exception>
    public void Close(ushort code = CloseCodes.NormalClosure, string reason = "") =>
        RequestClose(EndCause.ApplicationClosed, code, reason, dropUnsent: false);

    /// <summary>
    /// Closes a connection whose send queue is full. What the kernel has not begun to send is dropped, and Close 4000 "too slow" follows.
    /// </summary>
    public void CloseTooSlow() => RequestClose(EndCause.TooSlow, ServerCloseCodes.TooSlow, TooSlowReason, dropUnsent: true);

    /// <summary>
    /// Closes a connection whose send queue is full because its peer receives nothing: the kernel has sent nothing for five seconds, or for
    /// half of the send timeout if that is less. A connection that makes progress stays; its senders are told
    /// <see cref="SendResult.Full"/>, and decide what to do. This is checked in a turn of the
    /// connection's loop, after one more try to send.
    /// </summary>
    public void CloseIfTooSlow() => Post(Posted.CloseIfTooSlow);

    /// <summary>Ends the connection at once, without a Close. The peer sees a reset, and reports 1006 (§7.1.5).</summary>
    public void Abort() => Post(Posted.Abort);

    /// <summary>
    /// Asks whether the peer lives. It is sent a Ping at once. If nothing at all comes from it within five seconds, it is closed with 1011.
    /// There is one such probe at a time: until the five seconds are over, a further call does nothing. If reading from the peer is paused
    /// at the end of that time, the probe has no result.
    /// </summary>
    public void Probe() => Post(Posted.Probe);

    /// <summary>The directory's: it knows the connection under this uid from now on.</summary>
    internal void SetUid(byte[] uid) => Volatile.Write(ref _uid, uid);

    internal void RequestClose(EndCause cause, ushort code, string reason, bool dropUnsent)
    {
        if (!CloseCodes.MaySend(Role.Server, code))
            throw new ArgumentException($"The code {code} may not be sent by a server (RFC 6455 §7.4).", nameof(code));
        ArgumentNullException.ThrowIfNull(reason);
        if (Encoding.UTF8.GetByteCount(reason) > ClosePayload.ReasonBytesMax)
            throw new ArgumentException($"The reason is longer than {ClosePayload.ReasonBytesMax} bytes of UTF-8 (RFC 6455 §5.5).",
                nameof(reason));

        CloseRequest request = new(cause, code, reason, dropUnsent);
        // What is unsent is flushed first, which may cause more bytes to be handled: that must happen in a turn of its own.
        if (_loop.IsOwner && !dropUnsent) BeginClose(request);
        else if (Make(ref MakeRareParts().CloseRequest, request) == (object)request) Post(Posted.Close);
    }

    void ILoopMember.OnReady(uint events) => _transport.OnReady(events);

    void ILoopWork.OnPosted()
    {
        Posted what = (Posted)Interlocked.Exchange(ref _posted, 0);
        if (_phase == Phase.Ended) return;
        if ((what & Posted.Start) != 0) StartOnLoop();
        if ((what & Posted.Close) != 0) BeginClose(_rare!.CloseRequest!, missesSome: (what & Posted.CloseForMemory) != 0);
        if ((what & Posted.Flush) != 0) Flush();
        if ((what & Posted.ResumeReading) != 0) ResumeReading();
        if ((what & Posted.Delivered) != 0) ResumeAfterDelivery();
        if ((what & Posted.CloseForMemory) != 0) FailForMemory();
        if ((what & Posted.Break) != 0) _transport.Break();
        if ((what & Posted.Probe) != 0) ProbeNow();
        if ((what & Posted.CloseIfTooSlow) != 0) CheckSlowness();
        if ((what & Posted.Abort) != 0) AbortNow();
    }

    void ITransportOwner.OnFailed(Exception exception) => ((ILoopWork)this).OnFailed(exception);

    void ILoopWork.OnFailed(Exception exception)
    {
        (EndCause cause, ushort code) = _context.OnFailed(this, exception);
        SetEnding(cause, code, "");
        try
        {
            AbortNow();
        }
        catch (Exception another)
        {
            _context.OnFailed(this, another); // there is nothing left to try
        }
    }

    /// <summary>
    /// A callback has thrown that an application gave to a sending call, and that was told of this connection. The connection is closed.
    /// Any thread.
    /// </summary>
    internal void OnCallbackThrew(Exception exception)
    {
        _context.Log.HandlerThrew(exception, Id);
        RequestClose(EndCause.HandlerError, CloseCodes.InternalError, "internal error", dropUnsent: true);
    }

    /// <summary>Begins the connection's life on its loop. Past the server's limit the request is read and answered with 503.</summary>
    internal void Begin(Channel plain, bool overLimit)
    {
        Channel channel = _context.Options.ChannelLayer is { } layer ? layer(plain) : plain;
        _transport = new Transport(_loop.Loop, channel, this);
        _overLimit = overLimit;
        if (_loop.IsOwner) StartOnLoop();
        else Post(Posted.Start);
    }

    private void StartOnLoop()
    {
        _transport.Key = _loop.Members.Add(this);
        if (_loop.WatchesConnections) _loop.Watch.Begun(this);
        _ = RunAsync();
        _loop.RestoreContext();
    }

    private void Post(Posted what)
    {
        if (Interlocked.Or(ref _posted, (int)what) == 0) _loop.Post(this);
    }

    /// <summary>A Close that somebody has asked for.</summary>
    private sealed record CloseRequest(EndCause Cause, ushort Code, string Reason, bool DropUnsent);
}
