// A command's options as rows, and two things that are made from them: the help, and a reader that names the first thing that is wrong.

namespace RawWs.Benchmarks.Load;

/// <summary>One option.</summary>
/// <param name="Name">With its dashes.</param>
/// <param name="Placeholder">What stands for the value in the help; null for an option that takes none.</param>
/// <param name="Help">What it does, with unit and default.</param>
/// <param name="Allowed">What a value may be, to be read after "allowed:".</param>
/// <param name="Apply">The options with this value; null when it is not allowed.</param>
internal sealed record OptionRow<T>(string Name, string? Placeholder, string Help, string Allowed, Func<T, string, T?> Apply)
    where T : class
{
    /// <summary>An option that takes no value.</summary>
    public static OptionRow<T> Flag(string name, string help, Func<T, T> apply) =>
        new(name, null, help, "", (options, _) => apply(options));
}

/// <summary>All options of a command.</summary>
internal sealed class OptionTable<T>(string usage, IReadOnlyList<OptionRow<T>> rows)
    where T : class
{
    /// <summary>Reads arguments into <paramref name="options"/>; what is no option is a word. Null, or what is wrong in one line.</summary>
    public string? Read(IReadOnlyList<string> arguments, ref T options, List<string> words)
    {
        for (int i = 0; i < arguments.Count; i++)
        {
            string name = arguments[i];
            if (!name.StartsWith('-'))
            {
                words.Add(name);
                continue;
            }

            string? value = null;
            if (name.IndexOf('=', StringComparison.Ordinal) is var at and > 0) (name, value) = (name[..at], name[(at + 1)..]);
            OptionRow<T>? row = rows.FirstOrDefault(row => row.Name == name);
            if (row is null) return $"{name} is no option; --help lists them.";
            if (row.Placeholder is null && value is not null) return $"{name} takes no value.";
            if (row.Placeholder is not null && value is null)
            {
                if (++i == arguments.Count) return $"{name} needs a value: {row.Placeholder}.";
                value = arguments[i];
            }

            if (row.Apply(options, value ?? "") is not { } changed) return $"{name} {value}: allowed: {row.Allowed}.";
            options = changed;
        }

        return null;
    }

    public void WriteHelp(TextWriter output)
    {
        output.WriteLine(usage);
        output.WriteLine();
        int width = rows.Max(static row => Left(row).Length);
        foreach (OptionRow<T> row in rows) output.WriteLine($"  {Left(row).PadRight(width)}  {row.Help}");
    }

    private static string Left(OptionRow<T> row) => row.Placeholder is null ? row.Name : $"{row.Name} {row.Placeholder}";
}
