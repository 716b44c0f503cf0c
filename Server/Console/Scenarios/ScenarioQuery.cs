// The parameters of a scenario's address. Each is asked for by name, with its default and what is allowed. The first thing that is wrong is
// kept as a sentence, and so is a parameter that nobody asks for. What a stranger has written is not repeated in it.

using System.Globalization;
using System.Text;
using RawWs.Handshake;

namespace RawWs.Server.Console.Scenarios;

/// <param name="request">The request. It is read while the decision is made.</param>
internal sealed class ScenarioQuery(UpgradeRequest request)
{
    private readonly List<string> _known = [];
    private string? _problem;

    /// <summary>A whole number.</summary>
    public int Number(string name, int usual, int min, int max)
    {
        if (Find(name) is not { } text) return usual;
        bool isNumber = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value);
        if (isNumber && value >= min && value <= max) return value;
        Fail($"{name} must be a whole number from {min} to {max}.");
        return usual;
    }

    /// <summary>A time in seconds, with a fraction if need be.</summary>
    public TimeSpan Seconds(string name, double usual, double min, double max)
    {
        if (Find(name) is not { } text) return TimeSpan.FromSeconds(usual);
        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value)
            && value >= min && value <= max) return TimeSpan.FromSeconds(value);
        Fail(string.Create(CultureInfo.InvariantCulture, $"{name} must be seconds from {min} to {max}."));
        return TimeSpan.FromSeconds(usual);
    }

    /// <summary>One of a few words, the first of which is the usual one.</summary>
    public string Word(string name, params IReadOnlyList<string> words)
    {
        if (Find(name) is not { } text) return words[0];
        if (words.Contains(text, StringComparer.Ordinal)) return text;
        Fail($"{name} must be one of: {string.Join(", ", words)}.");
        return words[0];
    }

    /// <summary>A text of so many bytes of UTF-8 at most.</summary>
    public byte[] Text(string name, int bytesMax)
    {
        if (!Take(name, out byte[] value)) return [];
        if (value.Length > bytesMax || !System.Text.Unicode.Utf8.IsValid(value)) Fail($"{name} must be at most {bytesMax} bytes of UTF-8.");
        return value;
    }

    /// <summary>Something else is wrong.</summary>
    public void Fail(string problem) => _problem ??= problem;

    /// <summary>What is wrong, as a sentence; null if nothing is. Ask when all parameters have been asked for.</summary>
    public string? FindProblem()
    {
        if (_problem is not null) return _problem;
        foreach (string pair in Encoding.Latin1.GetString(request.Query).Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            if (_known.Contains(pair.Split('=')[0], StringComparer.Ordinal)) continue;
            return _known.Count == 0
                ? "This scenario has no parameters."
                : $"There is a parameter that this scenario does not have. It has: {string.Join(", ", _known)}.";
        }

        return null;
    }

    private string? Find(string name) => Take(name, out byte[] value) ? Encoding.Latin1.GetString(value) : null;

    private bool Take(string name, out byte[] value)
    {
        _known.Add(name);
        if (!request.TryGetQuery(Encoding.ASCII.GetBytes(name), out value, out int count)) return false;
        if (count > 1) Fail($"{name} is there {count} times.");
        return true;
    }
}
