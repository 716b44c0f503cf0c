// What WebSocketProtocol.TryReadData found: where the payload lies in the caller's buffer, and what of its message it is. A value of twelve
// bytes; it refers to no memory.

namespace RawWs.Frame;

/// <summary>A message, or a part of one, at the front of the caller's buffer.</summary>
public readonly struct DataChunk
{
    private const byte Start = 1;
    private const byte End = 2;

    private readonly byte _place;

    internal DataChunk(int consumed, int payloadBytes, MessageKind kind)
        : this(consumed, payloadBytes, kind, true, true)
    {
    }

    internal DataChunk(int consumed, int payloadBytes, MessageKind kind, bool starts, bool ends)
    {
        (Consumed, PayloadBytes, Kind) = (consumed, payloadBytes, kind);
        _place = (byte)((starts ? Start : 0) | (ends ? End : 0));
    }

    /// <summary>How many of the buffer's first bytes are done with: a header, if there is one, and the payload behind it.</summary>
    public int Consumed { get; }

    /// <summary>The payload's length in bytes, unmasked in place. It is the last of the consumed bytes.</summary>
    public int PayloadBytes { get; }

    /// <summary>Whether the message is text or binary.</summary>
    public MessageKind Kind { get; }

    /// <summary>Whether it is a whole message, which came in one frame.</summary>
    public bool IsMessage => _place == (Start | End);

    /// <summary>Whether the message begins with it.</summary>
    public bool StartOfMessage => (_place & Start) != 0;

    /// <summary>Whether the message ends with it. The payload of the last chunk may be empty.</summary>
    public bool EndOfMessage => (_place & End) != 0;
}
