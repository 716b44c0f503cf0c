// The settings of the standalone server: the library's options, and what only the program has. Immutable; SettingSources makes them.

using System.Net;
using RawWs.Server.Applications;
using RawWs.Server.Console.Admin;
using RawWs.Server.Console.Auth;
using RawWs.Server.Console.Cluster;
using RawWs.Server.Console.Lab;
using RawWs.Server.Memory;

namespace RawWs.Server.Console.Settings;

/// <summary>Which of the two applications runs.</summary>
internal enum ApplicationKind : byte
{
    Router,
    Echo,
}

/// <summary>Everything that one run of the program needs to know.</summary>
internal sealed record RunSettings
{
    // The program has a heartbeat of 10 s, for the sake of the demo page. The library has none unless it is asked for.
    public ServerOptions Server { get; init; } = new() { Heartbeat = TimeSpan.FromSeconds(10) };

    public ApplicationKind Application { get; init; }

    /// <summary>
    /// How a client gets its uid. Null: first-message while every listening address is loopback and no host, origin or proxy is named, else
    /// query.
    /// </summary>
    public Introduce? Introduce { get; init; }

    public DuplicateUid DuplicateUid { get; init; }

    /// <summary>Whether clients of the router may send to all.</summary>
    public bool ClientsBroadcast { get; init; } = true;

    /// <summary>
    /// Whose connections the Lab shows. Null: own ones while only this machine is meant (see above) and nobody decides about clients, else
    /// there is none.
    /// </summary>
    public LabScope? Lab { get; init; }

    /// <summary>Whether there are endpoints for people who test clients.</summary>
    public bool Scenarios { get; init; }

    public LogLevels LogLevels { get; init; } = LogLevels.Default;

    /// <summary>Whether the log's lines are objects in JSON, and not text.</summary>
    public bool LogsJson { get; init; }

    /// <summary>How long connections may take to close when the program is told to stop.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the program goes on as before when it is told to stop.</summary>
    public TimeSpan DrainWait { get; init; }

    /// <summary>Where the admin port listens; null for no admin port.</summary>
    public ListenAddress? Admin { get; init; }

    /// <summary>The tokens of the admin port, one of which each request must have; null for none.</summary>
    public AdminTokens? AdminTokens { get; init; }

    /// <summary>Who decides about clients.</summary>
    public AuthSettings Auth { get; init; } = new();

    /// <summary>Other servers, and the way to them.</summary>
    public BackplaneSettings Backplane { get; init; } = new();

    /// <summary>The files of the certificates for TLS, in PEM; the first is the default.</summary>
    public IReadOnlyList<string> TlsCertificateFiles { get; init; } = [];

    /// <summary>Those of their keys, in the same order.</summary>
    public IReadOnlyList<string> TlsKeyFiles { get; init; } = [];

    // Where somebody decides about clients, he names them too.
    public Introduce EffectiveIntroduce => Auth.IsOn
        ? Applications.Introduce.None
        : Introduce ?? (Server.IsForThisMachineOnly ? Applications.Introduce.FirstMessage : Applications.Introduce.Query);

    // The Lab's page has no token.
    public LabScope EffectiveLab => Lab ?? (Server.IsForThisMachineOnly && !Auth.IsOn ? LabScope.Own : LabScope.Off);

    /// <summary>
    /// What strangers may do, for a line of the log; null while every address is loopback or a socket file, and no proxy is trusted.
    /// </summary>
    public string? DescribeStrangers()
    {
        bool isLocal = Server.Addresses.All(static one => one.EndPoint is not { } endPoint || IPAddress.IsLoopback(endPoint.Address));
        if (isLocal && Server.TrustedProxies.Count == 0) return null;
        List<string> may = [];
        bool isRouter = Application == ApplicationKind.Router;
        if (isRouter && EffectiveIntroduce != Applications.Introduce.None) may.Add("send to every uid");
        if (isRouter && ClientsBroadcast) may.Add($"send to all{Often(Server.BroadcastRate)} (--clients-broadcast, --all-rate)");
        may.Add(Server.ConnectionsPerAddressMax is { } most
            ? $"open {most} connections from one address"
            : "open as many connections from one address as there is room for (--max-connections-per-address)");
        may.Add(Server.MessageRate is null
            ? "send as many messages as they can (--message-rate)"
            : $"send messages{Often(Server.MessageRate)} on each");
        return string.Join(", ", may);

        static string Often(RateLimit? rate) => rate is { } limit ? $" {limit.PerSecond} times a second" : "";
    }

    /// <summary>The name of a setting that was changed, and has no effect without --compression on; null when there is none.</summary>
    public string? FindWithoutEffect()
    {
        ServerOptions plain = new();
        if (Server.Compression) return null;
        if (Server.CompressionTakeover) return "compression-takeover";
        if (Server.CompressionWindowBits != plain.CompressionWindowBits) return "compression-window";
        if (Server.CompressionLevel != plain.CompressionLevel) return "compression-level";
        return Server.CompressionBytesMin != plain.CompressionBytesMin ? "compression-min-bytes" : null;
    }

    /// <summary>The same with the certificates, if TLS is wanted.</summary>
    /// <param name="time">The clock by which one has expired.</param>
    /// <param name="problem">What is wrong with them; null when nothing is.</param>
    public RunSettings WithCertificates(TimeProvider time, out string? problem)
    {
        problem = FindTlsConflict();
        if (problem is not null || !Server.HasTls) return this;
        try
        {
            TlsCertificates certificates = TlsCertificates.FromFiles(
                [.. TlsCertificateFiles.Zip(TlsKeyFiles, static (certificate, key) => new PemFiles(certificate, key))], time);
            return this with { Server = Server with { Certificates = certificates } };
        }
        catch (TlsCertificateException exception)
        {
            problem = $"--tls-cert, --tls-key: {exception.Message}";
            return this;
        }
    }

    /// <summary>The same with the keys for tokens, and the subprotocol that goes with them, if tokens are wanted.</summary>
    /// <param name="problem">What is wrong with them, or with whoever else is to decide about clients; null when nothing is.</param>
    public RunSettings WithKeys(out string? problem)
    {
        problem = Auth.IsOn && Introduce is not null
            ? "--introduce: has no meaning with --auth or --auth-url, which name the uid"
            : Auth.FindConflict();
        if (problem is not null || Auth.Kind != AuthKind.Jwt) return this;
        try
        {
            // A page in a browser that has its token in a subprotocol needs another one that is chosen.
            IReadOnlyList<string> subprotocols = Server.Subprotocols.Contains(RequestToken.Subprotocol, StringComparer.Ordinal)
                ? Server.Subprotocols
                : [.. Server.Subprotocols, RequestToken.Subprotocol];
            return this with
            {
                Auth = Auth with { Keys = new JwtKeys(Auth.KeyFiles) },
                Server = Server with { Subprotocols = subprotocols },
            };
        }
        catch (JwtKeyException exception)
        {
            problem = $"--jwt-key, --jwt-secret: {exception.Message}";
            return this;
        }
    }

    private string? FindTlsConflict()
    {
        if (Server.HasTls && TlsCertificateFiles.Count == 0)
            return "--listen: an address with wss:// needs a certificate and its key (--tls-cert, --tls-key)";
        if (TlsCertificateFiles.Count != TlsKeyFiles.Count)
            return $"--tls-key: each certificate needs its key, in the same order; there are {TlsCertificateFiles.Count} of --tls-cert, "
                + $"and {TlsKeyFiles.Count} of --tls-key";
        return !Server.HasTls && TlsCertificateFiles.Count > 0
            ? "--tls-cert: no address is for TLS; one with wss:// is needed (--listen)"
            : null;
    }

    /// <summary>What is wrong between settings that are each valid alone; null when nothing is.</summary>
    public string? FindConflict()
    {
        if (Server.Addresses.Count == 0)
            return "listen: at least one address is needed (--listen, RAWWS_LISTEN, or \"listen\" in the file)";
        if (Server.TrustedProxies.Count == 0 && Server.Listeners.Any(static address => address.HasProxyHeader))
            return "--listen: an address with ,proxy needs --trusted-proxy, which says whose PROXY headers are believed";
        if (Server.PingText is not null && Server.Heartbeat > TimeSpan.Zero) return "--ping-text: needs --heartbeat 0";
        if (Admin is null && AdminTokens is not null) return "--admin-token-file: needs --admin";
        if (Admin is not null && !AdminAddress.IsGuarded(Admin) && AdminTokens is null)
            return $"--admin: others than this machine's users can reach {Admin}; needs --admin-token-file, a loopback address, or a "
                + "socket (unix:/PATH) whose mode lets no others write";
        bool isRouter = Application == ApplicationKind.Router, sharesUids = DuplicateUid == DuplicateUid.Share;
        if (Backplane.FindConflict(isRouter, Server.MessageBytesMax, sharesUids, Server.HandshakeTimeout) is { } backplane)
            return backplane;
        // A limit that cannot be reached is no limit: the process would end before.
        long largest = MemoryShare.LargestBudget(Server.Loops);
        if (Server.MemoryBytesMax >= MemoryShare.BudgetBytesMin && Server.MemoryBytesMax > largest)
            return $"--max-memory: {Server.MemoryBytesMax >> 20} MiB is more than there is: the process may have "
                + $"{MemoryShare.AvailableBytes >> 20} MiB, of which connections can hold {Math.Max(0, largest >> 20)} MiB";
        return Server.FindError();
    }
}
