// Bytes and a key in, the same bytes XORed out: in place, or from a source to a destination. All the memory is the caller's.
// To apply a key twice gives the first bytes back, so masking and unmasking are one operation.

using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace RawWs.Frame;

/// <summary>
/// The masking of §5.3: byte i of the payload is XORed with key byte i mod 4. A client masks so that a script cannot choose the bytes on
/// the wire; a proxy might take them for something else (§10.3). Masking hides nothing.
/// </summary>
public static class Masking
{
    /// <summary>Masks or unmasks <paramref name="data"/> in place.</summary>
    /// <param name="data">A payload or a part of one, of any length.</param>
    /// <param name="key">The key, its first byte lowest: <see cref="FrameHeader.MaskingKey"/>, or what an earlier call returned.</param>
    /// <param name="offset">
    /// How many payload bytes this key has been applied to before <paramref name="data"/>; only the value mod 4 matters.
    /// </param>
    /// <returns>The key, rotated so that the next part of the same payload begins with it at offset 0.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Apply(Span<byte> data, uint key, int offset = 0)
    {
        key = RotateKey(key, (uint)offset);
        ref byte first = ref MemoryMarshal.GetReference(data);
        Xor<AsciiIsNotAsked>(ref first, ref first, (uint)data.Length, key);
        return RotateKey(key, (uint)data.Length);
    }

    /// <summary>Unmasks in place, and says whether the result is ASCII. Most text is, and then needs no UTF-8 check.</summary>
    /// <param name="data">A payload or a part of one, of any length.</param>
    /// <param name="key">The key; afterwards rotated for the next part of the same payload.</param>
    /// <returns>Whether every unmasked byte is ASCII.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool ApplyToText(Span<byte> data, ref uint key)
    {
        ref byte first = ref MemoryMarshal.GetReference(data);
        bool ascii = Xor<AsciiIsAsked>(ref first, ref first, (uint)data.Length, key);
        key = RotateKey(key, (uint)data.Length);
        return ascii;
    }

    /// <summary>Masks or unmasks from <paramref name="source"/> to <paramref name="destination"/>. The source is not changed.</summary>
    /// <param name="source">A payload or a part of one, of any length.</param>
    /// <param name="destination">At least as long; either the same memory as the source or none of it.</param>
    /// <param name="key">The key, its first byte lowest: <see cref="FrameHeader.MaskingKey"/>, or what an earlier call returned.</param>
    /// <param name="offset">How many payload bytes this key has been applied to before the source; only the value mod 4 matters.</param>
    /// <returns>The key, rotated so that the next part of the same payload begins with it at offset 0.</returns>
    /// <exception cref="ArgumentException">The destination is shorter than the source.</exception>
    public static uint Apply(ReadOnlySpan<byte> source, Span<byte> destination, uint key, int offset = 0)
    {
        if (destination.Length < source.Length)
        {
            throw new ArgumentException("The destination is shorter than the source.", nameof(destination));
        }

        key = RotateKey(key, (uint)offset);
        Xor<AsciiIsNotAsked>(ref MemoryMarshal.GetReference(source), ref MemoryMarshal.GetReference(destination), (uint)source.Length, key);
        return RotateKey(key, (uint)source.Length);
    }

    // Key byte 0 is the lowest. One byte further in the payload rotates the key right by eight bits.
    internal static uint RotateKey(uint key, nuint bytes) => BitOperations.RotateRight(key, (int)(bytes & 3) * 8);

    // The key in the order in which a vector or a word lays it into memory.
    internal static uint Pattern(uint key) => BitConverter.IsLittleEndian ? key : BinaryPrimitives.ReverseEndianness(key);

    // How many bytes on, at least one, vectors of that length are aligned.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static nuint ToAligned(ref byte first, nuint count) =>
        count - ((nuint)Unsafe.ByteOffset(ref Unsafe.NullRef<byte>(), ref first) & (count - 1));

    // This method and the four below return true when the result is ASCII, no byte with its highest bit set. Where that is not asked the
    // answer means nothing: of each by vectors the compiler makes two methods, and in the second one nothing looks for it.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Xor<TAscii>(ref byte source, ref byte destination, nuint length, uint key)
    {
        if (Vector512.IsHardwareAccelerated && length >= 64)
        {
            return Xor512<TAscii>(ref source, ref destination, length, key);
        }
        else if (Vector256.IsHardwareAccelerated && length >= 32)
        {
            return Xor256<TAscii>(ref source, ref destination, length, key);
        }
        else if (length >= 16)
        {
            return Xor128<TAscii>(ref source, ref destination, length, key);
        }
        else
        {
            return XorScalar(ref source, ref destination, length, key);
        }
    }

    // For fewer bytes than these it costs more than it gains that vectors are aligned.
    internal const int AlignedBytesMin = 512;

    // The next three are one idea at three widths. Full vectors run from the front. What is left at the end is not done byte by byte: one
    // more vector covers the last 16 (32, 64) bytes, and overlaps what the loop does. It is loaded before the loop changes anything, and
    // stored after the loop. Where the two overlap they write the same bytes, because a byte's result depends on its position alone.
    internal static bool Xor512<TAscii>(ref byte source, ref byte destination, nuint length, uint key)
    {
        nuint last = length - 64, i = 0;
        Vector512<byte> tail = Vector512.LoadUnsafe(ref source, last) ^ Vector512.Create(Pattern(RotateKey(key, last))).AsByte();
        Vector512<byte> pattern = Vector512.Create(Pattern(key)).AsByte();
        Vector512<byte> seen = tail, head = tail;
        if (length >= AlignedBytesMin)
        {
            // A vector as long as a cache line lies across two of them wherever it does not begin with one. So one vector covers the front
            // up to where a line begins, as one covers the end.
            head = Vector512.LoadUnsafe(ref source) ^ pattern;
            if (Asks<TAscii>()) seen |= head;
            i = ToAligned(ref destination, 64);
            pattern = Vector512.Create(Pattern(RotateKey(key, i))).AsByte();
        }

        for (; i + (3 * 64) < last; i += 4 * 64)
        {
            Vector512<byte> a = Vector512.LoadUnsafe(ref source, i) ^ pattern, b = Vector512.LoadUnsafe(ref source, i + 64) ^ pattern;
            Vector512<byte> c = Vector512.LoadUnsafe(ref source, i + (2 * 64)) ^ pattern;
            Vector512<byte> d = Vector512.LoadUnsafe(ref source, i + (3 * 64)) ^ pattern;
            a.StoreUnsafe(ref destination, i);
            b.StoreUnsafe(ref destination, i + 64);
            c.StoreUnsafe(ref destination, i + (2 * 64));
            d.StoreUnsafe(ref destination, i + (3 * 64));
            if (Asks<TAscii>()) seen |= a | b | c | d;
        }

        for (; i < last; i += 64)
        {
            Vector512<byte> masked = Vector512.LoadUnsafe(ref source, i) ^ pattern;
            masked.StoreUnsafe(ref destination, i);
            if (Asks<TAscii>()) seen |= masked;
        }

        if (length >= AlignedBytesMin) head.StoreUnsafe(ref destination);
        tail.StoreUnsafe(ref destination, last);
        return !Asks<TAscii>() || seen.ExtractMostSignificantBits() == 0;
    }

    internal static bool Xor256<TAscii>(ref byte source, ref byte destination, nuint length, uint key)
    {
        nuint last = length - 32;
        Vector256<byte> tail = Vector256.LoadUnsafe(ref source, last) ^ Vector256.Create(Pattern(RotateKey(key, last))).AsByte();
        Vector256<byte> pattern = Vector256.Create(Pattern(key)).AsByte();
        Vector256<byte> seen = tail;
        nuint i = 0;
        for (; i + (3 * 32) < last; i += 4 * 32)
        {
            Vector256<byte> a = Vector256.LoadUnsafe(ref source, i) ^ pattern, b = Vector256.LoadUnsafe(ref source, i + 32) ^ pattern;
            Vector256<byte> c = Vector256.LoadUnsafe(ref source, i + (2 * 32)) ^ pattern;
            Vector256<byte> d = Vector256.LoadUnsafe(ref source, i + (3 * 32)) ^ pattern;
            a.StoreUnsafe(ref destination, i);
            b.StoreUnsafe(ref destination, i + 32);
            c.StoreUnsafe(ref destination, i + (2 * 32));
            d.StoreUnsafe(ref destination, i + (3 * 32));
            if (Asks<TAscii>()) seen |= a | b | c | d;
        }

        for (; i < last; i += 32)
        {
            Vector256<byte> masked = Vector256.LoadUnsafe(ref source, i) ^ pattern;
            masked.StoreUnsafe(ref destination, i);
            if (Asks<TAscii>()) seen |= masked;
        }

        tail.StoreUnsafe(ref destination, last);
        return !Asks<TAscii>() || seen.ExtractMostSignificantBits() == 0;
    }

    internal static bool Xor128<TAscii>(ref byte source, ref byte destination, nuint length, uint key)
    {
        nuint last = length - 16;
        Vector128<byte> tail = Vector128.LoadUnsafe(ref source, last) ^ Vector128.Create(Pattern(RotateKey(key, last))).AsByte();
        Vector128<byte> pattern = Vector128.Create(Pattern(key)).AsByte();
        Vector128<byte> seen = tail;
        for (nuint i = 0; i < last; i += 16)
        {
            Vector128<byte> masked = Vector128.LoadUnsafe(ref source, i) ^ pattern;
            masked.StoreUnsafe(ref destination, i);
            if (Asks<TAscii>()) seen |= masked;
        }

        tail.StoreUnsafe(ref destination, last);
        return !Asks<TAscii>() || seen.ExtractMostSignificantBits() == 0;
    }

    // Fewer than 16 bytes: words, then single bytes.
    internal static bool XorScalar(ref byte source, ref byte destination, nuint length, uint key)
    {
        uint pattern = Pattern(key), seen = 0;
        nuint i = 0;
        for (; i + 4 <= length; i += 4)
        {
            uint word = Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref source, i)) ^ pattern;
            Unsafe.WriteUnaligned(ref Unsafe.Add(ref destination, i), word);
            seen |= word;
        }

        // tour: unmask
        for (; i < length; i++)
        {
            byte value = (byte)(Unsafe.Add(ref source, i) ^ (key >> (int)(i & 3) * 8));
            Unsafe.Add(ref destination, i) = value;
            seen |= value;
        }
        // tour: end

        return (seen & 0x80808080) == 0;
    }

    // Known when the code is compiled.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Asks<TAscii>() => typeof(TAscii) == typeof(AsciiIsAsked);

    /// <summary>Whoever masks asks whether the result is ASCII.</summary>
    internal readonly struct AsciiIsAsked;

    /// <summary>Nobody asks.</summary>
    internal readonly struct AsciiIsNotAsked;
}
