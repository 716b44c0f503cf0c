// A file with settings in JSON: from its bytes to names and texts. What the texts mean is the table's. JSON's own types are taken: true and
// false for a switch, a number for a number. Everything that keeps the file from being read in full and with one meaning is a problem, and
// none is passed over: the server would run with other settings than the ones that are written.
//
// The name may be anybody's: a directory, a pipe that nobody writes to, a disk that does not answer, a file without end. So it is read on
// another thread, which is waited for a few seconds, and no further than settings can reach.

using System.Globalization;
using System.Text.Json;
using System.Text.Unicode;
using RawWs.Server.Log;

namespace RawWs.Server.Settings;

/// <summary>A setting as the file has it.</summary>
/// <param name="Setting">The row.</param>
/// <param name="Where">The file and the key, for a sentence about what is wrong.</param>
/// <param name="Values">The texts.</param>
internal sealed record FileSetting(Setting Setting, string Where, IReadOnlyList<string> Values);

internal static class SettingsFile
{
    private const int BytesMax = 1024 * 1024;
    private static readonly TimeSpan ReadTime = TimeSpan.FromSeconds(5);

    /// <summary>Reads a file.</summary>
    /// <param name="path">Where it lies.</param>
    /// <param name="shown">Its name, as the problem shows it.</param>
    /// <param name="time">For how long it is waited for.</param>
    /// <param name="settings">What it sets, in its order.</param>
    /// <returns>What is wrong, to be read behind the file's name and a colon; null when all is well.</returns>
    public static string? Read(string path, string shown, TimeProvider time, out List<FileSetting> settings)
    {
        settings = [];
        if (Directory.Exists(path)) return "is a directory; a file with settings in JSON is needed";
        try
        {
            byte[]? bytes = Task.Run(() => ReadBytes(path)).WaitAsync(ReadTime, time).GetAwaiter().GetResult();
            if (bytes is null) return "is larger than 1 MiB, which no settings are";
            return ReadJson(bytes, shown, settings);
        }
        catch (TimeoutException)
        {
            return $"cannot be read: nothing has come for {ReadTime.TotalSeconds} seconds";
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return "is not there; a file with settings in JSON is needed";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            return $"cannot be read: {LogText.Escape(exception.Message)}";
        }
    }

    // Null: there is more than BytesMax.
    private static byte[]? ReadBytes(string path)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        byte[] bytes = new byte[BytesMax + 1];
        int length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return length > BytesMax ? null : bytes[..length];
    }

    private static string? ReadJson(ReadOnlyMemory<byte> bytes, string shown, List<FileSetting> settings)
    {
        // The mark that some editors put in front of UTF-8.
        if (bytes.Span.StartsWith("\uFEFF"u8)) bytes = bytes[3..];
        if (!Utf8.IsValid(bytes.Span)) return "is not UTF-8";
        try
        {
            JsonDocumentOptions options = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };
            using JsonDocument document = JsonDocument.Parse(bytes, options);
            if (document.RootElement.ValueKind != JsonValueKind.Object) return "is not the JSON that is needed, one object of settings";
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
                if (ReadKey(property, shown, settings) is { } problem) return problem;
            return null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // The second is JSON's text that is no text: half of a surrogate pair.
            return $"is not the JSON that is needed, one object of settings: {LogText.Escape(exception.Message)}";
        }
    }

    private static string? ReadKey(JsonProperty property, string shown, List<FileSetting> settings)
    {
        string key = property.Name, named = $"\"{LogText.Escape(key)}\"";
        if (SettingTable.Find(key) is not { } setting)
            return $"{named}: there is no such setting{NearNames.Question(key, isOption: false, static name => $"\"{name}\"")}; see --help";
        // One of them would win, and it would not be seen which.
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

        settings.Add(new FileSetting(setting, $"{shown}: {named}", values));
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
