// From the command line, the environment and a file to the settings of one run. Each source is asked for names and texts only; what a
// text means is the table's. Flags win over RAWWS_* variables, those over rawws.json in the working directory or the file of --config;
// a list comes whole from the highest source that has it. What is wrong is one line on the error output, and the exit code 2.

using System.CommandLine;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using RawWs.Server.Log;

namespace RawWs.Server.Settings;

/// <summary>What came of the command line.</summary>
/// <param name="Settings">Null: there is nothing to run, and <paramref name="ExitCode"/> is the program's.</param>
/// <param name="ExitCode">0 after --help or --version, 2 after an error.</param>
/// <param name="Ignored">Environment variables that begin with RAWWS_ and are no setting.</param>
internal sealed record CommandLineResult(RunSettings? Settings, int ExitCode, IReadOnlyList<string> Ignored);

internal sealed class CommandLine
{
    /// <summary>What the program exits with when it was told something that it does not understand.</summary>
    public const int ExitCodeUsage = 2;

    private const string FileName = "rawws.json";
    private const string EnvironmentPrefix = "RAWWS_";

    private readonly IConfiguration _environment;
    private readonly string _directory;
    private readonly TextWriter _output;
    private readonly TextWriter _error;
    private readonly List<string> _ignored = [];

    /// <summary>A command line in its surroundings.</summary>
    /// <param name="environment">The variables that begin with RAWWS_, without that prefix.</param>
    /// <param name="directory">The working directory.</param>
    /// <param name="output">For help and version.</param>
    /// <param name="error">For the one line about what is wrong.</param>
    public CommandLine(IConfiguration environment, string directory, TextWriter output, TextWriter error) =>
        (_environment, _directory, _output, _error) = (environment, directory, output, error);

    /// <summary>The process's variables, as the constructor wants them.</summary>
    public static IConfiguration ReadEnvironment() => new ConfigurationBuilder().AddEnvironmentVariables(EnvironmentPrefix).Build();

    /// <summary>Reads the arguments and the other sources.</summary>
    public CommandLineResult Read(IReadOnlyList<string> arguments)
    {
        RootCommand root = Describe(out Option<string?> config, out Dictionary<string, Option> flags);
        ParseResult parsed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false });
        if (parsed.Errors.Count == 0 && parsed.Action is not null)
        {
            int exitCode = parsed.Invoke(new InvocationConfiguration { Output = _output, Error = _error });
            return new CommandLineResult(null, exitCode, []);
        }

        if (parsed.Errors.Count > 0) return Fail(parsed.Errors[0].Message.ReplaceLineEndings(" "));

        Dictionary<string, Source> sources = [];
        if (!TryReadFile(parsed.GetValue(config), sources, out string? problem)) return Fail(problem!);
        ReadVariables(sources);
        foreach ((string name, Option flag) in flags)
            if (parsed.GetResult(flag) is { } given) sources[name] = new Source("--" + name, [.. given.Tokens.Select(static token => token.Value)]);
        return Apply(sources);
    }

    private static RootCommand Describe(out Option<string?> config, out Dictionary<string, Option> flags)
    {
        RootCommand root = new("A WebSocket server (RFC 6455): routes uid:message and all:message between browsers.\n\n"
            + "Each option can also be set by an environment variable (--max-message: RAWWS_MAX_MESSAGE, lists with commas) or in rawws.json "
            + "(\"max-message\", lists as arrays). Flags win over variables, variables over the file. Sizes are bytes, alone or with KiB, MiB or GiB; "
            + "times are seconds, with a fraction if need be.");
        // What System.CommandLine adds of its own, "[suggest]" and the like, is none of our grammar.
        root.Directives.Clear();
        flags = [];
        foreach (Setting setting in SettingTable.All)
        {
            // All are texts to System.CommandLine: the table says what they mean, for every source alike.
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
        return root;
    }

    private CommandLineResult Apply(Dictionary<string, Source> sources)
    {
        RunSettings settings = new();
        foreach (Setting setting in SettingTable.All)
        {
            if (!sources.TryGetValue(setting.Name, out Source? source)) continue;
            if (!setting.IsList && source.Values.Count != 1) return Fail($"{source.Where}: one value is needed; allowed: {setting.Allowed}");
            if (setting.Apply(settings, source.Values, out int wrong) is not { } changed)
            {
                string value = source.Values[wrong];
                string reason = setting.FindReason?.Invoke(value) is { } why ? ": " + LogText.Escape(why, 400) : "";
                return Fail($"{source.Where}: \"{LogText.Escape(value)}\" is not allowed{reason}; allowed: {setting.Allowed}");
            }

            settings = changed;
        }

        return settings.FindConflict() is { } conflict ? Fail(conflict) : new CommandLineResult(settings, 0, _ignored);
    }

    private void ReadVariables(Dictionary<string, Source> sources)
    {
        foreach (IConfigurationSection section in _environment.GetChildren())
        {
            string variable = EnvironmentPrefix + section.Key;
            string name = section.Key.ToLowerInvariant().Replace('_', '-');
            if (name == "config") continue;
            if (SettingTable.Find(name) is not { } setting)
            {
                // Not an error: Kubernetes gives RAWWS_PORT and the like to a program whose service is called rawws.
                _ignored.Add(LogText.Escape(variable));
                continue;
            }

            string text = section.Value ?? "";
            const StringSplitOptions Tidy = StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries;
            sources[name] = new Source(variable, setting.IsList ? text.Split(',', Tidy) : [text]);
        }
    }

    // The file that was named has to be there; rawws.json need not be.
    private bool TryReadFile(string? named, Dictionary<string, Source> sources, out string? problem)
    {
        problem = null;
        string namedBy = named is null ? EnvironmentPrefix + "CONFIG" : "--config";
        named ??= _environment["CONFIG"];
        string path = Path.Combine(_directory, named ?? FileName);
        if (named is null && !File.Exists(path)) return true;
        string shown = LogText.Escape(named ?? FileName);
        try
        {
            using FileStream stream = File.OpenRead(path);
            IConfigurationRoot root = new ConfigurationBuilder().AddJsonStream(stream).Build();
            foreach (IConfigurationSection section in root.GetChildren())
            {
                problem = ReadKey(section, shown, sources);
                if (problem is not null) return false;
            }

            return true;
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            problem = $"{namedBy}: \"{shown}\" is not there; allowed: a file with settings in JSON";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            problem = $"{shown}: cannot be read: {LogText.Escape(exception.Message)}";
        }
        catch (Exception exception) when (exception is JsonException or FormatException)
        {
            problem = $"{shown}: not the JSON that is needed, one object of settings: {LogText.Escape(exception.Message)}";
        }

        return false;
    }

    private static string? ReadKey(IConfigurationSection section, string file, Dictionary<string, Source> sources)
    {
        string where = $"{file}: \"{LogText.Escape(section.Key)}\"";
        if (SettingTable.Find(section.Key) is not { } setting) return $"{where}: there is no such setting; see --help";

        List<string> values = [];
        int position = 0;
        foreach (IConfigurationSection element in section.GetChildren())
        {
            if (!setting.IsList || element.Value is null || element.Key != (position++).ToString(System.Globalization.CultureInfo.InvariantCulture))
                return $"{where}: {(setting.IsList ? "a list of texts" : "one value")} is needed; allowed: {setting.Allowed}";
            values.Add(element.Value);
        }

        if (values.Count == 0 && !string.IsNullOrEmpty(section.Value)) values.Add(section.Value);
        sources[setting.Name] = new Source(where, values);
        return null;
    }

    private CommandLineResult Fail(string problem)
    {
        _error.WriteLine($"rawws: {problem}");
        return new CommandLineResult(null, ExitCodeUsage, []);
    }

    /// <summary>Where a setting was found, and what is written there.</summary>
    private sealed record Source(string Where, IReadOnlyList<string> Values);
}
