// Reads the command line, the environment and a file, and makes the settings of one run of them. Each source only gives names and texts;
// SettingTable says what a text means. Flags win over RAWWS_* variables, and those over rawws.json in the working directory or the file of
// --config. A list comes whole from the highest source that has it. A source that is there and cannot be used is an error, and is never
// ignored. An error is one line on the error output, and the exit code 2.

using System.Collections;
using System.CommandLine;
using RawWs.Server.Console.Explain;
using RawWs.Server.Console.Learn;
using RawWs.Server.Log;

namespace RawWs.Server.Console.Settings;

/// <summary>The result of reading the command line.</summary>
/// <param name="Settings">The settings; null when there is nothing to run, and the program ends with <paramref name="ExitCode"/>.</param>
/// <param name="ExitCode">0 after --help or --version, 2 after an error.</param>
/// <param name="Ignored">Environment variables that begin with RAWWS_ and are no setting.</param>
internal sealed record CommandLineResult(RunSettings? Settings, int ExitCode, IReadOnlyList<string> Ignored);

internal sealed class CommandLine
{
    /// <summary>The exit code when a setting or an argument is wrong.</summary>
    public const int ExitCodeUsage = 2;

    private const string FileName = "rawws.json";

    /// <summary>The first letters of our environment variables.</summary>
    public const string EnvironmentPrefix = "RAWWS_";

    private readonly IReadOnlyDictionary<string, string> _environment;
    private readonly string? _directory;
    private readonly TextWriter _output;
    private readonly TextWriter _error;
    private readonly TimeProvider _time;
    private readonly Func<Stream?> _openInput;
    private readonly Action<string>? _tell;
    private readonly List<string> _ignored = [];

    /// <summary>A command line with everything that it may read.</summary>
    /// <param name="environment">The variables that begin with RAWWS_, without that prefix.</param>
    /// <param name="directory">The working directory; null when it has been deleted.</param>
    /// <param name="output">For help and version.</param>
    /// <param name="error">Where the one line about an error goes.</param>
    /// <param name="time">The clock that limits the wait for a file.</param>
    /// <param name="openInput">Opens the standard input, for `explain`; null, or a result of null, when there is none.</param>
    /// <param name="tell">Is given what `learn` says, as it comes; null to write it to the output.</param>
    public CommandLine(IReadOnlyDictionary<string, string> environment, string? directory, TextWriter output, TextWriter error,
        TimeProvider time, Func<Stream?>? openInput = null, Action<string>? tell = null) =>
        (_environment, _directory, _output, _error, _time, _openInput, _tell) =
            (environment, directory, output, error, time, openInput ?? (static () => null), tell);

    /// <summary>The process's variables, in the constructor's form.</summary>
    public static IReadOnlyDictionary<string, string> ReadEnvironment()
    {
        SortedDictionary<string, string> variables = new(StringComparer.Ordinal);
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            string name = (string)variable.Key;
            if (name.StartsWith(EnvironmentPrefix, StringComparison.OrdinalIgnoreCase))
                variables[name[EnvironmentPrefix.Length..]] = (string?)variable.Value ?? "";
        }

        return variables;
    }

    /// <summary>The name of the variable for a setting.</summary>
    public static string VariableOf(string setting) => EnvironmentPrefix + setting.ToUpperInvariant().Replace('-', '_');

    /// <summary>The process's working directory; null when it has been deleted.</summary>
    public static string? ReadDirectory()
    {
        try
        {
            return Environment.CurrentDirectory;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Reads the arguments and the other sources.</summary>
    public CommandLineResult Read(IReadOnlyList<string> arguments)
    {
        RootCommand root = Describe(out Option<string?> config, out Dictionary<string, Option> flags);
        ParseResult parsed = root.Parse(arguments,
            new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false });
        if (parsed.Errors.Count == 0 && parsed.Action is not null && parsed.Action != root.Action)
        {
            int exitCode = parsed.Invoke(new InvocationConfiguration { Output = _output, Error = _error });
            return new CommandLineResult(null, exitCode, []);
        }

        if (parsed.UnmatchedTokens.Count > 0) return FailUnknown(parsed.UnmatchedTokens[0]);
        if (parsed.Errors.Count > 0) return Fail($"{LogText.Escape(parsed.Errors[0].Message)} See --help.");

        Dictionary<string, Source> sources = [];
        if (ReadFile(parsed.GetValue(config), sources) is { } problem) return Fail(problem);
        ReadVariables(sources);
        foreach ((string name, Option flag) in flags)
            if (parsed.GetResult(flag) is { } given)
                sources[name] = new Source("--" + name, [.. given.Tokens.Select(static token => token.Value)]);
        return Apply(sources);
    }

    private RootCommand Describe(out Option<string?> config, out Dictionary<string, Option> flags)
    {
        RootCommand root = new("A WebSocket server (RFC 6455): routes uid:message and all:message between browsers.\n\n"
            + "Each option can also be set by an environment variable (--max-message: RAWWS_MAX_MESSAGE, lists with commas) or in "
            + "rawws.json (\"max-message\", lists as arrays). Flags win over variables, variables over the file. Sizes are bytes, alone "
            + "or with KiB, MiB or GiB; times are seconds, with a fraction if need be.");
        // System.CommandLine adds directives of its own, "[suggest]" and the like. They are not part of our grammar.
        root.Directives.Clear();
        flags = [];
        foreach (Setting setting in SettingTable.All)
        {
            // To System.CommandLine all values are texts. The table says what they mean, for every source alike.
            Option flag = setting.IsList ? new Option<string[]>("--" + setting.Name) : new Option<string>("--" + setting.Name);
            flag.Description = setting.Help;
            flag.HelpName = setting.Placeholder;
            flag.Arity = setting.IsList ? ArgumentArity.OneOrMore : ArgumentArity.ExactlyOne;
            flags.Add(setting.Name, flag);
            root.Add(flag);
        }

        config = new Option<string?>("--config")
        {
            Description = "File with settings in JSON. Default: rawws.json in the working directory, if it is there.",
            HelpName = "FILE",
        };
        root.Add(config);

        // Where a program has commands, System.CommandLine takes one that does nothing by itself for incomplete.
        root.SetAction(static _ => 0);
        root.Add(ExplainCommand.Describe(_openInput));
        root.Add(LearnCommand.Describe(_tell));
        return root;
    }

    private CommandLineResult Apply(Dictionary<string, Source> sources)
    {
        RunSettings settings = new();
        foreach (Setting setting in SettingTable.All)
        {
            if (!sources.TryGetValue(setting.Name, out Source? source)) continue;
            if (source.Values.FirstOrDefault(IsNotUtf8) is { } bad) return FailUtf8(source.Where, bad);
            if (!setting.IsList && source.Values.Count != 1)
                return Fail($"{source.Where}: one value is needed; allowed: {setting.Allowed}");
            if (setting.Apply(settings, source.Values, out int wrong) is not { } changed)
            {
                string value = source.Values[wrong];
                string reason = setting.FindReason?.Invoke(value) is { } why ? ": " + LogText.Escape(why, 400) : "";
                return Fail($"{source.Where}: \"{LogText.Escape(value)}\" is not allowed{reason}; allowed: {setting.Allowed}");
            }

            settings = changed;
        }

        settings = settings.WithCertificates(_time, out string? problem);
        if (problem is not null) return Fail(problem);
        return settings.FindConflict() is { } conflict ? Fail(conflict) : new CommandLineResult(settings, 0, _ignored);
    }

    private void ReadVariables(Dictionary<string, Source> sources)
    {
        foreach ((string key, string text) in _environment)
        {
            string name = key.ToLowerInvariant().Replace('_', '-');
            if (name == "config") continue;
            if (SettingTable.Find(name) is not { } setting)
            {
                // This is not an error: Kubernetes gives RAWWS_PORT and the like to a program whose service is called rawws.
                _ignored.Add(EnvironmentPrefix + key);
                continue;
            }

            const StringSplitOptions Tidy = StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries;
            sources[name] = new Source(EnvironmentPrefix + key, setting.IsList ? text.Split(',', Tidy) : [text]);
        }
    }

    // The file of --config must be there; rawws.json need not. Returns what is wrong, or null.
    private string? ReadFile(string? flag, Dictionary<string, Source> sources)
    {
        string? named = flag ?? _environment.GetValueOrDefault("CONFIG");
        string by = flag is null ? EnvironmentPrefix + "CONFIG" : "--config";
        if (named is not null && IsNotUtf8(named)) return $"{by}: \"{LogText.Escape(named)}\" has bytes that are not UTF-8";
        if (named is "") return $"{by}: the name of a file is needed";
        string shown = LogText.Escape(named ?? FileName);
        if (_directory is null && !Path.IsPathRooted(named))
            return named is null ? null : $"{by}: \"{shown}\" is not there: the working directory has been deleted";

        string path = Path.Combine(_directory ?? "", named ?? FileName);
        if (named is null && !Path.Exists(path)) return null;
        if (SettingsFile.Read(path, shown, _time, out List<FileSetting> settings) is { } problem)
            return named is null ? $"{FileName}: {problem}" : $"{by}: \"{shown}\": {problem}";
        foreach (FileSetting setting in settings) sources[setting.Setting.Name] = new Source(setting.Where, setting.Values);
        return null;
    }

    // The runtime writes this character for bytes that are not UTF-8. Nobody knows what was meant by them. A file's bytes have been checked
    // before.
    private static bool IsNotUtf8(string text) => text.Contains('\uFFFD');

    private CommandLineResult FailUtf8(string where, string text) =>
        Fail($"{where}: \"{LogText.Escape(text)}\" has bytes that are not UTF-8");

    private CommandLineResult FailUnknown(string token)
    {
        int end = token.IndexOfAny(['=', ':']);
        string name = end > 0 ? token[..end] : token;
        string question = NearNames.Question(name, isOption: true, static near => "--" + near);
        return Fail($"{LogText.Escape(name)}: there is no such option{question}{(question.Length > 0 ? " See" : "; see")} --help");
    }

    private CommandLineResult Fail(string problem)
    {
        _error.Write(problem);
        return new CommandLineResult(null, ExitCodeUsage, []);
    }

    /// <summary>A setting as a source has it: where it was found, and its texts.</summary>
    private sealed record Source(string Where, IReadOnlyList<string> Values);
}
