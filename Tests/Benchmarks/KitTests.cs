// What makes the kit's figures worth believing: how bytes arrive, what the harness itself does, code that is compiled to the end, and the
// refusal to measure on one processor.

using System.Diagnostics;
using BenchmarkDotNet.Running;
using RawWs.Benchmarks;
using RawWs.Benchmarks.Corpus;
using RawWs.Benchmarks.Parsers;
using RawWs.Benchmarks.Report;
using RawWs.Tests.Support;

namespace RawWs.Tests.Benchmarks;

public sealed class KitTests
{
    [Test]
    public void Whole_EachFrameIsInAReceiveOfItsOwn()
    {
        foreach (Traffic traffic in Traffic.All.Where(static traffic => traffic.Arrival == Arrival.Whole))
        {
            IEnumerable<int> ends = traffic.Wire.Frames.Select(static frame => frame.PayloadStart + frame.Length);
            Assert.That(traffic.Wire.ArrivalEnds.ToArray(), Is.EqualTo(ends), $"{traffic}");
        }
    }

    [Test]
    public void Packed_TheSameFrames_InOneReceive()
    {
        foreach (Traffic traffic in Traffic.All.Where(static traffic => traffic.Arrival == Arrival.Packed))
        {
            Assert.That(traffic.Wire.ArrivalEnds.ToArray(), Is.EqualTo([traffic.Wire.Bytes.Length]), $"{traffic}");
            Assert.That((traffic with { Arrival = Arrival.Whole }).Wire.Bytes.SequenceEqual(traffic.Wire.Bytes), $"{traffic}");
        }
    }

    [Test]
    public void Packed_IsMeasured_WhereAWireHasMoreThanOneFrame()
    {
        Traffic[] packed = [.. Traffic.Frames.Where(static traffic => traffic.Arrival == Arrival.Packed)];
        Assert.That(packed, Is.Not.Empty);
        Assert.That(packed.Select(static traffic => traffic.Wire.Frames.Count), Has.All.GreaterThan(1));
        Assert.That(packed.Select(static traffic => traffic.Kind).Distinct(), Is.EquivalentTo(Enum.GetValues<PayloadKind>()));
    }

    [Test]
    public void TheHarness_ReceivesAll_DeliversAsManyMessages_AndAnswersAsMuch()
    {
        HarnessCost harness = new();
        foreach (Traffic traffic in Traffic.All)
        {
            MessageSink sink = new();
            traffic.Wire.Rewind();
            harness.Read(traffic.Wire, sink);
            Assert.That((sink.Count, traffic.Wire.BytesSent),
                Is.EqualTo((traffic.Wire.Messages.Count, traffic.Wire.Pongs.Length)), $"{traffic}");
            Assert.That(traffic.Wire.Receive(new byte[1]), Is.Zero, $"{traffic}");
        }
    }

    [Test]
    public void TheHarness_StandsBesideTheParsers_AndIsNone()
    {
        Assert.That(ParserBenchmark.Parsers, Has.Exactly(1).EqualTo(HarnessCost.Called));
        Assert.That(ParserGate.RightParsers, Has.None.EqualTo(HarnessCost.Called));
        Assert.That(ParserGate.Make(HarnessCost.Called), Is.InstanceOf<HarnessCost>());
    }

    [Test]
    public void FiguresAreOfCodeThatIsCompiledToTheEnd()
    {
        Assert.That(
            KitConfig.ForFigures.Environment.EnvironmentVariables.Select(static variable => $"{variable.Key}={variable.Value}"),
            Is.EquivalentTo(["DOTNET_TieredCompilation=0", "DOTNET_ReadyToRun=0"]));
        Assert.That(KitConfig.AsByDefault.Environment.EnvironmentVariables, Is.Null.Or.Empty);
    }

    [Test]
    public void AFewRowsAreMeasuredWithTiersToo()
    {
        BenchmarkCase[] cases = [.. new[] { typeof(FrameDecodeBenchmark), typeof(EncodeBenchmark) }
            .SelectMany(static type => BenchmarkConverter.TypeToBenchmarks(
                type, new KitRun.Config(brief: false, TextWriter.Null)).BenchmarksCases)];
        BenchmarkCase[] tiered = [.. cases.Where(static benchmark => benchmark.Job.Id == KitConfig.AsByDefault.Id)];
        string[] withTiers = [.. tiered.Select(static benchmark => benchmark.DisplayInfo)];
        Assert.That(withTiers, Has.Length.EqualTo(12 * ParserBenchmark.Parsers.Count()).And.All.Contain(nameof(FrameDecodeBenchmark)));
        Assert.That(cases.Count(static benchmark => benchmark.Job.Id == KitConfig.ForFigures.Id), Is.GreaterThan(300));
    }

    [TestCase(1, false)]
    [TestCase(2, true)]
    public void OneProcessorIsNotEnough(int processors, bool enough) =>
        Assert.That(EnoughProcessors.AreHere(processors), Is.EqualTo(enough));

    [TestCase("--filter", "*")]
    [TestCase("report", "--only", "kit")]
    [Platform("Linux")]
    public void PinnedToOneProcessor_NothingIsMeasured(params string[] words)
    {
        string[] arguments =
            [.. words, .. words[0] == "report" ? ["--out", Path.Combine(Path.GetTempPath(), "never-written")] : (string[])[]];
        ProcessStartInfo start = new("dotnet", [Dotnet.PathOf("RawWs.Benchmarks"), .. arguments]);
        start.Environment["DOTNET_PROCESSOR_COUNT"] = "1"; // what the runtime finds when it is pinned
        (int exitCode, _, string errors) = Tools.Run(start, TimeSpan.FromMinutes(2));
        Assert.That(exitCode, Is.EqualTo(2), errors);
        Assert.That(errors.TrimEnd(), Does.EndWith(EnoughProcessors.Refusal).And.Not.Contain("\n"));
    }

    [Test]
    public void VectorXor_IsXor([Values(0u, 0x12345678u, 0xFF00FF01u)] uint key)
    {
        for (int length = 0; length <= 600; length++)
        {
            byte[] source = Payload.Make(PayloadKind.Binary, length, new Random(length));
            byte[] expected = [.. source.Select((value, i) => (byte)(value ^ (key >> (8 * (i % 4)))))];
            byte[] copied = new byte[length];
            VectorXor.Copying(source, copied, key);
            Assert.That(copied, Is.EqualTo(expected), $"{length} bytes, copied");
            VectorXor.InPlace(source, key);
            Assert.That(source, Is.EqualTo(expected), $"{length} bytes, in place");
        }
    }
}
