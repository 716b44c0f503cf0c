// Places in the source that the tour shows: between `// tour: NAME` and `// tour: end`.

using RawWs.Tests.Support;

namespace RawWs.Tests.Tour;

/// <summary>A marked place.</summary>
/// <param name="Name">Its name.</param>
/// <param name="File">The file, from the repository's root.</param>
/// <param name="Text">Its lines, moved to the left.</param>
internal sealed record Marked(string Name, string File, string Text);

internal static class Markers
{
    private const string Mark = "// tour: ";

    /// <summary>Every marked place of the three packages and the program.</summary>
    public static IReadOnlyList<Marked> All { get; } = [.. new[] { "Frame", "Handshake", "Server" }.SelectMany(Find)];

    private static IEnumerable<Marked> Find(string folder)
    {
        foreach (string path in Directory.EnumerateFiles(Repository.At(folder), "*.cs", SearchOption.AllDirectories).Order())
        {
            string file = Path.GetRelativePath(Repository.At(), path).Replace('\\', '/');
            if (file.Contains("/obj/", StringComparison.Ordinal) || file.Contains("/bin/", StringComparison.Ordinal)) continue;
            foreach (Marked marked in Read(file, File.ReadAllLines(path))) yield return marked;
        }
    }

    private static IEnumerable<Marked> Read(string file, string[] lines)
    {
        for (int i = 0; i < lines.Length; i++)
        {
            if (!lines[i].TrimStart().StartsWith(Mark, StringComparison.Ordinal)) continue;
            int indent = lines[i].IndexOf('/', StringComparison.Ordinal);
            string name = lines[i][(indent + Mark.Length)..];
            int end = Array.FindIndex(lines, i + 1, static line => line.TrimStart().StartsWith(Mark, StringComparison.Ordinal));
            if (name == "end" || end < 0 || lines[end] != new string(' ', indent) + Mark + "end")
                throw new FormatException($"{file}, line {i + 1}: each place has a beginning and an end, of the same indent");
            IEnumerable<string> shown = lines[(i + 1)..end].Select(line => line.Length > indent ? line[indent..] : "");
            yield return new Marked(name, file, string.Join('\n', shown));
            i = end;
        }
    }
}
