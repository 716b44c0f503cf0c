// Builds a line of text: words, whole numbers and seconds, each written directly to its place. When a thousand connections end at once, a
// thousand lines are written by threads that have others to serve. The base library's formatting goes through some sixty methods, and the
// runtime compiles each of them again at its thirtieth call, which would be then.

using System.Globalization;
using RawWs.Server.Native;

namespace RawWs.Server.Log;

/// <summary>Text that grows in the caller's memory, and in an array when that is full.</summary>
/// <param name="room">The caller's memory for the text, normally on the stack. Its contents do not matter.</param>
internal ref struct LineWriter(Span<char> room)
{
    private const int DigitsMax = 20; // ulong.MaxValue's

    private Span<char> _room = room;
    private int _count;

    /// <summary>The text so far; valid until more is written.</summary>
    public readonly ReadOnlySpan<char> Written => _room[.._count];

    public void Write(scoped ReadOnlySpan<char> text)
    {
        if (text.Length > _room.Length - _count) Grow(text.Length);
        text.CopyTo(_room[_count..]);
        _count += text.Length;
    }

    public void Write(char character)
    {
        if (_count == _room.Length) Grow(1);
        _room[_count++] = character;
    }

    /// <summary>Writes a number in decimal digits, with a minus if it is negative.</summary>
    public void Write(long number)
    {
        if (number < 0) Write('-');
        WriteDigits(Magnitude(number), 1);
    }

    /// <summary>Writes a number in decimal digits, with leading zeros up to <paramref name="digitsMin"/> digits (at most 20).</summary>
    public void WriteDigits(ulong number, int digitsMin)
    {
        Span<char> digits = stackalloc char[DigitsMax];
        int first = DigitsMax;
        while (number != 0 || DigitsMax - first < digitsMin)
        {
            digits[--first] = (char)('0' + (number % 10));
            number /= 10;
        }

        Write(digits[first..]);
    }

    /// <summary>Writes an address and a port.</summary>
    public void Write(PeerAddress peer)
    {
        Span<char> text = stackalloc char[PeerAddress.CharactersMax];
        Write(text[..peer.Format(text)]);
    }

    /// <summary>Writes seconds with three decimals, exactly as "F3" formats <see cref="TimeSpan.TotalSeconds"/>.</summary>
    public void WriteSeconds(TimeSpan time)
    {
        // A loop's clock counts whole milliseconds. Other times are rounded as a double is rounded. So are times of 28 years and more,
        // which a double does not hold to the tick.
        const ulong ExactMax = 1UL << 53;
        ulong ticks = Magnitude(time.Ticks);
        if (ticks % TimeSpan.TicksPerMillisecond != 0 || ticks > ExactMax)
        {
            Write(time.TotalSeconds.ToString("F3", CultureInfo.InvariantCulture));
            return;
        }

        if (time.Ticks < 0) Write('-');
        WriteDigits(ticks / TimeSpan.TicksPerSecond, 1);
        Write('.');
        WriteDigits(ticks / TimeSpan.TicksPerMillisecond % 1000, 3);
    }

    public override readonly string ToString() => new(Written);

    // This works for long.MinValue too, which has no negative.
    private static ulong Magnitude(long number) => number < 0 ? 0 - (ulong)number : (ulong)number;

    private void Grow(int more)
    {
        char[] larger = new char[Math.Max(_count + more, _room.Length * 2)];
        Written.CopyTo(larger);
        _room = larger;
    }
}
