// What a loop's event means for whoever uses a channel.

namespace RawWs.Server.Channels;

/// <summary>What a channel is ready for.</summary>
[Flags]
internal enum Readiness : byte
{
    None = 0,

    /// <summary>Bytes may be there, or the end of the stream.</summary>
    Readable = 1,

    /// <summary>There is room again.</summary>
    Writable = 2,

    /// <summary>The connection is dead.</summary>
    Broken = 4,
}
