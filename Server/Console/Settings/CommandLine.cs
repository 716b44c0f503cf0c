// Reads the command line: the settings of one run, made of it and of the other sources (SettingSources), or a command, which is run. The
// first error is one line on the error output, and the exit code 2; only `config check` and `config show` tell all of them.

using System.Collections;
using System.CommandLine;
using System.CommandLine.Parsing;
using RawWs.Server.Console.Auth;
using RawWs.Server.Console.Cluster;
using RawWs.Server.Console.Explain;
using RawWs.Server.Console.Learn;
using RawWs.Server.Log;

namespace RawWs.Server.Console.Settings;

/// <summary>The result of reading the command line.</summary>
/// <param name="Settings">The settings; null when there is nothing to run, and the program ends with <paramref name="ExitCode"/>.</param>
/// <param name="ExitCode">0 after --help or --version, 2 after an error; else the command's.</param>
/// <param name="Sources">Where the settings come from; null when there is nothing to run.</param>
/// <param name="Problem">The first thing that is wrong with the settings or arguments; null when nothing is, and after a command.</param>
internal sealed record CommandLineResult(RunSettings? Settings, int ExitCode, SettingSources? Sources = null, string? Problem = null);

internal sealed class CommandLine
{
    /// <summary>The exit code when a setting or an argument is wrong.</summary>
    public const int ExitCodeUsage = 2;

    /// <summary>The first letters of our environment variables.</summary>
    public const string EnvironmentPrefix = "RAWWS_";

    private readonly IReadOnlyDictionary<string, string> _environment;
    private readonly string? _directory;
    private readonly TextWriter _output;
    private readonly TextWriter _error;
    private readonly TimeProvider _time;
    private readonly Func<Stream?> _openInput;
    private readonly Action<string>? _tell;
    private readonly Option<string?> _config = new("--config")
    {
        Description = "File with settings in JSON. Default: rawws.json in the working directory, if it is there.",
        HelpName = "FILE",
    };

    private readonly List<(Setting Setting, Option Flag)> _flags =
        [.. SettingTable.All.Select(static setting => (setting, OptionOf(setting)))];

    /// <summary>A command line with everything that it may read.</summary>
    /// <param name="environment">The variables that begin with RAWWS_, without that prefix.</param>
    /// <param name="directory">The working directory; null when it has been deleted.</param>
    /// <param name="output">For help and version.</param>
    /// <param name="error">Where the line about an error goes, without its end.</param>
    /// <param name="time">The clock: of the wait for a file, of certificates, of tokens.</param>
    /// <param name="openInput">Opens the standard input, for `explain` and `token`; null, or a result of null, when there is none.</param>
    /// <param name="tell">Is given what `learn` says, as it comes; null to write it to the output.</param>
    public CommandLine(IReadOnlyDictionary<string, string> environment, string? directory, TextWriter output, TextWriter error,
        TimeProvider time, Func<Stream?>? openInput = null, Action<string>? tell = null) =>
        (_environment, _directory, _output, _error, _time, _openInput, _tell) =
            (environment, directory, output, error, time, openInput ?? (static () => null), tell);

    /// <summary>The process's variables, in the constructor's form. Upper and lower case make no difference.</summary>
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
        RootCommand root = Describe();
        ParseResult parsed = root.Parse(arguments,
            new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false });
        if (parsed.Errors.Count == 0 && parsed.Action is not null && parsed.Action != root.Action)
        {
            int exitCode = parsed.Invoke(new InvocationConfiguration { Output = _output, Error = _error });
            return new CommandLineResult(null, exitCode);
        }

        if (parsed.UnmatchedTokens.Count > 0) return FailUnknown(parsed.CommandResult, parsed.UnmatchedTokens[0]);
        if (parsed.Errors.Count > 0) return Fail($"{LogText.Escape(parsed.Errors[0].Message)} See --help.");

        SettingSources sources = ReadSources(parsed);
        return sources.Apply() is { } settings ? new CommandLineResult(settings, 0, sources) : Fail(sources.Problems[0]);
    }

    /// <summary>The option for a setting. Its values are texts: the table says what they mean, for every source alike.</summary>
    public static Option OptionOf(Setting setting)
    {
        Option flag = setting.IsList ? new Option<string[]>("--" + setting.Name) : new Option<string>("--" + setting.Name);
        flag.Description = setting.Help;
        flag.HelpName = setting.Placeholder;
        flag.Arity = setting.IsList ? ArgumentArity.OneOrMore : ArgumentArity.ExactlyOne;
        return flag;
    }

    // What the file, the environment and the command line have.
    private SettingSources ReadSources(ParseResult parsed)
    {
        SettingSources sources = new(_environment, _directory, _time);
        sources.ReadFile(parsed.GetValue(_config));
        sources.ReadVariables();
        foreach ((Setting setting, Option flag) in _flags)
            if (parsed.GetResult(flag) is { } given) sources.Add(setting, given);
        return sources;
    }

    private RootCommand Describe()
    {
        RootCommand root = new("A WebSocket server (RFC 6455): routes uid:message and all:message between browsers.\n\n"
            + "Each option can also be set by an environment variable (--max-message: RAWWS_MAX_MESSAGE, lists with commas) or in "
            + "rawws.json (\"max-message\", lists as arrays). Flags win over variables, variables over the file. Sizes are bytes, alone "
            + "or with KiB, MiB or GiB; times are seconds, with a fraction if need be.");
        // System.CommandLine adds directives of its own, "[suggest]" and the like. They are not part of our grammar.
        root.Directives.Clear();
        Option[] options = [.. _flags.Select(static flag => flag.Flag), _config];
        foreach (Option option in options) root.Add(option);

        // Where a program has commands, System.CommandLine takes one that does nothing by itself for incomplete.
        root.SetAction(static _ => 0);
        root.Add(ExplainCommand.Describe(_openInput));
        root.Add(ConfigCommand.Describe(options, ReadSources));
        root.Add(LearnCommand.Describe(_tell));
        root.Add(TokenCommand.Describe(_openInput, _time));
        return root;
    }

    private CommandLineResult FailUnknown(CommandResult of, string token)
    {
        string command = string.Concat(Commands(of).Reverse().Select(static name => name + " "));
        string help = command.Length == 0 ? "--help" : $"rawws {command}--help";
        bool isOption = token.Length > 1 && token[0] == '-';
        int end = token.IndexOfAny(['=', ':']);
        string name = end > 0 ? token[..end] : token;
        string question = isOption ? "" : NearNames.QuestionOf(name, [.. of.Command.Subcommands.Select(static near => near.Name)]);
        if (question.Length == 0)
            question = of.Command.Options.Contains(_config) // with the program's options
                ? NearNames.Question(name, isOption: true, static near => "--" + near)
                : NearNames.QuestionOf(name, [.. of.Command.Options.Select(static near => near.Name)]);
        // An address that has lost its option may have a password.
        string shown = token.Contains("://", StringComparison.Ordinal) ? BackplaneAddress.Hide(token) : token;
        string what = isOption
            ? $"{LogText.Escape(name)}: there is no such option"
            : $"\"{LogText.Escape(shown)}\" is neither a command nor the value of an option";
        return Fail($"{what}{question}{(question.Length > 0 ? " See" : "; see")} {help}");
    }

    // The names of a command and of those that it belongs to, without the program's own.
    private static IEnumerable<string> Commands(CommandResult? command)
    {
        for (; command?.Parent is CommandResult parent; command = parent) yield return command.Command.Name;
    }

    private CommandLineResult Fail(string problem)
    {
        _error.Write(problem);
        return new CommandLineResult(null, ExitCodeUsage, Problem: problem);
    }
}
