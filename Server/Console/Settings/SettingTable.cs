// Every setting of the program: its name, what it means with unit and default, what is allowed, and what it changes. The name is the flag's
// (--max-message), the environment's (RAWWS_MAX_MESSAGE) and the file's ("max-message"). The order is that of --help.

using System.Globalization;
using System.Net;
using RawWs.Frame;
using RawWs.Handshake;
using RawWs.Server.Applications;
using RawWs.Server.Console.Admin;
using RawWs.Server.Console.Auth;
using RawWs.Server.Console.Lab;
using RawWs.Server.Listening;
using RawWs.Server.Memory;
using RawWs.Server.Proxies;

namespace RawWs.Server.Console.Settings;

internal static class SettingTable
{
    private const string Size = "whole bytes, or with KiB, MiB or GiB";
    private const string Rate = "a whole number from 1, or two with a slash between them";
    private const string Seconds = "seconds from 0.001 to 86400";

    private static readonly ServerOptions Defaults = new();

    private static readonly int ConnectionsHere = Math.Min(Descriptors.RoomOnceStarted(Defaults.Loops),
        MemoryShare.ConnectionsMax(Defaults.Loops));

    public static readonly IReadOnlyList<Setting> All =
    [
        Setting.List<ListenAddress>("listen", "ADDRESS:PORT",
            "Address and port to listen on; repeat it for several. ws:// may stand before it; with wss:// the address is for TLS, which "
            + "needs --tls-cert and --tls-key. Port 0 takes a free one. A port alone, "
            + "as 2001 or :2001, is on 127.0.0.1; all addresses are listened on by *:2001 (IPv4) and [::]:2001 (IPv6). "
            + "unix:/PATH is a socket file, for its owner, or with ,mode=660 for whom that mode names. With ,proxy each connection must "
            + "begin with a PROXY header (version 1 or 2) of a --trusted-proxy. Default: 127.0.0.1:2000.",
            "ADDRESS:PORT with an IP address, IPv6 in brackets, localhost, or * for all; or a port alone, for 127.0.0.1; or unix:/PATH; "
            + "ws:// or wss:// may stand before it; ,proxy and (of a socket file) ,mode=660 behind it",
            SettingText.TryListenAddress, Listen) with
        {
            FindReason = SettingText.FindListenError,
            IsRest = ListenAddress.IsTrait,
        },
        Setting.List<string>("trusted-proxy", "NETWORK",
            "Proxies that are believed what they say of their clients, in PROXY headers (--listen …,proxy) and in --forwarded-field: a "
            + "network, an address, or unix for whoever connects to a socket file; repeatable. The client's address is what the log, "
            + "the limits and the admin port have then. Default: none.",
            "a network as 10.0.0.0/8 or fd00::/8, an address, or unix", SettingText.Without(ProxyTrust.FindError),
            static (settings, values) => settings with { Server = settings.Server with { TrustedProxies = values } })
            with { FindReason = ProxyTrust.FindError },
        Setting.Server("forwarded-field", "FIELD",
            "Field in which a --trusted-proxy tells its client: x-forwarded-for, or forwarded (RFC 7239). The right-most address that is "
            + "no trusted proxy's counts, and the other field is not read. Default: x-forwarded-for.", "x-forwarded-for, forwarded",
            SettingText.Choice(("x-forwarded-for", ForwardedField.XForwardedFor), ("forwarded", ForwardedField.Forwarded)),
            static (options, value) => options with { ForwardedField = value }),
        Setting.List<string>("tls-cert", "FILE",
            "For wss://: a certificate in PEM, and behind it the chain; repeat it for several names, among which a client's chooses. The "
            + "first is for all others too. Read again when a file changes, and at SIGHUP. Default: none.",
            "the path of a file", SettingText.TryWord,
            static (settings, values) => settings with { TlsCertificateFiles = values }),
        Setting.List<string>("tls-key", "FILE",
            "For wss://: the private key of the certificate, in PEM, without a passphrase; with several, in the order of --tls-cert. "
            + "Default: none.", "the path of a file", SettingText.TryWord,
            static (settings, values) => settings with { TlsKeyFiles = values }),
        Setting.One("app", "router|echo", "What becomes of messages: routed by uid, or sent back. Default: router.", "router, echo",
            SettingText.Choice(("router", ApplicationKind.Router), ("echo", ApplicationKind.Echo)),
            static (settings, value) => settings with { Application = value }),
        Setting.One("introduce", "HOW",
            "Without --auth: how a client gets its uid: first-message (to a uid that is not reserved, or ?uid=), query (?uid= only), none. "
            + "Default: first-message while every listening address is loopback and no --allowed-origin, --allowed-host or "
            + "--trusted-proxy is given, else query.", "first-message, query, none",
            SettingText.Choice(("first-message", Introduce.FirstMessage), ("query", Introduce.Query), ("none", Introduce.None)),
            static (settings, value) => settings with { Introduce = value }),
        Setting.Auth("auth", "none|jwt",
            "Who decides who may come in, and under which uid: nobody, or a JSON Web Token that the client has (docs/ops/auth.md). "
            + "Default: none.", "none, jwt", SettingText.Choice(("none", AuthKind.None), ("jwt", AuthKind.Jwt)),
            static (auth, value) => auth with { Kind = value }),
        Setting.Auth<Uri>("auth-url", "URL",
            "Who decides who may come in, and under which uid: a back-end at this address, which gets the request's header fields and "
            + "cookies, and answers with JSON (docs/ops/auth.md). If it does not answer nobody is let in. Default: none.",
            "an address with http:// or https://, without user and password", AuthSettings.TryUrl,
            static (auth, value) => auth with { Url = value }),
        Setting.Auth<TimeSpan>("auth-timeout", "SECONDS", "For --auth-url: time for the back-end to answer. Default: 3 s.", Seconds,
            SettingText.TryTime, static (auth, value) => auth with { UrlTimeout = value }),
        Setting.Auth<int>("auth-max-requests", "COUNT",
            "For --auth-url: most requests to the back-end at once; others wait, within the same time. Default: 64.",
            "a whole number from 1", SettingText.TryCount, static (auth, value) => auth with { UrlRequestsMax = value }),
        Setting.List<JwtKeyFile>("jwt-key", "FILE[@UNTIL]",
            "For --auth jwt: public key or certificate in PEM, or JWK Set of public keys, for tokens signed with RS256 or ES256; with @ "
            + "and a date behind it, it counts until then. Repeatable. Read again when the file changes, and at SIGHUP. Default: none.",
            JwtKeyFile.Allowed, JwtKeyFile.TryPublic, AddKeys),
        Setting.List<JwtKeyFile>("jwt-secret", "FILE[@UNTIL]",
            "For --auth jwt: the same for a secret, a line of at least 32 characters, or a JWK Set of secrets (oct), for tokens signed "
            + "with HS256. Default: none.",
            JwtKeyFile.Allowed, JwtKeyFile.TrySecret, AddKeys),
        Setting.List<string>("jwt-issuer", "NAME",
            "For --auth jwt: whose tokens count (iss); repeatable. Default: none, and then each that a key proves.",
            "text without control characters", SettingText.TryWord,
            static (settings, values) => settings with { Auth = settings.Auth with { Issuers = values } }),
        Setting.List<string>("jwt-audience", "NAME",
            "For --auth jwt: this server's name in tokens (aud); repeatable. A token must have one of them. Default: none, and then a "
            + "token must have no audience.", "text without control characters", SettingText.TryWord,
            static (settings, values) => settings with { Auth = settings.Auth with { Audiences = values } }),
        Setting.Auth<string>("jwt-uid-claim", "NAME",
            "For --auth jwt: the claim that is the uid. Default: sub.", "text without control characters", SettingText.TryWord,
            static (auth, value) => auth with { UidClaim = value }),
        Setting.Auth<string>("jwt-to-claim", "NAME",
            "For --auth jwt: the claim that says to whom a client may send: all, none, or a list of uids. Default: to.",
            "text without control characters", SettingText.TryWord, static (auth, value) => auth with { RightsClaim = value }),
        Setting.One("duplicate-uid", "share|replace|reject",
            "When a uid is connected already: both have it, the older connection is closed, or the newer "
            + "does not get it as long as the older one lives. Default: share.", "share, replace, reject",
            SettingText.Choice(("share", DuplicateUid.Share), ("replace", DuplicateUid.Replace), ("reject", DuplicateUid.Reject)),
            static (settings, value) => settings with { DuplicateUid = value }),
        Setting.Server<TimeSpan>("heartbeat", "SECONDS",
            "A client that sends nothing for so long is closed with 3008. 0: the server keeps the connection alive with "
            + "pings instead. Default: 10 s.", $"0, or {Seconds}", SettingText.TryTimeOrZero,
            static (options, value) => options with { Heartbeat = value }),
        Setting.Server<TimeSpan>("ping-interval", "SECONDS",
            "With --heartbeat 0: time between two pings; a client that leaves two unanswered is closed. Default: 25 s.",
            Seconds, SettingText.TryTime, static (options, value) => options with { PingInterval = value }),
        Setting.Server<string>("ping-text", "TEXT",
            "With --heartbeat 0: send this text message instead of a ping, and expect no answer. Default: none.",
            "text without control characters", SettingText.TryWord, static (options, value) => options with { PingText = value }),
        Setting.Server<int>("max-message", "SIZE", "Largest message in bytes of payload; a larger one is closed with 1009. Default: 1 MiB.",
            $"{Size}, 1 to 1 GiB", SettingText.TryPieceSize, static (options, value) => options with { MessageBytesMax = value }),
        Setting.Server<int>("max-fragments", "COUNT",
            "Most frames that one message may be cut into. Default: one for each KiB of --max-message, at least 1024.",
            "a whole number from 1",
            SettingText.TryCount, static (options, value) => options with { FragmentsMax = value }),
        Setting.Server<int>("send-buffer", "SIZE",
            "Bytes that may wait for one client; past it nothing more is queued, and a client that then takes nothing for 5 seconds is "
            + "closed with 4000 \"too slow\". Default: 1 MiB.",
            $"{Size}, 1 to 1 GiB", SettingText.TryPieceSize, static (options, value) => options with { SendBufferBytesMax = value }),
        Setting.Server("slow-consumer", "POLICY",
            "What becomes of messages when --send-buffer is full for a client: close (they are refused, and a client that takes nothing is "
            + "closed), drop-oldest (those that wait longest make room), drop-newest (they are dropped). Default: close.",
            "close, drop-oldest, drop-newest",
            SettingText.Choice(
                ("close", SlowConsumer.Close), ("drop-oldest", SlowConsumer.DropOldest), ("drop-newest", SlowConsumer.DropNewest)),
            static (options, value) => options with { SlowConsumer = value }),
        Setting.Server<int>("max-connections", "COUNT",
            "Most connections at once; further ones are answered with 503. Default: as many as the limit of open files and the memory have "
            + $"room for, less some for the server's own (here about {Text(ConnectionsHere)}).", "a whole number from 1",
            SettingText.TryCount, static (options, value) => options with { ConnectionsMax = value }),
        Setting.Server<int>("max-connections-per-address", "COUNT",
            "Most connections of one address; IPv6 counts by /64. Further ones are answered with 429, or closed unanswered if there are "
            + "many. Default: no limit.", "a whole number from 1",
            SettingText.TryCount, static (options, value) => options with { ConnectionsPerAddressMax = value }),
        Setting.Server<int>("max-connections-per-uid", "COUNT",
            "Most connections that may share one uid; a further one does not get it, and with ?uid= is answered with 429. "
            + "Default: no limit.", "a whole number from 1",
            SettingText.TryCount, static (options, value) => options with { ConnectionsPerUidMax = value }),
        Setting.Server<RateLimit>("handshake-rate", "RATE[/BURST]",
            "How many connections one address may open in a second, and how many at once after a rest (default: the same number). "
            + "Default: no limit.", Rate, SettingText.TryRate, static (options, value) => options with { HandshakeRate = value }),
        Setting.Server<RateLimit>("message-rate", "RATE[/BURST]",
            "The same for the messages that one connection sends. Default: no limit.", Rate,
            SettingText.TryRate, static (options, value) => options with { MessageRate = value }),
        Setting.Server<RateLimit>("byte-rate", "RATE[/BURST]",
            "The same for the bytes that one connection sends, frame headers included. Default: no limit.",
            $"{Size}, 1 to 1 GiB; or two of these with a slash between them",
            SettingText.TryByteRate, static (options, value) => options with { ByteRate = value }),
        Setting.Server<RateLimit>("all-rate", "RATE[/BURST]",
            "The same for the messages that one connection sends to all. Default: no limit.", Rate,
            SettingText.TryRate, static (options, value) => options with { BroadcastRate = value }),
        Setting.Server("over-rate", "delay|close",
            "What happens to a client that is faster: nothing is read from it until it may go on, or it is closed with 4002 (a handshake: "
            + "answered with 429). Default: delay.", "delay, close",
            SettingText.Choice(("delay", OverRate.Delay), ("close", OverRate.Close)),
            static (options, value) => options with { OverRate = value }),
        Setting.One("clients-broadcast", "on|off",
            "Whether clients may send to all; off answers error:forbidden. Default: on.", "on, off", SettingText.OnOff,
            static (settings, value) => settings with { ClientsBroadcast = value }),
        Setting.Server<long>("max-memory", "SIZE",
            "Most bytes held in unfinished messages, unsent ones and compression contexts, all clients together. Default: a quarter of "
            + "the memory that the process may have, less what the server itself needs "
            + $"(here {Text(Math.Max(0, Defaults.MemoryBytesMax >> 20))} MiB).", $"{Size}, from 1 MiB",
            SettingText.TryMemorySize, static (options, value) => options with { MemoryBytesMax = value }),
        Setting.Server<TimeSpan>("handshake-timeout", "SECONDS", "Time for a client's request and our answer, and for "
            + "the handshake of TLS before. Default: 10 s.", Seconds,
            SettingText.TryTime, static (options, value) => options with { HandshakeTimeout = value }),
        Setting.Server<int>("tls-max-handshakes", "COUNT",
            "For wss://: most handshakes of TLS at once; further connections are closed. Default: 1000.", "a whole number from 1",
            SettingText.TryCount, static (options, value) => options with { TlsHandshakesMax = value }),
        Setting.Server<TimeSpan>("message-timeout", "SECONDS",
            "Time for a message from its first byte to its last; past it the client is closed with 4001. Default: 30 s.", Seconds,
            SettingText.TryTime, static (options, value) => options with { MessageTimeout = value }),
        Setting.Server<TimeSpan>("send-timeout", "SECONDS",
            "Time that a client may take nothing of what waits for it. Default: 30 s.", Seconds, SettingText.TryTime,
            static (options, value) => options with { SendTimeout = value }),
        Setting.Server<TimeSpan>("close-timeout", "SECONDS",
            "Time for a client to answer our Close and end its stream. Default: 5 s.", Seconds, SettingText.TryTime,
            static (options, value) => options with { CloseTimeout = value }),
        Setting.List<string>("allowed-origin", "ORIGIN",
            "Origin whose pages may connect, as https://example.com; null or file:// for pages without a host (from disk, of "
            + "apps, of any site's sandboxed frame); * for all; repeatable. Case and a default port do not matter. Loopback and same host "
            + "are always allowed; null and file:// only while every listening address is loopback and no --allowed-origin or "
            + "--allowed-host is given. Default: none.",
            "scheme://host[:port], null, file:// or *", SettingText.Without(OriginRule.FindError),
            static (settings, values) => settings with { Server = settings.Server with { AllowedOrigins = values } })
            with { FindReason = OriginRule.FindError },
        Setting.List<string>("allowed-host", "NAME",
            "Host name of this server under which pages of the same host may connect; repeatable. IP addresses and localhost need "
            + "none. Default: none.", "a host name in ASCII, without port", SettingText.Without(OriginRule.FindHostError),
            static (settings, values) => settings with { Server = settings.Server with { AllowedHosts = values } })
            with { FindReason = OriginRule.FindHostError },
        Setting.List<string>("subprotocol", "NAME",
            "Subprotocol to agree to, the preferred first; repeatable. Default: none.", "a token of HTTP", SettingText.TryToken,
            static (settings, values) => settings with { Server = settings.Server with { Subprotocols = values } }),
        Setting.One("lab", "on|off|all",
            "The Lab at /lab, a page that shows the protocol byte by byte: of connections that it opens itself, or with all of every "
            + "connection, payloads included. Default: on while every listening address is loopback, no --allowed-origin, "
            + "--allowed-host or --trusted-proxy is given, and --auth is none; else off.", "on, off, all",
            SettingText.Choice(("on", LabScope.Own), ("off", LabScope.Off), ("all", LabScope.All)),
            static (settings, value) => settings with { Lab = value }),
        Setting.One("scenarios", "on|off",
            "Endpoints for people who test clients, at which the server misbehaves on purpose; the page /scenarios lists them. "
            + "Default: off.", "on, off", SettingText.OnOff, static (settings, value) => settings with { Scenarios = value }),
        Setting.Server("compression", "on|off",
            "Agree to permessage-deflate with clients that offer it. Default: off.", "on, off", SettingText.OnOff,
            static (options, value) => options with { Compression = value }),
        Setting.Server<int>("compression-level", "LEVEL",
            "How hard messages are compressed, 1 (fast) to 9 (small). Default: 1.", "a whole number from 1 to 9",
            SettingText.Count(1, 9),
            static (options, value) => options with { CompressionLevel = value }),
        Setting.Server<int>("compression-min-bytes", "SIZE",
            "Messages of fewer bytes go out as they are. Default: 256.", $"{Size}, 1 to 1 GiB", SettingText.TryPieceSize,
            static (options, value) => options with { CompressionBytesMin = value }),
        Setting.Server("compression-takeover", "on|off",
            "Messages may refer to earlier ones, both ways: smaller, for up to 331 KB of memory a connection. Default: off.", "on, off",
            SettingText.OnOff, static (options, value) => options with { CompressionTakeover = value }),
        Setting.Server<int>("compression-window", "BITS",
            "Largest window both ways, as the base-2 logarithm of its bytes. Default: 15.", "a whole number from 9 to 15",
            SettingText.Count(9, 15),
            static (options, value) => options with { CompressionWindowBits = value }),
        Setting.Server("transport", "auto|epoll|socket",
            "Where readiness comes from: epoll (Linux), or .NET's sockets (anywhere). Default: auto, "
            + "epoll where there is one.", "auto, epoll (on Linux), socket",
            SettingText.Choice(("auto", TransportKind.Auto), ("epoll", TransportKind.Epoll), ("socket", TransportKind.Socket)),
            static (options, value) => options with { Transport = value }),
        Setting.Server("io-uring", "on|off",
            "With epoll: small sends of one turn go to the kernel in one system call, where the system allows it. Default: on.", "on, off",
            SettingText.OnOff, static (options, value) => options with { IoUring = value }),
        Setting.Server<int>("loops", "COUNT",
            $"Event loops; with epoll each has a thread. Default: one per processor (here {Text(Defaults.Loops)}).",
            "a whole number from 1 to 1024",
            SettingText.Count(1, 1024), static (options, value) => options with { Loops = value }),
        Setting.One<TimeSpan>("drain", "SECONDS",
            "Time that connections have to close after Ctrl-C or SIGTERM. Default: 5 s.", $"0, or {Seconds}", SettingText.TryTimeOrZero,
            static (settings, value) => settings with { Drain = value }),
        Setting.One<TimeSpan>("drain-wait", "SECONDS",
            "After Ctrl-C or SIGTERM: time in which the server goes on as before, but /readyz of the admin port says that it drains, so "
            + "that whoever looks there sends no more clients. Default: 0.", $"0, or {Seconds}",
            SettingText.TryTimeOrZero, static (settings, value) => settings with { DrainWait = value }),
        Setting.Server<TimeSpan>("drain-spread", "SECONDS",
            "After that: time over which the Closes are spread by chance, so that clients do not all come back at once. The time of "
            + "--drain begins after it. Default: 0, all at once.", $"0, or {Seconds}",
            SettingText.TryTimeOrZero, static (options, value) => options with { DrainSpread = value }),
        Setting.Server<ushort>("close-code-on-drain", "1001|1012",
            "Code of those Closes: 1001 (going away) or 1012 (service restart). Default: 1001.", "1001, 1012",
            SettingText.Choice<ushort>(("1001", CloseCodes.GoingAway), ("1012", CloseCodes.ServiceRestart)),
            static (options, value) => options with { DrainCloseCode = value }),
        Setting.One<ListenAddress>("admin", "ADDRESS",
            "Where the admin port listens, an HTTP API to send, to see who is connected, and to close: an address and port, or a socket in "
            + "the file system. Default: none.", AdminAddress.Allowed,
            AdminAddress.TryParse, static (settings, value) => settings with { Admin = value })
            with { FindReason = SettingText.FindListenError },
        Setting.One<AdminTokens>("admin-token-file", "FILE",
            "File with the tokens of the admin port, one in each line; a request needs one of them (Authorization: Bearer TOKEN). Without "
            + "it only a loopback address or a socket that others cannot write to is allowed. Default: none.", AdminTokens.Allowed,
            AdminTokens.TryRead, static (settings, value) => settings with { AdminTokens = value })
            with { FindReason = AdminTokens.FindError },
        .. BackplaneRows.All,
        Setting.One<LogLevels>("log-level", "LEVELS",
            "Least important lines to log: a level, or one for a category (RawWs.Frames=trace), or several of these with commas between. "
            + "RawWs.Connections tells of each connection (debug), RawWs.Frames of each frame's header (trace). Default: information.",
            LogLevels.Allowed, LogLevels.TryParse, static (settings, value) => settings with { LogLevels = value })
            with { FindReason = LogLevels.FindError },
        Setting.One("log-format", "text|json", "Lines of the log as text, or as an object in JSON each. Default: text.", "text, json",
            SettingText.Choice(("text", false), ("json", true)), static (settings, value) => settings with { LogsJson = value }),
    ];

    public static Setting? Find(string name)
    {
        foreach (Setting setting in All)
            if (setting.Name == name) return setting;
        return null;
    }

    private static RunSettings AddKeys(RunSettings settings, IReadOnlyList<JwtKeyFile> files) =>
        settings with { Auth = settings.Auth with { KeyFiles = [.. settings.Auth.KeyFiles, .. files] } };

    private static RunSettings Listen(RunSettings settings, IReadOnlyList<ListenAddress> addresses) => settings with
    {
        Server = settings.Server with
        {
            ListenEndPoints = EndPoints(addresses, isTls: false),
            TlsEndPoints = EndPoints(addresses, isTls: true),
            Listeners = [.. addresses.Where(static address => !IsPlain(address))],
        },
    };

    private static IPEndPoint[] EndPoints(IReadOnlyList<ListenAddress> addresses, bool isTls) =>
        [.. addresses.Where(IsPlain).Where(address => address.IsTls == isTls).Select(static address => address.EndPoint!)];

    // Whether it is nothing but an address and a port, with or without TLS.
    private static bool IsPlain(ListenAddress address) => address.EndPoint is not null && !address.HasProxyHeader;

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
