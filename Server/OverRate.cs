// What happens to whoever is faster than his limits allow.

namespace RawWs.Server;

/// <summary>What happens to a client that is faster than a <see cref="RateLimit"/> allows.</summary>
public enum OverRate : byte
{
    /// <summary>
    /// Nothing is read from it until it may go on. So it is slowed down, by TCP, and loses nothing. A handshake that would have to wait for
    /// more than half of its time is refused.
    /// </summary>
    Delay,

    /// <summary>It is closed with 4002; a handshake is refused.</summary>
    Close,
}
