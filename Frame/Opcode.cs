// The enums of the wire format: what a frame is, what a message is, and which end reads it.

namespace RawWs.Frame;

/// <summary>
/// The four bits that say what a frame is (§5.2, §11.8). The other values of 0 to 15 are reserved; a header may carry them.
/// </summary>
public enum Opcode : byte
{
    /// <summary>A further frame of the fragmented message that is open (§5.4).</summary>
    Continuation = 0,

    /// <summary>The first or only frame of a message whose payload is UTF-8 (§5.6).</summary>
    Text = 1,

    /// <summary>The first or only frame of a message of arbitrary bytes (§5.6).</summary>
    Binary = 2,

    /// <summary>Starts or answers the closing handshake (§5.5.1).</summary>
    Close = 8,

    /// <summary>Asks for a Pong with the same payload (§5.5.2).</summary>
    Ping = 9,

    /// <summary>Answers a Ping, or is sent unasked as a sign of life (§5.5.3).</summary>
    Pong = 10,
}

/// <summary>What a message carries. The values are those of the opcode of its first frame (§5.6).</summary>
public enum MessageKind : byte
{
    /// <summary>UTF-8 text.</summary>
    Text = 1,

    /// <summary>Arbitrary bytes.</summary>
    Binary = 2,
}

/// <summary>The three reserved bits, where they are in a frame's first byte (§5.2). An extension gives them a meaning.</summary>
[Flags]
public enum ReservedBits : byte
{
    /// <summary>No bit is set, or none is permitted.</summary>
    None = 0,

    /// <summary>RSV3, 0x10.</summary>
    Rsv3 = 0x10,

    /// <summary>RSV2, 0x20.</summary>
    Rsv2 = 0x20,

    /// <summary>RSV1, 0x40: it marks a compressed message (RFC 7692 §6).</summary>
    Rsv1 = 0x40,
}

/// <summary>Which end of the connection this is. The role decides which end masks its frames (§5.1).</summary>
public enum Role : byte
{
    /// <summary>Reads masked frames and writes unmasked ones.</summary>
    Server,

    /// <summary>Reads unmasked frames and writes masked ones.</summary>
    Client,
}
