// Finds the name that was probably meant when a name does not exist: one that is written almost the same, that begins the same, or that
// other programs use for the same thing. In: what was written. Out: names as in the table; mostly one, and none where it would be a guess.

namespace RawWs.Server.Console.Settings;

internal static class NearNames
{
    private const int NamesMax = 3;
    private const int PrefixCharactersMin = 3;

    // The names that other programs use.
    private static readonly (string Theirs, string Ours)[] Synonyms =
    [
        ("port", "listen"), ("host", "listen"), ("address", "listen"), ("bind", "listen"), ("threads", "loops"), ("workers", "loops"),
        ("origin", "allowed-origin"), ("origins", "allowed-origin"), ("timeout", "heartbeat"), ("verbose", "log-level"),
        ("quiet", "log-level"),
        ("deflate", "compression"), ("protocol", "subprotocol"),
    ];

    // The names that the command line knows besides the table.
    private static readonly string[] Others = ["config", "help", "version"];

    /// <summary>The nearest names, at most three; empty when none is near.</summary>
    /// <param name="written">The name with or without hyphens and underscores; these and upper or lower case make no difference.</param>
    /// <param name="isOption">Whether --config, --help and --version may be meant, too.</param>
    public static IReadOnlyList<string> Find(string written, bool isOption)
    {
        string plain = Plain(written);
        foreach ((string theirs, string ours) in Synonyms)
            if (theirs == plain) return [ours];

        List<string> near = Nearest(plain, [.. SettingTable.All.Select(static setting => setting.Name), .. isOption ? Others : []]);
        return near.Count <= NamesMax ? near : [];
    }

    /// <summary>A question to append to an error: "; did you mean --listen?" Empty when no name is near.</summary>
    /// <param name="written">The name that does not exist.</param>
    /// <param name="isOption">Whether --config, --help and --version may be meant, too.</param>
    /// <param name="spelled">Writes a name as it is written where the error was found.</param>
    public static string Question(string written, bool isOption, Func<string, string> spelled)
    {
        IReadOnlyList<string> near = Find(written, isOption);
        return near.Count == 0 ? "" : $"; did you mean {string.Join(" or ", near.Select(spelled))}?";
    }

    /// <summary>The same question about names of another kind; empty when none is near.</summary>
    public static string QuestionOf(string written, IReadOnlyList<string> names)
    {
        List<string> near = Nearest(Plain(written), names);
        return near.Count == 0 ? "" : $"; did you mean {near[0]}?";
    }

    // Those that are least far away, if that is near.
    private static List<string> Nearest(string plain, IReadOnlyList<string> names)
    {
        List<string> near = [];
        int best = Math.Max(1, plain.Length / 3);
        foreach (string name in names)
        {
            int distance = Distance(plain, Plain(name));
            if (distance > best) continue;
            if (distance < best) near.Clear();
            best = distance;
            near.Add(name);
        }

        return near;
    }

    private static string Plain(string name)
    {
        // The written name may have any length, but no longer one than this can be near.
        string cut = name.Length > 64 ? name[..64] : name;
        return cut.Replace("-", "", StringComparison.Ordinal).Replace("_", "", StringComparison.Ordinal).ToLowerInvariant();
    }

    // How many characters differ, are too many, are missing, or are swapped. A name that begins with the other one counts as one character
    // away.
    private static int Distance(string a, string b)
    {
        if (a == b) return 0;
        if (Math.Min(a.Length, b.Length) >= PrefixCharactersMin
            && (a.StartsWith(b, StringComparison.Ordinal) || b.StartsWith(a, StringComparison.Ordinal))) return 1;
        int[,] steps = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++) steps[i, 0] = i;
        for (int j = 0; j <= b.Length; j++) steps[0, j] = j;
        for (int i = 1; i <= a.Length; i++)
        {
            for (int j = 1; j <= b.Length; j++)
            {
                int least = Math.Min(Math.Min(steps[i - 1, j], steps[i, j - 1]) + 1, steps[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                steps[i, j] = swapped ? Math.Min(least, steps[i - 2, j - 2] + 1) : least;
            }
        }

        return steps[a.Length, b.Length];
    }
}
