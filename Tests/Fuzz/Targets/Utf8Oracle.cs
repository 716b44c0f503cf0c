// UTF-8 by its definition (RFC 3629 §3) and without its table of byte ranges: the bits of the bytes make a code point, and the code points
// that a sequence of this length may stand for are known. What is not there yet makes an interval, from all zeros to all ones; a
// byte is refused when no code point of the interval is allowed. One byte at a time.

namespace RawWs.Fuzz;

internal struct Utf8Oracle
{
    private int _announced;
    private int _seen;
    private int _bits;

    /// <summary>No character is open.</summary>
    public readonly bool IsComplete => _seen == _announced;

    /// <summary>False when no valid text begins with the bytes up to this one. Nothing may be asked after that.</summary>
    public bool Take(byte value)
    {
        if (IsComplete)
        {
            (_announced, _bits) = value switch
            {
                < 0b1000_0000 => (1, value),
                >= 0b1100_0000 and < 0b1110_0000 => (2, value & 0b0001_1111),
                >= 0b1110_0000 and < 0b1111_0000 => (3, value & 0b0000_1111),
                >= 0b1111_0000 and < 0b1111_1000 => (4, value & 0b0000_0111),
                _ => (0, 0),
            };
            _seen = 1;
        }
        else
        {
            if (value is < 0b1000_0000 or >= 0b1100_0000) return false;
            _bits = (_bits << 6) | (value & 0b0011_1111);
            _seen++;
        }

        int open = 6 * (_announced - _seen);
        int least = _announced == 0 ? 0 : _bits << open;
        int greatest = _announced == 0 ? 0 : least + (1 << open) - 1;
        return _announced switch
        {
            1 => true,
            2 => Meets(0x80, 0x7FF),
            3 => Meets(0x800, 0xD7FF) || Meets(0xE000, 0xFFFF),
            4 => Meets(0x10000, 0x10FFFF),
            _ => false,
        };

        bool Meets(int from, int to) => least <= to && greatest >= from;
    }

    /// <summary>How many of the bytes are the beginning of valid text: all of them, or up to the first that cannot follow.</summary>
    public static int ValidPrefix(ReadOnlySpan<byte> bytes, out bool complete)
    {
        Utf8Oracle oracle = default;
        for (int i = 0; i < bytes.Length; i++)
        {
            complete = oracle.IsComplete;
            if (!oracle.Take(bytes[i])) return i;
        }

        complete = oracle.IsComplete;
        return bytes.Length;
    }
}
