// SIGHUP: the settings are read again, from the same sources, and what can be changed while the server runs is taken over. The file is what
// has changed then. If anything is wrong with the settings as a whole, none of them is taken over, and the log says why.

using Microsoft.Extensions.Logging;
using RawWs.Server.Console.Log;

namespace RawWs.Server.Console.Settings;

/// <summary>The settings in force, and how they change. Any thread.</summary>
internal sealed class SettingsReload
{
    /// <summary>The settings that are taken over. All others are from the start.</summary>
    public static readonly IReadOnlySet<string> Names = new HashSet<string>
    {
        "trusted-proxy", "forwarded-field", "ping-interval", "max-connections", "max-connections-per-address",
        "max-connections-per-uid", "handshake-rate", "message-rate", "byte-rate", "all-rate", "over-rate", "handshake-timeout",
        "tls-max-handshakes", "message-timeout", "send-timeout", "close-timeout", "allowed-origin", "allowed-host", "drain", "drain-wait",
        "drain-spread", "close-code-on-drain", "log-level",
    };

    private readonly Lock _lock = new();
    private readonly Func<CommandLineResult> _read;
    private readonly WebSocketServer _server;
    private readonly LiveLogLevels _levels;
    private readonly ILogger _log;
    private readonly Dictionary<string, IReadOnlyList<string>?> _inForce;
    private volatile RunSettings _current;

    /// <param name="first">What was read at the start.</param>
    /// <param name="read">Reads all sources again.</param>
    /// <param name="server">Whose options change.</param>
    /// <param name="levels">The levels of the log.</param>
    /// <param name="log">Where the one line goes.</param>
    public SettingsReload(
        CommandLineResult first, Func<CommandLineResult> read, WebSocketServer server, LiveLogLevels levels, ILogger log)
    {
        (_read, _server, _levels, _log, _current) = (read, server, levels, log, first.Settings!);
        HasFile = first.Sources!.File is not null;
        _inForce = SettingTable.All.ToDictionary(static setting => setting.Name, setting => first.Sources.Find(setting)?.Values);
    }

    /// <summary>The settings in force.</summary>
    public RunSettings Current => _current;

    /// <summary>Whether there is a file of settings, which may change.</summary>
    public bool HasFile { get; }

    /// <summary>Reads the settings again.</summary>
    public void Run()
    {
        lock (_lock)
        {
            CommandLineResult read = _read();
            if (read.Settings is not { } settings) _log.SettingsKept(read.Problem!);
            else if (read.Sources!.File is null) _log.SettingsKept("the file is not there any more");
            else if (TakeOver(settings) is { } refusal) _log.SettingsKept(refusal);
            else Tell(settings, read.Sources);
        }
    }

    // Null, or why they are not taken over.
    private string? TakeOver(RunSettings settings)
    {
        // They may be wrong only together with what stays.
        if (_server.TryChange(settings.Server) is { } error) return error;
        _levels.Change(settings.LogLevels);
        _current = _current with { Drain = settings.Drain, DrainWait = settings.DrainWait };
        return null;
    }

    // What is not taken over is named again and again, until a restart.
    private void Tell(RunSettings settings, SettingSources sources)
    {
        List<string> taken = [], left = [];
        foreach (Setting setting in SettingTable.All)
        {
            IReadOnlyList<string>? now = sources.Find(setting)?.Values, before = _inForce[setting.Name];
            if (now == before || (now is not null && before is not null && now.SequenceEqual(before))) continue;
            (Names.Contains(setting.Name) ? taken : left).Add(setting.Name);
            if (Names.Contains(setting.Name)) _inForce[setting.Name] = now;
        }

        // These follow from others that have changed, and stay as they were at the start.
        if (settings.EffectiveIntroduce != _current.EffectiveIntroduce && !left.Contains("introduce")) left.Add("introduce");
        if (settings.EffectiveLab != _current.EffectiveLab && !left.Contains("lab")) left.Add("lab");
        _log.SettingsRead(Listed(taken), Listed(left));
    }

    private static string Listed(List<string> names) => names.Count == 0 ? "nothing" : string.Join(", ", names);
}
