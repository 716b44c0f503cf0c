// What an application sees of the server, and all that it has to provide. Every call about one connection comes on that
// connection's loop, one at a time; after an await of its own a handler is on another thread, and what it sends then is posted.

using RawWs.Frame;
using RawWs.Handshake;

namespace RawWs.Server;

/// <summary>The application behind the server: who may come in, and what becomes of messages.</summary>
public interface IWebSocketApplication
{
    /// <summary>
    /// A valid upgrade is asked for: accept it, or refuse it with an HTTP status. It has until the handshake's deadline. The request is
    /// valid until the decision is made; what is wanted of it later is copied.
    /// </summary>
    ValueTask<UpgradeDecision> OnUpgrade(UpgradeRequest request);

    /// <summary>The connection is open: messages can be sent. Not to block.</summary>
    void OnOpen(WebSocketConnection connection)
    {
    }

    /// <summary>
    /// A message, whole and unmasked; text has been checked to be UTF-8 (§8.1). The memory is valid until the returned task completes,
    /// and the connection is not read from until then. Completing synchronously is the hot path. Whatever it throws closes this
    /// connection with 1011.
    /// </summary>
    ValueTask OnMessage(WebSocketConnection connection, MessageKind kind, ReadOnlyMemory<byte> message);

    /// <summary>The connection has ended; once for each that was opened.</summary>
    void OnClose(WebSocketConnection connection, Verdict verdict)
    {
    }

    /// <summary>The peer has been silent for the heartbeat's time and is about to be closed with 3008. The last word can be sent here.</summary>
    void OnHeartbeatMissed(WebSocketConnection connection)
    {
    }
}

/// <summary>What an application says to an upgrade.</summary>
public readonly record struct UpgradeDecision
{
    /// <summary>The HTTP status of a refusal, or 0: accepted.</summary>
    public int Status { get; private init; }

    /// <summary>What a refused client reads, in plain text.</summary>
    public string? Text { get; private init; }

    /// <summary>The name under which the connection is known from the beginning, in UTF-8; empty for none.</summary>
    public ReadOnlyMemory<byte> Uid { get; private init; }

    /// <summary>The subprotocol instead of the one that the server negotiated; it must be one that the client offered (§4.2.2).</summary>
    public string? Subprotocol { get; private init; }

    /// <summary>The endpoint's name instead of the request's path.</summary>
    public string? Endpoint { get; private init; }

    /// <summary>Whether it is an acceptance.</summary>
    public bool IsAccepted => Status == 0;

    /// <summary>Opens the connection.</summary>
    public static UpgradeDecision Accept(ReadOnlyMemory<byte> uid = default, string? subprotocol = null, string? endpoint = null) =>
        new() { Uid = uid, Subprotocol = subprotocol, Endpoint = endpoint };

    /// <summary>Answers with an HTTP error, 400 to 599, and one plain sentence.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The status is no error's.</exception>
    public static UpgradeDecision Refuse(int status, string text)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(status, 400);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(status, 599);
        return new() { Status = status, Text = text };
    }
}
