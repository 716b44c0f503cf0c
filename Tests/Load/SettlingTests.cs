// A server has settled when its connections have ended and it does nothing any more; not before, and not for ever.

using RawWs.Benchmarks.Load;

namespace RawWs.Tests.Load;

public sealed class SettlingTests
{
    [Test]
    public void UntilConnectionsHaveEnded_AndNothingIsDone()
    {
        (int, double)[] looks = [(110, 1.00), (110, 1.00), (60, 1.03), (12, 1.06), (12, 1.09), (12, 1.0905), (12, 9)];
        int next = 0, pauses = 0;
        Assert.That(Settling.Wait(() => looks[next++], 15, () => pauses++, 100));
        Assert.That((next, pauses), Is.EqualTo((6, 5)), "quiet with connections open is not settled, nor is work without them");
    }

    [Test]
    public void WhatNeverSettles_IsGivenUp()
    {
        int pauses = 0;
        double seconds = 0;
        Assert.That(Settling.Wait(() => (5, seconds++), 15, () => pauses++, 7), Is.False);
        Assert.That(pauses, Is.EqualTo(7));
    }
}
