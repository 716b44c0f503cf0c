// How large one message may be (§10.4). One instance serves all connections and does not change once it is made.

namespace RawWs.Frame;

/// <summary>The limits by which <see cref="WebSocketProtocol"/> refuses a message (§10.4). The close code is 1009.</summary>
public sealed class ProtocolLimits
{
    /// <summary>
    /// The largest payload of a message in bytes, as it is on the wire, all fragments together. 0 or more; 1 MiB by default.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">A negative value.</exception>
    public long MessageBytesMax
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            field = value;
        }
    }
    = 1 << 20;

    /// <summary>The most frames of one message. 1 or more; 1,024 by default.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A value below 1.</exception>
    public int FragmentsMax
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    }
    = 1024;
}
