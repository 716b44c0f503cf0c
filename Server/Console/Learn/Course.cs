// The course: the cases of the conformance suite in the order in which a server is built. Each stage needs what the ones before it have
// made. Cases that the RFC leaves open are no part of it, and of those that send many compressed messages it has every twelfth.

using System.Globalization;
using RawWs.Conformance;

namespace RawWs.Server.Console.Learn;

/// <summary>A stage.</summary>
/// <param name="Name">Its name, for --from.</param>
/// <param name="Cases">Its cases, in order: what must be, then what is strict; small ones first.</param>
internal sealed record Stage(string Name, IReadOnlyList<Case> Cases)
{
    /// <summary>The id of its title.</summary>
    public string TitleId => $"ui.stage.{Name}";
}

internal static class Course
{
    private const int ManyMessagesEvery = 12;
    private const int ShortMax = 125;

    /// <summary>Every stage, in order.</summary>
    public static IReadOnlyList<Stage> Stages { get; } =
    [
        Make("handshake", static item => item.Chapter == Chapters.Handshake),
        Make("text", static item => item.Chapter is Chapters.ReservedBits or Chapters.Opcodes || IsOfShortMessage(item)),
        Make("lengths", static item => item.Chapter == Chapters.Framing && !IsOfShortMessage(item)),
        Make("masks", static item => item.Chapter == Chapters.Masking),
        Make("fragments", static item => item.Chapter == Chapters.Fragmentation && !HasInside(item, "Ping", "Pong", "Close")),
        Make("pings", static item => item.Chapter == Chapters.Pings || HasInside(item, "Ping", "Pong")),
        Make("close", static item => item.Chapter is Chapters.Closing or Chapters.CloseCodes || HasInside(item, "Close")),
        Make("utf-8", static item => item.Chapter == Chapters.Utf8),
        Make("limits", static item => item.Chapter == Chapters.Limits),
        Make("compression", Suite.IsOfCompression),
    ];

    /// <summary>Every case of every stage, in order.</summary>
    public static IReadOnlyList<Case> Cases { get; } = [.. Stages.SelectMany(static stage => stage.Cases)];

    /// <summary>
    /// The index in <see cref="Cases"/> of the first case that a word means: a stage's name or number, or a case's id; -1 for none.
    /// </summary>
    public static int Find(string word)
    {
        Stage? stage = Stages.FirstOrDefault(stage => stage.Name == word);
        if (int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= 1 && number <= Stages.Count)
            stage = Stages[number - 1];
        string id = stage is null ? word : stage.Cases[0].Id;
        for (int i = 0; i < Cases.Count; i++)
            if (Cases[i].Id == id) return i;
        return -1;
    }

    /// <summary>How many bytes a case's name says that its message or frame has; 0 if it says none.</summary>
    public static int LengthOf(Case item)
    {
        string[] words = item.Name.Split(' ', ',', ':');
        int at = Array.IndexOf(words, "bytes") - 1;
        return at >= 0 && int.TryParse(words[at], NumberStyles.None, CultureInfo.InvariantCulture, out int length) ? length : 0;
    }

    private static Stage Make(string name, Func<Case, bool> belongs)
    {
        IEnumerable<Case> cases = Suite.All.Where(static item => item.Kind != Kind.Informational).Where(belongs)
            .OrderBy(static item => item.Kind).ThenBy(static item => item.IsHeavy)
            .Where(static (item, i) => item is not CompressionCase || i % ManyMessagesEvery == 0);
        // A server that has no frames yet can pass the first stage.
        return new Stage(name, [.. cases.Select(static item => item is HandshakeCase head ? head with { EndsAtAnswer = true } : item)]);
    }

    private static bool IsOfShortMessage(Case item) => item.Chapter == Chapters.Framing && LengthOf(item) <= ShortMax
        && (item.Name.Contains("messages in one write", StringComparison.Ordinal)
            || item.Name.StartsWith("text of", StringComparison.Ordinal) || item.Name.StartsWith("binary of", StringComparison.Ordinal));

    private static bool HasInside(Case item, params IReadOnlyList<string> frames) => item.Chapter == Chapters.Fragmentation
        && frames.Any(frame => item.Name.StartsWith($"a {frame} inside", StringComparison.Ordinal));
}
