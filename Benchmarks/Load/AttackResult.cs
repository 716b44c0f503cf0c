// What came of one attack: a row of a table, or a line of JSON.

using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace RawWs.Benchmarks.Load;

internal sealed record AttackResult
{
    private const double MiB = 1024 * 1024;

    private static readonly JsonSerializerOptions Plain = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static readonly (string Head, int Width, Func<AttackResult, string> Text)[] Columns =
    [
        ("attack", -19, static result => result.Attack),
        ("readers", 7, static result => Number(result.Readers)),
        ("attackers", 9, static result => Number(result.Attackers)),
        ("s", 5, static result => Number(result.Seconds)),
        ("worst ms", 9, static result => Number(result.WorstMs)),
        ("p99 ms", 9, static result => Number(result.P99Ms)),
        ("p50 ms", 8, static result => Number(result.P50Ms)),
        ("closed", 10, static result => Map(result.HonestClosed)),
        ("MiB before", 10, static result => Number(Math.Round(result.BeforeBytes / MiB))),
        ("peak", 6, static result => Number(Math.Round(result.PeakBytes / MiB))),
        ("after", 6, static result => Number(Math.Round(result.AfterBytes / MiB))),
        ("back s", 6, static result => Number(result.BackSeconds)),
        ("CPU s", 6, static result => Number(result.ProcessorSeconds)),
        ("sent", 10, static result => Number(result.Sent)),
        ("answered", 10, static result => Number(result.Answered)),
        ("serves", 6, static result => result.Serves ? "yes" : "NO"),
    ];

    public required string Attack { get; init; }

    public required string Server { get; init; }

    public int Round { get; init; } = 1;

    public required int Readers { get; init; }

    public required int Attackers { get; init; }

    /// <summary>How long the attack went on.</summary>
    public required double Seconds { get; init; }

    // A round trip of an honest client; null when there was none.
    public required double? WorstMs { get; init; }

    public required double? P99Ms { get; init; }

    public required double? P50Ms { get; init; }

    public required long Probes { get; init; }

    /// <summary>Those that an error answered.</summary>
    public required long ProbesRefused { get; init; }

    /// <summary>Those that nothing answered; in the latencies they have their age at the end.</summary>
    public required long ProbesUnanswered { get; init; }

    /// <summary>How many honest clients were closed, by code; 1006: without a Close.</summary>
    public required SortedDictionary<int, int> HonestClosed { get; init; }

    /// <summary>The same of attackers; below 1000 it is an HTTP status.</summary>
    public required SortedDictionary<int, int> AttackersClosed { get; init; }

    public required long BeforeBytes { get; init; }

    public required long PeakBytes { get; init; }

    public required long AfterBytes { get; init; }

    /// <summary>
    /// Seconds, after everybody had left, until the memory was within 50 MiB of what it was before; null when it never was.
    /// </summary>
    public required double? BackSeconds { get; init; }

    public required double ProcessorSeconds { get; init; }

    /// <summary>Messages of the attackers that their kernel took.</summary>
    public required long Sent { get; init; }

    /// <summary>What attackers got: messages and Pongs.</summary>
    public required long Answered { get; init; }

    /// <summary>Messages that readers got.</summary>
    public required long Delivered { get; init; }

    /// <summary>What attackers were told by "error:", by code.</summary>
    public required SortedDictionary<string, long> Told { get; init; }

    public required SortedDictionary<string, long> Further { get; init; }

    /// <summary>A fresh client got in afterwards, and got its message back.</summary>
    public required bool Serves { get; init; }

    public static void WriteHead(TextWriter output) => output.WriteLine(Line(static column => column.Head));

    public void WriteJson(TextWriter output) => output.WriteLine(JsonSerializer.Serialize(this, Plain));

    /// <summary>A row, and beneath it what only this attack has.</summary>
    public void Write(TextWriter output)
    {
        output.WriteLine(Line(column => column.Text(this)));
        List<string> more = [];
        if (Delivered > 0) more.Add($"readers got {Number(Delivered)}");
        if (ProbesRefused > 0) more.Add($"probes refused {Number(ProbesRefused)} of {Number(Probes)}");
        if (ProbesUnanswered > 0) more.Add($"probes unanswered {Number(ProbesUnanswered)} of {Number(Probes)}");
        if (AttackersClosed.Count > 0) more.Add($"attackers closed {Map(AttackersClosed)}");
        if (Told.Count > 0) more.Add($"told {Map(Told)}");
        more.AddRange(Further.Select(static pair => $"{pair.Key} {Number(pair.Value)}"));
        if (more.Count > 0) output.WriteLine("    " + string.Join("; ", more));
    }

    private static string Line(Func<(string Head, int Width, Func<AttackResult, string> Text), string> cell) =>
        string.Join("  ", Columns.Select(column => Pad(cell(column), column.Width))).TrimEnd();

    private static string Pad(string text, int width) => width < 0 ? text.PadRight(-width) : text.PadLeft(width);

    private static string Map<TKey, TValue>(SortedDictionary<TKey, TValue> counts)
        where TKey : notnull => counts.Count == 0 ? "0" : string.Join(",", counts.Select(static pair => $"{pair.Key}x{pair.Value}"));

    private static string Number(double? number) =>
        number is { } value ? Math.Round(value, value < 100 ? 2 : 0).ToString("#,0.##", CultureInfo.InvariantCulture) : "-";
}
