// The gate over the kit's figures: what cannot be fails the report. Shown on figures of code that was measured before it was compiled to
// the end.

using System.Reflection;
using BenchmarkDotNet.Attributes;
using RawWs.Benchmarks;
using RawWs.Benchmarks.Report;

namespace RawWs.Tests.Report;

public sealed class KitGateTests
{
    [TestCase(1.7, 0)]
    [TestCase(1.9, 1)]
    public void AByteOf64KiB_TakesAtMost18TimesOneOf1MiB(double times, int failures)
    {
        IReadOnlyList<string> said = Check(
            Figure("One", "64 KiB Mixed, packed", 64 * 1024, 6554 * times, 1),
            Figure("One", "1 MiB Mixed, packed", 1 << 20, 104858, 1));
        Assert.That(said, Has.Count.EqualTo(failures));
        if (failures > 0)
            Assert.That(said[0], Does.StartWith("not to be believed: TheBenchmark, One, 64 KiB Mixed, packed: takes 1.90 times"));
    }

    [TestCase(84_999, 1)]
    [TestCase(131_072, 0)]
    public void WhoeverMakesLargeObjects_IsNotJudgedByThat(long allocated, int failures) => Assert.That(
        Check(
            Figure("One", "64 KiB Mixed", 64 * 1024, 6554 * 3, 1) with { AllocatedBytes = allocated },
            Figure("One", "1 MiB Mixed", 1 << 20, 104858, 1) with { AllocatedBytes = 16 * allocated }),
        Has.Count.EqualTo(failures));

    [Test]
    public void OfDifferentRows_NothingIsCompared() => Assert.That(
        Check(
            Figure("One", "64 KiB Mixed", 64 * 1024, 99999, 1),
            Figure("One", "1 MiB Binary", 1 << 20, 104858, 1),
            Figure("Other", "1 MiB Mixed", 1 << 20, 104858, 1)),
        Is.Empty);

    [TestCase("Another", 90, 0.1, 1)]
    [TestCase("Another", 97, 0.1, 0)]
    [TestCase("Another", 90, 4, 0)]
    [TestCase("Limit: of another kind", 50, 0.1, 0)]
    [TestCase("Harness, without a parser", 50, 0.1, 0)]
    public void NobodyIsFasterThanTheLimit_BeyondTheErrorOfBoth(string contender, double ns, double spread, int failures)
    {
        KitFigure limit = Figure("Limit: memcpy", "16 B", 16, 100, 0.1);
        Assert.That(Check(Figure(contender, "16 B", 16, ns, spread), limit), Has.Count.EqualTo(failures));
    }

    // Of two limits in a row, one copies and the other one masks while it does.
    [TestCase("RawWs, client, given a key", 60, 1)]
    [TestCase("RawWs, server", 60, 0)]
    [TestCase("RawWs, server", 40, 1)]
    public void WhatMasks_IsHeldAgainstALimitThatMasks(string contender, double ns, int failures) => Assert.That(
        Check([.. new[]
        {
            Figure(contender, "16 B", 16, ns, 0), Figure("Limit: XOR by vectors", "16 B", 16, 100, 0),
            Figure("Limit: the base library's copy", "16 B", 16, 50, 0),
        }.Select(static figure => figure with { Benchmark = nameof(EncodeBenchmark) })]), Has.Count.EqualTo(failures));

    [Test]
    public void WhoHasALimitOfItsOwn_IsInTheKit_AndSoIsThat() => Assert.That(
        KitGate.LimitsOfSome.Where(static pair => !NamesOf(pair.Key.Benchmark).IsSupersetOf([pair.Key.Contender, pair.Value])), Is.Empty);

    [TestCase(1, 2.1, 0)]
    [TestCase(1, 1.9, 1)]
    [TestCase(100, 210, 0)]
    [TestCase(100, 190, 1)]
    public void HalfANanosecondAFrame_IsTheErrorAtLeast(long frames, double ns, int failures) => Assert.That(
        Check(
            Figure("Another", "16 B", 16 * frames, ns, 0) with { Frames = frames },
            Figure("Limit: memcpy", "16 B", 16 * frames, 3 * frames, 0) with { Frames = frames }),
        Has.Count.EqualTo(failures));

    [Test]
    public void WhereALimitIsOvertakenByAnother_TheFasterOneHolds() => Assert.That(
        Check(Figure("Limit: one", "16 B", 16, 100, 0.1), Figure("Limit: two", "16 B", 16, 50, 0.1),
            Figure("Another", "16 B", 16, 60, 0.1)), Is.Empty);

    [Test]
    public void AShortRunHasNoFigures() => Assert.That(
        KitGate.Check(
            new Results<KitFigure>(Run(brief: true), [Figure("Another", "16 B", 16, 1, 0), Figure("Limit: memcpy", "16 B", 16, 100, 0)])),
        Is.Empty);

    private static HashSet<string> NamesOf(string benchmark) => [.. typeof(KitGate).Assembly.GetType($"RawWs.Benchmarks.{benchmark}")!
        .GetMethods().Select(static method => method.GetCustomAttribute<BenchmarkAttribute>()?.Description!)];

    private static IReadOnlyList<string> Check(params KitFigure[] figures) =>
        KitGate.Check(new Results<KitFigure>(Run(brief: false), figures));

    private static RunInfo Run(bool brief) =>
        new(default, "", brief, null, new Dictionary<string, string>(), new Dictionary<string, string>(), []);

    private static KitFigure Figure(string contender, string row, long bytes, double ns, double spread) =>
        new("TheBenchmark", "Method", contender, row, bytes, 1, bytes, ns, ns, spread, 8, 0, null);
}
