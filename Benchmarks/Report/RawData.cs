// The raw data's files: NAME.json, from which a report can be made anew, with a line for each figure so that differences can be read;
// and NAME.csv, the same figures for a spreadsheet.

using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace RawWs.Benchmarks.Report;

/// <summary>Reads and writes raw data.</summary>
public static class RawData
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>Writes both files. What is there under these names is replaced, each at once.</summary>
    public static void Write<T>(string directory, string name, Results<T> results)
    {
        ArgumentNullException.ThrowIfNull(results);
        Directory.CreateDirectory(directory);
        StringBuilder json = new();
        json.Append("{\n\"run\": ").Append(JsonSerializer.Serialize(results.Run, Json)).Append(",\n\"figures\": [\n");
        json.AppendJoin(",\n", results.Figures.Select(static figure => JsonSerializer.Serialize(figure, Json))).Append("\n]\n}\n");
        Replace(Path.Combine(directory, name + ".json"), json.ToString());
        Replace(Path.Combine(directory, name + ".csv"), Csv(results.Figures));
    }

    /// <summary>Reads NAME.json; null where there is none.</summary>
    /// <exception cref="InvalidDataException">It is not what <see cref="Write"/> writes; the message names the file.</exception>
    public static Results<T>? Read<T>(string directory, string name)
    {
        string path = Path.Combine(directory, name + ".json");
        if (!File.Exists(path)) return null;
        try
        {
            return JsonSerializer.Deserialize<Results<T>>(File.ReadAllText(path), Json)
                ?? throw new JsonException("there is nothing in it");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{path}: {exception.Message.ReplaceLineEndings(" ")}", exception);
        }
    }

    /// <summary>Replaces a file at once: a run that is ended meanwhile leaves the old one whole.</summary>
    internal static void Replace(string path, string text)
    {
        File.WriteAllText(path + ".new", text);
        File.Move(path + ".new", path, overwrite: true);
    }

    // RFC 4180, with the record's properties as columns.
    private static string Csv<T>(IReadOnlyList<T> figures)
    {
        PropertyInfo[] columns = typeof(T).GetProperties(BindingFlags.Public | BindingFlags.Instance);
        StringBuilder csv = new();
        csv.AppendJoin(',', columns.Select(static column => JsonNamingPolicy.SnakeCaseLower.ConvertName(column.Name))).Append("\r\n");
        foreach (T figure in figures) csv.AppendJoin(',', columns.Select(column => Field(column.GetValue(figure)))).Append("\r\n");
        return csv.ToString();
    }

    private static string Field(object? value)
    {
        string text = value switch
        {
            null => "",
            string words => words,
            IEnumerable items => string.Join(
                ' ', items.Cast<object>().Select(static item => Convert.ToString(item, CultureInfo.InvariantCulture))),
            _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
        };
        return text.AsSpan().ContainsAny(",\"\r\n") ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;
    }
}
