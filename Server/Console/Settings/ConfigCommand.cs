// `rawws config`: what is wrong with the settings, what they are and where each comes from, and every setting there is, as a file, as
// variables, and as a page of the documentation. Nothing is listened on. Exit codes: 0; 2 when something is wrong with the settings.

using System.CommandLine;
using System.Text;
using RawWs.Server.Log;

namespace RawWs.Server.Console.Settings;

/// <summary>The command.</summary>
internal static class ConfigCommand
{
    /// <summary>Describes the command.</summary>
    /// <param name="options">The program's options, which check and show take too.</param>
    /// <param name="read">Reads the sources of a parsed command line.</param>
    public static Command Describe(IReadOnlyList<Option> options, Func<ParseResult, SettingSources> read)
    {
        Command check = new("check", "Says what is wrong with the settings that the program would have with these options: each problem in "
            + "a line, with its place. Exit code: 0 if nothing is wrong, else 2.");
        Command show = new("show", "Shows every setting as the program would have it with these options, and where its value comes from.");
        foreach (Option option in options)
        {
            check.Add(option);
            show.Add(option);
        }

        check.SetAction(parsed => Answer(parsed, Check(read(parsed), out string text), text));
        show.SetAction(parsed => Answer(parsed, Show(read(parsed), out string text), text));
        return new Command("config", "Checks settings, shows them, and shows every setting that there is.")
        {
            check, show,
            Printing("defaults", "Prints a file with every setting, explained, and all of them in comments.", SettingPages.File),
            Printing("env", "Prints every variable, explained, as a file of an environment.", SettingPages.Variables),
            Printing("doc", "Prints docs/ops/settings.md.", SettingPages.Document),
        };
    }

    private static Command Printing(string name, string description, Func<string> text)
    {
        Command command = new(name, description);
        command.SetAction(parsed => Answer(parsed, [], text()));
        return command;
    }

    // All problems, a line each, are for the error output.
    private static int Answer(ParseResult parsed, IReadOnlyList<string> problems, string text)
    {
        parsed.InvocationConfiguration.Output.Write(text);
        parsed.InvocationConfiguration.Error.Write(string.Join('\n', problems));
        return problems.Count == 0 ? 0 : CommandLine.ExitCodeUsage;
    }

    private static IReadOnlyList<string> Check(SettingSources sources, out string text)
    {
        RunSettings? settings = sources.Apply();
        StringBuilder lines = new();
        if (settings is not null) lines.Append("the settings are good\n");
        foreach (string variable in sources.Ignored)
            lines.Append("the environment's ").Append(LogText.Escape(variable)).Append(" is no setting and is ignored")
                .Append(SettingSources.QuestionOf(variable)).Append('\n');
        if (settings?.FindWithoutEffect() is { } setting)
            lines.Append("--").Append(setting).Append(" has no effect without --compression on\n");
        text = lines.ToString();
        return sources.Problems;
    }

    private static IReadOnlyList<string> Show(SettingSources sources, out string text)
    {
        sources.Apply();
        (string Name, string Value, string Where)[] rows =
        [
            .. SettingTable.All.Select(setting => sources.Find(setting) is { } source
                ? (setting.Name, string.Join(' ', source.Values.Select(value => Shown(setting.Show(value)))), source.Where)
                : (setting.Name, SettingPages.DefaultOf(setting), "default")),
        ];
        int names = rows.Max(static row => row.Name.Length), places = rows.Max(static row => row.Where.Length);
        text = string.Concat(rows.Select(row => $"{row.Name.PadRight(names)}  {row.Where.PadRight(places)}  {row.Value}\n"))
            + $"{"config".PadRight(names)}  {sources.File ?? "no file"}\n";
        return sources.Problems;
    }

    // Whatever is secret is in files of its own, whose names are shown; but a URL may have a name and a password in it.
    private static string Shown(string value) => LogText.Escape(
        Uri.TryCreate(value, UriKind.Absolute, out Uri? url) && url.UserInfo.Length > 0
            ? value.Replace($"{url.UserInfo}@", "***@", StringComparison.Ordinal)
            : value,
        400);
}
