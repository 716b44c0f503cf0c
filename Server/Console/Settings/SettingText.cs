// Parses values as people write them: sizes, times, counts, addresses. In: text from a flag, the environment or a file. Out: the value, or
// false; the setting's Allowed then says what is allowed. Always in the invariant culture.

using System.Globalization;
using RawWs.Server.Listening;

namespace RawWs.Server.Console.Settings;

internal static class SettingText
{
    /// <summary>The largest size of one piece of memory: 1 GiB, which an array can have.</summary>
    public const long PieceBytesMax = 1L << 30;

    private const double SecondsMax = 86_400;

    private static readonly (string Suffix, long Factor)[] Units = [("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("B", 1)];

    /// <summary>Parses bytes: a whole number, alone or followed by B, KiB, MiB or GiB.</summary>
    public static bool TrySize(string text, out long bytes)
    {
        long factor = 1;
        foreach ((string suffix, long unit) in Units)
        {
            if (!text.EndsWith(suffix, StringComparison.OrdinalIgnoreCase)) continue;
            factor = unit;
            text = text[..^suffix.Length].TrimEnd(' ');
            break;
        }

        if (!TryWhole(text, out bytes) || bytes > long.MaxValue / factor) return false;
        bytes *= factor;
        return true;
    }

    /// <summary>A size from 1 byte to 1 GiB.</summary>
    public static bool TryPieceSize(string text, out int bytes)
    {
        bool good = TrySize(text, out long size) && size is >= 1 and <= PieceBytesMax;
        bytes = good ? (int)size : 0;
        return good;
    }

    /// <summary>A size of at least 1 MiB.</summary>
    public static bool TryMemorySize(string text, out long bytes) => TrySize(text, out bytes) && bytes >= 1 << 20;

    /// <summary>A count of 1 or more.</summary>
    public static bool TryCount(string text, out int count)
    {
        bool good = TryWhole(text, out long whole) && whole is >= 1 and <= int.MaxValue;
        count = good ? (int)whole : 0;
        return good;
    }

    /// <summary>How many a second, a count, and behind a slash how many at once; without that the same.</summary>
    public static bool TryRate(string text, out RateLimit rate) => TryRate(text, TryCount, out rate);

    /// <summary>The same for bytes, as sizes from 1 byte to 1 GiB.</summary>
    public static bool TryByteRate(string text, out RateLimit rate) => TryRate(text, TryPieceSize, out rate);

    /// <summary>Seconds from 0.001 to 86400.</summary>
    public static bool TryTime(string text, out TimeSpan time) => TryTimeOrZero(text, out time) && time > TimeSpan.Zero;

    /// <summary>Seconds from 0.001 to 86400, or 0.</summary>
    public static bool TryTimeOrZero(string text, out TimeSpan time)
    {
        time = default;
        if (!double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds)) return false;
        if (seconds != 0 && seconds is not (>= 0.001 and <= SecondsMax)) return false;
        time = TimeSpan.FromSeconds(seconds);
        return true;
    }

    /// <summary>An address to listen on.</summary>
    public static bool TryListenAddress(string text, out ListenAddress address)
    {
        bool good = ListenAddress.TryParse(text, out ListenAddress? parsed);
        address = parsed!;
        return good && (address.SocketPath is not { } path || SocketFile.FindError(path) is null);
    }

    /// <summary>Why it is none, if there is more to say than what is allowed; null if not.</summary>
    public static string? FindListenError(string text) =>
        ListenAddress.TryParse(text, out ListenAddress? address) && address.SocketPath is { } path
            && SocketFile.FindError(path) is { } error
            ? $"{path} {error}"
            : null;

    /// <summary>Text that is not empty and has no control character.</summary>
    public static bool TryWord(string text, out string word)
    {
        word = text;
        foreach (char c in text)
            if (char.IsControl(c)) return false;
        return text.Length > 0;
    }

    /// <summary>A token of HTTP (RFC 9110 §5.6.2); the name of a subprotocol must be one (§4.1).</summary>
    public static bool TryToken(string text, out string token)
    {
        token = text;
        foreach (char c in text)
            if (!char.IsAsciiLetterOrDigit(c) && !"!#$%&'*+-.^_`|~".Contains(c)) return false;
        return text.Length > 0;
    }

    /// <summary>One of a few words.</summary>
    public static bool TryChoice<T>(string text, (string Word, T Value)[] choices, out T value)
    {
        foreach ((string word, T meant) in choices)
        {
            value = meant;
            if (word.Equals(text, StringComparison.OrdinalIgnoreCase)) return true;
        }

        value = default!;
        return false;
    }

    /// <summary>Reads one of a few words.</summary>
    public static TryParseSetting<T> Choice<T>(params (string Word, T Value)[] choices) =>
        (string text, out T value) => TryChoice(text, choices, out value);

    /// <summary>Reads on or off.</summary>
    public static TryParseSetting<bool> OnOff { get; } = Choice(("on", true), ("off", false));

    /// <summary>Reads a whole number from 1, between two bounds.</summary>
    public static TryParseSetting<int> Count(int least, int most) =>
        (string text, out int count) => TryCount(text, out count) && count >= least && count <= most;

    /// <summary>Reads a text with which nothing is wrong.</summary>
    /// <param name="findError">Says what is wrong; null for nothing.</param>
    public static TryParseSetting<string> Without(Func<string, string?> findError) =>
        (string text, out string value) => findError(value = text) is null;

    private static bool TryRate(string text, TryParseSetting<int> parse, out RateLimit rate)
    {
        string[] parts = text.Split('/', StringSplitOptions.TrimEntries);
        bool good = parse(parts[0], out int perSecond) & parse(parts[^1], out int burst);
        rate = new RateLimit(perSecond, burst);
        return good && parts.Length <= 2;
    }

    private static bool TryWhole(string text, out long value) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
}
