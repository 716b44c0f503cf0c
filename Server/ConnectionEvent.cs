// What an observation tells of a connection: one thing that has happened, with copies of the bytes that belong to it. Bytes are told as
// they are on the wire, in the order of the wire, and with their place in the stream of their direction. So whoever puts the events of
// one direction together has that stream again, and sees where something is missing.

using RawWs.Frame;

namespace RawWs.Server;

/// <summary>What a <see cref="ConnectionEvent"/> says.</summary>
public enum ConnectionEventKind : byte
{
    /// <summary>
    /// The connection is observed from here on. <see cref="ConnectionEvent.Offset"/> and <see cref="ConnectionEvent.SentOffset"/> say how
    /// many bytes had been received and sent before.
    /// </summary>
    Begun,

    /// <summary>
    /// <see cref="ConnectionEvent.Bytes"/> have been received, masked as they came (RFC 6455 §5.3). They end where a receive ended, which
    /// means nothing. Only with <see cref="ObservationOptions.Payload"/>.
    /// </summary>
    Received,

    /// <summary>The kernel has taken <see cref="ConnectionEvent.Bytes"/>. Only with <see cref="ObservationOptions.Payload"/>.</summary>
    Sent,

    /// <summary>The request's head is whole (§4.1): the first <see cref="ConnectionEvent.Length"/> bytes received.</summary>
    Request,

    /// <summary>The request is answered with another status than 101 (<see cref="ConnectionEvent.Code"/>).</summary>
    Answered,

    /// <summary>The upgrade is through: endpoint, subprotocol and extensions are the connection's from now on.</summary>
    Opened,

    /// <summary>The connection is known under a uid, or under another one than before.</summary>
    Named,

    /// <summary>
    /// A frame has begun to arrive (§5.2). Its <see cref="ConnectionEvent.Header"/> is whole, and lies at
    /// <see cref="ConnectionEvent.Offset"/>, which is before all bytes that were told if the header had come before
    /// <see cref="Begun"/>. Its payload follows the header, and may have to come yet. A control frame is told of when it is whole.
    /// </summary>
    FrameReceived,

    /// <summary>
    /// The peer has broken <see cref="ConnectionEvent.Rule"/>. <see cref="ConnectionEvent.Offset"/> says where its frame begins. If a part
    /// of the payload had come before, it says where the next part begins. <see cref="ConnectionEvent.Length"/> is how many bytes had come
    /// from there on.
    /// A rule that shows only when an extension decodes the message is told with the phase.
    /// </summary>
    RuleBroken,

    /// <summary>The kernel has taken the last byte of a frame. The frame begins at <see cref="ConnectionEvent.Offset"/>.</summary>
    FrameSent,

    /// <summary>The connection has another <see cref="ConnectionEvent.Phase"/>. While it ends, the cause, code and rule are told.</summary>
    PhaseChanged,

    /// <summary>
    /// The connection's one timer is armed for <see cref="ConnectionEvent.Deadline"/>, which is due in <see cref="ConnectionEvent.Due"/>.
    /// Activity does not move it: when it comes due it looks what has happened, and is armed again for what is left.
    /// </summary>
    TimerArmed,

    /// <summary>The timer has come due. It is looked whether <see cref="ConnectionEvent.Deadline"/> has passed.</summary>
    TimerCame,

    /// <summary>
    /// <see cref="ConnectionEvent.QueuedBytes"/> wait for the peer: the kernel is full. Told when that begins, when it has changed
    /// at the end of a turn of the connection's loop, and with 0 when it is over.
    /// </summary>
    Queue,

    /// <summary>
    /// A direction of TCP has ended, or both have: <see cref="ConnectionEvent.Tcp"/> says which, and how. Told in the order in which the
    /// server has seen it, of each direction once.
    /// </summary>
    TcpEnded,

    /// <summary>The connection has ended: see <see cref="ConnectionEvent.Report"/>. Nothing follows.</summary>
    Ended,

    /// <summary>
    /// Before the next event, <see cref="ConnectionEvent.Lost"/> events with <see cref="ConnectionEvent.LostBytes"/> bytes were lost, of
    /// one or more connections, because too much waited (<see cref="ObservationOptions.WaitingBytesMax"/>).
    /// </summary>
    Lost,
}

/// <summary>The phases of a connection. It only ever moves forward.</summary>
public enum ConnectionPhase : byte
{
    /// <summary>The HTTP request is awaited, checked and answered.</summary>
    Handshake,

    /// <summary>Messages go both ways.</summary>
    Open,

    /// <summary>This server has sent a Close first, and awaits the peer's (§7.1.2).</summary>
    Closing,

    /// <summary>Nothing is parsed any more. What is queued is sent, then the stream ends, and the peer's end is awaited (§7.1.1).</summary>
    Draining,

    /// <summary>The socket is closed.</summary>
    Ended,
}

/// <summary>How a direction of TCP ends, or both (RFC 6455 §7.1.1). A socket file has what stands for these.</summary>
public enum TcpEnding : byte
{
    /// <summary>It has not ended.</summary>
    None,

    /// <summary>The server's direction: all of it is sent, and FIN behind it.</summary>
    OwnFin,

    /// <summary>The peer's direction: its FIN has come.</summary>
    PeerFin,

    /// <summary>Both: the server resets the connection (RST).</summary>
    OwnReset,

    /// <summary>Both: the peer has reset the connection, or cannot be reached any more.</summary>
    PeerReset,
}

/// <summary>The deadlines of a connection.</summary>
public enum ConnectionDeadline : byte
{
    /// <summary>Of the request and its answer (<see cref="ServerOptions.HandshakeTimeout"/>).</summary>
    Handshake,

    /// <summary>
    /// Of the peer's silence (<see cref="ServerOptions.Heartbeat"/>) or, without a heartbeat, of the next Ping
    /// (<see cref="ServerOptions.PingInterval"/>).
    /// </summary>
    Silence,

    /// <summary>Of the message that is not whole (<see cref="ServerOptions.MessageTimeout"/>).</summary>
    Message,

    /// <summary>Of bytes that the kernel does not take (<see cref="ServerOptions.SendTimeout"/>).</summary>
    Send,

    /// <summary>Of an answer to a probe (<see cref="WebSocketConnection.Probe"/>).</summary>
    Probe,

    /// <summary>Of what the connection has sent to many and waits for.</summary>
    Delivery,

    /// <summary>Of the next message that it may send (<see cref="RateLimit"/>).</summary>
    Rate,

    /// <summary>Of the closing (<see cref="ServerOptions.CloseTimeout"/>).</summary>
    Close,
}

/// <summary>
/// One thing that has happened on a connection. <see cref="Kind"/> says which members are set; the others have their default. It never
/// changes, and its bytes are its own.
/// </summary>
public sealed class ConnectionEvent
{
    internal ConnectionEvent(ConnectionEventKind kind, WebSocketConnection? connection, DateTimeOffset time)
    {
        Kind = kind;
        Connection = connection;
        Time = time;
    }

    /// <summary>What has happened.</summary>
    public ConnectionEventKind Kind { get; }

    /// <summary>The connection; null for <see cref="ConnectionEventKind.Lost"/>.</summary>
    public WebSocketConnection? Connection { get; }

    /// <summary>When, by the server's clock (<see cref="ServerOptions.TimeProvider"/>).</summary>
    public DateTimeOffset Time { get; }

    /// <summary>The place in the stream of its direction, in bytes from the connection's beginning, the handshake included.</summary>
    public long Offset { get; internal init; }

    /// <summary>For Begun: the place in the stream of what is sent.</summary>
    public long SentOffset { get; internal init; }

    /// <summary>For Request and RuleBroken: how many bytes, from <see cref="Offset"/> on.</summary>
    public long Length { get; internal init; }

    /// <summary>For Received and Sent: the bytes as they are on the wire.</summary>
    public ReadOnlyMemory<byte> Bytes { get; internal init; }

    /// <summary>
    /// For FrameReceived, RuleBroken and FrameSent: the frame's header; with a broken rule, zeros stand for what has not come. The masking
    /// key is 0 without <see cref="ObservationOptions.Payload"/>.
    /// </summary>
    public FrameHeader Header { get; internal init; }

    /// <summary>For RuleBroken, Answered and PhaseChanged: the name of the broken rule, or null.</summary>
    public string? Rule { get; internal init; }

    /// <summary>For PhaseChanged: the phase that begins.</summary>
    public ConnectionPhase Phase { get; internal init; }

    /// <summary>For PhaseChanged: what ends the connection; None if nothing does.</summary>
    public EndCause Cause { get; internal init; }

    /// <summary>For Answered: the status. For PhaseChanged: the code of the ending (§7.4), or null.</summary>
    public int? Code { get; internal init; }

    /// <summary>For TimerArmed and TimerCame, and for Begun if the timer was armed before: for which deadline.</summary>
    public ConnectionDeadline Deadline { get; internal init; }

    /// <summary>For TimerArmed, and for Begun if the timer was armed before: the time until then. It may be negative.</summary>
    public TimeSpan Due { get; internal init; }

    /// <summary>As <see cref="Due"/>: the tick of the loop's wheel at which the timer is due (Time/TimerWheel); 0 for none.</summary>
    internal long DueTick { get; init; }

    /// <summary>For Queue: how many bytes wait for the peer (<see cref="WebSocketConnection.QueuedBytes"/>).</summary>
    public long QueuedBytes { get; internal init; }

    /// <summary>For TcpEnded: which direction, and how.</summary>
    public TcpEnding Tcp { get; internal init; }

    /// <summary>For Ended: how and why.</summary>
    public CloseReport? Report { get; internal init; }

    /// <summary>For Lost: how many events.</summary>
    public long Lost { get; internal init; }

    /// <summary>For Lost: how many bytes of the streams were in them.</summary>
    public long LostBytes { get; internal init; }
}
