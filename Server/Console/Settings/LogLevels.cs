// What --log-level means: the least important level of everything, and of categories that are named. The grammar:
//
//   levels = item *( "," item )          white space around an item does not matter
//   item   = level                       of everything that has no item of its own; at most one; "information" if there is none
//          | category "=" level          of this category, and of those whose names begin with it and a dot
//   level  = trace, debug, information or info, warning or warn, error, critical, none
//
// Upper and lower case make no difference.

using Microsoft.Extensions.Logging;

namespace RawWs.Server.Console.Settings;

/// <summary>The levels of the log.</summary>
/// <param name="Everything">The level of each category that is not named.</param>
/// <param name="Named">The categories that are named, each once.</param>
internal sealed record LogLevels(LogLevel Everything, IReadOnlyList<(string Category, LogLevel Level)> Named)
{
    private static readonly (string Word, LogLevel Level)[] Levels =
    [
        ("trace", LogLevel.Trace), ("debug", LogLevel.Debug), ("information", LogLevel.Information), ("warning", LogLevel.Warning),
        ("error", LogLevel.Error), ("critical", LogLevel.Critical), ("none", LogLevel.None), ("info", LogLevel.Information),
        ("warn", LogLevel.Warning),
    ];

    /// <summary>Information for everything.</summary>
    public static readonly LogLevels Default = new(LogLevel.Information, []);

    /// <summary>What is allowed, in words.</summary>
    public static readonly string Allowed = "LEVEL or CATEGORY=LEVEL, with commas between several; a level is trace, debug, information, "
        + $"warning, error, critical or none; a category is {string.Join(" or ", LogCategories.All)}";

    /// <summary>Parses a setting's value. False when <see cref="FindError"/> finds something.</summary>
    public static bool TryParse(string text, out LogLevels levels) => Read(text, out levels) is null;

    /// <summary>What is wrong with a value; null when nothing is. It quotes the value, and whoever shows it escapes it.</summary>
    public static string? FindError(string text) => Read(text, out _);

    /// <summary>The levels as the setting has them.</summary>
    public override string ToString() =>
        string.Join(',', Named.Select(static named => $"{named.Category}={named.Level}").Prepend($"{Everything}"));

    private static string? Read(string text, out LogLevels levels)
    {
        LogLevel? everything = null;
        List<(string Category, LogLevel Level)> named = [];
        levels = Default;
        foreach (string item in text.Split(',', StringSplitOptions.TrimEntries))
        {
            int equals = item.IndexOf('=', StringComparison.Ordinal);
            string word = item[(equals + 1)..].TrimStart();
            if (!SettingText.TryChoice(word, Levels, out LogLevel level))
                return word.Length == 0 ? "a level is missing" : $"there is no level {word}";
            if (equals < 0)
            {
                if (everything is not null) return "there are two levels for everything";
                everything = level;
                continue;
            }

            string name = item[..equals].TrimEnd();
            string? category = LogCategories.All.FirstOrDefault(known => known.Equals(name, StringComparison.OrdinalIgnoreCase));
            if (category is null) return $"there is no category {name}";
            if (named.Exists(other => other.Category == category)) return $"there are two levels for {category}";
            named.Add((category, level));
        }

        levels = new LogLevels(everything ?? LogLevel.Information, named.AsReadOnly());
        return null;
    }
}
