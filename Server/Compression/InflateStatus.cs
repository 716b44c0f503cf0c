// The result of inflating a piece of a compressed message. These are values, not exceptions, because the peer causes all of them but
// OutOfMemory.

namespace RawWs.Server.Compression;

internal enum InflateStatus : byte
{
    /// <summary>All input has been consumed, and all its output written. Go on with the next piece, or finish.</summary>
    NeedMoreData,

    /// <summary>The output is full. Call again with the rest of the input, which may be empty, and with room.</summary>
    OutputFull,

    /// <summary>The message is whole and well formed.</summary>
    Done,

    /// <summary>
    /// The bytes are not a message as RFC 7692 §7.2.1 makes one. Close with 1007: the frames are right but their content has not the form
    /// that it must have, as with text that is not UTF-8. The RFC says that the connection fails, and leaves the code open.
    /// </summary>
    Malformed,

    /// <summary>The message has more bytes than it may. Close with 1009.</summary>
    TooBig,

    /// <summary>The library got no memory. Close with 1013.</summary>
    OutOfMemory,
}
