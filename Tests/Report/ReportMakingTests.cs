// The report out of raw data, without measuring, and what the command says to wrong words and wrong data.

using RawWs.Benchmarks.Corpus;
using RawWs.Benchmarks.Parsers;
using RawWs.Benchmarks.Report;

namespace RawWs.Tests.Report;

public sealed class ReportMakingTests
{
    private const string Kit = """
        {
        "run": {"date":"2026-01-02T03:04:05+00:00","command":"the command","brief":false,"commit":"0123abc","machine":{"Processor":"One"},
          "versions":{".NET":"10.0.0"},"failures":[]},
        "figures": [
        {"benchmark":"FrameDecodeBenchmark","method":"Frames","contender":"RawWs","case":"16 B Mixed","messageBytes":16,"frames":100,
          "payloadBytes":1600,"meanNs":800,"medianNs":790,"stdDevNs":3,"iterations":8,"allocatedBytes":0,"error":null},
        {"benchmark":"FrameDecodeBenchmark","method":"Frames","contender":"Naive, \"<&>\"","case":"16 B Mixed","messageBytes":16,
          "frames":100,"payloadBytes":1600,"meanNs":12800,"medianNs":790,"stdDevNs":null,"iterations":8,"allocatedBytes":123400,
          "error":null},
        {"benchmark":"FrameDecodeBenchmark","method":"Frames","contender":"RawWs","case":"1 KiB Mixed","messageBytes":1024,"frames":100,
          "payloadBytes":102400,"meanNs":10240,"medianNs":790,"stdDevNs":3,"iterations":8,"allocatedBytes":0,"error":null},
        {"benchmark":"TimerWheelBenchmark","method":"TickOfWaiting","contender":"a tick","case":"entries 100","messageBytes":null,
          "frames":null,"payloadBytes":null,"meanNs":12.34,"medianNs":12,"stdDevNs":3,"iterations":8,"allocatedBytes":0,"error":null}
        ]
        }
        """;

    private const string Servers = """
        {
        "run": {"date":"2026-01-02T03:04:05+00:00","command":"the command","brief":true,"commit":null,"machine":{},
          "versions":{"bun":"1.2.3"},"failures":[]},
        "figures": [
        {"server":"rawws","cell":"echo","unit":"msg/CPU-s","higherIsBetter":true,"median":150000,"rounds":[149000,150000,151000],
          "problem":null},
        {"server":"kestrel","cell":"echo","unit":"msg/CPU-s","higherIsBetter":true,"median":50000,"rounds":[50000],"problem":null},
        {"server":"rawws","cell":"idle","unit":"B/connection","higherIsBetter":false,"median":500,"rounds":[500],"problem":null},
        {"server":"kestrel","cell":"idle","unit":"B/connection","higherIsBetter":false,"median":1250,"rounds":[1250],"problem":null},
        {"server":"Late","cell":"idle","unit":"B/connection","higherIsBetter":false,"median":"NaN","rounds":[],
          "problem":"it did not listen"}
        ]
        }
        """;

    private string _directory = "";

    [SetUp]
    public void MakeDirectory() => _directory = Directory.CreateTempSubdirectory("rawws-report-").FullName;

    [TearDown]
    public void DeleteDirectory() => Directory.Delete(_directory, recursive: true);

    [Test]
    public void FromRawData_TablesAndPlotsAreMadeAnew()
    {
        Put("kit.json", Kit);
        Put("servers.json", Servers);
        Assert.That(Report(out string output, out string errors, "--from", _directory), Is.Zero, errors);
        Assert.That(output.Trim(), Is.EqualTo(Path.Combine(_directory, "report.md")));

        string text = Written.Check(_directory);
        Assert.That(text, Does.Contain("| ns per frame | RawWs | Naive, \"<&>\" |").And.Contain(
            "| 16 B Mixed | 8.00 ±0.03 | 128 |").And.Contain("| 1 KiB Mixed | 102 ±0 | – |"));
        Assert.That(text, Does.Contain("| GB/s | RawWs").And.Contain("| 16 B Mixed | 2.00 ±0.01 | 0.13 |").And.Contain(
            "| 1 KiB Mixed | 10.0 ±0.0 | – |"));
        Assert.That(text, Does.Contain("| 16 B Mixed | 0 | 1,234 |"));
        Assert.That(text, Does.Contain("| ns per operation | a tick |").And.Contain("| entries 100 | 12.3 ±3.0 |"));
        Assert.That(
            text, Does.Contain("| echo | 150,000 ±1,000 | 50,000 (3.00) | – |").And.Contain("| idle | 500 | 1,250 (2.50) | failed |"));
        Assert.That(text, Does.Contain("`the command`").And.Contain("| Commit | 0123abc |").And.Contain("| Processor | One |").And.Contain(
            "| bun | 1.2.3 |"));
        Assert.That(text.Split("**A short run.**"), Has.Length.EqualTo(2), "the kit was not short, the servers were");
    }

    [Test]
    public void ToAnotherDirectory_TheRawDataGoWithIt()
    {
        Put("kit.json", Kit);
        string other = Path.Combine(_directory, "other");
        Assert.That(Report(out _, out string errors, "--from", _directory, "--out", other), Is.Zero, errors);
        Written.Check(other);
        Assert.That(RawData.Read<KitFigure>(other, "kit")!.Figures, Is.EqualTo(RawData.Read<KitFigure>(_directory, "kit")!.Figures));
        string[] csv = File.ReadAllText(Path.Combine(other, "kit.csv")).Split("\r\n");
        Assert.That(csv[0], Does.StartWith("benchmark,method,contender,case,message_bytes,").And.EndsWith(
            ",ns_per_frame,ns_per_frame_spread,gb_per_second,gb_per_second_spread,allocated_per_frame"));
        Assert.That(csv[2], Does.StartWith("FrameDecodeBenchmark,Frames,\"Naive, \"\"<&>\"\"\",16 B Mixed,16,").And.EndsWith(
            ",,8,123400,,128,,0.125,,1234"));
    }

    [Test]
    public void Failures_AreNamed_AndTheExitCodeIs1()
    {
        Put(
            "kit.json", Kit.Replace("\"failures\":[]", "\"failures\":[\"Another: WRONG, and not measured: message 3 has other bytes\"]",
                StringComparison.Ordinal));
        Assert.That(Report(out _, out string errors, "--from", _directory), Is.EqualTo(1));
        Assert.That(errors, Does.Contain("Another: WRONG"));
        Assert.That(Written.Check(_directory), Does.Contain("**Failed:** Another: WRONG"));
    }

    [Test]
    public void AFigureThatCannotBe_FailsTheReport()
    {
        string impossible = Kit.Replace(
            "\"contender\":\"Naive, \\\"<&>\\\"\"", "\"contender\":\"Limit: memcpy\"", StringComparison.Ordinal);
        Assert.That(impossible, Is.Not.EqualTo(Kit));
        Put("kit.json", impossible);
        Assert.That(Report(out _, out string errors, "--from", _directory), Is.EqualTo(1));
        Assert.That(errors, Does.Contain("failed: not to be believed: FrameDecodeBenchmark, RawWs, 16 B Mixed"));
        Assert.That(Written.Check(_directory), Does.Contain("> **Failed:** not to be believed"));
    }

    [Test]
    public void TheHarness_IsTakenOffInAColumnOfItsOwn()
    {
        Put(
            "kit.json",
            Kit.Replace("\"contender\":\"Naive, \\\"<&>\\\"\"", "\"contender\":\"Harness, without a parser\"", StringComparison.Ordinal)
            .Replace("\"meanNs\":12800", "\"meanNs\":300", StringComparison.Ordinal));
        Assert.That(Report(out _, out string errors, "--from", _directory), Is.Zero, errors);
        Assert.That(Written.Check(_directory), Does.Contain("| ns per frame | RawWs | less the harness | Harness, without a parser |")
            .And.Contain("| 16 B Mixed | 8.00 ±0.03 | 5.00 | 3.00 |").And.Contain("| 1 KiB Mixed | 102 ±0 | – | – |"));
    }

    [TestCase("--fast")]
    [TestCase("short")]
    [TestCase("--out")]
    [TestCase("--out", "--short")]
    [TestCase("--only", "both")]
    [TestCase("--from", "/nowhere/at/all")]
    [TestCase("--from", "/", "--short")]
    [TestCase("--from", "/", "--only", "kit")]
    [TestCase("--rows", "*", "--only", "kit")]
    [TestCase("--rows", "*", "--out", "/")]
    [TestCase("--again")]
    [TestCase("--again", "--only", "servers")]
    [TestCase("--again", "--only", "kit", "--short")]
    public void WrongWords_OneLine_AndExitCode2(params string[] words) => Refused(words, words[0]);

    [TestCase(null, "neither kit.json nor servers.json")]
    [TestCase("", "kit.json")]
    [TestCase("{\"run\": 1}", "kit.json")]
    [TestCase("{}", "kit.json")]
    [TestCase("null", "kit.json")]
    public void WrongData_OneLine_AndExitCode2(string? kit, string named)
    {
        if (kit is not null) Put("kit.json", kit);
        Refused(["--from", _directory], named);
    }

    [Test]
    public void Help_IsPrinted()
    {
        Assert.That(Report(out string output, out _, "--help"), Is.Zero);
        Assert.That(output, Does.Contain("--short").And.Contain("--out").And.Contain("--only").And.Contain("--from"));
    }

    [Test]
    public void AWrongParser_IsNamed_AndNotAmongTheRight()
    {
        using StringWriter output = new();
        (IReadOnlyList<string> right, IReadOnlyList<string> wrong) = ParserGate.Judge([new Forgetful(), new NaiveParser()], output);
        Assert.That(right, Is.EqualTo((string[])["Naive"]));
        Assert.That(wrong, Has.Count.EqualTo(1).And.All.StartsWith("Forgetful: WRONG").And.All.Contain("bytes of Pongs"));
        Assert.That(output.ToString(), Does.Contain(wrong[0]).And.Contain("Naive: right"));
    }

    private static int Report(out string output, out string errors, params string[] words)
    {
        using StringWriter outputWriter = new(), errorWriter = new();
        int exitCode = ReportCommand.Run(words, outputWriter, errorWriter);
        (output, errors) = (outputWriter.ToString(), errorWriter.ToString());
        return exitCode;
    }

    private static void Refused(string[] words, string named)
    {
        Assert.That(Report(out string output, out string errors, words), Is.EqualTo(2));
        Assert.That(output, Is.Empty);
        Assert.That(errors.TrimEnd().Split('\n'), Has.Length.EqualTo(1));
        Assert.That(errors, Does.StartWith("report: ").And.Contain(named));
    }

    private void Put(string name, string content) => File.WriteAllText(Path.Combine(_directory, name), content);

    /// <summary>Reads everything, and answers no Ping.</summary>
    private sealed class Forgetful : IFrameParser
    {
        private readonly MemoryLimit _right = new();

        public string Name => "Forgetful";

        public void Read(Wire wire, MessageSink sink)
        {
            _right.Read(wire, sink);
            wire.Rewind();
        }
    }
}
