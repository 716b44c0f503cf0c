// The result of decoding a piece of a message that an extension has marked. These are values, not exceptions, because the peer causes all
// of them but OutOfMemory. How many bytes a message may have is not an extension's affair: WebSocketProtocol judges what has come out.

namespace RawWs.Server.Extensions;

internal enum DecodeStatus : byte
{
    /// <summary>All input has been consumed, and all its output written. Go on with the next piece, or finish.</summary>
    NeedMoreData,

    /// <summary>The output is full. Call again with the rest of the input, which may be empty, and with room.</summary>
    OutputFull,

    /// <summary>The message is whole and well formed.</summary>
    Done,

    /// <summary>The bytes cannot be decoded. <see cref="ConnectionExtension.Malformed"/> is the rule that they break.</summary>
    Malformed,

    /// <summary>There is no memory. Close with 1013.</summary>
    OutOfMemory,
}
