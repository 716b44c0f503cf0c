// `rawws learn`: the arguments, and the run. Exit codes: 0 the course is passed, 1 a case failed, 2 it could not run, which is one line.

using System.CommandLine;
using RawWs.Conformance;
using RawWs.Server.Console.Explain;
using RawWs.Server.Console.Settings;
using RawWs.Server.Log;

namespace RawWs.Server.Console.Learn;

/// <summary>The command.</summary>
internal static class LearnCommand
{
    public const string Name = "learn";

    private static readonly TimeSpan TimeoutDefault = TimeSpan.FromSeconds(5);

    private static readonly Argument<string[]> Url = new("URL")
    {
        Description = "Your server: ws://HOST:PORT/PATH, or wss://. It echoes text and binary messages.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private static readonly Option<string?> From = new("--from")
    {
        Description = "Where to begin: a stage's name or number, or a case. Default: where it stopped, or the first stage.",
        HelpName = "STAGE|CASE",
    };

    private static readonly Option<bool> List = new("--list") { Description = "Lists the stages and their cases, and plays none." };

    private static readonly Option<bool> All = new("--all")
    {
        Description = "Plays all cases from the beginning, also after a failure, with a line for each failure.",
    };

    private static readonly Option<string?> Lang = new("--lang")
    {
        Description = "The language of hints and explanations: en or zh. Default: en.",
        HelpName = "en|zh",
    };

    private static readonly Option<string?> Timeout = new("--timeout")
    {
        Description = "How long to wait for each answer. Default: 5 s.",
        HelpName = "SECONDS",
    };

    private static readonly Option<string?> State = new("--state")
    {
        Description = $"The file that remembers where it stopped. Default: {CourseState.FileName} in the working directory.",
        HelpName = "FILE",
    };

    private static readonly Option<string?> Ca = new("--ca")
    {
        Description = "For wss://: the trusted authorities, in PEM. Default: the system's.",
        HelpName = "FILE",
    };

    private static readonly Option<bool> Insecure = new("--insecure") { Description = "For wss://: accepts any certificate." };

    /// <summary>Describes the command.</summary>
    /// <param name="tell">Is given the text as it comes; null to write it to the command's output.</param>
    public static Command Describe(Action<string>? tell)
    {
        Command command = new(Name, "A course for people who build their own WebSocket server: the cases of the conformance suite, in "
            + "the order in which one would build it. It stops at the first that fails, shows the bytes, and gives a hint. The same "
            + "command continues there.")
        {
            Url, From, List, All, Lang, Timeout, State, Ca, Insecure,
        };
        command.SetAction(parsed =>
        {
            TextWriter output = parsed.InvocationConfiguration.Output;
            (string? problem, bool passed) = RunAsync(parsed, tell ?? output.Write).GetAwaiter().GetResult();
            if (problem is null) return passed ? 0 : 1;
            parsed.InvocationConfiguration.Error.Write($"{Name}: {problem}");
            return CommandLine.ExitCodeUsage;
        });
        return command;
    }

    private static async Task<(string? Problem, bool Passed)> RunAsync(ParseResult parsed, Action<string> tell)
    {
        if (Read(parsed, out LearnSettings settings) is { } wrong) return (wrong, false);
        if (settings.Lists)
        {
            tell(LearnText.OfList(settings.Language));
            return (null, true);
        }

        CourseState state = new(settings.StateFile, settings.Target!.ToString());
        if (state.Read() is { } unread) return ($"--state \"{LogText.Escape(settings.StateFile)}\": {LogText.Escape(unread)}", false);
        LearnRun run = new(settings, state, tell);
        try
        {
            return (null, settings.PlaysAll ? await run.PlayAllAsync().ConfigureAwait(false) : await run.PlayAsync().ConfigureAwait(false));
        }
        catch (ServerGoneException exception)
        {
            string problem = exception.IsRefused
                ? $"nobody listens at {settings.Target}; start your server, and give its address"
                : $"{LogText.Escape(settings.Target.ToString())}: {exception.Message}; give the address of your server";
            return (problem, false);
        }
    }

    private static string? Read(ParseResult parsed, out LearnSettings settings)
    {
        settings = new LearnSettings { Lists = parsed.GetValue(List), PlaysAll = parsed.GetValue(All) };
        string[] words = parsed.GetValue(Url) ?? [];
        if (words.FirstOrDefault(static word => word.StartsWith('-')) is { } option)
            return $"{LogText.Escape(option)}: there is no such option; see rawws learn --help";
        if (words.Length > 1) return $"one URL, not both {LogText.Escape(words[0])} and {LogText.Escape(words[1])}";
        if (parsed.GetValue(Lang) is { } lang)
        {
            if (lang is not ("en" or "zh")) return Wrong("--lang", lang, "en, zh");
            settings = settings with { Language = lang == "zh" ? Language.Chinese : Language.English };
        }

        TimeSpan patience = TimeoutDefault;
        if (parsed.GetValue(Timeout) is { } timeout
            && (!SettingText.TryTime(timeout, out patience) || patience.TotalSeconds is < 0.1 or > 3600))
            return Wrong("--timeout", timeout, "0.1 to 3600 seconds");
        if (parsed.GetValue(From) is { } from)
        {
            if (settings.PlaysAll) return "--from, --all: all of it has no other beginning";
            int begin = Course.Find(from);
            if (begin < 0)
                return Wrong("--from", from, string.Join(", ", Course.Stages.Select(static stage => stage.Name))
                    + $"; 1 to {Course.Stages.Count}; or a case of --list");
            settings = settings with { From = begin };
        }

        if (parsed.GetValue(State) is { } file) settings = settings with { StateFile = file };
        if (settings.Lists) return null;
        if (words.Length == 0) return "the URL of your server is missing; see rawws learn --help";
        return ReadTarget(parsed, words[0], patience, ref settings);
    }

    private static string? ReadTarget(ParseResult parsed, string url, TimeSpan timeout, ref LearnSettings settings)
    {
        TlsTrust? trust = parsed.GetValue(Insecure) ? new TlsTrust(null, Anybody: true) : null;
        if (parsed.GetValue(Ca) is { } file)
        {
            trust = TlsTrust.TryRead(file, out string problem);
            if (trust is null) return $"--ca \"{LogText.Escape(file)}\": {LogText.Escape(problem)}";
        }

        if (Target.TryParse(url, timeout, trust, out string wrong) is not { } target) return LogText.Escape(wrong, 400);
        settings = settings with { Target = target };
        return null;
    }

    private static string Wrong(string option, string value, string allowed) =>
        $"{option}: \"{LogText.Escape(value)}\" is not allowed; allowed: {allowed}";
}

/// <summary>What one run is to do. Immutable.</summary>
internal sealed record LearnSettings
{
    /// <summary>The server; null with <see cref="Lists"/>.</summary>
    public Target? Target { get; init; }

    /// <summary>The index of the case to begin with; null for where it stopped.</summary>
    public int? From { get; init; }

    public bool Lists { get; init; }

    public bool PlaysAll { get; init; }

    public Language Language { get; init; }

    public string StateFile { get; init; } = CourseState.FileName;
}
