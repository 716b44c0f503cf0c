// How much one message may ask of us (§10.4). One instance serves all connections; it does not change once made.

namespace RawWs.Frame;

/// <summary>The limits of a conversation.</summary>
public sealed class ConversationLimits
{
    /// <summary>The most bytes that a message's payload may have on the wire, all its fragments together; 0 or more.</summary>
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

    /// <summary>The most frames that a message may be cut into; 1 or more.</summary>
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
