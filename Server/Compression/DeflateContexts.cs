// The native contexts of a server: made, lent, kept for the next, and counted. An inflater or deflater is its taker's alone until it is given back. What
// is out is charged to the memory budget, by measured constants; what is kept as a spare is not, as with the budget's arrays, but is few. All of them
// together may have half of the budget: peers that only keep theirs leave the other half to everybody's messages.
//
//   without takeover   one is taken for each message and given back at its end: an idle connection holds none
//   with takeover      one is taken when the connection's first compressed message comes or goes, and given back when the connection ends

using RawWs.Server.Memory;

namespace RawWs.Server.Compression;

/// <summary>Lends inflaters and deflaters. Safe on any thread.</summary>
internal sealed class DeflateContexts : IDisposable
{
    private const int WindowBitsMin = 8;
    private const int WindowCount = 8;

    private readonly MemoryBudget _budget;
    private readonly int _level;
    private readonly Spares<Inflater> _inflaters;
    private readonly Spares<Deflater>[] _deflaters;
    private long _bytesOut;
    private volatile bool _disposed;

    /// <param name="budget">Is charged for what is out.</param>
    /// <param name="level">The compression level, 1 (fast) to 9 (small).</param>
    /// <param name="sparesMax">
    /// How many inflaters, and how many deflaters of each window, are kept. A deflater without takeover is out no longer than a message takes to be
    /// compressed, so as many as there are threads that send are enough.
    /// </param>
    public DeflateContexts(MemoryBudget budget, int level, int sparesMax)
    {
        _budget = budget;
        _level = level;
        _inflaters = new Spares<Inflater>(sparesMax);
        _deflaters = new Spares<Deflater>[WindowCount];
        for (int i = 0; i < WindowCount; i++) _deflaters[i] = new Spares<Deflater>(sparesMax);
    }

    /// <summary>Whether contexts of so many bytes more are within their share of the memory limit.</summary>
    public bool HasRoomFor(int bytes) => Volatile.Read(ref _bytesOut) + bytes <= _budget.LimitBytes / 2 && _budget.HasRoomFor(bytes);

    /// <summary>An inflater with an empty window of 2 to the power of 8 to 15 bytes; null when the memory limit, or the memory, is reached.</summary>
    public Inflater? TryRentInflater(int windowBits)
    {
        if (!TryCharge(Inflater.ContextBytes)) return null;
        Inflater? inflater = _inflaters.TryTake();
        if (inflater is not null && !inflater.TryReset(windowBits))
        {
            inflater.Dispose();
            inflater = null;
        }

        inflater ??= Inflater.TryCreate(windowBits);
        if (inflater is null) Discharge(Inflater.ContextBytes);
        return inflater;
    }

    /// <summary>Takes an inflater back, in whatever state it is. The caller must not touch it afterwards.</summary>
    public void Return(Inflater inflater)
    {
        Discharge(Inflater.ContextBytes);
        if (_disposed || !_inflaters.Give(inflater)) inflater.Dispose();
    }

    /// <summary>A deflater that has forgotten everything; null when the memory limit, or the memory, is reached.</summary>
    /// <param name="windowBits">8 to 15.</param>
    /// <param name="takeover">Whether its messages may refer to each other.</param>
    public Deflater? TryRentDeflater(int windowBits, bool takeover)
    {
        int bytes = Deflater.ContextBytes(windowBits);
        if (!TryCharge(bytes)) return null;
        Deflater? deflater = _deflaters[windowBits - WindowBitsMin].TryTake() ?? Deflater.TryCreate(_level, windowBits, takeover);
        if (deflater is null) Discharge(bytes);
        else deflater.Takeover = takeover;
        return deflater;
    }

    /// <summary>Takes a deflater back. The caller must not touch it afterwards.</summary>
    public void Return(Deflater deflater)
    {
        Discharge(Deflater.ContextBytes(deflater.WindowBits));
        if (!_disposed && deflater.Takeover) deflater.Forget();
        if (_disposed || !_deflaters[deflater.WindowBits - WindowBitsMin].Give(deflater)) deflater.Dispose();
    }

    /// <summary>Frees the spares. What is out is freed when it is given back.</summary>
    public void Dispose()
    {
        _disposed = true;
        while (_inflaters.TryTake() is { } inflater) inflater.Dispose();
        foreach (Spares<Deflater> spares in _deflaters)
            while (spares.TryTake() is { } deflater) deflater.Dispose();
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
