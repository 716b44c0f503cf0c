// Reads a file with settings in JSON: from its bytes to names and texts. SettingTable says what the texts mean. JSON's own types are
// accepted: true and false for a switch, a number for a number. Whatever keeps the file from being read whole and with one meaning is an
// error, with the line of its key. Nothing is ignored, because the server would then run with other settings than those that are written.
//
// The file may be anything: a directory, a pipe to which nobody writes, a disk that does not answer, a file without an end. So it is read
// on another thread, for some seconds at most, and no further than settings can reach.

using System.Globalization;
using System.Text.Json;
using System.Text.Unicode;
using RawWs.Server.Log;

namespace RawWs.Server.Console.Settings;

/// <summary>A setting as the file has it.</summary>
/// <param name="Setting">The setting.</param>
/// <param name="Line">The line of its key; the first is 1.</param>
/// <param name="Values">The texts.</param>
internal sealed record FileSetting(Setting Setting, int Line, IReadOnlyList<string> Values);

internal static class SettingsFile
{
    private const int BytesMax = 1024 * 1024;
    private static readonly TimeSpan ReadTime = TimeSpan.FromSeconds(5);

    /// <summary>Reads a file.</summary>
    /// <param name="path">The path.</param>
    /// <param name="where">The file, as sentences about problems begin.</param>
    /// <param name="time">The clock that limits the wait.</param>
    /// <param name="problems">Gets what is wrong.</param>
    /// <param name="settings">What the file sets, in its order.</param>
    public static void Read(string path, string where, TimeProvider time, List<string> problems, out List<FileSetting> settings)
    {
        settings = [];
        if (FindUnreadable(path, time, out byte[] bytes) is { } unreadable) problems.Add($"{where}: {unreadable}");
        else if (ReadJson(bytes, where, problems, settings) is { } problem) problems.Add($"{where}: {problem}");
    }

    private static string? FindUnreadable(string path, TimeProvider time, out byte[] bytes)
    {
        bytes = [];
        if (Directory.Exists(path)) return "is a directory; a file with settings in JSON is needed";
        try
        {
            byte[]? read = Task.Run(() => ReadBytes(path)).WaitAsync(ReadTime, time).GetAwaiter().GetResult();
            if (read is null) return "is larger than 1 MiB, which no settings are";
            bytes = read;
            return null;
        }
        catch (TimeoutException)
        {
            return $"cannot be read: nothing has come for {ReadTime.TotalSeconds} seconds";
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return "is not there; a file with settings in JSON is needed";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException
            or ArgumentException)
        {
            return $"cannot be read: {LogText.Escape(exception.Message)}";
        }
    }

    // Null when there is more than BytesMax.
    private static byte[]? ReadBytes(string path)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        byte[] bytes = new byte[BytesMax + 1];
        int length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return length > BytesMax ? null : bytes[..length];
    }

    private static string? ReadJson(ReadOnlyMemory<byte> bytes, string where, List<string> problems, List<FileSetting> settings)
    {
        // The byte order mark that some editors write before UTF-8.
        if (bytes.Span.StartsWith("\uFEFF"u8)) bytes = bytes[3..];
        if (!Utf8.IsValid(bytes.Span)) return "is not UTF-8";
        try
        {
            JsonDocumentOptions options = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };
            using JsonDocument document = JsonDocument.Parse(bytes, options);
            if (document.RootElement.ValueKind != JsonValueKind.Object) return "is not the JSON that is needed, one object of settings";
            Queue<int> lines = LinesOfKeys(bytes.Span);
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                int line = lines.Dequeue();
                if (ReadKey(property, line, settings) is { } problem) problems.Add($"{where}, line {line}: {problem}");
            }

            return null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // The second exception means text in JSON that is no text: half of a surrogate pair.
            return $"is not the JSON that is needed, one object of settings: {LogText.Escape(exception.Message)}";
        }
    }

    // The line of each key of the object, in their order. The bytes are known to be JSON.
    private static Queue<int> LinesOfKeys(ReadOnlySpan<byte> bytes)
    {
        Queue<int> lines = new();
        Utf8JsonReader reader = new(
            bytes, new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        int line = 1, counted = 0;
        while (reader.Read())
        {
            if (reader.TokenType != JsonTokenType.PropertyName || reader.CurrentDepth != 1) continue;
            line += bytes[counted..(int)reader.TokenStartIndex].Count((byte)'\n');
            counted = (int)reader.TokenStartIndex;
            lines.Enqueue(line);
        }

        return lines;
    }

    private static string? ReadKey(JsonProperty property, int line, List<FileSetting> settings)
    {
        string key = property.Name, named = $"\"{LogText.Escape(key)}\"";
        if (SettingTable.Find(key) is not { } setting)
            return $"{named}: there is no such setting{NearNames.Question(key, isOption: false, static name => $"\"{name}\"")}; see --help";
        // One of the two would win, and nobody would see which.
        if (settings.Exists(other => other.Setting == setting)) return $"{named}: is there twice";

        string needed = $"{named}: {(setting.IsList ? "a list of texts" : "one value")} is needed; allowed: {setting.Allowed}";
        List<string> values = [];
        if (setting.IsList && property.Value.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement element in property.Value.EnumerateArray())
            {
                if (TextOf(element) is not { } text) return needed;
                values.Add(text);
            }
        }
        else if (property.Value.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            bool on = property.Value.ValueKind == JsonValueKind.True;
            if (!setting.IsSwitch) return $"{named}: \"{(on ? "true" : "false")}\" is not allowed; allowed: {setting.Allowed}";
            values.Add(on ? "on" : "off");
        }
        else
        {
            if (TextOf(property.Value) is not { } text) return needed;
            values.Add(text);
        }

        settings.Add(new FileSetting(setting, line, values));
        return null;
    }

    // 3.0 and 3e0 are JSON's ways to write 3.
    private static string? TextOf(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => element.GetString(),
        JsonValueKind.Number => element.TryGetDecimal(out decimal number)
            ? number.ToString("0.#############################", CultureInfo.InvariantCulture)
            : element.GetRawText(),
        _ => null,
    };
}
