// Chunks of bytes in; out comes whether they are, so far, the beginning of valid UTF-8. A chunk may end anywhere, also inside a character.
// The state is one byte (Utf8States). The chunks stay the caller's and are not kept. Utf8Lookup checks many bytes at once; this file knows
// where a chunk ends inside a character, and where the first wrong byte is.

using System.Runtime.CompilerServices;

namespace RawWs.Frame;

/// <summary>
/// Checks UTF-8 (RFC 3629) as it arrives (§8.1). It refuses the first byte after which nothing could make the text valid. So an overlong
/// form, a surrogate and a value above U+10FFFF are refused at their second byte, not at their last.
/// </summary>
/// <remarks>A mutable value: keep it in a field and do not copy it.</remarks>
public struct Utf8Validator
{
    private byte _state;

    /// <summary>Whether the bytes so far end at a character's end.</summary>
    public readonly bool IsComplete => _state == Utf8States.Complete;

    /// <summary>Goes back to the state before the first byte.</summary>
    public void Reset() => this = default;

    /// <summary>Checks the next chunk of the text.</summary>
    /// <param name="bytes">The caller's bytes; any length, also none.</param>
    /// <returns>
    /// False when a byte cannot be part of valid UTF-8. After that every byte is refused, until <see cref="Reset"/>.
    /// </returns>
    public bool Append(ReadOnlySpan<byte> bytes)
    {
        if (IsComplete) return Continue(bytes, Utf8Lookup.Check(bytes));
        int finished = FinishCharacter(bytes);
        return finished >= 0 && Continue(bytes[finished..], Utf8Lookup.Check(bytes[finished..]));
    }

    /// <summary>Checks the next chunk of the text, and says where it goes wrong.</summary>
    /// <param name="bytes">The caller's bytes; any length, also none.</param>
    /// <param name="accepted">
    /// How many of the bytes may be the beginning of valid UTF-8: all of them, or those before the first byte that cannot follow.
    /// </param>
    /// <returns>
    /// False when a byte cannot be part of valid UTF-8. After that every byte is refused, until <see cref="Reset"/>.
    /// </returns>
    public bool Append(ReadOnlySpan<byte> bytes, out int accepted)
    {
        Utf8Validator before = this;
        accepted = bytes.Length;
        if (Append(bytes)) return true;

        // The check of many bytes at once knows that one of them is wrong, and not which.
        for (accepted = 0; before.AppendByte(bytes[accepted]);) accepted++;
        return false;
    }

    /// <summary>Unmasks the next chunk of the text in place (§5.3), all of it, and checks it: of a long one, in one pass.</summary>
    /// <param name="bytes">The caller's masked bytes; any length, also none. Afterwards they are unmasked, whatever is returned.</param>
    /// <param name="key">The key, its first byte lowest; afterwards rotated for the next chunk.</param>
    /// <returns>
    /// False when a byte cannot be part of valid UTF-8. After that every byte is refused, until <see cref="Reset"/>.
    /// </returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool AppendMasked(Span<byte> bytes, ref uint key)
    {
        if (!IsComplete || bytes.Length >= Utf8Lookup.FusedBytesMin) return AppendLongMasked(bytes, ref key);
        return Masking.ApplyToText(bytes, ref key) || Append(bytes);
    }

    private bool AppendLongMasked(Span<byte> bytes, ref uint key)
    {
        if (!IsComplete)
        {
            int first = Math.Min(Utf8States.Missing(_state), bytes.Length);
            key = Masking.Apply(bytes[..first], key);
            bool follows = FinishCharacter(bytes[..first]) >= 0;
            bytes = bytes[first..];
            if (!follows)
            {
                key = Masking.Apply(bytes, key);
                return false;
            }
        }

        bool valid = Utf8Lookup.Unmask(bytes, ref key);
        return Continue(bytes, valid);
    }

    // A character that an earlier chunk left open is finished byte by byte: three bytes at most. Returns how many, or -1 for a wrong one.
    private int FinishCharacter(ReadOnlySpan<byte> bytes)
    {
        int position = 0;
        for (; !IsComplete && position < bytes.Length; position++)
            if (!AppendByte(bytes[position])) return -1;
        return position;
    }

    // The rest of a chunk has been checked, up to a character that it may leave open.
    private bool Continue(ReadOnlySpan<byte> rest, bool valid)
    {
        if (!valid)
        {
            _state = Utf8States.Refused;
            return false;
        }

        if (rest.IsEmpty || rest[^1] < 0x80) return true;
        foreach (byte value in rest[^Utf8Lookup.OpenAtEnd(rest)..])
            if (!AppendByte(value)) return false;
        return true;
    }

    /// <summary>Checks one byte.</summary>
    internal bool AppendByte(byte value)
    {
        _state = Utf8States.After(_state, value);
        return _state != Utf8States.Refused;
    }

    /// <summary>The same, but a byte that cannot follow changes nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryAppendByte(byte value)
    {
        byte next = Utf8States.After(_state, value);
        if (next == Utf8States.Refused) return false;
        _state = next;
        return true;
    }
}
