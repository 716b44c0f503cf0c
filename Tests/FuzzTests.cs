// The fuzz targets without the fuzzer: every file of every corpus, what fuzzing once found among them, and a fixed number of random
// changes of them from a fixed seed, so that two runs are the same; then, for as long as the clock says, changes from a seed that is new in
// each run and printed. What fuzzing itself is: docs/fuzzing.md.

using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using RawWs.Frame;
using RawWs.Fuzz;
using RawWs.Handshake;
using RawWs.Tests.Support;

namespace RawWs.Tests;

public sealed class FuzzTests
{
    private const int Seed = 20261125;
    private const int MutationsPerTarget = 40_000;

    // All targets together stay under one minute; elsewhere than in CI a shorter run will do.
    private static readonly TimeSpan TimePerTarget = TimeSpan.FromSeconds(Tools.InCi ? 4 : 3);

    private static IEnumerable<Rule> FrameRulesTried => FrameRules.All.Except([FrameRules.CompressedDataMalformed]);

    // What is decompressed is judged by the server; so are these, which no request shows by itself.
    private static readonly HandshakeRule[] HandshakeRulesOfTheServer =
    [
        HandshakeRules.TooSlow, HandshakeRules.OutOfMemory, HandshakeRules.TooManyConnections, HandshakeRules.TooManyFromAddress,
        HandshakeRules.TooManyHandshakes, HandshakeRules.TooManyOfUid,
    ];

    private static IEnumerable<HandshakeRule> HandshakeRulesTried => HandshakeRules.All.Except(HandshakeRulesOfTheServer);

    private static IEnumerable<string> Targets => FuzzTargets.All.Select(static target => target.Name);

    [TestCaseSource(nameof(Targets))]
    public void EveryFileOfTheCorpus_Holds(string name)
    {
        foreach (string file in FilesOf(name)) Run(name, File.ReadAllBytes(file), Path.GetFileName(file));
    }

    [TestCaseSource(nameof(Targets))]
    public void RandomChangesOfTheCorpus_Hold(string name)
    {
        RunChanges(name, Seed, static i => i < MutationsPerTarget);
    }

    [TestCaseSource(nameof(Targets))]
    public void RandomChangesFromANewSeed_HoldForAsLongAsThereIsTime(string name)
    {
        // Set, it is the seed of a run that is to be repeated.
        int seed = int.TryParse(Environment.GetEnvironmentVariable("RAWWS_SEED"), CultureInfo.InvariantCulture, out int given)
            ? given
            : Random.Shared.Next();
        long start = Stopwatch.GetTimestamp();
        int count = RunChanges(name, seed, _ => Stopwatch.GetElapsedTime(start) < TimePerTarget);
        TestContext.Out.WriteLine($"{name}: {count} changes from seed {seed}");
        Assert.That(count, Is.Positive);
    }

    [Test]
    public void EveryTargetHasACorpus() =>
        Assert.That(Directory.GetDirectories(CorpusPath()).Select(Path.GetFileName), Is.EquivalentTo(Targets));

    // The targets can fail: for each row the product refuses some file of the corpus, and the test above holds that answer against the
    // oracle's. A product that forgets the row is noticed here, and there.

    [TestCaseSource(nameof(FrameRulesTried))]
    public void AFrameRule_IsBrokenByAFileOfTheCorpus(Rule rule) =>
        Assert.That(FilesOf("protocol").Any(file => ProtocolTarget.RuleOf(File.ReadAllBytes(file)) == rule));

    [TestCaseSource(nameof(HandshakeRulesTried))]
    public void AHandshakeRule_IsBrokenByAFileOfTheCorpus(HandshakeRule rule) =>
        Assert.That(FilesOf("request").Any(file => UpgradeTarget.RuleOf(File.ReadAllBytes(file)) == rule));

    private static int RunChanges(string name, int seed, Func<int, bool> goesOn)
    {
        Random random = new(seed);
        byte[][] corpus = [.. FilesOf(name).Select(File.ReadAllBytes)];
        int i = 0;
        for (; goesOn(i); i++)
        {
            byte[] input =
                Mutation.Of(corpus[random.Next(corpus.Length)], corpus[random.Next(corpus.Length)], FuzzTargets.InputBytesMax, random);
            Run(name, input, $"change {i} from seed {seed} (RAWWS_SEED={seed})");
        }

        return i;
    }

    private static void Run(string name, byte[] input, string what)
    {
        try
        {
            FuzzTargets.Find(name)!.Run(input);
        }
        catch (Exception exception)
        {
            Assert.Fail($"{what}, {Convert.ToHexString(input)}: {exception}");
        }
    }

    // In the order of their names, which is the same everywhere: the random changes depend on it.
    private static IEnumerable<string> FilesOf(string name) =>
        Directory.GetFiles(Path.Combine(CorpusPath(), name)).Order(StringComparer.Ordinal);

    private static string CorpusPath([CallerFilePath] string path = "") => Path.Combine(Path.GetDirectoryName(path)!, "Fuzz", "Corpus");
}
