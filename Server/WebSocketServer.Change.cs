// What can be changed of a running server.

namespace RawWs.Server;

public sealed partial class WebSocketServer
{
    /// <summary>
    /// Takes over from these options what can be changed while the server runs: <see cref="ServerOptions.AllowedOrigins"/>,
    /// <see cref="ServerOptions.AllowedHosts"/>, <see cref="ServerOptions.TrustedProxies"/>, <see cref="ServerOptions.ForwardedField"/>,
    /// <see cref="ServerOptions.ConnectionsMax"/>, <see cref="ServerOptions.ConnectionsPerAddressMax"/>,
    /// <see cref="ServerOptions.ConnectionsPerUidMax"/>, the rates (HandshakeRate, MessageRate, ByteRate, BroadcastRate) and
    /// <see cref="ServerOptions.OverRate"/>, <see cref="ServerOptions.TlsHandshakesMax"/>, the times (HandshakeTimeout, MessageTimeout,
    /// CloseTimeout, SendTimeout, PingInterval, DrainSpread) and <see cref="ServerOptions.DrainCloseCode"/>. Everything else of them is
    /// ignored. Nobody who is connected is turned away by it. A time that runs already ends as it began.
    /// </summary>
    /// <remarks>
    /// A rate that changes begins with full buckets. A connection that has come while the server had no rate, and no limit for an address,
    /// has none to its end; and an address's connections are counted from the first such limit on.
    /// </remarks>
    /// <exception cref="ArgumentException">An option would be wrong; the message names it. Nothing is changed.</exception>
    public void Change(ServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (TryChange(options) is { } error) throw new ArgumentException(error, nameof(options));
    }

    /// <summary>The same, with what is wrong as the answer; null when nothing is.</summary>
    internal string? TryChange(ServerOptions options)
    {
        lock (_loops)
        {
            ServerOptions changed = Options with
            {
                AllowedOrigins = options.AllowedOrigins,
                AllowedHosts = options.AllowedHosts,
                TrustedProxies = options.TrustedProxies,
                ForwardedField = options.ForwardedField,
                ConnectionsMax = options.ConnectionsMax,
                ConnectionsPerAddressMax = options.ConnectionsPerAddressMax,
                ConnectionsPerUidMax = options.ConnectionsPerUidMax,
                HandshakeRate = options.HandshakeRate,
                MessageRate = options.MessageRate,
                ByteRate = options.ByteRate,
                BroadcastRate = options.BroadcastRate,
                OverRate = options.OverRate,
                TlsHandshakesMax = options.TlsHandshakesMax,
                HandshakeTimeout = options.HandshakeTimeout,
                MessageTimeout = options.MessageTimeout,
                CloseTimeout = options.CloseTimeout,
                SendTimeout = options.SendTimeout,
                PingInterval = options.PingInterval,
                DrainSpread = options.DrainSpread,
                DrainCloseCode = options.DrainCloseCode,
            };
            if (changed.FindError() is { } error) return error;
            Options = changed.Freeze();
            changed = Options with { TimeProvider = _context.Options.TimeProvider };
            _context.Change(changed);
            if (_stopped is null) _context.ChangeLimits(changed);
            Directory.Change(Options.ConnectionsPerUidMax);
            _handshakes.CountMax = Options.TlsHandshakesMax;
            if (_listener is not null) SetConnectionsMax();
            return null;
        }
    }
}
