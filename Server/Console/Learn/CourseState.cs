// Where somebody is in the course: a small file in JSON, by default in the working directory, with the next case of each server:
//
//   {"ws://127.0.0.1:9000/":"framing/text of 126 bytes"}
//
// A file that cannot be read is an error, so that nobody's other file is overwritten.

using System.Text.Json;

namespace RawWs.Server.Console.Learn;

/// <param name="path">The file, which need not be there.</param>
/// <param name="server">The server's URL.</param>
internal sealed class CourseState(string path, string server)
{
    public const string FileName = "rawws-learn.json";

    private const long FileBytesMax = 1 << 20;

    private readonly SortedDictionary<string, string> _next = new(StringComparer.Ordinal);

    /// <summary>The id of the next case; null for a server that the file does not have.</summary>
    public string? Next => _next.GetValueOrDefault(server);

    /// <summary>Reads the file.</summary>
    /// <returns>Why it cannot be used, or null.</returns>
    public string? Read()
    {
        if (path.Length == 0) return "the name of a file is needed";
        try
        {
            // What cannot be a name is nobody's file, and writing it would fail at the end.
            if (!File.Exists(Path.GetFullPath(path))) return null;
            if (new FileInfo(path).Length > FileBytesMax) return "it is too large for a file of this command";
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
                _next[property.Name] = property.Value.GetString() ?? "";
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException
            or NotSupportedException)
        {
            return exception.Message;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return "it is no file of this command";
        }
    }

    /// <summary>Writes down the next case; null when there is none, and then the server is left out.</summary>
    /// <returns>Why it could not be written, or null.</returns>
    public string? Write(string? next)
    {
        if (next is null) _next.Remove(server);
        else _next[server] = next;
        using MemoryStream json = new();
        using (Utf8JsonWriter writer = new(json, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            foreach ((string url, string id) in _next) writer.WriteString(url, id);
            writer.WriteEndObject();
        }

        try
        {
            File.WriteAllBytes(path, [.. json.ToArray(), (byte)'\n']);
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException
            or NotSupportedException)
        {
            return exception.Message;
        }
    }
}
