// Where settings come from: a file, the environment, the command line. Each source only gives names and texts; SettingTable says what a
// text means. Flags win over RAWWS_* variables, and those over rawws.json in the working directory or the file of --config or RAWWS_CONFIG.
// A list comes whole from the highest source that has it. A file that is there and cannot be used is an error, and is never ignored. All
// problems of the file are found first; then those of the texts that count, in the order of the table (one that is won over is not looked
// at); and, if there are none, the first that is between settings.

using System.CommandLine.Parsing;
using RawWs.Server.Log;

namespace RawWs.Server.Console.Settings;

/// <summary>A setting as a source has it: where it was found, and its texts.</summary>
/// <param name="Where">The option, the variable, or the file with the line and the key.</param>
/// <param name="Values">The texts.</param>
internal sealed record SettingSource(string Where, IReadOnlyList<string> Values)
{
    /// <summary>A setting as its option was given.</summary>
    public static SettingSource OfOption(Setting setting, OptionResult given) =>
        new("--" + setting.Name, [.. given.Tokens.Select(static token => token.Value)]);
}

/// <summary>What the sources of one run have.</summary>
/// <param name="environment">The variables that begin with RAWWS_, without that prefix.</param>
/// <param name="directory">The working directory; null when it has been deleted.</param>
/// <param name="time">The clock that limits the wait for a file, and by which certificates expire.</param>
internal sealed class SettingSources(IReadOnlyDictionary<string, string> environment, string? directory, TimeProvider time)
{
    private const string FileName = "rawws.json";

    private readonly Dictionary<string, SettingSource> _found = [];
    private readonly List<string> _problems = [];
    private readonly List<string> _ignored = [];

    /// <summary>What is wrong, a sentence each; empty when nothing is.</summary>
    public IReadOnlyList<string> Problems => _problems;

    /// <summary>Environment variables that begin with RAWWS_ and are no setting.</summary>
    public IReadOnlyList<string> Ignored => _ignored;

    /// <summary>The file that was read, or was to be, as errors show it; null for none.</summary>
    public string? File { get; private set; }

    /// <summary>A question to append to a line about an ignored variable: "; did you mean RAWWS_LISTEN?" Empty for none.</summary>
    public static string QuestionOf(string variable) =>
        NearNames.Question(variable[CommandLine.EnvironmentPrefix.Length..], isOption: false, CommandLine.VariableOf);

    /// <summary>The source that decides about a setting; null for its default.</summary>
    public SettingSource? Find(Setting setting) => _found.GetValueOrDefault(setting.Name);

    /// <summary>An option was given. Called after <see cref="ReadFile"/> and <see cref="ReadVariables"/>, over which it wins.</summary>
    public void Add(Setting setting, OptionResult given) => _found[setting.Name] = SettingSource.OfOption(setting, given);

    /// <summary>Reads the file of --config or else of RAWWS_CONFIG, which must be there, or else rawws.json, which need not.</summary>
    /// <param name="flag">The value of --config; null if it was not given.</param>
    public void ReadFile(string? flag)
    {
        string? named = flag ?? environment.GetValueOrDefault("CONFIG");
        string by = flag is null ? CommandLine.EnvironmentPrefix + "CONFIG" : "--config", shown = LogText.Escape(named ?? FileName);
        string where = named is null ? FileName : $"{by}: \"{shown}\"";
        if (named is not null && IsNotUtf8(named)) _problems.Add($"{where} has bytes that are not UTF-8");
        else if (named is "") _problems.Add($"{by}: the name of a file is needed");
        else if (directory is not null || Path.IsPathRooted(named))
            Read(Path.Combine(directory ?? "", named ?? FileName), where, shown, named is not null);
        else if (named is not null) _problems.Add($"{where} is not there: the working directory has been deleted");
    }

    /// <summary>Reads the environment.</summary>
    public void ReadVariables()
    {
        foreach ((string key, string text) in environment)
        {
            string name = key.ToLowerInvariant().Replace('_', '-');
            if (name == "config") continue;
            if (SettingTable.Find(name) is not { } setting)
            {
                // This is not an error: Kubernetes gives RAWWS_PORT and the like to a program whose service is called rawws.
                _ignored.Add(CommandLine.EnvironmentPrefix + key);
                continue;
            }

            _found[name] = new SettingSource(CommandLine.EnvironmentPrefix + key, setting.IsList ? Split(setting, text) : [text]);
        }
    }

    /// <summary>Makes settings of what was found. Null if there are problems.</summary>
    public RunSettings? Apply()
    {
        RunSettings settings = new();
        foreach (Setting setting in SettingTable.All)
        {
            if (Find(setting) is not { } source) continue;
            settings = Apply(settings, setting, source, out string? wrong) ?? settings;
            if (wrong is not null) _problems.Add($"{source.Where}: {wrong}");
        }

        if (_problems.Count > 0) return null;
        settings = settings.WithCertificates(time, out string? problem);
        if (problem is null) settings = settings.WithKeys(out problem);
        if ((problem ?? settings.FindConflict()) is not { } conflict) return settings;
        _problems.Add(conflict);
        return null;
    }

    /// <summary>Changes the settings by one.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="setting">The one.</param>
    /// <param name="source">Its texts.</param>
    /// <param name="wrong">What is wrong with them; null when nothing is.</param>
    /// <returns>The settings; null when something is wrong.</returns>
    public static RunSettings? Apply(RunSettings settings, Setting setting, SettingSource source, out string? wrong)
    {
        wrong = null;
        if (source.Values.FirstOrDefault(IsNotUtf8) is { } bad)
            wrong = $"\"{LogText.Escape(setting.Show(bad))}\" has bytes that are not UTF-8, or U+FFFD, which stands for such";
        else if (!setting.IsList && source.Values.Count != 1) wrong = $"one value is needed; allowed: {setting.Allowed}";
        if (wrong is not null) return null;
        if (setting.Apply(settings, source.Values, out int index) is { } changed) return changed;
        string value = source.Values[index];
        string reason = setting.FindReason?.Invoke(value) is { } why ? ": " + LogText.Escape(why, 400) : "";
        wrong = $"\"{LogText.Escape(setting.Show(value))}\" is not allowed{reason}; allowed: {setting.Allowed}";
        return null;
    }

    private static List<string> Split(Setting setting, string text)
    {
        const StringSplitOptions Tidy = StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries;
        List<string> values = [];
        foreach (string part in text.Split(',', Tidy))
        {
            if (values.Count > 0 && setting.IsRest?.Invoke(part) == true) values[^1] += $",{part}";
            else values.Add(part);
        }

        return values;
    }

    private void Read(string path, string where, string shown, bool isNamed)
    {
        if (!isNamed && !Path.Exists(path)) return;
        File = shown;
        SettingsFile.Read(path, where, time, _problems, out List<FileSetting> settings);
        foreach (FileSetting setting in settings)
            _found[setting.Setting.Name] = new SettingSource($"{shown}, line {setting.Line}: \"{setting.Setting.Name}\"", setting.Values);
    }

    // The runtime writes this character for an argument's or a variable's bytes that are not UTF-8. Nobody knows what was meant by them. In
    // a file, whose bytes have been checked, somebody has written it, and no setting needs it.
    private static bool IsNotUtf8(string text) => text.Contains('\uFFFD');
}
