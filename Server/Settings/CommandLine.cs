// The command line and its company: flags win over RAWWS_* variables, these over rawws.json (or --config FILE), these over the
// defaults. All three carry the same names and the same texts, so each setting is one row of one table: flag, help, and how its text
// becomes a value. System.CommandLine takes the arguments apart, Microsoft.Extensions.Configuration stacks the sources.

using System.CommandLine;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using RawWs.Server.Applications;
using RawWs.Server.Routing;
using Choices = RawWs.Server.Settings.SettingText;

namespace RawWs.Server.Settings;

/// <summary>Everything that the program was told.</summary>
internal sealed record ProgramSettings
{
    public ServerOptions Server { get; init; } = new() { ServesPage = true, Heartbeat = TimeSpan.FromSeconds(10) };

    public bool IsEcho { get; init; }

    /// <summary>Null: first-message while every listening address is loopback, else query.</summary>
    public Introduce? Introduce { get; init; }

    public DuplicateUid Duplicates { get; init; }

    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(5);

    public Introduce EffectiveIntroduce => Introduce
        ?? (Server.IsLoopbackOnly ? Applications.Introduce.FirstMessage : Applications.Introduce.Query);
}

internal static class CommandLine
{
    private const string DefaultFile = "rawws.json";
    private const string VariablePrefix = "RAWWS_";

    private delegate ProgramSettings Apply(ProgramSettings settings, string[] texts, string name);

    private static readonly Row[] Rows =
    [
        Many("listen", "ADDRESS:PORT", "Address to listen on; may be given several times. Default: 127.0.0.1:2000.",
            static (s, texts, name) => s with { Server = s.Server with { ListenEndPoints = Array.ConvertAll(texts, text => Choices.EndPoint(name, text)) } }),
        One("app", "router|echo", "What the server does with messages. Default: router.",
            static (s, text, name) => s with { IsEcho = Choices.Choice(name, text, ("router", false), ("echo", true)) }),
        One("transport", "auto|epoll|socket", "Where readiness comes from; auto is epoll on Linux, socket elsewhere. Default: auto.",
            static (s, text, name) => s with { Server = s.Server with { Transport = Choices.Choice(name, text, ("auto", TransportKind.Auto), ("epoll", TransportKind.Epoll), ("socket", TransportKind.Socket)) } }),
        One("loops", "COUNT", "Event loops. Default: one per processor.",
            static (s, text, name) => s with { Server = s.Server with { Loops = Choices.Count(name, text) } }),
        One("max-message", "BYTES", "Largest message; larger ones are closed with 1009. KiB, MiB and GiB may follow, here and below. Default: 1MiB.",
            static (s, text, name) => s with { Server = s.Server with { MessageBytesMax = Choices.SmallSize(name, text) } }),
        One("max-fragments", "COUNT", "Most fragments of a message; more are closed with 1009. Default: 1024.",
            static (s, text, name) => s with { Server = s.Server with { FragmentsMax = Choices.Count(name, text) } }),
        One("message-timeout", "SECONDS", "How long a message may take from its first byte to its last. Default: 30.",
            static (s, text, name) => s with { Server = s.Server with { MessageTimeout = Choices.Seconds(name, text) } }),
        One("send-buffer", "BYTES", "Bytes queued for one peer, past which it is closed with 1008 \"too slow\". Default: 1MiB.",
            static (s, text, name) => s with { Server = s.Server with { SendBufferBytesMax = Choices.SmallSize(name, text) } }),
        One("max-connections", "COUNT", "Most connections; one more is answered with 503. Default: the limit of open files less 192.",
            static (s, text, name) => s with { Server = s.Server with { ConnectionsMax = Choices.Count(name, text) } }),
        One("max-memory", "BYTES", "Most bytes held in unfinished messages and outboxes together. Default: a quarter of what the process may have.",
            static (s, text, name) => s with { Server = s.Server with { MemoryBytesMax = Choices.Size(name, text) } }),
        One("handshake-timeout", "SECONDS", "How long the opening request may take. Default: 10.",
            static (s, text, name) => s with { Server = s.Server with { HandshakeTimeout = Choices.Seconds(name, text) } }),
        One("close-timeout", "SECONDS", "How long a peer may take to answer a Close. Default: 5.",
            static (s, text, name) => s with { Server = s.Server with { CloseTimeout = Choices.Seconds(name, text) } }),
        One("send-timeout", "SECONDS", "How long a peer may take nothing of what is sent to it. Default: 30.",
            static (s, text, name) => s with { Server = s.Server with { SendTimeout = Choices.Seconds(name, text) } }),
        One("heartbeat", "SECONDS", "A peer that sends nothing for so long is closed with 3008; 0: the server sends pings instead. Default: 10.",
            static (s, text, name) => s with { Server = s.Server with { Heartbeat = Choices.Seconds(name, text, zeroAllowed: true) } }),
        One("ping-interval", "SECONDS", "With --heartbeat 0: time between two pings; two unanswered ones close the connection. Default: 25.",
            static (s, text, name) => s with { Server = s.Server with { PingInterval = Choices.Seconds(name, text) } }),
        One("ping-text", "TEXT", "With --heartbeat 0: send this text instead of a ping, and expect no answer. Default: none.",
            static (s, text, _) => s with { Server = s.Server with { PingText = text } }),
        One("introduce", "first-message|query|none", "How a connection gets its uid. Default: first-message on loopback addresses only, else query.",
            static (s, text, name) => s with { Introduce = Choices.Choice(name, text, ("first-message", Introduce.FirstMessage), ("query", Introduce.Query), ("none", Introduce.None)) }),
        One("duplicate-uid", "share|replace|reject", "What happens to a uid that somebody has already. Default: share.",
            static (s, text, name) => s with { Duplicates = Choices.Choice(name, text, ("share", DuplicateUid.Share), ("replace", DuplicateUid.Replace), ("reject", DuplicateUid.Reject)) }),
        Many("allowed-origin", "ORIGIN", "Origin whose pages may connect, such as https://example.com, or * for any; may be given several times. Default: loopback and same host.",
            static (s, texts, _) => s with { Server = s.Server with { AllowedOrigins = texts } }),
        Many("allowed-host", "NAME", "Host name of this server, for which an Origin of the same host is allowed; may be given several times. Default: none.",
            static (s, texts, _) => s with { Server = s.Server with { AllowedHosts = texts } }),
        Many("subprotocol", "TOKEN", "Subprotocol that is spoken here, the preferred first; may be given several times. Default: none.",
            static (s, texts, _) => s with { Server = s.Server with { Subprotocols = texts } }),
        One("drain", "SECONDS", "How long connections may take to close when the server stops. Default: 5.",
            static (s, text, name) => s with { Drain = Choices.Seconds(name, text, zeroAllowed: true) }),
        One("log-level", "LEVEL", "trace, debug, information, warning, error, critical or none. Default: information.",
            static (s, text, name) => s with
            {
                LogLevel = Choices.Choice(name, text, ("trace", LogLevel.Trace), ("debug", LogLevel.Debug), ("information", LogLevel.Information),
                    ("warning", LogLevel.Warning), ("error", LogLevel.Error), ("critical", LogLevel.Critical), ("none", LogLevel.None)),
            }),
    ];

    /// <summary>Reads all sources. Null when there is nothing to run (help, version, an error); then <paramref name="exitCode"/> says it.</summary>
    public static ProgramSettings? Read(string[] arguments, TextWriter error, out int exitCode)
    {
        exitCode = 0;
        RootCommand command = new("RawWs: a WebSocket server (RFC 6455). Settings come from flags, then RAWWS_* variables (RAWWS_MAX_MESSAGE), then rawws.json.");
        Option<string> config = new("--config") { Description = "JSON file with settings by these names (\"max-message\": \"2MiB\"). Default: rawws.json, if there is one.", HelpName = "FILE" };
        foreach (Row row in Rows) command.Options.Add(row.Option);
        command.Options.Add(config);
        ParseResult parsed = command.Parse(arguments);
        if (parsed.Errors.Count > 0)
        {
            error.WriteLine($"rawws: {parsed.Errors[0].Message} (--help lists the options)");
            exitCode = 2;
            return null;
        }

        if (parsed.Action is not null)
        {
            exitCode = parsed.Invoke();
            return null;
        }

        try
        {
            return Combine(parsed, parsed.GetValue(config));
        }
        catch (SettingException exception)
        {
            error.WriteLine($"rawws: {exception.Message}");
            exitCode = 2;
            return null;
        }
    }

    private static ProgramSettings Combine(ParseResult parsed, string? file)
    {
        IConfigurationRoot fromFile = ReadFile(file);
        IConfigurationRoot variables = new ConfigurationBuilder().AddEnvironmentVariables(VariablePrefix).Build();
        foreach (IConfigurationSection section in fromFile.GetChildren())
        {
            if (!Array.Exists(Rows, row => row.Name == section.Key))
                throw new SettingException($"{file ?? DefaultFile}: there is no setting \"{Log.LogText.Escape(section.Key)}\"");
        }

        ProgramSettings settings = new();
        foreach (Row row in Rows)
        {
            string[]? flags = parsed.GetValue(row.Option);
            string variable = row.Name.Replace('-', '_').ToUpperInvariant();
            if (flags is { Length: > 0 }) settings = row.Apply(settings, flags, "--" + row.Name);
            else if (variables[variable] is { } text) settings = row.Apply(settings, row.IsMany ? text.Split(',', StringSplitOptions.TrimEntries) : [text], VariablePrefix + variable);
            else if (Texts(fromFile.GetSection(row.Name)) is { Length: > 0 } texts) settings = row.Apply(settings, texts, $"{file ?? DefaultFile}, {row.Name}");
        }

        if (settings.Server.PingText is not null && settings.Server.Heartbeat > TimeSpan.Zero) throw new SettingException("--ping-text: needs --heartbeat 0");
        return settings.Server.FindError() is { } wrong ? throw new SettingException(wrong) : settings;
    }

    private static IConfigurationRoot ReadFile(string? file)
    {
        string path = Path.GetFullPath(file ?? DefaultFile);
        if (file is not null && !File.Exists(path)) throw new SettingException($"--config: there is no file \"{Log.LogText.Escape(file)}\"");
        try
        {
            return new ConfigurationBuilder().AddJsonFile(path, optional: true).Build();
        }
        catch (Exception exception) when (exception is InvalidDataException or FormatException or IOException)
        {
            string cause = (exception.InnerException ?? exception).Message;
            throw new SettingException($"{file ?? DefaultFile}: not readable as JSON: {Log.LogText.Escape(cause)}");
        }
    }

    private static string[] Texts(IConfigurationSection section) =>
        section.Value is { } text ? [text] : [.. section.GetChildren().Select(static child => child.Value).OfType<string>()];

    private static Row One(string name, string value, string help, Func<ProgramSettings, string, string, ProgramSettings> apply) =>
        new(name, value, help, IsMany: false, (settings, texts, from) => texts.Length == 1
            ? apply(settings, texts[0], from)
            : throw new SettingException($"{from}: given {texts.Length} times; once is enough"));

    private static Row Many(string name, string value, string help, Apply apply) => new(name, value, help, IsMany: true, apply);

    private sealed record Row(string Name, string Value, string Help, bool IsMany, Apply Apply)
    {
        public Option<string[]> Option { get; } = new("--" + Name) { Description = Help, HelpName = Value, Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = false };
    }
}
