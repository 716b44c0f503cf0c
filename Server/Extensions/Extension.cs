// An extension (RFC 6455 §9) as the server sees it. It marks a message with reserved bits on its first frame, and transforms the payload of
// what it has marked. Nothing else can be extended: no opcode, and nothing of a control frame.
//
//   Extension              one for a server: accepts or declines an offer
//   ExtensionAgreement     what was agreed on with one client; makes what a connection has of it
//   ConnectionExtension    one for a connection: decodes what comes, encodes what goes
//   MessageEncoder         encodes a message by itself, for one receiver or for many
//
// Several extensions on one connection are one to everybody else (ExtensionPair), so that a connection keeps one reference. Size and UTF-8
// of what is decoded are judged by WebSocketProtocol, where what comes as it is is judged too. docs/decisions/0009 says why all of this is
// internal.

using RawWs.Frame;
using RawWs.Handshake;

namespace RawWs.Server.Extensions;

/// <summary>What a server has of one extension. Every member may be used from any thread.</summary>
internal abstract class Extension : IDisposable
{
    /// <param name="name">The name in Sec-WebSocket-Extensions, as it is written there.</param>
    /// <param name="bits">The reserved bits with which it marks messages (§5.2): at least one, and only its own.</param>
    protected Extension(string name, ReservedBits bits)
    {
        ArgumentOutOfRangeException.ThrowIfEqual((byte)bits, (byte)ReservedBits.None, nameof(bits));
        (Name, Bits) = (name, bits);
    }

    /// <summary>The name in Sec-WebSocket-Extensions.</summary>
    public string Name { get; }

    /// <summary>The reserved bits with which it marks messages. Two extensions that share one cannot be used on one connection.</summary>
    public ReservedBits Bits { get; }

    /// <summary>Accepts or declines an offer of this name.</summary>
    /// <param name="offer">The client's offer; its name is <see cref="Name"/>.</param>
    /// <param name="declined">Why it is declined: a word for the log; empty when it is accepted.</param>
    /// <returns>What is agreed on; null when the offer is declined, which is no error (§9.1).</returns>
    public abstract ExtensionAgreement? Negotiate(ExtensionOffer offer, out string declined);

    /// <summary>Whether a message of so many bytes may be encoded for some connection.</summary>
    public abstract bool Encodes(int payloadBytes);

    /// <summary>The server has stopped: frees what is not in use. What is in use is freed when it is given back.</summary>
    public abstract void Dispose();
}

/// <summary>What was agreed on with a client. Immutable; connections that agreed on the same may share one.</summary>
/// <param name="bits">The reserved bits that are in use.</param>
/// <param name="responseText">What the answer's Sec-WebSocket-Extensions says of it (§9.1), in ASCII.</param>
internal abstract class ExtensionAgreement(ReservedBits bits, string responseText)
{
    /// <summary>The reserved bits that are in use.</summary>
    public ReservedBits Bits { get; } = bits;

    /// <summary>What the answer's Sec-WebSocket-Extensions says of it.</summary>
    public string ResponseText { get; } = responseText;

    /// <summary>
    /// Whether the memory limit has room for what a connection of this agreement will charge to the budget. If not, the upgrade is answered
    /// with 503: that is better than 1013 at the first message.
    /// </summary>
    public abstract bool HasRoom { get; }

    /// <summary>Makes what one connection has of it. The connection owns it, and calls Release at its end.</summary>
    public abstract ConnectionExtension Begin();
}
