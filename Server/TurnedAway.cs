// How many connections were closed unanswered, and why.

namespace RawWs.Server;

internal enum TurnedAwayReason : byte
{
    /// <summary>There are as many connections as there may be.</summary>
    Connections,

    /// <summary>As many handshakes of TLS are under way as there may be.</summary>
    TlsHandshakes,

    /// <summary>Their address has as many connections as it may have.</summary>
    AddressConnections,

    /// <summary>Their address opens connections too fast.</summary>
    AddressHandshakes,
}

/// <summary>Counts them. Any thread.</summary>
internal sealed class TurnedAway
{
    private readonly long[] _counts = new long[Enum.GetValues<TurnedAwayReason>().Length];

    /// <summary>How many there were for this reason.</summary>
    public long this[TurnedAwayReason reason] => Interlocked.Read(ref _counts[(int)reason]);

    /// <summary>Counts one.</summary>
    /// <returns>Whether to log it: the first one, and then each time that the number has doubled.</returns>
    public bool Count(TurnedAwayReason reason, out long count)
    {
        count = Interlocked.Increment(ref _counts[(int)reason]);
        return (count & (count - 1)) == 0;
    }
}
