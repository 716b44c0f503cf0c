// The compression library that the .NET runtime ships (zlib-ng) and on which System.IO.Compression is built, bound directly: DeflateStream
// hides the window, the flush and the reset that RFC 7692 needs. Every native call of the compression is here.
//
// These exports belong to the runtime and are no public contract. ZlibCheck tries them before anything relies on them, and without them
// compression is not negotiated. Under Native AOT the library is linked in, and a missing export is a link error.
//
// A Context's memory is native, and only End frees it. The library keeps a pointer to a structure of its own, not to ours, so a Context may
// lie in an object that the garbage collector moves. No pointer into managed memory is used after the call that got it.

using System.Runtime.InteropServices;

namespace RawWs.Server.Compression;

internal static unsafe partial class Zlib
{
    public const int Ok = 0;
    public const int StreamEnd = 1;
    public const int DataError = -3;
    public const int MemoryError = -4;
    public const int BufferError = -5;

    public const int NoFlush = 0;

    /// <summary>All output is given out, and ends in an empty stored block: its last four bytes are 00 00 FF FF.</summary>
    public const int SyncFlush = 2;

    /// <summary>A SyncFlush, after which nothing refers to what stands before it.</summary>
    public const int FullFlush = 3;

    /// <summary>Inflating stops in front of each block.</summary>
    public const int BlockFlush = 5;

    public const int DefaultStrategy = 0;

    /// <summary>No references back at all, only shorter codes for frequent bytes.</summary>
    public const int HuffmanOnly = 2;

    private const int MethodDeflate = 8;

    private static int _live;

    /// <summary>How many contexts have been made and not been ended, in the whole process.</summary>
    public static int Live => Volatile.Read(ref _live);

    /// <summary>
    /// Makes a context that compresses to raw deflate data. Returns Ok, or the library's error; after an error there is nothing to end.
    /// </summary>
    /// <param name="context">Empty.</param>
    /// <param name="level">1 (fast) to 9 (small).</param>
    /// <param name="windowBits">9 to 15.</param>
    /// <param name="memoryLevel">1 to 9.</param>
    /// <param name="strategy">DefaultStrategy or HuffmanOnly.</param>
    public static int InitDeflate(ref Context context, int level, int windowBits, int memoryLevel, int strategy)
    {
        fixed (Context* pointer = &context)
        {
            // A negative window means raw data: no header, no checksum (RFC 1951, not RFC 1950).
            int result = DeflateInit2(pointer, level, MethodDeflate, -windowBits, memoryLevel, strategy);
            if (result == Ok) Interlocked.Increment(ref _live);
            else if (context.IsMade) _ = DeflateEnd(pointer); // The runtime's own part is made before the library refuses.
            return result;
        }
    }

    /// <summary>Compresses.</summary>
    /// <returns>Ok, or BufferError when nothing could be done.</returns>
    public static int Deflate(ref Context context, ReadOnlySpan<byte> input, Span<byte> output, int flush, out int consumed,
        out int written)
    {
        fixed (Context* pointer = &context)
        fixed (byte* from = input)
        fixed (byte* to = output)
        {
            context.Set(from, input.Length, to, output.Length);
            int result = Deflate(pointer, flush);
            consumed = input.Length - (int)context.AvailableIn;
            written = output.Length - (int)context.AvailableOut;
            return result;
        }
    }

    /// <summary>Frees a context that compresses.</summary>
    public static void EndDeflate(ref Context context)
    {
        if (!context.IsMade) return;
        fixed (Context* pointer = &context) _ = DeflateEnd(pointer);
        Interlocked.Decrement(ref _live);
    }

    /// <summary>
    /// Makes a context that decompresses raw deflate data. Returns Ok, or the library's error; after an error there is nothing to end.
    /// </summary>
    /// <param name="context">Empty.</param>
    /// <param name="windowBits">8 to 15.</param>
    public static int InitInflate(ref Context context, int windowBits)
    {
        fixed (Context* pointer = &context)
        {
            int result = InflateInit2(pointer, -windowBits);
            if (result == Ok) Interlocked.Increment(ref _live);
            else if (context.IsMade) _ = InflateEnd(pointer);
            return result;
        }
    }

    /// <summary>Decompresses.</summary>
    /// <returns>Ok; StreamEnd behind a final block; BufferError when nothing could be done; DataError; MemoryError.</returns>
    public static int Inflate(ref Context context, ReadOnlySpan<byte> input, Span<byte> output, int flush, out int consumed,
        out int written)
    {
        fixed (Context* pointer = &context)
        fixed (byte* from = input)
        fixed (byte* to = output)
        {
            context.Set(from, input.Length, to, output.Length);
            int result = Inflate(pointer, flush);
            consumed = input.Length - (int)context.AvailableIn;
            written = output.Length - (int)context.AvailableOut;
            return result;
        }
    }

    /// <summary>Makes a context that decompresses as if it were new, with a window of 8 to 15 bits.</summary>
    public static int ResetInflate(ref Context context, int windowBits)
    {
        fixed (Context* pointer = &context) return InflateReset2(pointer, -windowBits);
    }

    /// <summary>Frees a context that decompresses.</summary>
    public static void EndInflate(ref Context context)
    {
        if (!context.IsMade) return;
        fixed (Context* pointer = &context) _ = InflateEnd(pointer);
        Interlocked.Decrement(ref _live);
    }

    /// <summary>What the runtime's functions take. The room behind its last field is for a runtime that adds one.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Context
    {
        public byte* NextIn;
        public byte* NextOut;
        public byte* Text;
        public void* State;
        public uint AvailableIn;
        public uint AvailableOut;
        public fixed ulong Reserve[4];

        public readonly bool IsMade => State is not null;

        /// <summary>What the library says is wrong with the data, or null.</summary>
        public readonly string? Message => Marshal.PtrToStringUTF8((nint)Text);

        public void Set(byte* from, int fromBytes, byte* to, int toBytes)
        {
            NextIn = from;
            AvailableIn = (uint)fromBytes;
            NextOut = to;
            AvailableOut = (uint)toBytes;
        }
    }

    // On every system the runtime finds its own library under this name: with or without "lib" in front, and statically linked.
    private const string Library = "System.IO.Compression.Native";

    [LibraryImport(Library, EntryPoint = "CompressionNative_DeflateInit2_")]
    private static partial int DeflateInit2(Context* context, int level, int method, int windowBits, int memoryLevel, int strategy);

    [LibraryImport(Library, EntryPoint = "CompressionNative_Deflate")]
    private static partial int Deflate(Context* context, int flush);

    [LibraryImport(Library, EntryPoint = "CompressionNative_DeflateEnd")]
    private static partial int DeflateEnd(Context* context);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateInit2_")]
    private static partial int InflateInit2(Context* context, int windowBits);

    [LibraryImport(Library, EntryPoint = "CompressionNative_Inflate")]
    private static partial int Inflate(Context* context, int flush);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateReset2_")]
    private static partial int InflateReset2(Context* context, int windowBits);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateEnd")]
    private static partial int InflateEnd(Context* context);
}
