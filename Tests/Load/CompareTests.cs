// The comparison: it runs with each server that is installed, says what failed, and pins and unpins.

using System.Numerics;
using System.Runtime.Versioning;
using RawWs.Benchmarks.Load;
using RawWs.Tests.Support;

namespace RawWs.Tests.Load;

[Platform("Linux")]
[NonParallelizable]
public sealed class CompareTests
{
    // The test command sets up the first three. Of the others those are measured that Benchmarks/Peers/setup has set up on this machine.
    public static IEnumerable<string> Servers =>
        ((string[])["rawws", "kestrel", "ws"]).Union(LoadServer.FindInstalled().Select(static one => one.Name));

    [TestCaseSource(nameof(Servers))]
    public void Brief_MeasuresEveryCell(string server)
    {
        if (LoadServer.FindInstalled().All(one => one.Name != server)) Tools.Missing(server);
        string file = Path.GetTempFileName();
        LoadOutcome outcome = LoadOutcome.Of("compare", "--brief", "--no-pin", "--only", server, "--reference", server, "--json", file);
        string json = File.ReadAllText(file);
        File.Delete(file);
        Assert.That((outcome.ExitCode, outcome.Error), Is.EqualTo((0, "")), outcome.Output);
        foreach (LoadCell cell in LoadCell.Brief)
        {
            Assert.That(outcome.Output, Does.Match($@"(?m)^{cell.Name} +{LoadUnit.Of(cell.Kind)[0]} +[1-9-][\d,]*$"));
            Assert.That(json, Does.Contain($"\"cell\": \"{cell.Name}\""));
        }
    }

    [TestCase("sh -c 'echo no such thing >&2; exit 3' {port}", "ended with exit code 3 before it listened. no such thing")]
    public void AServerThatDoesNotStart_IsNamed_AndTheOthersAreMeasured(string command, string says)
    {
        LoadOutcome outcome = LoadOutcome.Of(
            "compare", "--brief", "--no-pin", "--only", "rawws,broken", "--cells", "echo-100x16x32", "--server", "broken=" + command);
        Assert.That(outcome.ExitCode, Is.EqualTo(1));
        Assert.That(outcome.Output, Does.Contain("broken, echo-100x16x32: ").And.Contain(says).And.Match(
            @"(?m)^echo-100x16x32 +msg/CPU-s +[1-9][\d,]* +-$"));
    }

    [Test]
    public void Figures_AreMediansBesideAReference()
    {
        ServerFigure[] figures =
        [
            new("one", "cell", "msg/s", true, 2000, [2000], null),
            new("two", "cell", "msg/s", true, 500, [400, 600], null),
            new("three", "cell", "msg/s", true, double.NaN, [], "it fell"),
        ];
        using StringWriter output = new();
        CompareCommand.WriteTable(figures, "one", output);
        Assert.That(output.ToString().ReplaceLineEndings("\n"), Is.EqualTo(
            "               one  two (of one)  three (of one)\n"
            + "cell  msg/s  2,000    500 (0.25)               -\n"
            + "three, cell: it fell\n"));
    }

    [Test]
    [SupportedOSPlatform("linux")]
    public void Pinning_GivesEachAProcessor_AndGivesBackAll()
    {
        ulong[] before = Affinity();
        using (Pinning? pinning = Pinning.Begin())
        {
            if (Environment.ProcessorCount == 1)
            {
                Assert.That(pinning, Is.Null);
                return;
            }

            ulong[] own = Affinity(), server = pinning!.StartServer(Affinity);
            Assert.That((own.Sum(BitOperations.PopCount), server.Sum(BitOperations.PopCount)), Is.EqualTo((1, 1)));
            Assert.That(own, Is.Not.EqualTo(server));
        }

        Assert.That(Affinity(), Is.EqualTo(before));
    }

    [SupportedOSPlatform("linux")]
    private static ulong[] Affinity()
    {
        ulong[] mask = new ulong[16];
        Assert.That(ClientCalls.TryGetAffinity(0, mask));
        return mask;
    }
}
