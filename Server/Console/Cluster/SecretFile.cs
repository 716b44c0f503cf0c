// A secret of the backplane's in a file of its own: a line of text. Only the name of the file is a setting.

using RawWs.Server.Console.Settings;

namespace RawWs.Server.Console.Cluster;

/// <summary>What stands in the file. It is no record: nothing writes it by chance.</summary>
internal sealed class SecretFile
{
    public const string Allowed = "a file with one line of text, of 64 KiB at most";

    private const int BytesMax = 64 * 1024;

    private SecretFile(string text) => Text = text;

    public string Text { get; }

    /// <summary>Reads the file. False when <see cref="FindError"/> finds something.</summary>
    public static bool TryRead(string path, out SecretFile secret) => Read(path, out secret) is null;

    /// <summary>What is wrong with the file; null when nothing is. Nothing of it is quoted.</summary>
    public static string? FindError(string path) => Read(path, out _);

    /// <summary>All the lines of a file that are not empty.</summary>
    /// <param name="path">The file.</param>
    /// <param name="lines">The lines.</param>
    /// <returns>What is wrong; null when nothing is.</returns>
    public static string? ReadLines(string path, out string[] lines)
    {
        lines = [];
        if (PlainFile.FindError(path, BytesMax) is { } error) return error;
        try
        {
            lines = [.. File.ReadLines(path).Select(static line => line.Trim()).Where(static line => line.Length > 0)];
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return exception.Message;
        }
    }

    private static string? Read(string path, out SecretFile secret)
    {
        secret = new SecretFile("");
        if (ReadLines(path, out string[] lines) is { } error) return error;
        if (lines.Length != 1) return $"the file has {lines.Length} lines that are not empty";
        secret = new SecretFile(lines[0]);
        return null;
    }
}
