// A token bucket, in whole numbers. It keeps how much is missing from a full bucket, in thousandths of a token; so one that was never used
// is full, and a millisecond brings as many thousandths as a second brings tokens. The caller has the clock.

namespace RawWs.Server.Limits;

/// <summary>
/// Whoever owns it calls it, with a clock that does not go back. The limit is the same in each call; for another one it is made anew.
/// </summary>
internal struct TokenBucket
{
    private const long Thousand = 1000;

    private long _missing;
    private long _asOf;

    /// <summary>Takes tokens if there is one. There may be fewer than are taken: then they are missing, and are waited for later.</summary>
    /// <param name="limit">The limit.</param>
    /// <param name="tokens">How many; at most 2^31.</param>
    /// <param name="now">The time in milliseconds.</param>
    /// <returns>Whether they were taken.</returns>
    public bool TryTake(RateLimit limit, long tokens, long now)
    {
        if (WaitMilliseconds(limit, now) > 0) return false;
        _missing += tokens * Thousand;
        return true;
    }

    /// <summary>Takes tokens, whether they are there or not.</summary>
    public void Take(RateLimit limit, long tokens, long now)
    {
        Fill(limit, now);
        _missing += tokens * Thousand;
    }

    /// <summary>How many milliseconds there is no token; 0 when there is one.</summary>
    public long WaitMilliseconds(RateLimit limit, long now)
    {
        Fill(limit, now);
        long over = _missing - ((limit.Burst - 1) * Thousand);
        return over <= 0 ? 0 : (over + limit.PerSecond - 1) / limit.PerSecond;
    }

    /// <summary>Whether it is full.</summary>
    public bool IsFull(RateLimit limit, long now)
    {
        Fill(limit, now);
        return _missing == 0;
    }

    private void Fill(RateLimit limit, long now)
    {
        long passed = Math.Min(now - _asOf, (_missing / limit.PerSecond) + 1); // more is not needed, and might be too large a number
        _missing = Math.Max(0, _missing - (passed * limit.PerSecond));
        _asOf = now;
    }
}
