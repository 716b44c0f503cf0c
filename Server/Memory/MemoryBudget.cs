// The process-wide count of held bytes, and the pool that they come from. In: how many bytes are wanted. Out: an array
// that is the taker's until it is given back. Whatever the server keeps beyond one turn of a loop (unfinished messages,
// tails of frames, outboxes, shared payloads) is rented here, so that one number tells all of it and one limit bounds it.

using System.Buffers;
using System.Runtime.InteropServices;

namespace RawWs.Server.Memory;

/// <summary>Pooled byte arrays under a limit in bytes for the whole server. Safe on any thread.</summary>
public sealed class MemoryBudget
{
    private const int StripeCount = 16;

    [ThreadStatic] private static int t_stripe;
    private static int s_nextStripe;

    // A counter per thread, on cache lines of their own: loops that rent and return all day do not contend. A buffer rented
    // on one thread and returned on another leaves one stripe high and the other low; only the sum has a meaning.
    private readonly Stripe[] _stripes = new Stripe[StripeCount];

    /// <summary>Creates a budget of at most <paramref name="limitBytes"/> held bytes.</summary>
    public MemoryBudget(long limitBytes) => LimitBytes = limitBytes;

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

    /// <summary>Rents at least <paramref name="bytes"/> bytes, or null when the limit would be passed.</summary>
    public byte[]? TryRent(int bytes)
    {
        if (HeldBytes + bytes > LimitBytes) return null;
        return Rent(bytes);
    }

    /// <summary>
    /// Rents without asking the limit: for what must not fail and is itself bounded (a control frame, the bytes that one
    /// receive has already brought in). It is counted like everything else.
    /// </summary>
    public byte[] Rent(int bytes)
    {
        byte[] array = ArrayPool<byte>.Shared.Rent(bytes);
        Add(array.Length);
        return array;
    }

    /// <summary>Gives an array back. The caller must not touch it afterwards.</summary>
    public void Return(byte[] array)
    {
        Add(-array.Length);
        ArrayPool<byte>.Shared.Return(array);
    }

    private void Add(long bytes)
    {
        int stripe = t_stripe;
        if (stripe == 0) t_stripe = stripe = 1 + (Interlocked.Increment(ref s_nextStripe) & (StripeCount - 1));
        Interlocked.Add(ref _stripes[stripe - 1].Bytes, bytes);
    }

    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct Stripe
    {
        [FieldOffset(64)] public long Bytes;
    }
}
