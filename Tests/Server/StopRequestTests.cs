// One request to stop, or two: the time between the signals decides.

using Microsoft.Extensions.Time.Testing;
using RawWs.Server.Console;

namespace RawWs.Tests.Server;

public sealed class StopRequestTests
{
    [TestCase(0, false)]
    [TestCase(499, false)]
    [TestCase(500, true)]
    [TestCase(60_000, true)]
    public void ASecondSignal_IsASecondWish_FromHalfASecondOn(int milliseconds, bool second)
    {
        FakeTimeProvider time = new();
        StopRequest stop = new(time);
        Assert.That(stop.Requested.IsCompleted, Is.False);
        Assert.That(stop.Request(), Is.False);
        Assert.That(stop.Requested.IsCompleted, Is.True);
        time.Advance(TimeSpan.FromMilliseconds(milliseconds));
        Assert.That(stop.Request(), Is.EqualTo(second));
    }

    [Test]
    public void TheTimeCounts_FromTheFirst()
    {
        FakeTimeProvider time = new();
        StopRequest stop = new(time);
        stop.Request();
        for (int i = 0; i < 3; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(150));
            Assert.That(stop.Request(), Is.False);
        }

        time.Advance(TimeSpan.FromMilliseconds(150));
        Assert.That(stop.Request(), Is.True);
    }
}
