// Foreign parsers: what their drivers print becomes figures, one that is wrong gets no time, and ours, as a driver, refuses every broken
// frame.

using RawWs.Benchmarks.Corpus;
using RawWs.Benchmarks.Foreign;
using RawWs.Benchmarks.Report;
using RawWs.Tests.Report;

namespace RawWs.Tests.Benchmarks;

public sealed class ForeignTests
{
    private static readonly string Wire = CorpusFiles.NameOf(ForeignCommand.Timed[0]);

    [Test]
    public void WhatADriverPrints_IsFigures()
    {
        IReadOnlyList<ForeignFigure> figures = ForeignLines.Read(
            ["parser\tOne\t1.2", "right", "accepts\ttext-that-is-not-UTF-8", "accepts\tno-mask", $"time\t{Wire}\t5120.0\t51.2"]);
        Assert.That(figures, Has.Count.EqualTo(1));
        Assert.That((figures[0].Parser, figures[0].Version, figures[0].Problem), Is.EqualTo(("One", "1.2", (string?)null)));
        Assert.That(figures[0].Accepts, Is.EqualTo(["text that is not UTF-8", "no mask"]));
        Assert.That(figures[0].Case, Is.EqualTo("16 B Binary"));
        Assert.That((figures[0].NsPerFrame, figures[0].NsPerFrameSpread, figures[0].GBPerSecond), Is.EqualTo((10.0, 0.1, 1.6)));
    }

    [TestCase(new[] { "parser\tOne\t1.2", "wrong\tframes-x\tother Pongs" }, "wrong, and not timed: frames-x: other Pongs")]
    [TestCase(new[] { "parser\tOne\t1.2" }, "its driver was not done")]
    [TestCase(new string[0], "its driver said nothing")]
    public void WhoIsWrong_OrNotDone_GetsNoTime(string[] lines, string problem)
    {
        ForeignFigure figure = ForeignLines.Read(lines).Single();
        Assert.That((figure.Problem, figure.MeanNs, figure.Wire), Is.EqualTo((problem, (double?)null, (string?)null)));
    }

    [TestCase("RawWs", "")]
    [TestCase("System.Net.WebSockets", "no mask")]
    public void OursAsADriver(string parser, string accepted)
    {
        using StringWriter output = new() { NewLine = "\n" };
        Assert.That(OwnDriver.Run(parser, [], output), Is.Zero);
        string[] lines = output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(lines[0], Does.StartWith($"parser\t{parser} (C#)\t"));
        Assert.That(lines[1], Is.EqualTo("right"));
        string[] accepts = [.. lines.Skip(2).Select(static line => line["accepts\t".Length..])];
        if (accepted.Length == 0) Assert.That(accepts, Is.Empty);
        else Assert.That(accepts, Has.Member(BrokenFrames.FileName(accepted)));
    }

    [Test]
    public void TheReport_HasThemWithWhatTheyDoNotCheck()
    {
        string directory = Directory.CreateTempSubdirectory("rawws-foreign-").FullName;
        try
        {
            ForeignFigure[] figures =
            [
                .. ForeignLines.Read(["parser\tOne\t1.2", "right", "accepts\tno-mask", $"time\t{Wire}\t5120.0\t51.2"]),
                .. ForeignLines.Read(["parser\tTwo\t3", "wrong\tframes-x\tother Pongs"]),
            ];
            RunInfo run =
                new(default, "Benchmarks/Foreign/run", false, null, new Dictionary<string, string>(), new Dictionary<string, string>(), []);
            RawData.Write(directory, ForeignCommand.Name, new Results<ForeignFigure>(run, figures));
            using StringWriter output = new();
            Assert.That(ReportCommand.Run(["--from", directory], output, output), Is.Zero, output.ToString());
            string text = Written.Check(directory);
            Assert.That(text, Does.Contain("| ns a frame | One |").And.Contain("| 16 B Binary | 10.0 ±0.1 |"));
            Assert.That(
                text, Does.Contain("| One | 1.2 | no mask |").And.Contain("| Two | 3 | (wrong, and not timed: frames-x: other Pongs) |"));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Test]
    public void NoScriptNamesARegistry()
    {
        string[] foreign = Directory.GetFiles(Support.Repository.At("Benchmarks", "Foreign"), "*", SearchOption.AllDirectories);
        string[] files = [.. foreign, Support.Repository.At("Benchmarks", "Peers", "setup")];
        foreach (string file in files.Where(static file => !file.Contains("/build/", StringComparison.Ordinal)))
            Assert.That(File.ReadAllText(file), Does.Not.Match("npmjs|registry\\.|deb\\.debian|proxy\\.golang|pypi|crates\\.io"), file);
    }
}
