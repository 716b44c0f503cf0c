// What the connections of a server may do, and the table of their addresses. Null stands for a server without any of these limits.

using RawWs.Handshake;
using RawWs.Server.Limits;
using RawWs.Server.Native;

namespace RawWs.Server.Connections;

/// <summary>What is limited in time.</summary>
internal enum Limit : byte
{
    Handshakes,
    Messages,
    Bytes,
    Broadcasts,
}

/// <summary>A connection's place among those of its address.</summary>
/// <param name="Address">The address.</param>
/// <param name="IsTaken">Whether there is one. A connection without one is not counted; if it is refused there were too many.</param>
/// <param name="Wait">How many milliseconds its request waits.</param>
/// <param name="Refusal">The rule by which its request is refused; null when it is let in.</param>
internal readonly record struct AddressPlace(NetworkAddress Address, bool IsTaken, long Wait, HandshakeRule? Refusal);

/// <summary>The limits of a server. Any thread.</summary>
internal sealed class ServerLimits : IDisposable
{
    private readonly AddressTable? _addresses;

    private ServerLimits(ServerOptions options)
    {
        (Messages, Bytes, Broadcasts) = (options.MessageRate, options.ByteRate, options.BroadcastRate);
        Closes = options.OverRate == OverRate.Close;
        if (options.ConnectionsPerAddressMax is null && options.HandshakeRate is null) return;
        // The rest of its time is for the handshake itself.
        long waitMax = Closes ? 0 : (long)(options.HandshakeTimeout.TotalMilliseconds / 2);
        _addresses = new AddressTable(options.ConnectionsPerAddressMax, options.HandshakeRate, waitMax, options.TimeProvider);
    }

    /// <summary>Of a connection.</summary>
    public RateLimit? Messages { get; }

    /// <inheritdoc cref="Messages"/>
    public RateLimit? Bytes { get; }

    /// <inheritdoc cref="Messages"/>
    public RateLimit? Broadcasts { get; }

    /// <summary>Whether who is too fast is closed, and not delayed.</summary>
    public bool Closes { get; }

    /// <summary>How many addresses are known.</summary>
    public int AddressCount => _addresses?.Count ?? 0;

    /// <summary>The limits that the options name; null when they name none.</summary>
    public static ServerLimits? Of(ServerOptions options) => options.ConnectionsPerAddressMax is null && options.HandshakeRate is null
        && options.MessageRate is null && options.ByteRate is null && options.BroadcastRate is null
        ? null
        : new ServerLimits(options);

    /// <summary>A connection has come from this address. It gets a place, which is to be left at its end.</summary>
    public AddressPlace Enter(PeerAddress client)
    {
        if (_addresses is null) return default;
        Admission admission = _addresses.Enter(client.Network, out long wait, out bool hasPlace);
        return new AddressPlace(client.Network, hasPlace, wait, RuleOf(admission));
    }

    /// <summary>The connection of this place has ended.</summary>
    public void Leave(in AddressPlace place)
    {
        if (place.IsTaken) _addresses!.Leave(place.Address, place.Refusal is null);
    }

    /// <summary>Ends what runs beside the connections.</summary>
    public void Dispose() => _addresses?.Dispose();

    private static HandshakeRule? RuleOf(Admission admission) => admission switch
    {
        Admission.TooManyConnections => HandshakeRules.TooManyFromAddress,
        Admission.TooManyHandshakes => HandshakeRules.TooManyHandshakes,
        _ => null,
    };
}
