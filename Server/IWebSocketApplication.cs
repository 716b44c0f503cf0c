// What an application provides to the server. Every call about one connection comes on that connection's loop, one at a time. After an
// await of its own a handler is on another thread; what it sends from there is posted to the loop, and counts for that connection until
// the handler's task is complete.

namespace RawWs.Server;

/// <summary>The application behind the server: it decides who may connect, and handles the messages.</summary>
public interface IWebSocketApplication
{
    /// <summary>
    /// The server starts: it has its addresses, and accepts when this returns. If it throws, the start fails with that exception.
    /// </summary>
    void OnStart(WebSocketServer server)
    {
    }

    /// <summary>
    /// A client asks for an upgrade, and the request is valid (§4.2). Accept it, or refuse it with an HTTP status, before the handshake's
    /// deadline. The context is valid until the decision is made; copy what is needed later.
    /// </summary>
    ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context);

    /// <summary>The connection is open: messages can be sent. This call must not block.</summary>
    void OnOpen(WebSocketConnection connection)
    {
    }

    /// <summary>
    /// A message has arrived, whole and unmasked (§6.2). Text has been checked to be UTF-8 (§8.1), and can be sent on without a further
    /// check. The message's memory belongs to the handler until the returned task completes, and nothing is read from the connection until
    /// then. A handler that completes synchronously is fastest. If it throws, the connection is closed with 1011.
    /// </summary>
    ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message);

    /// <summary>The connection has ended. Called once for each connection for which <see cref="OnOpen"/> was called.</summary>
    void OnClose(WebSocketConnection connection, CloseReport report)
    {
    }

    /// <summary>
    /// The peer has sent nothing for the heartbeat's time, and will be closed with 3008. A last message can be sent here.
    /// </summary>
    void OnHeartbeatMissed(WebSocketConnection connection)
    {
    }

    /// <summary>
    /// The server has stopped: nothing is called after this, unless a handler has not returned. Called once if <see cref="OnStart"/> was,
    /// even if that threw. Close here what was opened there.
    /// </summary>
    void OnStop(WebSocketServer server)
    {
    }
}

/// <summary>The application's decision about an upgrade.</summary>
public readonly record struct UpgradeDecision
{
    /// <summary>The HTTP status of a refusal; 0 when the upgrade is accepted.</summary>
    public int Status { get; private init; }

    /// <summary>For a refusal: what the client reads, in plain text.</summary>
    public string? Text { get; private init; }

    /// <summary>
    /// For a refusal: a name for why, for the log and the metrics (<see cref="CloseReport.Rule"/>). The client does not see it. A name is a
    /// series of the metrics: an application has few. Null for none.
    /// </summary>
    public string? Rule { get; init; }

    /// <summary>
    /// For a refusal: why, in words for the log instead of <see cref="Text"/> (<see cref="CloseReport.Reason"/>). The client does not see
    /// them. Null for the text.
    /// </summary>
    public string? Reason { get; init; }

    /// <summary>The uid under which the connection joins the directory at its beginning, in UTF-8; empty for none.</summary>
    public ReadOnlyMemory<byte> Uid { get; private init; }

    /// <summary>What happens if an open connection has that uid.</summary>
    public DuplicateUid Duplicates { get; private init; }

    /// <summary>
    /// The subprotocol, instead of the one that the server negotiated. The client must have offered it (§4.2.2). Null for the negotiated
    /// one.
    /// </summary>
    public string? Subprotocol { get; private init; }

    /// <summary>
    /// What the application wants to keep with the connection from the beginning: <see cref="WebSocketConnection.State"/>.
    /// </summary>
    public object? State { get; private init; }

    /// <summary>The endpoint's name, instead of the request's path. Null for the path.</summary>
    public string? Endpoint { get; private init; }

    /// <summary>
    /// Who is told that the connection is open, and gets its messages: <see cref="WebSocketConnection.Application"/>. Null for the server's
    /// application. So an application can be put before another one, and has part in none of the other's messages.
    /// </summary>
    public IWebSocketApplication? Application { get; init; }

    /// <summary>
    /// Whether messages to everybody leave the connection out (<see cref="MessageTarget.Everybody"/>): it speaks something else than the
    /// others. The directory has it like any other.
    /// </summary>
    public bool IsApart { get; init; }

    /// <summary>Whether the upgrade is accepted, or taken over.</summary>
    public bool IsAccepted => Status == 0;

    /// <summary>Who has the connection's bytes from now on; null for the server itself, as usual.</summary>
    internal IRawHandler? Raw { get; private init; }

    /// <summary>For how long at most.</summary>
    internal TimeSpan RawTime { get; private init; }

    /// <summary>Accepts the upgrade.</summary>
    /// <param name="uid">
    /// The uid under which the connection joins <see cref="WebSocketServer.Directory"/> when it opens, in UTF-8; empty for none.
    /// </param>
    /// <param name="subprotocol">A subprotocol that the client has offered; null for the one that the server has chosen.</param>
    /// <param name="endpoint">The endpoint's name; null for the request's path.</param>
    /// <param name="state">The connection's <see cref="WebSocketConnection.State"/>: who the client is, say.</param>
    /// <param name="duplicates">
    /// What happens if an open connection has the uid. With Reject this one is opened all the same, and closed with 4501 after
    /// <see cref="IWebSocketApplication.OnOpen"/>. To answer with an HTTP error instead (409, say), look into the directory before, and
    /// refuse.
    /// </param>
    /// <exception cref="ArgumentException">The uid is too long (<see cref="ConnectionDirectory.UidBytesMax"/>).</exception>
    public static UpgradeDecision Accept(
        ReadOnlyMemory<byte> uid = default, string? subprotocol = null, string? endpoint = null, object? state = null,
        DuplicateUid duplicates = DuplicateUid.Share)
    {
        if (uid.Length > ConnectionDirectory.UidBytesMax)
            throw new ArgumentException($"A uid is 1 to {ConnectionDirectory.UidBytesMax} bytes, not {uid.Length}.", nameof(uid));
        return new() { Uid = uid, Duplicates = duplicates, Subprotocol = subprotocol, Endpoint = endpoint, State = state };
    }

    /// <summary>
    /// Takes the connection over: the server answers nothing and parses nothing more, and its bytes are the handler's. For what is no
    /// WebSocket, or not one that keeps the rules. The log has it as a request that was answered with 101.
    /// </summary>
    /// <param name="handler">Gets the bytes that come after the request's head, and sends the answer.</param>
    /// <param name="most">For how long at most. Then the connection is reset.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time is not more than zero and at most a day.</exception>
    public static UpgradeDecision TakeOver(IRawHandler handler, TimeSpan most)
    {
        ArgumentNullException.ThrowIfNull(handler);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(most, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(most, TimeSpan.FromDays(1));
        return new() { Raw = handler, RawTime = most };
    }

    /// <summary>Refuses the upgrade: it is answered with an HTTP error and one plain sentence.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The status is not 400 to 599.</exception>
    public static UpgradeDecision Refuse(int status, string text)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(status, 400);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(status, 599);
        ArgumentNullException.ThrowIfNull(text);
        return new() { Status = status, Text = text };
    }
}
