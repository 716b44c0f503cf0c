// What Utf8Lookup needs of a vector, at three widths. Each member is an instruction or two.
//
// 128 bits are written with portable operations alone, so that the same lines run on x64 and on Arm. The two wider ones are for x64 with
// AVX2, and with AVX-512BW: a shuffle over more than 16 bytes means something else on each processor, and theirs is the one that the
// method needs, which looks up in 16 bytes at a time ("lanes").

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RawWs.Frame;

/// <summary>The operations of <see cref="Utf8Lookup"/> on a vector of bytes.</summary>
internal interface IUtf8Width<TVector>
    where TVector : struct
{
    /// <summary>Whether this process has the instructions.</summary>
    static abstract bool IsSupported { get; }

    static abstract TVector Load(ref byte from, nuint at);

    static abstract void Store(TVector value, ref byte to, nuint at);

    static abstract TVector And(TVector left, TVector right);

    static abstract TVector Or(TVector left, TVector right);

    static abstract TVector Xor(TVector left, TVector right);

    /// <summary>From each byte, but not below 0.</summary>
    static abstract TVector Minus(TVector left, byte right);

    /// <summary>The four bytes over and over.</summary>
    static abstract TVector Repeat(uint bytes);

    /// <summary>A table for <see cref="Lookup"/>: the same in each lane.</summary>
    static abstract TVector Table(Vector128<byte> table);

    /// <summary>Each digit's place in the table.</summary>
    static abstract TVector Lookup(TVector table, TVector digits);

    /// <summary>Each byte's high four bits, as a number from 0 to 15.</summary>
    static abstract TVector HighDigits(TVector bytes);

    /// <summary>Each byte's low four bits.</summary>
    static abstract TVector LowDigits(TVector bytes);

    /// <summary>What Before1, Before2 and Before3 take from the earlier vector, whose last bytes stand before these.</summary>
    static abstract TVector Between(TVector bytes, TVector earlier);

    /// <summary>The byte that stands before each of these.</summary>
    static abstract TVector Before1(TVector bytes, TVector between);

    /// <summary>The byte that stands two before each.</summary>
    static abstract TVector Before2(TVector bytes, TVector between);

    /// <summary>The byte that stands three before each.</summary>
    static abstract TVector Before3(TVector bytes, TVector between);

    /// <summary>Not zero if the last three bytes leave a character open: C0 or more in the last, E0 before it, F0 before that.</summary>
    static abstract TVector OpenEnd(TVector bytes);

    /// <summary>Whether a byte is not ASCII.</summary>
    static abstract bool HasHighBit(TVector bytes);

    static abstract bool IsZero(TVector bytes);
}

/// <summary>16 bytes.</summary>
internal readonly struct Utf8Width128 : IUtf8Width<Vector128<byte>>
{
    /// <summary>The least text in bytes: a vector, and three bytes before it.</summary>
    internal const int BytesMin = 16 + 3;

    public static bool IsSupported => Vector128.IsHardwareAccelerated;

    /// <summary>The greatest bytes that leave no character open.</summary>
    internal static Vector128<byte> Closed => Vector128.Create(
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, (byte)0xEF, 0xDF, 0xBF);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Load(ref byte from, nuint at) => Vector128.LoadUnsafe(ref from, at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector128<byte> value, ref byte to, nuint at) => value.StoreUnsafe(ref to, at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> And(Vector128<byte> left, Vector128<byte> right) => left & right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Or(Vector128<byte> left, Vector128<byte> right) => left | right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Xor(Vector128<byte> left, Vector128<byte> right) => left ^ right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Minus(Vector128<byte> left, byte right) => Vector128.SubtractSaturate(left, Vector128.Create(right));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Repeat(uint bytes) => Vector128.Create(bytes).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Table(Vector128<byte> table) => table;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Lookup(Vector128<byte> table, Vector128<byte> digits) => Vector128.ShuffleNative(table, digits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> HighDigits(Vector128<byte> bytes) => bytes >>> 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> LowDigits(Vector128<byte> bytes) => bytes & Vector128.Create((byte)0x0F);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Between(Vector128<byte> bytes, Vector128<byte> earlier) => earlier;

    // A place past the end shuffles to 0. So one vector brings its own bytes, the other one what stands before them, and OR joins the two.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Before1(Vector128<byte> bytes, Vector128<byte> between) =>
        Vector128.Shuffle(bytes, Vector128<byte>.Indices - Vector128.Create((byte)1))
        | Vector128.Shuffle(between, Vector128<byte>.Indices + Vector128.Create((byte)15));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Before2(Vector128<byte> bytes, Vector128<byte> between) =>
        Vector128.Shuffle(bytes, Vector128<byte>.Indices - Vector128.Create((byte)2))
        | Vector128.Shuffle(between, Vector128<byte>.Indices + Vector128.Create((byte)14));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Before3(Vector128<byte> bytes, Vector128<byte> between) =>
        Vector128.Shuffle(bytes, Vector128<byte>.Indices - Vector128.Create((byte)3))
        | Vector128.Shuffle(between, Vector128<byte>.Indices + Vector128.Create((byte)13));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> OpenEnd(Vector128<byte> bytes) => Vector128.SubtractSaturate(bytes, Closed);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HasHighBit(Vector128<byte> bytes) => bytes.ExtractMostSignificantBits() != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsZero(Vector128<byte> bytes) => bytes == Vector128<byte>.Zero;
}

/// <summary>32 bytes.</summary>
internal readonly struct Utf8Width256 : IUtf8Width<Vector256<byte>>
{
    /// <summary>The least text in bytes: a vector, and three bytes before it.</summary>
    internal const int BytesMin = 32 + 3;

    public static bool IsSupported => Avx2.IsSupported;

    /// <summary>The greatest bytes that leave no character open.</summary>
    internal static Vector256<byte> Closed => Vector256.Create(Vector128<byte>.AllBitsSet, Utf8Width128.Closed);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Load(ref byte from, nuint at) => Vector256.LoadUnsafe(ref from, at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<byte> value, ref byte to, nuint at) => value.StoreUnsafe(ref to, at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> And(Vector256<byte> left, Vector256<byte> right) => left & right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Or(Vector256<byte> left, Vector256<byte> right) => left | right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Xor(Vector256<byte> left, Vector256<byte> right) => left ^ right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Minus(Vector256<byte> left, byte right) => Vector256.SubtractSaturate(left, Vector256.Create(right));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Repeat(uint bytes) => Vector256.Create(bytes).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Table(Vector128<byte> table) => Vector256.Create(table, table);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Lookup(Vector256<byte> table, Vector256<byte> digits) => Avx2.Shuffle(table, digits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> HighDigits(Vector256<byte> bytes) => bytes >>> 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> LowDigits(Vector256<byte> bytes) => bytes & Vector256.Create((byte)0x0F);

    // AlignRight moves within lanes. What it moves in is, for each lane, the lane before.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Between(Vector256<byte> bytes, Vector256<byte> earlier) =>
        Avx2.Permute2x128(earlier, bytes, 0x21);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Before1(Vector256<byte> bytes, Vector256<byte> between) => Avx2.AlignRight(bytes, between, 15);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Before2(Vector256<byte> bytes, Vector256<byte> between) => Avx2.AlignRight(bytes, between, 14);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Before3(Vector256<byte> bytes, Vector256<byte> between) => Avx2.AlignRight(bytes, between, 13);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> OpenEnd(Vector256<byte> bytes) => Vector256.SubtractSaturate(bytes, Closed);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HasHighBit(Vector256<byte> bytes) => bytes.ExtractMostSignificantBits() != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsZero(Vector256<byte> bytes) => bytes == Vector256<byte>.Zero;
}

/// <summary>64 bytes.</summary>
internal readonly struct Utf8Width512 : IUtf8Width<Vector512<byte>>
{
    /// <summary>The least text in bytes: a vector, and three bytes before it.</summary>
    internal const int BytesMin = 64 + 3;

    public static bool IsSupported => Avx512BW.IsSupported && Vector512.IsHardwareAccelerated;

    /// <summary>The greatest bytes that leave no character open.</summary>
    internal static Vector512<byte> Closed => Vector512.Create(Vector256<byte>.AllBitsSet, Utf8Width256.Closed);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Load(ref byte from, nuint at) => Vector512.LoadUnsafe(ref from, at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<byte> value, ref byte to, nuint at) => value.StoreUnsafe(ref to, at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> And(Vector512<byte> left, Vector512<byte> right) => left & right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Or(Vector512<byte> left, Vector512<byte> right) => left | right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Xor(Vector512<byte> left, Vector512<byte> right) => left ^ right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Minus(Vector512<byte> left, byte right) => Vector512.SubtractSaturate(left, Vector512.Create(right));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Repeat(uint bytes) => Vector512.Create(bytes).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Table(Vector128<byte> table) =>
        Vector512.Create(Vector256.Create(table, table), Vector256.Create(table, table));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Lookup(Vector512<byte> table, Vector512<byte> digits) => Avx512BW.Shuffle(table, digits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> HighDigits(Vector512<byte> bytes) => bytes >>> 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> LowDigits(Vector512<byte> bytes) => bytes & Vector512.Create((byte)0x0F);

    // As with 32 bytes: the lane before each lane, which is two words of 64 bits.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Between(Vector512<byte> bytes, Vector512<byte> earlier) =>
        Avx512F.AlignRight64(bytes.AsUInt64(), earlier.AsUInt64(), 6).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Before1(Vector512<byte> bytes, Vector512<byte> between) => Avx512BW.AlignRight(bytes, between, 15);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Before2(Vector512<byte> bytes, Vector512<byte> between) => Avx512BW.AlignRight(bytes, between, 14);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Before3(Vector512<byte> bytes, Vector512<byte> between) => Avx512BW.AlignRight(bytes, between, 13);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> OpenEnd(Vector512<byte> bytes) => Vector512.SubtractSaturate(bytes, Closed);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HasHighBit(Vector512<byte> bytes) => bytes.ExtractMostSignificantBits() != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsZero(Vector512<byte> bytes) => bytes == Vector512<byte>.Zero;
}
