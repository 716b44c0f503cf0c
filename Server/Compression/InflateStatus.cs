// What came of a piece of a compressed message. Values, as all of it is the peer's doing (but for OutOfMemory).

namespace RawWs.Server.Compression;

internal enum InflateStatus : byte
{
    /// <summary>All input is taken, and all that it gives is written: go on with the next piece, or finish.</summary>
    NeedMoreData,

    /// <summary>The output is full: call again with what is left of the input (it may be empty) and with room.</summary>
    OutputFull,

    /// <summary>The message is whole and well formed.</summary>
    Done,

    /// <summary>
    /// The bytes are not what RFC 7692 §7.2.1 makes of a message. Close with 1007: the frames are right, and their content is not of the form
    /// that it must have, as with text that is not UTF-8. The RFC says that the connection fails and leaves the code open.
    /// </summary>
    Malformed,

    /// <summary>The message has more bytes than it may. Close with 1009.</summary>
    TooBig,

    /// <summary>The library got no memory. Close with 1013.</summary>
    OutOfMemory,
}
