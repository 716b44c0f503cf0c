// What the opening handshake has agreed on for a connection. Immutable; connections that agreed on the same share one object.

namespace RawWs.Server.Connections;

/// <param name="Endpoint">The endpoint: the request's path, or the name that the application's decision gave.</param>
/// <param name="Subprotocol">The negotiated subprotocol, or null (RFC 6455 §1.9).</param>
/// <param name="Extensions">The value of Sec-WebSocket-Extensions in the answer, or null (RFC 6455 §9.1).</param>
/// <param name="Application">Who gets the connection's messages.</param>
internal sealed record ConnectionTerms(string Endpoint, string? Subprotocol, string? Extensions, IWebSocketApplication Application)
{
    /// <summary>The connection as the application has taken it over; null if it has not.</summary>
    public RawConnection? Raw { get; init; }

    /// <summary>The terms before the handshake has agreed on anything.</summary>
    public static readonly ConnectionTerms None = new("", null, null, null!);

    /// <summary>How much the connection may do; null for no limits. Connections that have some share nothing.</summary>
    public ConnectionLimits? Limits { get; init; }
}
