// What the opening handshake has settled for a connection. Immutable; connections that settled on the same share it.

using RawWs.Handshake;

namespace RawWs.Server;

/// <param name="Endpoint">The endpoint: the request's path, or what the application's decision named.</param>
/// <param name="Subprotocol">The negotiated subprotocol, or null (RFC 6455 §1.9).</param>
/// <param name="Deflate">What was agreed on for permessage-deflate, or null (RFC 7692).</param>
internal sealed record ConnectionTerms(string Endpoint, string? Subprotocol, DeflateAgreement? Deflate)
{
    /// <summary>Before the handshake has settled anything.</summary>
    public static readonly ConnectionTerms None = new("", null, null);
}
