// From the text of a setting to its value. Each parser says in one clause what it would have taken.

using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace RawWs.Server.Settings;

/// <summary>A setting's text can't be taken. The message is one line for the operator.</summary>
internal sealed class SettingException(string message) : Exception(message);

internal static class SettingText
{
    private static readonly (string Suffix, long Factor)[] Units = [("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30)];

    public static long Size(string name, string text)
    {
        string digits = text;
        long factor = 1;
        foreach ((string suffix, long unit) in Units)
        {
            if (!text.EndsWith(suffix, StringComparison.OrdinalIgnoreCase)) continue;
            digits = text[..^suffix.Length].TrimEnd();
            factor = unit;
        }

        if (long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number <= long.MaxValue / factor) return number * factor;
        throw Bad(name, text, "a size in bytes, or with KiB, MiB or GiB behind it");
    }

    public static int SmallSize(string name, string text) => Size(name, text) is var size and <= int.MaxValue / 2
        ? (int)size
        : throw Bad(name, text, "at most 1 GiB");

    public static int Count(string name, string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number > 0 ? number : throw Bad(name, text, "a whole number from 1 on");

    public static TimeSpan Seconds(string name, string text, bool zeroAllowed = false)
    {
        bool isNumber = decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal seconds);
        if (isNumber && seconds <= 86_400 && (seconds >= 0.001m || (zeroAllowed && seconds == 0))) return TimeSpan.FromMilliseconds((double)(seconds * 1000));
        throw Bad(name, text, zeroAllowed ? "seconds: 0, or 0.001 to 86400" : "seconds, 0.001 to 86400");
    }

    public static T Choice<T>(string name, string text, params (string Word, T Value)[] choices)
    {
        foreach ((string word, T value) in choices)
            if (string.Equals(word, text, StringComparison.OrdinalIgnoreCase)) return value;
        throw Bad(name, text, "one of " + string.Join(", ", choices.Select(static choice => choice.Word)));
    }

    public static IPEndPoint EndPoint(string name, string text)
    {
        int colon = text.LastIndexOf(':');
        string host = colon < 0 ? "" : text[..colon];
        bool hasPort = colon >= 0 && int.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int port) && port <= ushort.MaxValue;
        if (hasPort)
        {
            port = int.Parse(text[(colon + 1)..], CultureInfo.InvariantCulture);
            bool isBracketed = host.StartsWith('[') && host.EndsWith(']');
            if (host == "localhost") return new IPEndPoint(IPAddress.Loopback, port);
            if (host == "*") return new IPEndPoint(IPAddress.Any, port);
            if (IPAddress.TryParse(isBracketed ? host[1..^1] : host, out IPAddress? address) && isBracketed == (address.AddressFamily == AddressFamily.InterNetworkV6))
                return new IPEndPoint(address, port);
        }

        throw Bad(name, text, "ADDRESS:PORT, such as 127.0.0.1:2000 or [::1]:2000");
    }

    private static SettingException Bad(string name, string text, string wanted) =>
        new($"{name}: \"{Log.LogText.Escape(text)}\" is not allowed; give {wanted}");
}
