// Counts the bytes that the server holds, and pools the arrays. In: how many bytes are wanted. Out: an array that belongs to the caller
// until it is returned. Whatever the server keeps longer than one turn of a loop (unfinished messages, tails, send queues, shared payloads)
// is rented here, so that one number shows all of it and one limit bounds it.

using System.Numerics;
using System.Runtime.InteropServices;

namespace RawWs.Server.Memory;

/// <summary>Pooled byte arrays under a limit in bytes for the whole server. Safe on any thread.</summary>
internal sealed class MemoryBudget
{
    private const int StripeCount = 16;

    [ThreadStatic] private static int _threadStripe;
    private static int _nextStripe; // how many threads have one: the stripes from here on are zero

    // What has been returned is pooled: up to 64 KiB some arrays of each size, and of larger arrays as many as fit into one common bound.
    // The pools are not charged to the limit, so they are small, and smaller if the limit is low. (The base library's pool would keep more,
    // and for longer than an attack lasts.)
    private const int SmallestShift = 10;
    private const int LargeShift = 17;
    private const int LargestShift = 24;
    private const int PooledBytesMax = 2 * 1024 * 1024;
    private const long LargePooledBytesMax = 24 * 1024 * 1024;

    private const long DroppedBytesToldMax = 16 * 1024 * 1024;

    private readonly Pool<byte[]>[] _pools;
    private readonly long _largePooledBytesMax;
    private readonly long _droppedBytesTold;
    private long _largePooledBytes;
    private long _droppedBytes;

    // A counter per thread, on cache lines of their own, so that loops that rent and return all day do not contend. If an array is rented
    // on one thread and returned on another, one stripe is too high and the other too low; only the sum has a meaning.
    private readonly Stripe[] _stripes = new Stripe[StripeCount];

    /// <summary>Creates a budget of at most <paramref name="limitBytes"/> held bytes.</summary>
    public MemoryBudget(long limitBytes)
    {
        LimitBytes = limitBytes;
        _largePooledBytesMax = Math.Min(LargePooledBytesMax, limitBytes / 8);
        _droppedBytesTold = Math.Clamp(limitBytes / 8, 1, DroppedBytesToldMax);
        _pools = MakePools((int)Math.Min(PooledBytesMax, limitBytes / 64), _largePooledBytesMax);
    }

    /// <summary>The limit, in bytes.</summary>
    public long LimitBytes { get; }

    /// <summary>
    /// The bytes that are held now, by the capacity of the rented arrays, and all other charged bytes. Zero when every connection has
    /// ended.
    /// </summary>
    public long HeldBytes
    {
        get
        {
            long sum = 0;
            int used = Math.Min(Volatile.Read(ref _nextStripe), StripeCount);
            for (int i = 0; i < used; i++) sum += Volatile.Read(ref _stripes[i].Bytes);
            return sum;
        }
    }

    /// <summary>
    /// Is told of every array that is rented (true) and of every one that is returned or forgotten (false). Only tests set it: a sum cannot
    /// show that one array was never returned and another one twice.
    /// </summary>
    internal Action<byte[], bool>? Witness { get; set; }

    /// <summary>
    /// Rents an array of at least <paramref name="bytes"/> bytes, owned by the caller until <see cref="Return"/>. Null when the limit would
    /// be passed, or the process has no memory.
    /// </summary>
    public byte[]? TryRent(int bytes) => HasRoomFor(RentedBytes(bytes)) ? RentIfThereIsMemory(bytes) : null;

    /// <summary>Whether so many bytes more are within the limit.</summary>
    public bool HasRoomFor(long bytes) => HeldBytes + bytes <= LimitBytes;

    /// <summary>
    /// Whether so many bytes more may be held for a peer that makes them wait: bytes that it does not receive, or that it sent faster than
    /// they can be handled. An eighth of the limit is not for these, so that everybody else is served meanwhile.
    /// </summary>
    public bool HasRoomToWait(long bytes) => HeldBytes + bytes <= LimitBytes - (LimitBytes / 8);

    /// <summary>The same as <see cref="TryRent"/> for bytes that wait (<see cref="HasRoomToWait"/>).</summary>
    internal byte[]? TryRentToWait(int bytes) => HasRoomToWait(RentedBytes(bytes)) ? RentIfThereIsMemory(bytes) : null;

    /// <summary>Charges bytes that are held elsewhere and wait. False when there is no room for that.</summary>
    internal bool TryChargeToWait(int bytes)
    {
        if (!HasRoomToWait(bytes)) return false;
        Add(bytes);
        return true;
    }

    /// <summary>
    /// Rents an array without asking the limit: for what must not fail and is bounded itself (a control frame, the bytes that one receive
    /// has already brought). It is charged like everything else.
    /// </summary>
    public byte[] Rent(int bytes)
    {
        byte[] array = TryRentPooled(Class(bytes))
            ?? GC.AllocateUninitializedArray<byte>((int)Math.Min(RentedBytes(bytes), Array.MaxLength));
        Add(array.Length);
        Witness?.Invoke(array, true);
        return array;
    }

    /// <summary>Returns an array. The caller must not use it afterwards.</summary>
    public void Return(byte[] array)
    {
        Witness?.Invoke(array, false);
        Add(-array.Length);
        ReturnToPool(Class(array.Length), array);
    }

    /// <summary>How many bytes of arrays were returned and not pooled, so that the garbage collector takes them.</summary>
    internal long DroppedBytes => Volatile.Read(ref _droppedBytes);

    /// <summary>
    /// Called, on any thread, each time that <see cref="DroppedBytes"/> has grown by an eighth of the limit, or by 16 MiB if that is less.
    /// Null for nobody.
    /// </summary>
    internal Action? Dropped { get; set; }

    /// <summary>Empties the pools; the garbage collector takes what was in them.</summary>
    internal void DropPooled()
    {
        foreach (Pool<byte[]> pool in _pools)
            while (pool.TryRent() is { } array)
                if (array.Length >= 1 << LargeShift) Interlocked.Add(ref _largePooledBytes, -array.Length);
    }

    /// <summary>
    /// Charges bytes that are held elsewhere (by the holder itself, or in native memory). False when the limit would be passed.
    /// </summary>
    internal bool TryCharge(int bytes)
    {
        if (!HasRoomFor(bytes)) return false;
        Add(bytes);
        return true;
    }

    /// <summary>The same, whatever the limit.</summary>
    internal void Charge(int bytes) => Add(bytes);

    /// <summary>Takes charged bytes off the sum.</summary>
    internal void Discharge(int bytes) => Add(-bytes);

    /// <summary>Takes an array off the sum without returning it: a handler may still use it.</summary>
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
            return null; // nothing has been charged or rented
        }
    }

    // The capacity of an array for so many bytes: it is charged in full.
    private static long RentedBytes(int bytes) => 1L << Class(bytes);

    private static int Class(int bytes) => Math.Max(SmallestShift, BitOperations.Log2((uint)Math.Max(bytes, 1) - 1) + 1);

    private static Pool<byte[]>[] MakePools(int bytesMax, long largeBytesMax)
    {
        Pool<byte[]>[] pools = new Pool<byte[]>[LargestShift - SmallestShift + 1];
        for (int i = 0; i < pools.Length; i++)
        {
            int shift = SmallestShift + i;
            pools[i] = new Pool<byte[]>((int)((shift < LargeShift ? bytesMax : largeBytesMax) >> shift));
        }

        return pools;
    }

    private byte[]? TryRentPooled(int shift)
    {
        if (shift > LargestShift) return null;
        byte[]? array = _pools[shift - SmallestShift].TryRent();
        if (array is not null && shift >= LargeShift) Interlocked.Add(ref _largePooledBytes, -array.Length);
        return array;
    }

    private void ReturnToPool(int shift, byte[] array)
    {
        if (shift <= LargestShift)
        {
            if (shift >= LargeShift && Interlocked.Add(ref _largePooledBytes, array.Length) > _largePooledBytesMax)
                Interlocked.Add(ref _largePooledBytes, -array.Length);
            else if (_pools[shift - SmallestShift].Return(array)) return;
            else if (shift >= LargeShift) Interlocked.Add(ref _largePooledBytes, -array.Length);
        }

        long before = Interlocked.Add(ref _droppedBytes, array.Length) - array.Length;
        if (before / _droppedBytesTold != (before + array.Length) / _droppedBytesTold) Dropped?.Invoke();
    }

    private void Add(long bytes)
    {
        int stripe = _threadStripe;
        if (stripe == 0) _threadStripe = stripe = 1 + ((Interlocked.Increment(ref _nextStripe) - 1) & (StripeCount - 1));
        Interlocked.Add(ref _stripes[stripe - 1].Bytes, bytes);
    }

    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct Stripe
    {
        [FieldOffset(64)] public long Bytes;
    }
}
