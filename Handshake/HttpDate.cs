// The date of an answer (RFC 9110 §5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT". Who calls knows the time; here it is only written.

using System.Globalization;

namespace RawWs.Handshake;

/// <summary>A time as HTTP writes it.</summary>
public static class HttpDate
{
    /// <summary>How long it is, in bytes.</summary>
    public const int Bytes = 29;

    /// <summary>The time to the second, in ASCII.</summary>
    public static byte[] Format(DateTimeOffset time) =>
        System.Text.Encoding.ASCII.GetBytes(time.ToString("R", CultureInfo.InvariantCulture));
}
