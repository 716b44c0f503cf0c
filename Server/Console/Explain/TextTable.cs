// The sentences of `rawws explain`, in English and Chinese: one table by id, from the text files beside this one, which lie in the
// assembly.
//
//   ## frame.fin.1                       an id begins an entry
//   en: The FIN bit is 1 ...             a language, or a language and a part: "en.why:"
//     and more of it                     an indented line goes on with the one before; of a request without a space between
//   zh: ...
//   example: 81 05 48656c6c6f            a part without a language
//
// A test finds ids that nobody asks for, those that are asked for and missing, and entries that lack a language.

using System.Globalization;
using System.Reflection;

namespace RawWs.Server.Console.Explain;

/// <summary>The languages that the sentences are in.</summary>
internal enum Language : byte
{
    English,
    Chinese,
}

/// <summary>The table. It is read once, when it is first asked for.</summary>
internal sealed class TextTable
{
    private static readonly string[] Files =
        ["frame", "handshake", "rules-frame", "rules-handshake", "codes", "interface", "fields", "learn"];

    private static readonly Lazy<TextTable> Table = new(static () => new TextTable());

    private readonly Dictionary<string, Dictionary<string, string>> _entries = new(StringComparer.Ordinal);

    private TextTable()
    {
        foreach (string file in Files) Read(Load(file));
    }

    /// <summary>The one table.</summary>
    public static TextTable All => Table.Value;

    /// <summary>Every id.</summary>
    public IReadOnlyCollection<string> Ids => _entries.Keys;

    /// <summary>The names of an entry's parts: "en", "zh.why", "example".</summary>
    public IReadOnlyCollection<string> PartsOf(string id) => _entries[id].Keys;

    /// <summary>A part of an entry that has no language; null when it is not there.</summary>
    public string? Find(string id, string part) => _entries.GetValueOrDefault(id)?.GetValueOrDefault(part);

    /// <summary>A sentence, or a part of a page.</summary>
    /// <exception cref="KeyNotFoundException">There is no such text. A test keeps this from happening.</exception>
    public string Get(string id, Language language, string part = "")
    {
        string name = language == Language.English ? "en" : "zh";
        return _entries[id][part.Length == 0 ? name : $"{name}.{part}"];
    }

    /// <summary>A sentence with values in its places {0}, {1} and so on.</summary>
    public string Format(string id, Language language, params ReadOnlySpan<string> values)
    {
        string text = Get(id, language);
        for (int i = 0; i < values.Length; i++)
            text = text.Replace(string.Create(CultureInfo.InvariantCulture, $"{{{i}}}"), values[i], StringComparison.Ordinal);
        return text;
    }

    private static string Load(string file)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"explain/{file}.txt")
            ?? throw new InvalidOperationException($"The assembly has no texts {file} in it.");
        using StreamReader reader = new(stream);
        return reader.ReadToEnd();
    }

    private void Read(string text)
    {
        Dictionary<string, string>? entry = null;
        string part = "";
        foreach (string line in text.ReplaceLineEndings("\n").Split('\n'))
        {
            if (line.Length == 0 || line.StartsWith("//", StringComparison.Ordinal)) continue;
            if (line.StartsWith("## ", StringComparison.Ordinal))
            {
                entry = [];
                _entries.Add(line[3..], entry);
                continue;
            }

            if (entry is null) throw new InvalidOperationException($"A text without an id: {line}");
            if (line[0] == ' ')
            {
                entry[part] = part == "request" ? entry[part] + line.Trim() : Join(entry[part], line.Trim());
                continue;
            }

            int colon = line.IndexOf(':', StringComparison.Ordinal);
            part = line[..colon];
            entry.Add(part, line[(colon + 1)..].Trim());
        }
    }

    // Chinese has no space where a line ends.
    private static string Join(string before, string after) =>
        before.Length == 0 || TextWidth.IsWide(before[^1]) || TextWidth.IsWide(after[0]) ? before + after : before + " " + after;
}
