// Stretches of bytes in, a verdict out: is this, so far, the beginning of valid UTF-8? A stretch may end anywhere, also inside a
// character. Three bytes of state; the stretches stay the caller's and are not kept.

using System.Text.Unicode;

namespace RawWs.Frame;

/// <summary>
/// UTF-8 (RFC 3629) checked as it arrives (§8.1). It refuses at the first byte after which no continuation could make the text valid:
/// an overlong form, a surrogate and a value above U+10FFFF are refused at their second byte, not at their last.
/// </summary>
/// <remarks>A mutable value: keep it in a field and do not copy it.</remarks>
public struct Utf8Validator
{
    // Inside a character: how many continuation bytes are missing, and the range that the next of them must lie in. Only the
    // second byte's range is ever narrower than 80..BF. At rest all three are 0.
    private byte _missing;
    private byte _lowest;
    private byte _highest;

    /// <summary>The bytes so far end at a character's end.</summary>
    public readonly bool IsComplete => _missing == 0;

    /// <summary>Begins anew.</summary>
    public void Reset() => this = default;

    /// <summary>Takes the next stretch.</summary>
    /// <param name="bytes">Any length, also none.</param>
    /// <returns>False as soon as a byte has come that cannot be part of valid UTF-8. From then on, until
    /// <see cref="Reset"/>, every further byte is refused too.</returns>
    public bool Append(ReadOnlySpan<byte> bytes)
    {
        // What an earlier stretch left open is finished byte by byte; at most three of them.
        int position = 0;
        for (; _missing > 0 && position < bytes.Length; position++)
        {
            if (!Take(bytes[position]))
            {
                return false;
            }
        }

        // The bulk, up to the character that this stretch may leave open, goes through the runtime's vectorized check.
        ReadOnlySpan<byte> rest = bytes[position..];
        int whole = rest.Length - OpenAtEnd(rest);
        if (!Utf8.IsValid(rest[..whole]))
        {
            Refuse();
            return false;
        }

        foreach (byte value in rest[whole..])
        {
            if (!Take(value))
            {
                return false;
            }
        }

        return true;
    }

    // How many bytes at the end are a lead byte with fewer continuation bytes than it announces. Bytes that are wrong in any
    // other way count as 0 and are left to the bulk check, which refuses them.
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

    // One byte. RFC 3629 §4 gives the well-formed sequences; the narrowed second bytes are what keeps out the rest.
    private bool Take(byte value)
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

    // A range that no byte lies in.
    private void Refuse() => (_missing, _lowest, _highest) = (1, 1, 0);
}
