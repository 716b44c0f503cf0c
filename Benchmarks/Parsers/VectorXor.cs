// XOR with a masking key, as fast as this processor's widest vectors go, four of them in a turn; it is what the limits are made of. Bytes
// behind the last whole vector are taken by one that overlaps it: the bytes are read before the vectors before it are written. So are those
// before the first one that is aligned, where there are enough of them: what lies across two lines of the cache takes longer. Four are
// read before one is written, as Masking does it.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace RawWs.Benchmarks.Parsers;

internal static class VectorXor
{
    private const int AlignedBytesMin = 512;

    /// <summary>XOR where the bytes lie; the key's lowest byte is the first byte's.</summary>
    public static void InPlace(Span<byte> bytes, uint key) => Copying(bytes, bytes, key);

    /// <summary>XOR of one place into another, which may be the same and otherwise does not overlap it.</summary>
    public static void Copying(ReadOnlySpan<byte> source, Span<byte> destination, uint key)
    {
        ref byte from = ref MemoryMarshal.GetReference(source);
        ref byte to = ref MemoryMarshal.GetReference(destination[..source.Length]);
        nuint length = (nuint)source.Length;
        if (length < 8) ByByte(ref from, ref to, length, key);
        else if (Vector512.IsHardwareAccelerated && length >= 64) By64(ref from, ref to, length, key);
        else if (length >= 32) By32(ref from, ref to, length, key);
        else Short(ref from, ref to, length, key);
    }

    private static void By64(ref byte from, ref byte to, nuint length, uint key)
    {
        Vector512<byte> pattern = Vector512.Create(key).AsByte();
        nuint last = length - 64, at = 0;
        Vector512<byte> end = Vector512.LoadUnsafe(ref from, last) ^ Vector512.Create(Turned(key, last)).AsByte();
        Vector512<byte> begin = Vector512.LoadUnsafe(ref from) ^ pattern;
        if (length >= AlignedBytesMin)
        {
            at = 64 - (nuint)(Unsafe.ByteOffset(ref Unsafe.NullRef<byte>(), ref to) & 63);
            pattern = Vector512.Create(Turned(key, at)).AsByte();
        }

        for (; at + 256 <= length; at += 256)
        {
            Vector512<byte> a = Vector512.LoadUnsafe(ref from, at) ^ pattern, b = Vector512.LoadUnsafe(ref from, at + 64) ^ pattern;
            Vector512<byte> c = Vector512.LoadUnsafe(ref from, at + 128) ^ pattern, d = Vector512.LoadUnsafe(ref from, at + 192) ^ pattern;
            a.StoreUnsafe(ref to, at);
            b.StoreUnsafe(ref to, at + 64);
            c.StoreUnsafe(ref to, at + 128);
            d.StoreUnsafe(ref to, at + 192);
        }

        for (; at < last; at += 64) (Vector512.LoadUnsafe(ref from, at) ^ pattern).StoreUnsafe(ref to, at);
        if (length >= AlignedBytesMin) begin.StoreUnsafe(ref to);
        end.StoreUnsafe(ref to, last);
    }

    private static void By32(ref byte from, ref byte to, nuint length, uint key)
    {
        Vector256<byte> pattern = Vector256.Create(key).AsByte();
        nuint last = length - 32, at = 0;
        Vector256<byte> end = Vector256.LoadUnsafe(ref from, last) ^ Vector256.Create(Turned(key, last)).AsByte();
        Vector256<byte> begin = Vector256.LoadUnsafe(ref from) ^ pattern;
        if (length >= AlignedBytesMin)
        {
            at = 32 - (nuint)(Unsafe.ByteOffset(ref Unsafe.NullRef<byte>(), ref to) & 31);
            pattern = Vector256.Create(Turned(key, at)).AsByte();
        }

        for (; at + 128 <= length; at += 128)
        {
            Vector256<byte> a = Vector256.LoadUnsafe(ref from, at) ^ pattern, b = Vector256.LoadUnsafe(ref from, at + 32) ^ pattern;
            Vector256<byte> c = Vector256.LoadUnsafe(ref from, at + 64) ^ pattern, d = Vector256.LoadUnsafe(ref from, at + 96) ^ pattern;
            a.StoreUnsafe(ref to, at);
            b.StoreUnsafe(ref to, at + 32);
            c.StoreUnsafe(ref to, at + 64);
            d.StoreUnsafe(ref to, at + 96);
        }

        for (; at < last; at += 32) (Vector256.LoadUnsafe(ref from, at) ^ pattern).StoreUnsafe(ref to, at);
        if (length >= AlignedBytesMin) begin.StoreUnsafe(ref to);
        end.StoreUnsafe(ref to, last);
    }

    private static void Short(ref byte from, ref byte to, nuint length, uint key)
    {
        if (length == 16) (Vector128.LoadUnsafe(ref from) ^ Vector128.Create(key).AsByte()).StoreUnsafe(ref to);
        else if (length > 16)
        {
            nuint last = length - 16;
            Vector128<byte> end = Vector128.LoadUnsafe(ref from, last) ^ Vector128.Create(Turned(key, last)).AsByte();
            (Vector128.LoadUnsafe(ref from) ^ Vector128.Create(key).AsByte()).StoreUnsafe(ref to);
            end.StoreUnsafe(ref to, last);
        }
        else
        {
            nuint last = length - 8;
            ulong end = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref from, last)) ^ Twice(Turned(key, last));
            Unsafe.WriteUnaligned(ref to, Unsafe.ReadUnaligned<ulong>(ref from) ^ Twice(key));
            Unsafe.WriteUnaligned(ref Unsafe.Add(ref to, last), end);
        }
    }

    private static void ByByte(ref byte from, ref byte to, nuint length, uint key)
    {
        for (nuint at = 0; at < length; at++) Unsafe.Add(ref to, at) = (byte)(Unsafe.Add(ref from, at) ^ (key >> (8 * (int)(at & 3))));
    }

    private static ulong Twice(uint key) => ((ulong)key << 32) | key;

    // The key as it is for a byte so far on.
    private static uint Turned(uint key, nuint at) => uint.RotateRight(key, 8 * (int)(at & 3));
}
