// What WebSocketProtocol.TryReadData found: where the payload lies, in the caller's buffer or in its room, and what of its message it is.
// A value of twelve bytes; it refers to no memory.

using System.Runtime.CompilerServices;

namespace RawWs.Frame;

/// <summary>A message, or a part of one, at the front of the caller's buffer.</summary>
public readonly struct DataChunk
{
    private const uint Assembled = 0x100;
    private const uint Start = 0x200;
    private const uint End = 0x400;

    // Three fields of one size, each read as it was written. What is written in parts and read as a whole has to wait until the parts are
    // in the cache, and that is a good part of what a small frame costs.
    private readonly int _consumed;
    private readonly int _payloadBytes;
    private readonly uint _what; // the kind, whether it is assembled, and whether it starts and ends there

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private DataChunk(int consumed, int payloadBytes, uint what)
    {
        _consumed = consumed;
        _payloadBytes = payloadBytes;
        _what = what;
    }

    /// <summary>How many of the buffer's first bytes are done with: a header, if there is one, and the payload behind it.</summary>
    public int Consumed => _consumed;

    /// <summary>
    /// The payload's length in bytes. It is the last of the consumed bytes, unmasked in place; if <see cref="IsAssembled"/>, it is at the
    /// front of the room that was given, and those bytes are as they came.
    /// </summary>
    public int PayloadBytes => _payloadBytes;

    /// <summary>Whether the message is text or binary.</summary>
    public MessageKind Kind => (MessageKind)(byte)_what;

    /// <summary>Whether it is a whole message, which came in one frame.</summary>
    public bool IsMessage => _what >= (Start | End);

    /// <summary>Whether the payload lies in the room that was given for the open message, and needs no copy.</summary>
    public bool IsAssembled => (_what & Assembled) != 0;

    /// <summary>Whether the message begins with it.</summary>
    public bool StartOfMessage => (_what & Start) != 0;

    /// <summary>Whether the message ends with it. The payload of the last chunk may be empty.</summary>
    public bool EndOfMessage => (_what & End) != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static DataChunk Message(int consumed, int payloadBytes, MessageKind kind) =>
        new(consumed, payloadBytes, (uint)kind | Start | End);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static DataChunk Chunk(
        int consumed, int payloadBytes, MessageKind kind, bool starts, bool ends, bool isAssembled = false) =>
        new(consumed, payloadBytes, (uint)kind | (starts ? Start : 0) | (ends ? End : 0) | (isAssembled ? Assembled : 0));
}
