// Puts a line of text together: words, whole numbers and seconds, each written straight to its place. When a thousand connections end at once, a
// thousand lines are written by threads that have others to serve; the base library's formatting would do, but it goes through some sixty
// methods, and the runtime compiles each of them anew at its thirtieth call, which is then.

using System.Globalization;

namespace RawWs.Server.Log;

/// <summary>Text that grows in the caller's room, and in an array from there on.</summary>
/// <param name="room">Where the text begins; as a rule on the stack. What is in there does not matter.</param>
internal ref struct LineWriter(Span<char> room)
{
    private const int DigitsMax = 20; // ulong.MaxValue's

    private Span<char> _room = room;
    private int _count;

    /// <summary>What was written so far; valid until more is.</summary>
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

    /// <summary>In decimal digits, with a minus if it is negative.</summary>
    public void Write(long number)
    {
        if (number < 0) Write('-');
        WriteDigits(Magnitude(number), 1);
    }

    /// <summary>In decimal digits, with zeros in front if there are fewer than <paramref name="digitsMin"/> (at most 20).</summary>
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

    /// <summary>In seconds, with three decimals: what "F3" makes of <see cref="TimeSpan.TotalSeconds"/>.</summary>
    public void WriteSeconds(TimeSpan time)
    {
        // A loop's clock counts milliseconds. Other times are rounded as their double is, ties and all; so are those of some 28 years and more, that a double does not hold to the tick.
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

    // Of long.MinValue too, which has no negative.
    private static ulong Magnitude(long number) => number < 0 ? 0 - (ulong)number : (ulong)number;

    private void Grow(int more)
    {
        char[] larger = new char[Math.Max(_count + more, _room.Length * 2)];
        Written.CopyTo(larger);
        _room = larger;
    }
}
