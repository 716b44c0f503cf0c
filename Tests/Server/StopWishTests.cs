// One wish to stop, or two: the time between the signals decides.

using Microsoft.Extensions.Time.Testing;
using RawWs.Server;

namespace RawWs.Tests.Server;

public sealed class StopWishTests
{
    [TestCase(0, false)]
    [TestCase(499, false)]
    [TestCase(500, true)]
    [TestCase(60_000, true)]
    public void ASecondSignal_IsASecondWish_FromHalfASecondOn(int milliseconds, bool second)
    {
        FakeTimeProvider time = new();
        StopWish wish = new(time);
        Assert.That(wish.Asked.IsCompleted, Is.False);
        Assert.That(wish.Ask(), Is.False);
        Assert.That(wish.Asked.IsCompleted, Is.True);
        time.Advance(TimeSpan.FromMilliseconds(milliseconds));
        Assert.That(wish.Ask(), Is.EqualTo(second));
    }

    [Test]
    public void TheTimeCounts_FromTheFirst()
    {
        FakeTimeProvider time = new();
        StopWish wish = new(time);
        wish.Ask();
        for (int i = 0; i < 3; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(150));
            Assert.That(wish.Ask(), Is.False);
        }

        time.Advance(TimeSpan.FromMilliseconds(150));
        Assert.That(wish.Ask(), Is.True);
    }
}
