// The date of an answer (RFC 9110 §5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT". The caller gives the time; nothing here reads a clock.

using System.Globalization;

namespace RawWs.Handshake;

/// <summary>Writes a time as HTTP writes it (RFC 9110 §5.6.7).</summary>
public static class HttpDate
{
    /// <summary>The length of a date in bytes.</summary>
    public const int Bytes = 29;

    /// <summary>The time in UTC, to the second.</summary>
    /// <param name="time">The time, of any offset.</param>
    /// <returns>A new array of <see cref="Bytes"/> bytes of ASCII.</returns>
    public static byte[] Format(DateTimeOffset time) =>
        System.Text.Encoding.ASCII.GetBytes(time.ToString("R", CultureInfo.InvariantCulture));
}
