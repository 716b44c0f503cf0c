// Chunks of bytes in; out comes whether they are, so far, the beginning of valid UTF-8. A chunk may end anywhere, also inside a character.
// The state has three bytes. The chunks stay the caller's and are not kept.

using System.Text.Unicode;

namespace RawWs.Frame;

/// <summary>
/// Checks UTF-8 (RFC 3629) as it arrives (§8.1). It refuses the first byte after which nothing could make the text valid. So an overlong
/// form, a surrogate and a value above U+10FFFF are refused at their second byte, not at their last.
/// </summary>
/// <remarks>A mutable value: keep it in a field and do not copy it.</remarks>
public struct Utf8Validator
{
    // Inside a character: how many continuation bytes are missing, and the range in which the next one must lie. Only a second byte's range
    // can be narrower than 80..BF. Between characters all three are 0.
    private byte _missing;
    private byte _lowest;
    private byte _highest;

    /// <summary>Whether the bytes so far end at a character's end.</summary>
    public readonly bool IsComplete => _missing == 0;

    /// <summary>Goes back to the state before the first byte.</summary>
    public void Reset() => this = default;

    /// <summary>Checks the next chunk of the text.</summary>
    /// <param name="bytes">The caller's bytes; any length, also none.</param>
    /// <returns>
    /// False when a byte cannot be part of valid UTF-8. After that every byte is refused, until <see cref="Reset"/>.
    /// </returns>
    public bool Append(ReadOnlySpan<byte> bytes)
    {
        // A character that an earlier chunk left open is finished byte by byte: three bytes at most.
        int position = 0;
        for (; _missing > 0 && position < bytes.Length; position++)
        {
            if (!AppendByte(bytes[position]))
            {
                return false;
            }
        }

        // Most of the chunk, up to a character that it may leave open, goes through the runtime's vectorized check.
        ReadOnlySpan<byte> rest = bytes[position..];
        int whole = rest.Length - OpenAtEnd(rest);
        if (!Utf8.IsValid(rest[..whole]))
        {
            Refuse();
            return false;
        }

        foreach (byte value in rest[whole..])
        {
            if (!AppendByte(value))
            {
                return false;
            }
        }

        return true;
    }

    // How many bytes at the end belong to a character that is not complete: its lead byte announces more. If the end is wrong in any other
    // way this says 0, and the vectorized check refuses it.
    private static int OpenAtEnd(ReadOnlySpan<byte> bytes)
    {
        for (int back = 1; back <= 3 && back <= bytes.Length; back++)
        {
            byte value = bytes[^back];
            if (value < 0x80)
            {
                return 0;
            }

            if (value >= 0xC0)
            {
                int announced = value >= 0xF0 ? 4 : value >= 0xE0 ? 3 : 2;
                return announced > back ? back : 0;
            }
        }

        return 0;
    }

    // One byte. RFC 3629 §4 lists the well-formed sequences; the narrower ranges of second bytes refuse all others.
    private bool AppendByte(byte value)
    {
        if (_missing > 0)
        {
            if (value < _lowest || value > _highest)
            {
                Refuse();
                return false;
            }

            _missing--;
            (_lowest, _highest) = _missing > 0 ? ((byte)0x80, (byte)0xBF) : ((byte)0, (byte)0);
            return true;
        }

        (int missing, int lowest, int highest) = value switch
        {
            < 0x80 => (0, 0, 0),
            < 0xC2 => (1, 1, 0),       // a continuation byte without a lead, or C0 and C1, which could only be overlong
            < 0xE0 => (1, 0x80, 0xBF),
            0xE0 => (2, 0xA0, 0xBF),   // below A0: overlong
            0xED => (2, 0x80, 0x9F),   // above 9F: a surrogate, D800..DFFF
            < 0xF0 => (2, 0x80, 0xBF),
            0xF0 => (3, 0x90, 0xBF),   // below 90: overlong
            < 0xF4 => (3, 0x80, 0xBF),
            0xF4 => (3, 0x80, 0x8F),   // above 8F: beyond U+10FFFF
            _ => (1, 1, 0),
        };
        (_missing, _lowest, _highest) = ((byte)missing, (byte)lowest, (byte)highest);
        return _lowest <= _highest;
    }

    // From here on no byte is accepted: 1..0 is a range in which no byte lies.
    private void Refuse() => (_missing, _lowest, _highest) = (1, 1, 0);
}
