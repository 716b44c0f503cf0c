// How many handshakes of a server are under way. Each costs some tens of kilobytes and much time of a processor, and its peer is a stranger
// yet. Past the bound newcomers are turned away.

namespace RawWs.Server.Tls;

/// <summary>Counts handshakes. Any thread.</summary>
internal sealed class TlsHandshakes(int countMax)
{
    private volatile int _countMax = countMax;
    private int _count;

    /// <summary>How many are under way.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Whether no further one should begin.</summary>
    public bool IsFull => Count >= CountMax;

    /// <summary>How many there may be. Who has begun goes on.</summary>
    public int CountMax
    {
        get => _countMax;
        set => _countMax = value;
    }

    /// <summary>One begins.</summary>
    public void Begin() => Interlocked.Increment(ref _count);

    /// <summary>One is over.</summary>
    public void End() => Interlocked.Decrement(ref _count);
}
