// A bucket against plain arithmetic.

using RawWs.Server;
using RawWs.Server.Limits;

namespace RawWs.Tests.Server;

public sealed class TokenBucketTests
{
    [Test]
    public void ABucket_IsPlainArithmetic([Range(1, 20)] int seed)
    {
        Random random = new(seed);
        RateLimit limit = new(random.Next(1, seed % 2 == 0 ? 5 : 5000), random.Next(1, 50));
        TokenBucket bucket = default;
        decimal level = limit.Burst;
        long now = random.Next(1_000_000);
        for (int step = 0; step < 2000; step++)
        {
            long passed = random.Next(4) == 0 ? random.NextInt64(1, 5000) : random.Next(20);
            now += passed;
            level = Math.Min(limit.Burst, level + ((decimal)passed * limit.PerSecond / 1000));
            long tokens = random.Next(10) == 0 ? random.Next(1, 3 * limit.Burst) : 1;
            long wait = level >= 1 ? 0 : (long)Math.Ceiling((1 - level) * 1000 / limit.PerSecond);
            Assert.That(bucket.WaitMilliseconds(limit, now), Is.EqualTo(wait));
            Assert.That(bucket.IsFull(limit, now), Is.EqualTo(level == limit.Burst));
            if (random.Next(8) == 0)
            {
                bucket.Take(limit, tokens, now);
                level -= tokens;
                continue;
            }

            Assert.That(bucket.TryTake(limit, tokens, now), Is.EqualTo(level >= 1));
            if (level >= 1) level -= tokens;
        }
    }

    // The largest numbers that can be set, after a year.
    [Test]
    public void ABucket_DoesNotOverflow()
    {
        RateLimit limit = new(int.MaxValue, int.MaxValue);
        TokenBucket bucket = default;
        for (long now = 0; now < 366L * 86_400_000; now += 33 * 86_400_000L)
        {
            Assert.That(bucket.TryTake(limit, int.MaxValue, now));
            Assert.That(bucket.TryTake(limit, 1, now), Is.False);
        }
    }

    [Test]
    public void ARest_BringsTheBurst_AndNoMore()
    {
        RateLimit limit = new(10, 5);
        TokenBucket bucket = default;
        for (int round = 0; round < 3; round++)
        {
            long now = round * 10_000;
            for (int i = 0; i < 5; i++) Assert.That(bucket.TryTake(limit, 1, now));
            Assert.That((bucket.TryTake(limit, 1, now), bucket.WaitMilliseconds(limit, now)), Is.EqualTo((false, 100L)));
            Assert.That((bucket.TryTake(limit, 1, now + 99), bucket.TryTake(limit, 1, now + 100)), Is.EqualTo((false, true)));
        }
    }
}
