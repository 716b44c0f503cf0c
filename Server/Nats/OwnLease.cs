// What a node knows of its own lease: whether it is there, and whether it has been there for long enough to judge others. No input and no
// output: the store says when a renewal begins and when it was answered.

namespace RawWs.Server.Nats;

/// <summary>Every member may be used from any thread.</summary>
internal sealed class OwnLease(TimeProvider time)
{
    /// <summary>After this time without a renewal a node is taken to be dead, and what it has claimed is free.</summary>
    public static readonly TimeSpan Lasts = TimeSpan.FromSeconds(4);

    /// <summary>
    /// So long other nodes may take to come back to a store that was away from all: they connect anew, renew their leases with their next
    /// second, and look at what they have claimed.
    /// </summary>
    public static readonly TimeSpan JudgesAfter = 2 * Lasts;

    private readonly Lock _lock = new();
    private long? _renewed; // when it was renewed; null while it is not known to be there
    private long _backSince; // when it was renewed for the first time, or after a while in which it was not
    private int _doubts;

    /// <summary>A renewal begins.</summary>
    /// <returns>What to say when it has been answered.</returns>
    public (long At, int Doubts) BeginRenewal()
    {
        lock (_lock) return (time.GetTimestamp(), _doubts);
    }

    /// <summary>It was answered: the lease is there, unless it was doubted meanwhile. Then the answer may be an earlier server's.</summary>
    public void EndRenewal((long At, int Doubts) renewal)
    {
        lock (_lock)
        {
            if (renewal.Doubts != _doubts) return;
            // Nodes renew at different times: where this one's was near its end, another's has ended.
            if (_renewed is not { } before || time.GetElapsedTime(before, renewal.At) >= Lasts / 2) _backSince = renewal.At;
            _renewed = renewal.At;
        }
    }

    /// <summary>The server has gone, and the lease perhaps with it.</summary>
    public void Doubt()
    {
        lock (_lock)
        {
            _doubts++;
            _renewed = null;
        }
    }

    /// <summary>Whether it is known to be there.</summary>
    public bool IsThere
    {
        get
        {
            lock (_lock) return _renewed is { } at && time.GetElapsedTime(at) < Lasts;
        }
    }

    /// <exception cref="ClaimStoreException">It is not known to be there.</exception>
    public void Check()
    {
        if (!IsThere) throw new ClaimStoreException("This node's lease is not known to be there.");
    }

    /// <summary>Whether a node whose lease is not there is dead: perhaps the store was away from all nodes.</summary>
    /// <exception cref="ClaimStoreException">That is not known yet.</exception>
    public void CheckJudges()
    {
        Check();
        lock (_lock)
        {
            if (time.GetElapsedTime(_backSince) < JudgesAfter)
            {
                throw new ClaimStoreException(
                    "This node has begun, or has come back, a moment ago: whether the node that had the uid lives is not known yet.");
            }
        }
    }
}
