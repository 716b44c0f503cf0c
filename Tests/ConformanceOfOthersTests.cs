// The conformance suite against servers that others have written: each comes to what the table in docs/conformance.md says of it. So the
// table is true, and the suite asks for nothing that only our server could know.

using System.Text.Json;
using RawWs.Conformance;
using RawWs.Tests.Support;

namespace RawWs.Tests;

[Parallelizable(ParallelScope.Self)]
public sealed class ConformanceOfOthersTests
{
    // Where the others wait for more than they need, the cases wait for them in vain, a few hundred times. What they do answer takes them
    // milliseconds. A heavy case keeps a processor busy, and no server makes one wait in vain.
    private static readonly TimeSpan PatienceWithLightCases = TimeSpan.FromSeconds(2);

    [Test]
    public async Task Kestrel_ComesToWhatTheTableSays()
    {
        string program = Repository.At("Benchmarks", "Peers", "Kestrel", "bin", Repository.OutputFolder, "RawWs.Peers.Kestrel.dll");
        await Check("Kestrel", $"ASP.NET Core Kestrel {Environment.Version}", Tools.Require("dotnet"), program);
    }

    [Test]
    public async Task NodeWs_ComesToWhatTheTableSays()
    {
        Tools.RequireWs("Benchmarks", "Peers");
        string node = Tools.Require("node");
        await Check("ws", $"ws {PinnedWs("Benchmarks", "Peers")} on Node {VersionOf(node)}", node,
            Repository.At("Benchmarks", "Peers", "ws.mjs"));
    }

    [Test]
    public void TheTable_NamesTheWsThatIsPinned()
    {
        Assert.That(ConformanceTable.Document, Does.Contain($"; ws {PinnedWs("Benchmarks", "Peers")} on Node "));
        Assert.That(PinnedWs("Tests", "Node"), Is.EqualTo(PinnedWs("Benchmarks", "Peers")), "one ws for client and server");
    }

    private static async Task Check(string column, string version, params string[] program)
    {
        using RunningProgram peer = RunningProgram.StartOther(program[0], [.. program[1..], "0", "--compression"]);
        int port = peer.WaitForPort();
        List<Result> results = [];
        foreach ((TimeSpan patience, bool heavy) in ((TimeSpan, bool)[])[(PatienceWithLightCases, false), (TestServer.Patience, true)])
            results.AddRange(
                await Suite.RunAsync(new Target("127.0.0.1", port, "/", patience), [.. Suite.All.Where(item => item.IsHeavy == heavy)]));
        IReadOnlyList<string> got = ConformanceTable.Of(results), said = ConformanceTable.Column(column);
        // On a machine with much else to do, or where the other races with itself, a case may fail that holds: those are asked again, in
        // the chapters that differ.
        for (int again = 0; again < 4 && !got.SequenceEqual(said); again++)
        {
            string[] chapters = [.. got.Except(said).Select(static line => line.Split(':')[0])];
            List<Result> failed = results.FindAll(
                result => result.Outcome == Outcome.Failed && chapters.Contains(result.Case.Chapter, StringComparer.Ordinal));
            results.RemoveAll(failed.Contains);
            results.AddRange(await Suite.RunAsync(
                new Target("127.0.0.1", port, "/", PatienceWithLightCases), [.. failed.Select(static result => result.Case)]));
            got = ConformanceTable.Of(results);
        }

        if (!got.SequenceEqual(said))
        {
            // Which cases they are is for whoever refreshes the table to find out.
            TestContext.Out.WriteLine($"This is {version}.");
            foreach (Result result in results.Where(static result => result.Outcome == Outcome.Failed))
                TestContext.Out.WriteLine($"{result.Case.Kind} {result.Case.Id}: {result.Detail}");
        }

        Assert.That(got, Is.EqualTo(said), $"docs/conformance.md, and {version}");
    }

    private static string PinnedWs(params IReadOnlyList<string> folder)
    {
        using JsonDocument pins = JsonDocument.Parse(File.ReadAllText(Repository.At([.. folder, "package-lock.json"])));
        return pins.RootElement.GetProperty("packages").GetProperty("node_modules/ws").GetProperty("version").GetString()!;
    }

    private static string VersionOf(string node) => Tools.Run(node, "--version").Output.Trim().TrimStart('v');
}
