// The Date of HTTP answers. The text is made at most once a second, and only when it is asked for. Any thread may ask.

using RawWs.Handshake;

namespace RawWs.Server.Time;

internal sealed class DateText(TimeProvider time)
{
    private volatile Second _last = new(long.MinValue, []);

    /// <summary>The time now, as HTTP writes it.</summary>
    public byte[] Now
    {
        get
        {
            DateTimeOffset now = time.GetUtcNow();
            long second = now.UtcTicks / TimeSpan.TicksPerSecond;
            Second last = _last;
            if (last.Number != second) _last = last = new Second(second, HttpDate.Format(now));
            return last.Text;
        }
    }

    private sealed record Second(long Number, byte[] Text);
}
