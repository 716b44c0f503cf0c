// Why a connection's bytes stay in the kernel for now. Several reasons may hold at once; reading resumes when the last one is gone.

namespace RawWs.Server.Channels;

/// <summary>Why reading from a connection is paused.</summary>
[Flags]
internal enum ReadPauseReasons : byte
{
    None = 0,

    /// <summary>A handler still has a message.</summary>
    Handler = 1,

    /// <summary>Too much is queued for the peer.</summary>
    SendQueue = 2,

    /// <summary>It has used up its share of the loop's turn.</summary>
    Turn = 4,

    /// <summary>What it has caused to be sent to others is not sent yet.</summary>
    Deliveries = 8,

    /// <summary>Its channel computes something on another thread.</summary>
    Channel = 16,

    /// <summary>It has sent more than it may in this time.</summary>
    Rate = 32,
}
