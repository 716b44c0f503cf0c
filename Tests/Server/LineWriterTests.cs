// Lines put together by hand, beside the base library's formatting of the same.

using System.Globalization;
using System.Text;
using RawWs.Server.Log;

namespace RawWs.Tests.Server;

[TestFixture]
public class LineWriterTests
{
    [TestCase(0)]
    [TestCase(9)]
    [TestCase(10)]
    [TestCase(-1)]
    [TestCase(-10)]
    [TestCase(1_000_000)]
    [TestCase(int.MaxValue)]
    [TestCase(int.MinValue)]
    [TestCase(999_999_999_999_999_999)]
    [TestCase(1_000_000_000_000_000_000)]
    [TestCase(long.MaxValue)]
    [TestCase(long.MinValue)]
    public void ANumber_IsItsDecimalDigits(long number) =>
        Assert.That(Number(number), Is.EqualTo(number.ToString(CultureInfo.InvariantCulture)));

    [TestCase(0ul, 1, "0")]
    [TestCase(0ul, 0, "")]
    [TestCase(7ul, 3, "007")]
    [TestCase(70ul, 3, "070")]
    [TestCase(1234ul, 3, "1234")]
    [TestCase(ulong.MaxValue, 1, "18446744073709551615")]
    [TestCase(1ul, 20, "00000000000000000001")]
    public void Digits_HaveZerosInFront(ulong number, int digitsMin, string expected)
    {
        LineWriter line = new(stackalloc char[4]);
        line.WriteDigits(number, digitsMin);
        Assert.That(line.ToString(), Is.EqualTo(expected));
    }

    [TestCase(0, "0.000")]
    [TestCase(1, "0.001")]
    [TestCase(999, "0.999")]
    [TestCase(1_000, "1.000")]
    [TestCase(59_050, "59.050")]
    [TestCase(3 * 86_400_000L + 7, "259200.007")]
    [TestCase(-1, "-0.001")]
    [TestCase(-12_340, "-12.340")]
    public void Milliseconds_AreThreeDecimals(long milliseconds, string expected) =>
        Assert.That(Seconds(TimeSpan.FromMilliseconds(milliseconds)), Is.EqualTo(expected));

    [TestCase(4_999, "0.000")]
    [TestCase(5_000, "0.001")]
    [TestCase(45_000, "0.004")] // 0.0045 as a double is a little less
    [TestCase(625_000, "0.062")] // 0.0625 is a double: to the even one
    [TestCase(1_875_000, "0.188")]
    [TestCase(-4_000, "-0.000")]
    public void APartOfAMillisecond_IsRoundedAsItsDoubleIs(long ticks, string expected) =>
        Assert.That(Seconds(new TimeSpan(ticks)), Is.EqualTo(expected));

    [Test]
    public void NumbersAndSeconds_AreTheBaseLibrarys_WhateverComes([Values(1, 2, 3)] int seed)
    {
        Random random = new(seed);
        for (int round = 0; round < 20_000; round++)
        {
            long number = random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64);
            Assert.That(Number(number), Is.EqualTo(number.ToString(CultureInfo.InvariantCulture)), $"seed {seed}");
            // Whole milliseconds are the ones that are written by hand.
            foreach (TimeSpan time in (TimeSpan[])[new TimeSpan(number), new TimeSpan(number / 10_000 * 10_000)])
                Assert.That(Seconds(time), Is.EqualTo(time.TotalSeconds.ToString("F3", CultureInfo.InvariantCulture)),
                    $"seed {seed}, {time.Ticks} ticks");
        }
    }

    [Test]
    public void AText_GrowsOutOfAnyRoom([Values(0, 1, 2, 7, 64)] int room, [Values(1, 2)] int seed)
    {
        Random random = new(seed);
        for (int round = 0; round < 500; round++)
        {
            StringBuilder expected = new();
            LineWriter line = new(new char[room]);
            for (int parts = random.Next(12); parts > 0; parts--)
            {
                string text = new((char)random.Next(' ', 0x3000), random.Next(random.Next(40)));
                long number = random.NextInt64();
                expected.Append(text).Append(number).Append('|');
                line.Write(text);
                line.Write(number);
                line.Write('|');
            }

            Assert.That(line.ToString(), Is.EqualTo(expected.ToString()), $"seed {seed}, round {round}");
            Assert.That(line.Written.ToString(), Is.EqualTo(expected.ToString()));
        }
    }

    // In less room than they need.
    private static string Number(long number)
    {
        LineWriter line = new(stackalloc char[1]);
        line.Write(number);
        return line.ToString();
    }

    private static string Seconds(TimeSpan time)
    {
        LineWriter line = new(stackalloc char[1]);
        line.WriteSeconds(time);
        return line.ToString();
    }
}
