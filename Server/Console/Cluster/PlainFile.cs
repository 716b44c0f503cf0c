// A file that a setting names, before all of it is read: it must be a plain one, and not too long.

namespace RawWs.Server.Console.Cluster;

internal static class PlainFile
{
    /// <summary>What is wrong with the file; null when nothing is. Nothing of it is quoted.</summary>
    /// <param name="path">The file, or a link to it.</param>
    /// <param name="bytesMax">How long it may be.</param>
    public static string? FindError(string path, int bytesMax)
    {
        try
        {
            // What is no plain file has no length, and reading it may never end. A link has the length of its own text.
            FileInfo file = new(path);
            if (file.Exists && file.ResolveLinkTarget(returnFinalTarget: true) is { } target) file = new FileInfo(target.FullName);
            if (!file.Exists) return "there is no such file";
            return file.Length >= 1 && file.Length <= bytesMax
                ? null
                : $"the file has {file.Length} bytes, and may have 1 to {bytesMax}";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return exception.Message;
        }
    }
}
