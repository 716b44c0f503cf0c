// A file that a setting names, before all of it is read: it must be a plain one, and not too long. What is none (a device, a pipe) has no
// length, and reading it may never end.

namespace RawWs.Server.Console.Settings;

internal static class PlainFile
{
    /// <summary>How many bytes the file has, or what a link leads to; null when there is none.</summary>
    /// <remarks>A pipe to which a link leads counts as one byte: how many there are is known when its writer has ended.</remarks>
    /// <exception cref="IOException">That cannot be found out.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    /// <exception cref="ArgumentException">It is no path.</exception>
    public static long? FindLength(string path)
    {
        FileInfo file = new(path);
        if (!file.Exists) return null;
        if (file.LinkTarget is null) return file.Length;
        // A link has the length of its own text. Where it leads only the system knows: links of folders may be in its way.
        try
        {
            using FileStream stream = File.OpenRead(path);
            return stream.CanSeek ? stream.Length : 1;
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null; // it leads nowhere
        }
    }

    /// <summary>What is wrong with the file; null when nothing is. Nothing of it is quoted.</summary>
    /// <param name="path">The file, or a link to it.</param>
    /// <param name="bytesMax">How long it may be.</param>
    public static string? FindError(string path, int bytesMax)
    {
        try
        {
            if (FindLength(path) is not { } length) return "there is no such file";
            return length >= 1 && length <= bytesMax ? null : $"the file has {length} bytes, and may have 1 to {bytesMax}";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return exception.Message;
        }
    }
}
