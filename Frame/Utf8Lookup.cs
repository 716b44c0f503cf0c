// UTF-8 checked by table lookup, many bytes at once, and unmasked in the same pass. Bytes that begin at a character's end in; out comes
// whether nothing is wrong in them. The end may leave a character open: Utf8Validator looks after that. A pass that finds something wrong
// does not say where, and goes on to the end, so that everything is unmasked; who wants the place looks for it byte by byte.
//
// The method is that of John Keiser and Daniel Lemire, "Validating UTF-8 In Less Than One Instruction Per Byte", Software: Practice and
// Experience 51 (2021). In short:
//
// 1. Nearly every mistake shows in two bytes that stand side by side. RFC 3629 §3 and §4 forbid these pairs:
//
//       bit            first byte     second byte       why it is wrong
//       TooShort       C0..FF         00..7F, C0..FF    a lead byte, and no continuation after it
//       TooLong        00..7F         80..BF            a continuation, and nothing that it continues
//       Overlong2      C0, C1         80..BF            U+0000..U+007F, for which one byte is enough
//       Overlong3      E0             80..9F            U+0000..U+07FF, for which two are enough
//       Surrogate      ED             A0..BF            U+D800..U+DFFF, halves of UTF-16 pairs
//       Overlong4      F0             80..8F            U+0000..U+FFFF, for which three are enough
//       TooLarge       F4..FF         90..BF            above U+10FFFF
//       TooLarge1000   F5..FF         80..8F            above U+10FFFF too
//
//    A bit for each would be eight. But Overlong4 and TooLarge1000 can share one: both have F as the first byte's high digit and 8 as the
//    second's, and differ in the first byte's low digit only, which is 0, or 5 and more. So one bit is left, for a pair that may be right:
//
//       TwoContinuations   80..BF     80..BF            right if the second one is the third or the fourth byte of its character
//
// 2. A table with a place for every pair would be 64 KiB. But each line above says something about the first byte's high digit (one of
//    16), about its low digit, and about the second byte's high digit, and holds when all three do. So there are three tables of 16 bytes
//    (Utf8Tables). That needs lines in which every first byte goes with every second one, and F4 80..8F is right: so what is above U+10FFFF
//    takes two.
//    A bit stands at place d of FirstHigh if its line has a first byte with the high digit d; FirstLow and SecondHigh likewise. Look up
//    all three, AND them, and the bits that are left are the lines that this pair breaks. A processor looks up 16 places in a table of 16
//    bytes in one instruction (pshufb, tbl), in wider registers 32 or 64.
//
//    Example, E0 9F. FirstHigh[E] has TooShort, Overlong3, Surrogate. FirstLow[0] has the three Overlong, and what asks for no low digit.
//    SecondHigh[9] has neither TooShort nor Surrogate. What all three have is Overlong3.
//
// 3. TwoContinuations is left. The third byte of a character stands two behind a lead of E0 or more; the fourth stands three behind one of
//    F0 or more. At these places a continuation must follow another one, and nowhere else may it. The bit that must be there, XORed with
//    the one that is, is the mistake. At the last byte of E1 80 80 it must be there and is; of C2 80 80 it is, and must not be; of E1 80 41
//    it must be, and is not.
//
// 4. ASCII has no mistakes in it but one: it must not come while a character is open. So where four vectors in a row are ASCII, for which
//    one test is enough, only the last three bytes before them are looked at. Before the first byte of all stand zeros, which are ASCII:
//    a text may begin behind them.
//
// The end needs no loop over single bytes: one more vector covers the last bytes, as in Masking. It is loaded before the loop changes
// anything, three times more, one byte further to the front each time: these are the bytes that stand one, two and three before its own.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Text.Unicode;

namespace RawWs.Frame;

/// <summary>Checks UTF-8 by table lookup; with or without unmasking it in place.</summary>
internal static class Utf8Lookup
{
    // Fewer bytes than these are in the first cache when they have been unmasked. A second pass, if they are not ASCII, costs no more then.
    internal const int FusedBytesMin = 2048;

    /// <summary>Checks text that begins at a character's end.</summary>
    /// <returns>Whether nothing is wrong in it, but that its end may leave a character open.</returns>
    internal static bool Check(ReadOnlySpan<byte> text)
    {
        // It is not written to: PlainText leaves out every store.
        ref byte first = ref MemoryMarshal.GetReference(text);
        if (Utf8Width512.IsSupported && text.Length >= Utf8Width512.BytesMin)
            return Pass<Vector512<byte>, Utf8Width512, PlainText>(ref first, (uint)text.Length, 0);
        if (Utf8Width256.IsSupported && text.Length >= Utf8Width256.BytesMin)
            return Pass<Vector256<byte>, Utf8Width256, PlainText>(ref first, (uint)text.Length, 0);
        if (Utf8Width128.IsSupported && text.Length >= Utf8Width128.BytesMin)
            return Pass<Vector128<byte>, Utf8Width128, PlainText>(ref first, (uint)text.Length, 0);
        return CheckScalar(text);
    }

    /// <summary>Unmasks text in place, all of it, and checks it. It begins at a character's end.</summary>
    /// <param name="text">The masked text.</param>
    /// <param name="key">The key; afterwards rotated for the next part of the same payload.</param>
    /// <returns>Whether nothing is wrong in it, but that its end may leave a character open.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool Unmask(Span<byte> text, ref uint key)
    {
        if (text.Length < FusedBytesMin || !Utf8Width128.IsSupported) return Masking.ApplyToText(text, ref key) || Check(text);
        ref byte first = ref MemoryMarshal.GetReference(text);
        uint begin = key;
        key = Masking.RotateKey(key, (uint)text.Length);
        return Utf8Width512.IsSupported ? Pass<Vector512<byte>, Utf8Width512, MaskedText>(ref first, (uint)text.Length, begin)
            : Utf8Width256.IsSupported ? Pass<Vector256<byte>, Utf8Width256, MaskedText>(ref first, (uint)text.Length, begin)
            : Pass<Vector128<byte>, Utf8Width128, MaskedText>(ref first, (uint)text.Length, begin);
    }

    /// <summary>
    /// How many bytes at the end belong to a character that is not complete, as far as its lead byte says: it announces more. Whether it
    /// may be a lead (C0 and FF may not), and whether those bytes may follow it, is not looked at here; the validator asks that. If the end
    /// is wrong in any other way this says 0, and the check refuses it.
    /// </summary>
    internal static int OpenAtEnd(ReadOnlySpan<byte> text)
    {
        for (int back = 1; back <= 3 && back <= text.Length; back++)
        {
            byte value = text[^back];
            if (value < 0x80) return 0;
            if (value < 0xC0) continue;
            int announced = value >= 0xF0 ? 4 : value >= 0xE0 ? 3 : 2;
            return announced > back ? back : 0;
        }

        return 0;
    }

    /// <summary>Whether text is UTF-8 from its first byte to its last.</summary>
    internal static bool IsWhole(ReadOnlySpan<byte> text) =>
        text.Length < Utf8Width128.BytesMin ? Utf8.IsValid(text) : Check(text) && OpenAtEnd(text) == 0;

    /// <summary>What has no vectors, or is shorter than one, goes through the runtime's check.</summary>
    internal static bool CheckScalar(ReadOnlySpan<byte> text) => Utf8.IsValid(text) || Utf8.IsValid(text[..^OpenAtEnd(text)]);

    /// <summary>One pass at one width.</summary>
    /// <param name="text">The first byte. It begins a character.</param>
    /// <param name="length">At least the width's BytesMin.</param>
    /// <param name="key">The key; 0 where there is none.</param>
    internal static bool Pass<TVector, TWidth, TMask>(ref byte text, nuint length, uint key)
        where TVector : struct
        where TWidth : struct, IUtf8Width<TVector>
        where TMask : struct, IUtf8Mask
    {
        // Text that ends in ASCII is, nearly always, ASCII from its first byte on. Then no table is needed.
        nuint count = (nuint)Unsafe.SizeOf<TVector>(), last = length - count, ascii = 0;
        TVector tail = Load<TVector, TWidth, TMask>(ref text, last, key);
        if (!TWidth.HasHighBit(tail))
        {
            ascii = AsciiRun<TVector, TWidth, TMask>(ref text, last, key);
            if (ascii >= last)
            {
                if (TMask.Unmasks) TWidth.Store(tail, ref text, last);
                return true;
            }
        }

        return Lookups<TVector, TWidth, TMask>(ref text, last, key, ascii);
    }

    // Unmasks vectors from the front, those that begin before `last`, as long as all are ASCII. How many bytes those were.
    // Long text has one vector more, which covers the front up to where the others are aligned, as in Masking.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static nuint AsciiRun<TVector, TWidth, TMask>(ref byte text, nuint last, uint key)
        where TVector : struct
        where TWidth : struct, IUtf8Width<TVector>
        where TMask : struct, IUtf8Mask
    {
        nuint count = (nuint)Unsafe.SizeOf<TVector>(), i = 0;
        TVector pattern = Pattern<TVector, TWidth, TMask>(key), head = default;
        bool aligns = last >= Masking.AlignedBytesMin;
        if (aligns)
        {
            head = Xor<TVector, TWidth, TMask>(ref text, 0, pattern);
            if (TWidth.HasHighBit(head)) return 0;
            i = Masking.ToAligned(ref text, count);
            pattern = Pattern<TVector, TWidth, TMask>(Masking.RotateKey(key, i));
        }

        nuint begin = i;
        for (; i + (3 * count) < last; i += 4 * count)
        {
            TVector a = Xor<TVector, TWidth, TMask>(ref text, i, pattern), b = Xor<TVector, TWidth, TMask>(ref text, i + count, pattern);
            TVector c = Xor<TVector, TWidth, TMask>(ref text, i + (2 * count), pattern);
            TVector d = Xor<TVector, TWidth, TMask>(ref text, i + (3 * count), pattern);
            if (TWidth.HasHighBit(TWidth.Or(TWidth.Or(a, b), TWidth.Or(c, d)))) break;
            if (!TMask.Unmasks) continue;
            TWidth.Store(a, ref text, i);
            TWidth.Store(b, ref text, i + count);
            TWidth.Store(c, ref text, i + (2 * count));
            TWidth.Store(d, ref text, i + (3 * count));
        }

        for (; i < last; i += count)
        {
            TVector next = Xor<TVector, TWidth, TMask>(ref text, i, pattern);
            if (TWidth.HasHighBit(next)) break;
            if (TMask.Unmasks) TWidth.Store(next, ref text, i);
        }

        // The front's vector covers bytes of the one behind it too. Where that one is left, the front is left with it.
        if (!aligns) return i;
        if (i == begin) return 0;
        if (TMask.Unmasks) TWidth.Store(head, ref text, 0);
        return i;
    }

    // From byte i on, which begins a character. `last` is where the tail begins.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Lookups<TVector, TWidth, TMask>(ref byte text, nuint last, uint key, nuint i)
        where TVector : struct
        where TWidth : struct, IUtf8Width<TVector>
        where TMask : struct, IUtf8Mask
    {
        nuint count = (nuint)Unsafe.SizeOf<TVector>();
        Tables<TVector, TWidth> tables = Tables<TVector, TWidth>.New();
        TVector wrong = default, before = default;
        TVector tail = Load<TVector, TWidth, TMask>(ref text, last, key);
        bool tailIsAscii = !TWidth.HasHighBit(tail);
        if (!tailIsAscii)
        {
            wrong = tables.Mistakes(tail, Load<TVector, TWidth, TMask>(ref text, last - 1, key),
                Load<TVector, TWidth, TMask>(ref text, last - 2, key), Load<TVector, TWidth, TMask>(ref text, last - 3, key));
        }

        if (i == 0 && last >= Masking.AlignedBytesMin)
            i = AlignedFront<TVector, TWidth, TMask>(tables, ref text, key, ref wrong, ref before);
        TVector pattern = Pattern<TVector, TWidth, TMask>(Masking.RotateKey(key, i));
        for (; i + (3 * count) < last; i += 4 * count)
        {
            TVector a = Step<TVector, TWidth, TMask>(ref text, i, pattern), b = Step<TVector, TWidth, TMask>(ref text, i + count, pattern);
            TVector c = Step<TVector, TWidth, TMask>(ref text, i + (2 * count), pattern);
            TVector d = Step<TVector, TWidth, TMask>(ref text, i + (3 * count), pattern);
            if (TWidth.HasHighBit(TWidth.Or(TWidth.Or(a, b), TWidth.Or(c, d))))
            {
                TVector front = TWidth.Or(tables.MistakesAfter(a, before), tables.MistakesAfter(b, a));
                TVector back = TWidth.Or(tables.MistakesAfter(c, b), tables.MistakesAfter(d, c));
                wrong = TWidth.Or(wrong, TWidth.Or(front, back));
            }
            else
            {
                wrong = TWidth.Or(wrong, TWidth.OpenEnd(before));
            }

            before = d;
        }

        for (; i < last; i += count)
        {
            TVector next = Step<TVector, TWidth, TMask>(ref text, i, pattern);
            wrong = TWidth.Or(wrong, tables.MistakesAfter(next, before));
            before = next;
        }

        if (tailIsAscii) wrong = TWidth.Or(wrong, TWidth.OpenEnd(before));
        if (TMask.Unmasks) TWidth.Store(tail, ref text, last);
        return TWidth.IsZero(wrong);
    }

    // The front up to where vectors are aligned: one vector from the first byte on, or two, and over its end the first aligned one. What
    // stands before that one begins inside of the other: it is loaded as at the text's end, before anything is stored.
    // Returns where the next vector begins; `before` is the one in front of it.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static nuint AlignedFront<TVector, TWidth, TMask>(
        in Tables<TVector, TWidth> tables, ref byte text, uint key, ref TVector wrong, ref TVector before)
        where TVector : struct
        where TWidth : struct, IUtf8Width<TVector>
        where TMask : struct, IUtf8Mask
    {
        nuint count = (nuint)Unsafe.SizeOf<TVector>();
        nuint i = Masking.ToAligned(ref text, count);
        if (i < 3) i += count; // three bytes before it are needed
        TVector front = Load<TVector, TWidth, TMask>(ref text, 0, key), next = Load<TVector, TWidth, TMask>(ref text, count, key);
        TVector first = Load<TVector, TWidth, TMask>(ref text, i, key);
        TVector mistakes = tables.Mistakes(first, Load<TVector, TWidth, TMask>(ref text, i - 1, key),
            Load<TVector, TWidth, TMask>(ref text, i - 2, key), Load<TVector, TWidth, TMask>(ref text, i - 3, key));
        wrong = TWidth.Or(TWidth.Or(wrong, mistakes), tables.MistakesAfter(front, default));
        wrong = TWidth.Or(wrong, tables.MistakesAfter(next, front)); // where it is not needed it says what the others say
        if (TMask.Unmasks)
        {
            TWidth.Store(front, ref text, 0);
            if (i > count) TWidth.Store(next, ref text, count);
            TWidth.Store(first, ref text, i);
        }

        before = first;
        return i + count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Pattern<TVector, TWidth, TMask>(uint key)
        where TVector : struct
        where TWidth : struct, IUtf8Width<TVector>
        where TMask : struct, IUtf8Mask
        => TMask.Unmasks ? TWidth.Repeat(Masking.Pattern(key)) : default;

    // The vector that begins anywhere: the key begins with another of its bytes there.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Load<TVector, TWidth, TMask>(ref byte text, nuint at, uint key)
        where TVector : struct
        where TWidth : struct, IUtf8Width<TVector>
        where TMask : struct, IUtf8Mask
        => Xor<TVector, TWidth, TMask>(ref text, at, Pattern<TVector, TWidth, TMask>(Masking.RotateKey(key, at)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Xor<TVector, TWidth, TMask>(ref byte text, nuint at, TVector pattern)
        where TVector : struct
        where TWidth : struct, IUtf8Width<TVector>
        where TMask : struct, IUtf8Mask
        => TMask.Unmasks ? TWidth.Xor(TWidth.Load(ref text, at), pattern) : TWidth.Load(ref text, at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Step<TVector, TWidth, TMask>(ref byte text, nuint at, TVector pattern)
        where TVector : struct
        where TWidth : struct, IUtf8Width<TVector>
        where TMask : struct, IUtf8Mask
    {
        TVector bytes = Xor<TVector, TWidth, TMask>(ref text, at, pattern);
        if (TMask.Unmasks) TWidth.Store(bytes, ref text, at);
        return bytes;
    }

    /// <summary>The three tables in registers, and what is looked up in them.</summary>
    private readonly struct Tables<TVector, TWidth>(TVector firstHigh, TVector firstLow, TVector secondHigh)
        where TVector : struct
        where TWidth : struct, IUtf8Width<TVector>
    {
        private readonly TVector _firstHigh = firstHigh;
        private readonly TVector _firstLow = firstLow;
        private readonly TVector _secondHigh = secondHigh;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Tables<TVector, TWidth> New() => new(
            TWidth.Table(Utf8Tables.FirstHigh), TWidth.Table(Utf8Tables.FirstLow), TWidth.Table(Utf8Tables.SecondHigh));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector MistakesAfter(TVector bytes, TVector earlier)
        {
            TVector between = TWidth.Between(bytes, earlier);
            return Mistakes(bytes, TWidth.Before1(bytes, between), TWidth.Before2(bytes, between), TWidth.Before3(bytes, between));
        }

        // The vectors one, two and three have at each place the byte that stands so far before the one of `bytes`.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Mistakes(TVector bytes, TVector one, TVector two, TVector three)
        {
            TVector first = TWidth.And(TWidth.Lookup(_firstHigh, TWidth.HighDigits(one)), TWidth.Lookup(_firstLow, TWidth.LowDigits(one)));
            TVector pairs = TWidth.And(first, TWidth.Lookup(_secondHigh, TWidth.HighDigits(bytes)));

            // E0 - 60 and F0 - 70 are 80. So the highest bit, which is TwoContinuations, stays where the byte is as great or greater.
            TVector continues = TWidth.Or(
                TWidth.Minus(two, 0xE0 - Utf8Tables.TwoContinuations), TWidth.Minus(three, 0xF0 - Utf8Tables.TwoContinuations));
            return TWidth.Xor(TWidth.And(continues, TWidth.Repeat(0x80808080)), pairs);
        }
    }
}
