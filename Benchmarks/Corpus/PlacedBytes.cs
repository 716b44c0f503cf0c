// Memory that lies the same way in each process. Where the runtime puts an array is chance, and stays so for as long as the process runs:
// the same copy took eight times as long in one process as in another, because its two ends lay unluckily within their pages, and vectors
// that lie across two lines of the cache take twice as long. So the bytes of the wire and the buffers that are ours to place lie at a fixed
// place within a page: bytes that are received from begin a page, those that are received into lie half a page on, and those in which a
// message is assembled three quarters.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace RawWs.Benchmarks.Corpus;

internal readonly struct PlacedBytes
{
    /// <summary>Where what is received from begins, in bytes from a page's first.</summary>
    public const int Source = 0;

    /// <summary>Where a payload lies that is looked at by itself: behind a header of eight bytes, and so on no vector's boundary.</summary>
    public const int Payload = 8;

    /// <summary>Where what is received into begins.</summary>
    public const int Buffer = 2048;

    /// <summary>Where a message is assembled.</summary>
    public const int Message = 3072;

    private const int PageBytes = 4096;

    private readonly byte[] _array;
    private readonly int _start;
    private readonly int _place;

    /// <summary>Zeros.</summary>
    /// <param name="length">How many.</param>
    /// <param name="place">How far from the beginning of a page the first one lies.</param>
    public PlacedBytes(int length, int place)
    {
        _place = place;
        _array = GC.AllocateArray<byte>(length + PageBytes, pinned: true);
        _start = (int)((place - Marshal.UnsafeAddrOfPinnedArrayElement(_array, 0)) & (PageBytes - 1));
        Length = length;
    }

    /// <summary>A copy.</summary>
    public PlacedBytes(ReadOnlySpan<byte> bytes, int place)
        : this(bytes.Length, place) => bytes.CopyTo(Span);

    public int Length { get; }

    // Without a check of bounds, which would be a good part of what the smallest operations take.
    public Span<byte> Span
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => MemoryMarshal.CreateSpan(ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_array), _start), Length);
    }

    public Memory<byte> Memory => _array.AsMemory(_start, Length);

    /// <summary>At least as many as are asked for, and twice as many as these, with the first <paramref name="kept"/> copied.</summary>
    public PlacedBytes Grown(int least, int kept)
    {
        PlacedBytes grown = new(Math.Max(least, 2 * Length), _place);
        Span[..kept].CopyTo(grown.Span);
        return grown;
    }
}
