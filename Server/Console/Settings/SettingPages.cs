// Every setting there is, written for people: as a file of settings, as variables, and as a page of the documentation. What is said of a
// setting is from SettingTable, and from SettingsReload whether SIGHUP changes it. What depends on the machine ("here 2") is left out.

using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace RawWs.Server.Console.Settings;

internal static partial class SettingPages
{
    private const string DefaultWord = "Default: ";
    private const int LineCharactersMax = 100;

    /// <summary>The default of a setting, in words.</summary>
    public static string DefaultOf(Setting setting)
    {
        int at = setting.Help.LastIndexOf(DefaultWord, StringComparison.Ordinal);
        return setting.Help[(at + DefaultWord.Length)..].TrimEnd('.');
    }

    /// <summary>The same as a value that the setting takes; null if there is none, or if it depends on something.</summary>
    public static string? DefaultValueOf(Setting setting)
    {
        string words = DefaultOf(setting);
        if (words.Split(',')[0] == "none" || words.Contains(" while ", StringComparison.Ordinal)) return null;
        // "0, all at once" is 0, and "10 s" is 10.
        string[] meant = [words, words.Split(',')[0], words.Split(' ')[0]];
        return meant.FirstOrDefault(value => setting.Apply(new RunSettings(), [value], out _) is not null);
    }

    /// <summary>A file of settings in which every one is explained, and all are in comments.</summary>
    public static string File()
    {
        StringBuilder text = new("// Settings of rawws: rawws.json in the working directory, or the file of --config.\n{\n");
        foreach (Setting setting in SettingTable.All)
        {
            AppendComment(text, "  // ", Plain(setting.Help));
            string value = DefaultValueOf(setting) ?? setting.Placeholder;
            string json = decimal.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out _) ? value : $"\"{value}\"";
            text.Append(CultureInfo.InvariantCulture, $"  // \"{setting.Name}\": {(setting.IsList ? $"[{json}]" : json)},\n\n");
        }

        return text.Remove(text.Length - 1, 1).Append("}\n").ToString();
    }

    /// <summary>The variables of the environment, each explained, and all in comments.</summary>
    public static string Variables()
    {
        StringBuilder text = new();
        const string About = "Variables of rawws. They win over the file, and options win over them. A list has commas between its values.";
        AppendComment(text, "# ", About);
        text.Append("\n# The file of settings. Default: rawws.json in the working directory, if it is there.\n#RAWWS_CONFIG=FILE\n");
        foreach (Setting setting in SettingTable.All)
        {
            text.Append('\n');
            AppendComment(text, "# ", Plain(setting.Help));
            text.Append('#').Append(CommandLine.VariableOf(setting.Name)).Append('=')
                .Append(DefaultValueOf(setting) ?? setting.Placeholder).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>docs/ops/settings.md.</summary>
    public static string Document()
    {
        StringBuilder text = new("""
            # Settings

            Made from the code by `rawws config doc`. Every setting is an option (`--max-message`), a variable (`RAWWS_MAX_MESSAGE`) and a
            key of the file (`"max-message"`). Options win over variables, and variables over the file: `rawws.json` in the working
            directory, or the file of `--config` or `RAWWS_CONFIG`. A list is an option that is repeated, a variable with commas, or an
            array. Sizes are bytes, alone or with KiB, MiB or GiB; times are seconds, with a fraction if need be.

            | command | what |
            | --- | --- |
            | `rawws config check` | what is wrong, and where: file, line and key, or variable, or option; exit code 2 if something is |
            | `rawws config show` | every setting as the program would have it, and where its value comes from; and what is wrong |
            | `rawws config defaults` | a file with every setting, explained |
            | `rawws config env` | the variables, explained |

            `check` and `show` take the program's options. They tell of each value that counts and is wrong; if none is, of the first thing
            that is wrong between settings. A key that is no setting is an error. A variable that begins with `RAWWS_` and is
            none is told of, at the start too. Passwords, keys and tokens are in files of their own, of which only the names are settings.

            At SIGHUP a program that has a file of settings reads all its sources again. What can be changed while it runs is taken over,
            and one line of the log names it, and what only a restart changes. If anything is wrong nothing is taken over, and the log says
            why. Certificates and their keys, and keys for tokens, are read again too, with such a file and without.


            """);
        foreach (Setting setting in SettingTable.All)
        {
            text.Append(CultureInfo.InvariantCulture, $"""
                ## `{setting.Name}`

                {Escape(Plain(setting.Help))}

                Allowed: {Escape(setting.Allowed)}.{(setting.IsList ? " A list." : "")}{ReadAgain(setting)}


                """);
        }

        return text.Remove(text.Length - 1, 1).ToString();
    }

    private static string ReadAgain(Setting setting) => SettingsReload.Names.Contains(setting.Name) ? " Taken over at SIGHUP." : "";

    // Without what is said of this machine.
    private static string Plain(string help) => OfThisMachine().Replace(help, "");

    // Markdown takes what is between angle brackets, and stars, for its own.
    private static string Escape(string text) =>
        text.Replace("*", "\\*", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);

    private static void AppendComment(StringBuilder text, string begin, string words)
    {
        int line = 0;
        foreach (string word in words.Split(' '))
        {
            if (line > 0 && line + 1 + word.Length > LineCharactersMax)
            {
                text.Append('\n');
                line = 0;
            }

            text.Append(line == 0 ? begin : " ").Append(word);
            line += word.Length + (line == 0 ? begin.Length : 1);
        }

        text.Append('\n');
    }

    [GeneratedRegex(@" ?\(here [^)]*\)")]
    private static partial Regex OfThisMachine();
}
