// A request of the Lab's page: {"id":1,"do":"explain","bytes":"8185..."}. What is not known, or has the wrong form or size, is refused with
// a sentence that names the member.

using System.Text.Json;
using RawWs.Frame;
using RawWs.Server.Console.Explain;
using RawWs.Server.Log;

namespace RawWs.Server.Console.Lab;

/// <summary>A part of what is sent as it is, after a pause.</summary>
internal readonly record struct LabChunk(byte[] Bytes, TimeSpan Pause);

/// <summary>How the client's direction ends after the last chunk.</summary>
internal enum LabEnd : byte
{
    /// <summary>The stream ends.</summary>
    Fin,

    /// <summary>The connection is reset.</summary>
    Rst,

    /// <summary>It stays open while the server is waited for.</summary>
    Stay,
}

internal sealed class LabRequest
{
    /// <summary>The most bytes that are explained or sent.</summary>
    public const int BytesMax = 64 * 1024;

    public const int ChunksMax = 64;

    private const int FramesShownMax = 64;

    private static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(5), PausesMax = TimeSpan.FromSeconds(20);

    private LabRequest(ServerOptions options) => Settings = new ExplainSettings
    {
        MessageBytesMax = options.MessageBytesMax,
        FragmentsMax = options.FragmentsMax,
        FramesShownMax = FramesShownMax,
    };

    public long Id { get; private set; }

    public string Do { get; private set; } = "";

    /// <summary>Bytes of one direction; null if both are given.</summary>
    public byte[]? Bytes { get; private set; }

    public byte[] Client { get; private set; } = [];

    public byte[] Server { get; private set; } = [];

    public string Name { get; private set; } = "";

    public long Connection { get; private set; }

    /// <summary>Bytes a second.</summary>
    public int Rate { get; private set; }

    public bool AsPcapng { get; private set; }

    public IReadOnlyList<LabChunk> Chunks { get; private set; } = [];

    /// <summary>An exercise's answer in words.</summary>
    public string Answer { get; private set; } = "";

    /// <summary>Whether the Lab sends a valid request before the chunks.</summary>
    public bool Handshake { get; private set; }

    /// <summary>The value of Sec-WebSocket-Extensions in that request; empty for none.</summary>
    public string Offer { get; private set; } = "";

    public LabEnd End { get; private set; }

    public TimeSpan Wait { get; private set; } = TimeSpan.FromSeconds(2);

    /// <summary>What is explained is explained so: with the server's limits, unless it is as the example of a page.</summary>
    public ExplainSettings Settings { get; private set; }

    /// <summary>Reads a request. Returns what is wrong, or null; the request has its id if that could be read.</summary>
    public static string? Read(ReadOnlyMemory<byte> json, ServerOptions options, out LabRequest request)
    {
        request = new LabRequest(options);
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 4 });
            if (document.RootElement.ValueKind != JsonValueKind.Object) return "a request is an object";
            if (document.RootElement.TryGetProperty("id", out JsonElement id) && id.TryGetInt64(out long number)) request.Id = number;
            foreach (JsonProperty member in document.RootElement.EnumerateObject())
                if (request.Set(member.Name, member.Value) is { } problem)
                    return $"{LogText.Escape(member.Name)}: {problem}";
            return null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
        {
            return "this is not JSON of the right form: " + LogText.Escape(exception.Message);
        }
    }

    private string? Set(string name, JsonElement value)
    {
        switch (name)
        {
            case "id": Id = value.GetInt64(); return null;
            case "do": Do = Text(value); return null;
            case "name": Name = Text(value); return null;
            case "answer": Answer = Text(value); return null;
            case "connection": Connection = value.GetInt64(); return null;
            case "rate": return SetRate(value);
            case "handshake": Handshake = value.GetBoolean(); return null;
            case "deflate": Settings = Settings with { Deflate = value.GetBoolean() }; return null;
            case "takeover": Settings = Settings with { Takeover = value.GetBoolean() }; return null;
            case "as": return SetExample(Text(value));
            case "bytes": return SetBytes(value, bytes => Bytes = bytes);
            case "client": return SetBytes(value, bytes => Client = bytes);
            case "server": return SetBytes(value, bytes => Server = bytes);
            case "chunks": return SetChunks(value);
            case "offer": return SetOffer(Text(value));
            case "form": return Choose(value, ("json", () => AsPcapng = false), ("pcapng", () => AsPcapng = true));
            case "lang":
                return Choose(value, ("en", () => Settings = Settings with { Language = Language.English }),
                    ("zh", () => Settings = Settings with { Language = Language.Chinese }));
            case "from":
                return Choose(value, ("client", () => Settings = Settings with { Sender = Role.Client }),
                    ("server", () => Settings = Settings with { Sender = Role.Server }));
            case "end":
                return Choose(value, ("fin", () => End = LabEnd.Fin), ("rst", () => End = LabEnd.Rst), ("stay", () => End = LabEnd.Stay));
            case "wait": return SetTime(value, time => Wait = time);
            default: return "there is no such member";
        }
    }

    private static string Text(JsonElement value) => value.GetString() ?? "";

    private static string? Choose(JsonElement value, params ReadOnlySpan<(string Word, Action Set)> choices)
    {
        string given = Text(value);
        List<string> words = [];
        foreach ((string word, Action set) in choices)
        {
            words.Add(word);
            if (word != given) continue;
            set();
            return null;
        }

        return $"allowed: {string.Join(", ", words)}";
    }

    private static string? SetBytes(JsonElement value, Action<byte[]> set)
    {
        if (InputText.ReadHex(Text(value), out byte[] bytes) is { } wrong) return wrong;
        if (bytes.Length > BytesMax) return $"at most {BytesMax} bytes";
        set(bytes);
        return null;
    }

    private static string? SetTime(JsonElement value, Action<TimeSpan> set)
    {
        double milliseconds = value.GetDouble();
        if (!(milliseconds >= 0 && milliseconds <= PauseMax.TotalMilliseconds)) return $"0 to {PauseMax.TotalMilliseconds} milliseconds";
        set(TimeSpan.FromMilliseconds(milliseconds));
        return null;
    }

    private string? SetRate(JsonElement value)
    {
        int rate = value.GetInt32();
        if (rate is < 0 or > LabSlowReader.RateMax) return $"0 to {LabSlowReader.RateMax} bytes a second";
        Rate = rate;
        return null;
    }

    // What a page's example is read with, options of the command among it.
    private string? SetExample(string name)
    {
        if (Page.Find(name)?.FindExample(Settings.FragmentsMax, BytesMax) is not { } example) return "there is no page with an example";
        Settings = example.Settings with
        {
            MessageBytesMax = Settings.MessageBytesMax,
            FramesShownMax = Settings.FramesShownMax,
            Language = Settings.Language,
        };
        return null;
    }

    // A field's value is printable, so that no field can be added.
    private string? SetOffer(string offer)
    {
        if (offer.Length > 200 || offer.AsSpan().ContainsAnyExceptInRange(' ', '~')) return "printable ASCII, at most 200 characters";
        Offer = offer;
        return null;
    }

    private string? SetChunks(JsonElement value)
    {
        if (value.GetArrayLength() > ChunksMax) return $"at most {ChunksMax}";
        List<LabChunk> chunks = [];
        foreach (JsonElement item in value.EnumerateArray())
        {
            byte[] bytes = [];
            TimeSpan pause = default;
            string? wrong = SetBytes(item.GetProperty("bytes"), read => bytes = read);
            if (wrong is null && item.TryGetProperty("pause", out JsonElement time)) wrong = SetTime(time, read => pause = read);
            if (wrong is not null) return $"{chunks.Count}: {wrong}";
            chunks.Add(new LabChunk(bytes, pause));
        }

        if (chunks.Sum(static chunk => chunk.Bytes.Length) > BytesMax) return $"at most {BytesMax} bytes in all";
        if (chunks.Sum(static chunk => chunk.Pause.TotalSeconds) > PausesMax.TotalSeconds) return "pauses of at most 20 seconds in all";
        Chunks = chunks;
        return null;
    }
}
