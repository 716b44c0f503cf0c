// One connection, from its accepted socket to its verdict. This file is its face and its fields; the others are its life:
//   .Run        the one async method: handshake, receive loop, ending
//   .Receive    bytes -> events of the protocol -> messages delivered, control frames answered
//   .Compression  what of both is compressed
//   .Broadcast  what is sent to everybody
//   .Send       the application -> batch or outbox
//   .Flush      both -> kernel, back-pressure
//   .Held       not read from until what it has sent to others has left
//   .Deadlines  the one timer entry that serves every deadline
//   .Ending     how it ends, and the verdict
// Everything but the face runs on the owning loop's thread. The face may be called from any: it appends to the outbox, under the
// outbox's lock, and posts the rest.

using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using RawWs.Frame;
using RawWs.Server.Log;
using RawWs.Server.Loops;
using RawWs.Server.Time;
using RawWs.Server.Transports;

namespace RawWs.Server;

/// <summary>One WebSocket connection. All members may be used from any thread, unless they say otherwise.</summary>
public sealed partial class WebSocketConnection : TimerEntry, ITransportOwner, ILoopWork
{
    private readonly ServerContext _context;
    private readonly EventLoop _loop;
    private readonly PeerAddress _peer;
    private Transport _transport = null!; // and the lock under which others append to the outbox: no object is needed just for that
    private byte[]? _uid;
    private ConnectionTerms _terms = ConnectionTerms.None;
    private CloseRequest? _closeRequest;
    private Phase _phase;
    private int _posted;

    internal WebSocketConnection(long id, ServerContext context, EventLoop loop, PeerAddress peer)
    {
        Id = id;
        _context = context;
        _loop = loop;
        _peer = peer;
    }

    /// <summary>Where a connection stands. It only ever moves on.</summary>
    private enum Phase : byte
    {
        /// <summary>The HTTP request is awaited, judged, answered.</summary>
        Handshake,

        /// <summary>Messages go both ways.</summary>
        Open,

        /// <summary>We have sent a Close first: frames are parsed for the peer's, data is not delivered.</summary>
        Closing,

        /// <summary>Nothing is parsed any more: what is queued goes out, SHUT_WR, and bytes are discarded until the end of the stream.</summary>
        Ending,

        /// <summary>The socket is closed and everything given back.</summary>
        Ended,
    }

    /// <summary>What was posted to the owner; several may come at once.</summary>
    [Flags]
    private enum Posted
    {
        Flush = 1,
        Start = 2,
        Close = 4,
        Abort = 8,
        OpenGates = 16,
        Break = 32,
        Left = 64,
        CloseForMemory = 128,
        Probe = 256,
        CloseIfTooSlow = 512,
    }

    /// <summary>A number of its own, never used again in this process.</summary>
    public long Id { get; }

    /// <summary>The name under which the application knows it, in UTF-8; the application may set it. Empty for none.</summary>
    public ReadOnlyMemory<byte> Uid
    {
        get => _uid;
        set => _uid = value.IsEmpty ? null : MemoryMarshal.TryGetArray(value, out ArraySegment<byte> whole) && whole.Count == whole.Array!.Length ? whole.Array : value.ToArray();
    }

    /// <summary>The endpoint: the request's path, or what the application's decision named. Empty before the upgrade.</summary>
    public string Endpoint => _terms.Endpoint;

    /// <summary>The negotiated subprotocol, or null (§1.9).</summary>
    public string? Subprotocol => _terms.Subprotocol;

    /// <summary>What was agreed on in Sec-WebSocket-Extensions, as the client was told it, or null (§9).</summary>
    public string? Extensions => _terms.Deflate?.ResponseText;

    /// <summary>The peer's address.</summary>
    public IPEndPoint RemoteEndPoint => _peer.ToEndPoint();

    /// <summary>Whatever the application keeps with the connection.</summary>
    public object? State { get; set; }

    internal PeerAddress Peer => _peer;

    internal Transport Transport => _transport;

    /// <summary>Closes the connection: what is queued, then a Close frame, then the closing handshake (§7.1.2).</summary>
    /// <param name="code">1000 to 1003, 1007 to 1009, 1011 to 1014, or 3000 to 4999 (§7.4); 1010 is the client's.</param>
    /// <param name="reason">At most 123 bytes of UTF-8.</param>
    /// <exception cref="ArgumentException">The code or the reason may not be sent.</exception>
    public void Close(ushort code = CloseCodes.NormalClosure, string reason = "") =>
        RequestClose(EndCause.ApplicationClosed, code, reason, dropUnsent: false);

    /// <summary>
    /// Closes a connection whose outbox is full: what the kernel has not begun to take is dropped, and Close 4000 "too slow" follows.
    /// </summary>
    public void CloseTooSlow() => RequestClose(EndCause.TooSlow, ServerCloseCodes.TooSlow, TooSlowReason, dropUnsent: true);

    /// <summary>
    /// Closes a connection whose outbox is full since its peer takes nothing: the kernel has taken nothing of it for five seconds, or for
    /// half of the send timeout where that is less. One that makes progress stays; whoever sends to it is told
    /// <see cref="SendResult.Full"/> and can do what suits it. Judged in a turn of the connection's loop, after one more try to send.
    /// </summary>
    public void CloseIfTooSlow() => Post(Posted.CloseIfTooSlow);

    /// <summary>Ends the connection at once, without a Close: the peer sees a reset and reports 1006.</summary>
    public void Abort() => Post(Posted.Abort);

    /// <summary>
    /// Asks whether the peer lives: it is sent a Ping at once, and if nothing whatever comes from it within five seconds it is closed with
    /// 1011. One such question at a time: until those are over, asking again does nothing. Whom we do not read from by then is not judged.
    /// </summary>
    public void Probe() => Post(Posted.Probe);

    internal void RequestClose(EndCause cause, ushort code, string reason, bool dropUnsent)
    {
        if (!CloseCodes.MaySend(Role.Server, code))
            throw new ArgumentException($"The code {code} may not be sent by a server (RFC 6455 §7.4).", nameof(code));
        ArgumentNullException.ThrowIfNull(reason);
        if (Encoding.UTF8.GetByteCount(reason) > ClosePayload.ReasonBytesMax)
            throw new ArgumentException($"The reason is longer than {ClosePayload.ReasonBytesMax} bytes of UTF-8 (RFC 6455 §5.5).", nameof(reason));

        CloseRequest request = new(cause, code, reason, dropUnsent);
        // What is unsent is flushed first, which may have more bytes taken: that has a turn of its own.
        if (_loop.IsOwner && !dropUnsent) BeginClose(request);
        else if (Interlocked.CompareExchange(ref _closeRequest, request, null) is null) Post(Posted.Close);
    }

    void ILoopWork.OnPosted()
    {
        Posted what = (Posted)Interlocked.Exchange(ref _posted, 0);
        if (_phase == Phase.Ended) return;
        if ((what & Posted.Start) != 0) StartOnLoop();
        if ((what & Posted.Close) != 0) BeginClose(_closeRequest!);
        if ((what & Posted.Flush) != 0) Flush();
        if ((what & Posted.OpenGates) != 0) OpenGates();
        if ((what & Posted.Left) != 0) Release();
        if ((what & Posted.CloseForMemory) != 0) FailForMemory();
        if ((what & Posted.Break) != 0) _transport.Break(this);
        if ((what & Posted.Probe) != 0) ProbeNow();
        if ((what & Posted.CloseIfTooSlow) != 0) JudgeSlowness();
        if ((what & Posted.Abort) != 0) AbortNow();
    }

    void ILoopWork.OnFailed(Exception exception)
    {
        (EndCause cause, ushort code) = _context.OnFailed(this, exception);
        SetVerdict(cause, code, "");
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
    /// What an application gave along with something that was sent here, to be told of this connection, has thrown: it costs this
    /// connection. Any thread.
    /// </summary>
    internal void OnCallbackThrew(Exception exception)
    {
        _context.Log.HandlerThrew(exception, Id);
        RequestClose(EndCause.HandlerError, CloseCodes.InternalError, "internal error", dropUnsent: true);
    }

    /// <summary>Begins the connection's life, on its loop. Past the server's limit its request is read, and answered with 503.</summary>
    internal void Begin(Transport transport, bool overLimit)
    {
        _transport = transport;
        _overLimit = overLimit;
        if (_loop.IsOwner) StartOnLoop();
        else Post(Posted.Start);
    }

    private void StartOnLoop()
    {
        _transport.Key = _loop.Connections.Add(this);
        _ = RunAsync();
        _loop.RestoreContext();
    }

    private void Post(Posted what)
    {
        if (Interlocked.Or(ref _posted, (int)what) == 0) _loop.Post(this);
    }

    /// <summary>A Close that was asked for.</summary>
    private sealed record CloseRequest(EndCause Cause, ushort Code, string Reason, bool DropUnsent);
}
