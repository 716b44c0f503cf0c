// The native contexts of a server: made, lent, pooled and counted. An inflater or deflater belongs to the one who rented it until it is
// returned. What is rented is charged to the memory budget, by measured constants. What is pooled is not charged, like the budget's own
// pools, but is little. All rented contexts together may have half of the budget. So if peers keep contexts busy, the other half is still
// there for everybody's messages.
//
//   without takeover   one is rented for each message and returned at its end: an idle connection has none
//   with takeover      one is rented when the connection's first compressed message comes or goes, and returned when the connection ends

using RawWs.Server.Memory;

namespace RawWs.Server.Compression;

/// <summary>Lends inflaters and deflaters. Safe on any thread.</summary>
internal sealed class DeflateContexts : IDisposable
{
    private const int WindowBitsMin = 8;
    private const int WindowCount = 8;

    private readonly MemoryBudget _budget;
    private readonly int _level;
    private readonly Pool<Inflater> _inflaters;
    private readonly Pool<Deflater>[] _deflaters;
    private long _bytesOut;
    private volatile bool _disposed;

    /// <param name="budget">It is charged for every context that is rented.</param>
    /// <param name="level">The compression level, 1 (fast) to 9 (small).</param>
    /// <param name="pooledMax">
    /// How many inflaters, and how many deflaters of each window size, are pooled. Without takeover a deflater is rented only while one
    /// message is compressed, so as many as there are sending threads are enough.
    /// </param>
    public DeflateContexts(MemoryBudget budget, int level, int pooledMax)
    {
        _budget = budget;
        _level = level;
        _inflaters = new Pool<Inflater>(pooledMax);
        _deflaters = new Pool<Deflater>[WindowCount];
        for (int i = 0; i < WindowCount; i++) _deflaters[i] = new Pool<Deflater>(pooledMax);
    }

    /// <summary>Whether contexts of so many more bytes are within the compression's half of the memory limit.</summary>
    public bool HasRoomFor(int bytes) => Volatile.Read(ref _bytesOut) + bytes <= _budget.LimitBytes / 2 && _budget.HasRoomFor(bytes);

    /// <summary>
    /// Rents an inflater with an empty window of 2^8 to 2^15 bytes. Null when the memory limit is reached, or the library has no memory.
    /// </summary>
    public Inflater? TryRentInflater(int windowBits)
    {
        if (!TryCharge(Inflater.ContextBytes)) return null;
        Inflater? inflater = _inflaters.TryRent();
        if (inflater is not null && !inflater.TryReset(windowBits))
        {
            inflater.Dispose();
            inflater = null;
        }

        inflater ??= Inflater.TryCreate(windowBits);
        if (inflater is null) Discharge(Inflater.ContextBytes);
        return inflater;
    }

    /// <summary>Returns an inflater in any state. The caller must not use it afterwards.</summary>
    public void Return(Inflater inflater)
    {
        Discharge(Inflater.ContextBytes);
        if (_disposed || !_inflaters.Return(inflater)) inflater.Dispose();
    }

    /// <summary>Rents a deflater whose window is empty. Null when the memory limit is reached, or the library has no memory.</summary>
    /// <param name="windowBits">8 to 15.</param>
    /// <param name="takeover">Whether its messages may refer to each other.</param>
    public Deflater? TryRentDeflater(int windowBits, bool takeover)
    {
        int bytes = Deflater.ContextBytes(windowBits);
        if (!TryCharge(bytes)) return null;
        Deflater? deflater = _deflaters[windowBits - WindowBitsMin].TryRent() ?? Deflater.TryCreate(_level, windowBits, takeover);
        if (deflater is null) Discharge(bytes);
        else deflater.Takeover = takeover;
        return deflater;
    }

    /// <summary>Returns a deflater. The caller must not use it afterwards.</summary>
    public void Return(Deflater deflater)
    {
        Discharge(Deflater.ContextBytes(deflater.WindowBits));
        if (!_disposed && deflater.Takeover) deflater.Forget();
        if (_disposed || !_deflaters[deflater.WindowBits - WindowBitsMin].Return(deflater)) deflater.Dispose();
    }

    /// <summary>Frees the pooled contexts. What is rented is freed when it is returned.</summary>
    public void Dispose()
    {
        _disposed = true;
        while (_inflaters.TryRent() is { } inflater) inflater.Dispose();
        foreach (Pool<Deflater> pool in _deflaters)
            while (pool.TryRent() is { } deflater) deflater.Dispose();
    }

    private bool TryCharge(int bytes)
    {
        if (Interlocked.Add(ref _bytesOut, bytes) <= _budget.LimitBytes / 2 && _budget.TryCharge(bytes)) return true;
        Interlocked.Add(ref _bytesOut, -bytes);
        return false;
    }

    private void Discharge(int bytes)
    {
        Interlocked.Add(ref _bytesOut, -bytes);
        _budget.Discharge(bytes);
    }
}
