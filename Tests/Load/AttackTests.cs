// Each attack in a small form on our own server: that it runs, attacks, and says things that can be true. How fast anything is does not
// matter here; the only bounds on times are those that a slow machine cannot break.

using System.Text.Json;
using RawWs.Benchmarks.Load;

namespace RawWs.Tests.Load;

[Platform("Linux")]
[NonParallelizable]
public sealed class AttackTests
{
    private const int Readers = 5;

    public static IEnumerable<TestCaseData> Names()
    {
        if (!OperatingSystem.IsLinux()) yield break;
        foreach (Attack attack in Attacks.All) yield return new TestCaseData(attack.Name);
    }

    [TestCaseSource(nameof(Names))]
    public void Attack_GivesFiguresThatCanBeTrue(string name)
    {
        foreach (JsonElement row in Run(name, "--attackers 4 --messages 50"))
        {
            Assert.That(row.GetProperty("attack").GetString(), Is.EqualTo(name));
            Assert.That(row.GetProperty("serves").GetBoolean());
            Assert.That((row.GetProperty("readers").GetInt32(), row.GetProperty("round").GetInt32()), Is.EqualTo((Readers, 1)));
            Assert.That(Figure(row, "probes"), Is.GreaterThan(0));
            Assert.That(Figure(row, "p50_ms"), Is.GreaterThan(0).And.LessThanOrEqualTo(Figure(row, "p99_ms")));
            Assert.That(Figure(row, "p99_ms"), Is.LessThanOrEqualTo(Figure(row, "worst_ms")));
            Assert.That(Figure(row, "before_bytes"), Is.GreaterThan(1_000_000));
            Assert.That(Figure(row, "peak_bytes"), Is.GreaterThan(1_000_000));
            Assert.That(Figure(row, "after_bytes"), Is.GreaterThan(1_000_000));
            Assert.That(Figure(row, "processor_seconds"), Is.GreaterThanOrEqualTo(0));
            Assert.That(Sum(row.GetProperty("honest_closed")), Is.LessThanOrEqualTo(Readers + 1));
            if (name != "stop-cont") Assert.That(Figure(row, "sent"), Is.GreaterThan(0));
        }
    }

    [TestCase("burst-all")]
    [TestCase("burst-uid")]
    public void Burst_ReachesEveryReader(string name)
    {
        JsonElement row = Run(name, "--messages 100").Single();
        Assert.That((Figure(row, "sent"), Figure(row, "delivered")), Is.EqualTo((100, Readers * 100)));
        // The sender's Pong, and what is for all is for it too.
        Assert.That(Figure(row, "answered"), Is.EqualTo(name == "burst-all" ? 101 : 1));
    }

    [TestCase("large-uid")]
    [TestCase("large-all")]
    public void ALargeMessage_ReachesEveryReader(string name)
    {
        JsonElement row = Run(name, "--messages 1").Single();
        Assert.That((Figure(row, "sent"), Figure(row, "delivered")), Is.EqualTo((1, Readers)));
    }

    [TestCase("echo-flood")]
    [TestCase("ping-flood")]
    public void Flood_IsAnsweredToItsEnd(string name)
    {
        JsonElement row = Run(name, "--attackers 2 --messages 1000").Single();
        Assert.That((Figure(row, "sent"), Figure(row, "answered")), Is.EqualTo((2000, 2002)), "and a Ping of each at the end");
    }

    [Test]
    public void Inflated_IsWhatTheServerRefusesAsAMessageWithoutColon()
    {
        JsonElement row = Run("inflate", "--attackers 2 --messages 3").Single();
        Assert.That((Figure(row, "sent"), Figure(row.GetProperty("told"), "no-colon")), Is.EqualTo((6, 6)));
    }

    [Test]
    public void Subprotocols_AreMoreThanTheServerTakes()
    {
        JsonElement row = Run("subprotocols", "--attackers 2 --messages 2", seconds: "20").Single();
        Assert.That((Figure(row, "sent"), Figure(row, "answered")), Is.EqualTo((4, 4)));
        Assert.That(Figure(row.GetProperty("attackers_closed"), "431"), Is.EqualTo(4));
        Assert.That(Figure(row.GetProperty("further"), "bytes of a request"), Is.InRange(31_000, 32 * 1024));
    }

    [TestCase("heads-unfinished")]
    [TestCase("messages-unfinished")]
    public void Unfinished_LeavesWhollyAndIsNotAnswered(string name)
    {
        JsonElement row = Run(name, "--attackers 3").Single();
        Assert.That((Figure(row, "sent"), Figure(row, "answered")), Is.EqualTo((3, 0)));
    }

    [Test]
    public void TwoSenders_EachMessageIsDeliveredOrToldOrMissing()
    {
        JsonElement row = Run("two-senders", "--messages 1000", readers: 1).Single();
        double told = Sum(row.GetProperty("told"));
        Assert.That(Figure(row, "sent"), Is.EqualTo(2000));
        Assert.That(Figure(row.GetProperty("further"), "sent less delivered and told"), Is.EqualTo(2000 - Figure(row, "delivered") - told));
    }

    // Probes become due every 20 ms, and none of the first is answered before the server goes on.
    [Test]
    public void AStoppedServer_ShowsInTheProbes()
    {
        JsonElement row = Run("stop-cont", "").Single();
        Assert.That(Figure(row, "worst_ms"), Is.GreaterThan(250));
    }

    [Test]
    public void EachSize_AndEachRound_IsARow()
    {
        LoadOutcome outcome = LoadOutcome.Of("attack", "burst-all", "pongs-unread", "--readers", "2", "--probers", "1", "--messages", "10",
            "--seconds", "0.1", "--warmup", "0", "--settle", "0", "--rounds", "2", "--transport", "socket");
        Assert.That((outcome.ExitCode, outcome.Error), Is.EqualTo((0, "")));
        IEnumerable<string> rows = outcome.Output.Split('\n').Select(static line => line.Split(' ')[0]).Where(static word => word != "");
        // The sizes of burst-all differ in their readers, those of pongs-unread in their attackers.
        Assert.That(rows, Is.EqualTo(["attack", "burst-all", "burst-all", "pongs-unread", "pongs-unread", "pongs-unread", "pongs-unread"]));
    }

    [Test]
    public void AServerThatDoesNotStart_IsToldInOneLine()
    {
        LoadOutcome outcome = LoadOutcome.Of("attack", "relay", "--json", "--server", "sh -c 'echo no such thing >&2; exit 3' {port}");
        Assert.That((outcome.ExitCode, outcome.Output), Is.EqualTo((1, "")));
        Assert.That(outcome.Error, Does.StartWith("load attack: relay: sh -c ").And.Contains("exit code 3").And.Contains("no such thing"));
        Assert.That(outcome.Error.Count(static c => c == '\n'), Is.EqualTo(1));
    }

    [Test]
    public void List_HasEachAttack()
    {
        LoadOutcome outcome = LoadOutcome.Of("attack", "--list");
        Assert.That((outcome.ExitCode, outcome.Error), Is.EqualTo((0, "")));
        foreach (TestCaseData name in Names()) Assert.That(outcome.Output, Does.Match($"(?m)^{name.Arguments[0]} "));
    }

    private static List<JsonElement> Run(string name, string more, string seconds = "0.3", int readers = Readers)
    {
        LoadOutcome outcome = LoadOutcome.Of(["attack", name, "--json", "--readers", $"{readers}", "--probers", "1",
            "--seconds", seconds, "--warmup", "0", "--settle", "0", .. more.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        Assert.That((outcome.ExitCode, outcome.Error), Is.EqualTo((0, "")), outcome.Output);
        string[] lines = outcome.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return [.. lines.Select(static line => JsonDocument.Parse(line).RootElement)];
    }

    private static double Sum(JsonElement counts) => counts.EnumerateObject().Sum(static count => count.Value.GetDouble());

    private static double Figure(JsonElement row, string name) => row.GetProperty(name).GetDouble();
}
