// What the tests write into the pages of the tour:
//
//   code: NAME           the marked place of the source
//   sample: NAME         a program of Tests/Samples/Tour, and what it prints
//   try: INPUT # FIELD   what `rawws explain INPUT` says of a field (`FIELD = VALUE` where there are several; without one: of the broken
//                        rule), its verdict, and the place in the Lab; or the page of a rule or a close code
//   table: NAME          a table of the code (Tables)

using System.Text.Json;
using RawWs.Server.Console.Explain;
using RawWs.Tests.Support;

namespace RawWs.Tests.Tour;

internal static class Blocks
{
    private const string Lab = "http://127.0.0.1:2000/lab";
    private const int FieldColumn = 12; // of what explain prints

    /// <summary>The text of a block, without its first and last line.</summary>
    public static string Write(string kind, string argument, Chapter page) => kind switch
    {
        "code" => Code(Markers.All.Single(marked => marked.Name == argument), page.Root),
        "sample" => Sample(argument, page),
        "try" => Try(argument, page.Language),
        "table" => Tables.Write(argument, page.Language),
        _ => throw new FormatException($"{page}: there is no block of this kind: {kind}"),
    };

    /// <summary>The place in the Lab where these bytes are shown one at a time; null where it would read them otherwise.</summary>
    public static string? LabPlace(string options, string hex, string from, int note) =>
        options is "" or "--from client" or "--from server" ? $"{Lab}#step;{hex};{from};{note}" : null;

    private static string Code(Marked marked, string root) =>
        $"[{marked.File}]({root}{marked.File}), `// tour: {marked.Name}`\n\n```csharp\n{marked.Text}\n```";

    private static string Sample(string name, Chapter page)
    {
        string file = $"Tests/Samples/Tour/{name}.cs", source = Repository.Read(file);
        (int exitCode, string output, string errors) = Dotnet.Run(Dotnet.PathOf("RawWs.Samples"), "tour", name);
        Assert.That((exitCode, errors), Is.EqualTo((0, "")), name);
        string usings = string.Concat(source.Split('\n').Where(static line => line.StartsWith("using ", StringComparison.Ordinal))
            .Select(static line => line + "\n"));
        string printed = output.ReplaceLineEndings("\n").TrimEnd();
        return $"[{file}]({page.Root}{file}): `dotnet run --project Tests/Samples -- tour {name}`\n\n"
            + $"```csharp\n{usings}\n{ReadmeTests.Marked(source, "Sample")}\n```\n\n```\n{printed}\n```";
    }

    private static string Try(string argument, Language language)
    {
        string[] parts = argument.Split(" # ");
        string[] words = [.. parts[0].Split(' '), .. language == Language.Chinese ? ["--lang", "zh"] : Array.Empty<string>()];
        string output = Explain(words);
        string command = $"$ rawws explain {string.Join(' ', words)}";
        if (Page.Find(parts[0]) is not null)
        {
            string until = $"\n\n{TextTable.All.Get("ui.page.example", language)}\n";
            return $"```\n{command}\n{output.Split(until)[0]}\n```";
        }

        string[] field = parts.Length > 1 ? parts[1].Split(" = ") : [];
        List<string> shown = FieldOf(output.Split('\n'), field, language);
        string verdict = output[(output.LastIndexOf("\n\n", StringComparison.Ordinal) + 2)..];
        return $"```\n{command}\n…\n{string.Join('\n', shown)}\n…\n{verdict}\n```{LabLink(parts[0].Split(' '), field, language)}";
    }

    // The lines about the field; without a name those about the broken rule.
    private static List<string> FieldOf(string[] lines, string[] field, Language language)
    {
        string? begins = field.Length == 0
            ? null
            : $"{TextWidth.Pad(FieldNames.Of(field[0], language), FieldNames.ColumnsOf(language))} {field.ElementAtOrDefault(1)}";
        int at = Array.FindIndex(lines, line => begins is null
            ? line.StartsWith("      >>>", StringComparison.Ordinal)
            : IsField(line) && line.Length > FieldColumn && line[FieldColumn..].StartsWith(begins, StringComparison.Ordinal));
        Assert.That(at, Is.Not.Negative, $"nothing is said of {string.Join(' ', field)}:\n{string.Join('\n', lines)}");
        while (!IsField(lines[at])) at--;
        List<string> found = [lines[at], .. lines.Skip(at + 1).TakeWhile(static line => line.Length > 0 && !IsField(line))];
        string decoded = "  " + TextTable.All.Get("ui.inflated", language).Split('{')[0];
        return [.. found.Union(lines.Where(line => line.StartsWith(decoded, StringComparison.Ordinal)))];

        static bool IsField(string line) => line.Length > 2 && line.StartsWith("  ", StringComparison.Ordinal) && line[2] != ' ';
    }

    // The bytes up to the end of the frame that has the field, or breaks the rule.
    private static string LabLink(string[] words, string[] field, Language language)
    {
        string[] options = [.. words.TakeWhile(static word => word.StartsWith("--") || word is "client" or "server")];
        using JsonDocument json = JsonDocument.Parse(Explain([.. words, "--json"]));
        foreach (JsonElement unit in json.RootElement.GetProperty("conversations")[0].GetProperty("units").EnumerateArray())
        {
            int note = unit.GetProperty("annotations").EnumerateArray().ToList().FindIndex(note => field.Length == 0
                ? note.GetProperty("rule").ValueKind != JsonValueKind.Null
                : note.GetProperty("field").ValueEquals(field[0])
                    && note.GetProperty("value").GetString()!.StartsWith(field.ElementAtOrDefault(1) ?? ""));
            if (note < 0) continue;
            int bytes = unit.GetProperty("offset").GetInt32() + unit.GetProperty("length").GetInt32();
            string hex = string.Concat(words.Skip(options.Length)).ToLowerInvariant()[..(bytes * 2)];
            string said = language == Language.English ? "The same in the Lab, byte by byte" : "在 Lab 中逐字节查看";
            return LabPlace(string.Join(' ', options), hex, unit.GetProperty("from").GetString()!, note) is { } place
                ? $"\n\n[{said}]({place})"
                : "";
        }

        return "";
    }

    private static string Explain(string[] words)
    {
        CommandRun run = CommandRun.Of(["explain", .. words]);
        Assert.That(run.ExitCode, Is.Zero, run.Errors);
        return run.Output.TrimEnd();
    }
}
