// The process-wide count of held bytes, and the pool that they come from. In: how many bytes are wanted. Out: an array
// that is the taker's until it is given back. Whatever the server keeps beyond one turn of a loop (unfinished messages,
// tails of frames, outboxes, shared payloads) is rented here, so that one number tells all of it and one limit bounds it.

using System.Numerics;
using System.Runtime.InteropServices;

namespace RawWs.Server.Memory;

/// <summary>Pooled byte arrays under a limit in bytes for the whole server. Safe on any thread.</summary>
public sealed class MemoryBudget
{
    private const int StripeCount = 16;

    [ThreadStatic] private static int _threadStripe;
    private static int _nextStripe;

    // What has come back is kept for the next: up to 64 KiB some of each size, and larger arrays as many as fit into a bound common to all.
    // It is not charged to the limit, so it is little, and less where the limit is low. (The base library's pool would keep more, and for
    // longer than an attack lasts.)
    private const int SmallestShift = 10;
    private const int LargeShift = 17;
    private const int LargestShift = 24;
    private const int SpareBytesMax = 2 * 1024 * 1024;
    private const long LargeSpareBytesMax = 24 * 1024 * 1024;

    /// <summary>Somebody is told of so many bytes left to the collector at a time.</summary>
    internal const long DroppedBytesTold = 16 * 1024 * 1024;

    private readonly Spares<byte[]>[] _spares;
    private readonly long _largeSpareBytesMax;
    private long _largeSpareBytes;
    private long _droppedBytes;

    // A counter per thread, on cache lines of their own: loops that rent and return all day do not contend. A buffer rented
    // on one thread and returned on another leaves one stripe high and the other low; only the sum has a meaning.
    private readonly Stripe[] _stripes = new Stripe[StripeCount];

    /// <summary>Creates a budget of at most <paramref name="limitBytes"/> held bytes.</summary>
    public MemoryBudget(long limitBytes)
    {
        LimitBytes = limitBytes;
        _largeSpareBytesMax = Math.Min(LargeSpareBytesMax, limitBytes / 8);
        _spares = MakeSpares((int)Math.Min(SpareBytesMax, limitBytes / 64), _largeSpareBytesMax);
    }

    /// <summary>The limit, in bytes.</summary>
    public long LimitBytes { get; }

    /// <summary>The bytes held now, by capacity of the arrays that are out. Zero once every connection has ended.</summary>
    public long HeldBytes
    {
        get
        {
            long sum = 0;
            for (int i = 0; i < _stripes.Length; i++) sum += Volatile.Read(ref _stripes[i].Bytes);
            return sum;
        }
    }

    /// <summary>
    /// Hears of every array that leaves (true) and of every one that is done with (false). Null except in tests: a count cannot tell an
    /// array that never came back, and another that came back twice, from two that did.
    /// </summary>
    internal Action<byte[], bool>? Witness { get; set; }

    /// <summary>Rents at least <paramref name="bytes"/> bytes, or null when the limit would be passed, or the process has none left.</summary>
    public byte[]? TryRent(int bytes) => HasRoomFor(RentedBytes(bytes)) ? RentIfThereIsMemory(bytes) : null;

    /// <summary>Whether so many bytes more are within the limit.</summary>
    public bool HasRoomFor(long bytes) => HeldBytes + bytes <= LimitBytes;

    /// <summary>
    /// Whether so many bytes more may be held for a peer that keeps them waiting: bytes that it does not take, or that it sent faster than
    /// they can be worked through. An eighth of the limit is not for these, so that whoever comes or speaks meanwhile is served.
    /// </summary>
    public bool HasRoomToWait(long bytes) => HeldBytes + bytes <= LimitBytes - (LimitBytes / 8);

    /// <summary>Rents at least <paramref name="bytes"/> bytes for what waits, or null when there is no room for that.</summary>
    internal byte[]? TryRentToWait(int bytes) => HasRoomToWait(RentedBytes(bytes)) ? RentIfThereIsMemory(bytes) : null;

    /// <summary>Counts bytes that are held elsewhere and wait. False when there is no room for that.</summary>
    internal bool TryChargeToWait(int bytes)
    {
        if (!HasRoomToWait(bytes)) return false;
        Add(bytes);
        return true;
    }

    /// <summary>
    /// Rents without asking the limit: for what must not fail and is itself bounded (a control frame, the bytes that one
    /// receive has already brought in). It is counted like everything else.
    /// </summary>
    public byte[] Rent(int bytes)
    {
        byte[] array = TakeSpare(Class(bytes)) ?? GC.AllocateUninitializedArray<byte>((int)Math.Min(RentedBytes(bytes), Array.MaxLength));
        Add(array.Length);
        Witness?.Invoke(array, true);
        return array;
    }

    /// <summary>Gives an array back. The caller must not touch it afterwards.</summary>
    public void Return(byte[] array)
    {
        Witness?.Invoke(array, false);
        Add(-array.Length);
        GiveSpare(Class(array.Length), array);
    }

    /// <summary>How many bytes of arrays have been left to the collector, that is, were not kept for the next taker.</summary>
    internal long DroppedBytes => Volatile.Read(ref _droppedBytes);

    /// <summary>Hears, on any thread, each time that <see cref="DroppedBytes"/> has grown by <see cref="DroppedBytesTold"/>. Null for nobody.</summary>
    internal Action? Dropped { get; set; }

    /// <summary>Leaves everything that is kept for the next taker to the collector.</summary>
    internal void DropSpares()
    {
        foreach (Spares<byte[]> spares in _spares)
            while (spares.TryTake() is { } array)
                if (array.Length >= 1 << LargeShift) Interlocked.Add(ref _largeSpareBytes, -array.Length);
    }

    /// <summary>Counts bytes that are held elsewhere (the holder's own, or a native context's). False when the limit would be passed.</summary>
    internal bool TryCharge(int bytes)
    {
        if (!HasRoomFor(bytes)) return false;
        Add(bytes);
        return true;
    }

    /// <summary>The same, whatever the limit.</summary>
    internal void Charge(int bytes) => Add(bytes);

    /// <summary>Takes charged bytes off the count.</summary>
    internal void Discharge(int bytes) => Add(-bytes);

    /// <summary>Takes an array off the count without giving it back: somebody still has a pin on it.</summary>
    internal void Forget(byte[] array)
    {
        Witness?.Invoke(array, false);
        Add(-array.Length);
    }

    private byte[]? RentIfThereIsMemory(int bytes)
    {
        try
        {
            return Rent(bytes);
        }
        catch (OutOfMemoryException)
        {
            return null; // nothing is charged or out yet
        }
    }

    // What an array for so many bytes will have: it is charged in full.
    private static long RentedBytes(int bytes) => 1L << Class(bytes);

    private static int Class(int bytes) => Math.Max(SmallestShift, BitOperations.Log2((uint)Math.Max(bytes, 1) - 1) + 1);

    private static Spares<byte[]>[] MakeSpares(int bytesMax, long largeBytesMax)
    {
        Spares<byte[]>[] spares = new Spares<byte[]>[LargestShift - SmallestShift + 1];
        for (int i = 0; i < spares.Length; i++)
        {
            int shift = SmallestShift + i;
            spares[i] = new Spares<byte[]>((int)((shift < LargeShift ? bytesMax : largeBytesMax) >> shift));
        }

        return spares;
    }

    private byte[]? TakeSpare(int shift)
    {
        if (shift > LargestShift) return null;
        byte[]? array = _spares[shift - SmallestShift].TryTake();
        if (array is not null && shift >= LargeShift) Interlocked.Add(ref _largeSpareBytes, -array.Length);
        return array;
    }

    private void GiveSpare(int shift, byte[] array)
    {
        if (shift <= LargestShift)
        {
            if (shift >= LargeShift && Interlocked.Add(ref _largeSpareBytes, array.Length) > _largeSpareBytesMax) Interlocked.Add(ref _largeSpareBytes, -array.Length);
            else if (_spares[shift - SmallestShift].Give(array)) return;
            else if (shift >= LargeShift) Interlocked.Add(ref _largeSpareBytes, -array.Length);
        }

        long before = Interlocked.Add(ref _droppedBytes, array.Length) - array.Length;
        if (before / DroppedBytesTold != (before + array.Length) / DroppedBytesTold) Dropped?.Invoke();
    }

    private void Add(long bytes)
    {
        int stripe = _threadStripe;
        if (stripe == 0) _threadStripe = stripe = 1 + (Interlocked.Increment(ref _nextStripe) & (StripeCount - 1));
        Interlocked.Add(ref _stripes[stripe - 1].Bytes, bytes);
    }

    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct Stripe
    {
        [FieldOffset(64)] public long Bytes;
    }
}
