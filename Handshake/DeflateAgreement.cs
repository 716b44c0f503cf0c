// What both ends have agreed on for permessage-deflate: the parameters of each direction, and the header value that tells the client.

namespace RawWs.Handshake;

/// <summary>An accepted offer of permessage-deflate (RFC 7692 §7.1).</summary>
/// <param name="ServerTakeover">Whether the server's messages may refer to its earlier ones.</param>
/// <param name="ServerWindowBits">How far back the server's messages may refer: 2 to this power bytes, 8 to 15.</param>
/// <param name="ClientTakeover">Whether the client's messages may refer to its earlier ones.</param>
/// <param name="ClientWindowBits">How far back the client's messages may refer: 2 to this power bytes, 8 to 15.</param>
/// <param name="ResponseText">The value of Sec-WebSocket-Extensions in the answer (RFC 7692 §5.1), in ASCII.</param>
public sealed record DeflateAgreement(
    bool ServerTakeover, int ServerWindowBits, bool ClientTakeover, int ClientWindowBits, string ResponseText);
