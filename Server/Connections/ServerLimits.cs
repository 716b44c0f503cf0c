// What the connections of a server may do, and the table of their addresses. Null stands for a server without any of these limits. All of
// them can be changed. A connection that came while there were none has none to its end, and nobody counts it.

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

/// <summary>How fast one connection may be.</summary>
/// <param name="Messages">Messages; null for no limit.</param>
/// <param name="Bytes">Bytes; null for no limit.</param>
/// <param name="Broadcasts">Messages to everybody; null for no limit.</param>
/// <param name="Closes">Whether who is too fast is closed, and not delayed.</param>
internal sealed record ConnectionRates(RateLimit? Messages, RateLimit? Bytes, RateLimit? Broadcasts, bool Closes);

/// <summary>The limits of a server. Any thread.</summary>
internal sealed class ServerLimits : IDisposable
{
    private readonly TimeProvider _time;
    private volatile AddressTable? _addresses; // once an address has had a limit
    private volatile ConnectionRates _rates;

    private ServerLimits(ServerOptions options)
    {
        _time = options.TimeProvider;
        _rates = RatesOf(options);
        Change(options);
    }

    /// <summary>Of each connection. It is another object after a change.</summary>
    public ConnectionRates Rates => _rates;

    /// <summary>The limits that the options name; null when they name none.</summary>
    public static ServerLimits? Of(ServerOptions options) => options.ConnectionsPerAddressMax is null && options.HandshakeRate is null
        && options.MessageRate is null && options.ByteRate is null && options.BroadcastRate is null
        ? null
        : new ServerLimits(options);

    /// <summary>From now on these limits hold. One caller at a time.</summary>
    public void Change(ServerOptions options)
    {
        ConnectionRates rates = RatesOf(options);
        if (rates != _rates) _rates = rates;
        if (_addresses is null && (options.ConnectionsPerAddressMax is not null || options.HandshakeRate is not null))
            _addresses = new AddressTable(_time);
        // The rest of its time is for the handshake itself.
        long waitMax = rates.Closes ? 0 : (long)(options.HandshakeTimeout.TotalMilliseconds / 2);
        _addresses?.Change(options.ConnectionsPerAddressMax, options.HandshakeRate, waitMax);
    }

    /// <summary>A connection has come from this address. It gets a place, which is to be left at its end.</summary>
    public AddressPlace Enter(PeerAddress client)
    {
        if (_addresses is not { } addresses) return default;
        HandshakeRule? refusal = addresses.Enter(client.Network, out long wait, out bool hasPlace);
        return new AddressPlace(client.Network, hasPlace, wait, refusal);
    }

    /// <summary>The connection of this place has ended.</summary>
    public void Leave(in AddressPlace place)
    {
        if (place.IsTaken) _addresses!.Leave(place.Address, place.Refusal is null);
    }

    /// <summary>Ends what runs beside the connections.</summary>
    public void Dispose() => _addresses?.Dispose();

    private static ConnectionRates RatesOf(ServerOptions options) =>
        new(options.MessageRate, options.ByteRate, options.BroadcastRate, options.OverRate == OverRate.Close);
}
