// A stop in stages: not ready, a wait in which everybody is served, Closes spread over a time, the code that was asked for. And the log in
// JSON, which tells of each end field by field.

using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using RawWs.Server.Applications;
using RawWs.Server.Console.Log;
using RawWs.Tests.Support;

namespace RawWs.Tests.Admin;

public sealed class DrainTests
{
    [TestCaseSource(typeof(Setup), nameof(Setup.All))]
    public async Task Closes_AreSpread_AndEverybodyIsTold(Setup setup)
    {
        const int Clients = 40, Steps = 40; // 2 s in steps of 50 ms
        FakeTimeProvider time = new();
        await using TestServer server = await TestServer.Start(setup, new EchoApplication(), options => options with
        {
            TimeProvider = time,
            DrainSpread = TimeSpan.FromSeconds(2),
            DrainCloseCode = 1012,
            PingInterval = TimeSpan.FromHours(1),
        });
        RawClient[] clients = [.. Enumerable.Range(0, Clients).Select(_ => RawClient.Open(server.Port))];
        TestServer.Eventually(() => server.Server.Directory.Count == Clients, "all are open");
        Task stopped = server.Server.StopAsync(TimeSpan.FromSeconds(30));
        TestServer.Eventually(() => server.Server.Directory.Count < Clients, "the first is told");
        HashSet<int> counts = [];
        int least = Clients;
        for (int i = 0; i < 100 * Steps && least > 0; i++)
        {
            int count = server.Server.Directory.Count;
            Assert.That(count, Is.LessThanOrEqualTo(least));
            least = count;
            counts.Add(count);
            time.Advance(TimeSpan.FromMilliseconds(50));
            server.CatchUp();
        }

        Assert.That((least, counts.Count), Is.EqualTo((0, counts.Count)));
        Assert.That(counts, Has.Count.GreaterThan(Steps / 2), "not all at once");
        Parallel.ForEach(clients, static client =>
        {
            Assert.That(client.ReadClose(answer: true), Is.EqualTo(((ushort?)1012, "server shutting down")));
            client.Dispose();
        });
        await stopped.WaitAsync(TestServer.Patience);
    }

    [Test]
    public async Task WhenNobodyIsLeft_TheStopIsOver()
    {
        FakeTimeProvider time = new(); // which stands still
        await using TestServer server = await TestServer.Start(Setup.All[0], new EchoApplication(),
            options => options with { TimeProvider = time, DrainSpread = TimeSpan.FromHours(1) });
        RawClient client = RawClient.Open(server.Port);
        Task stopped = server.Server.StopAsync(TimeSpan.FromSeconds(30));
        client.Dispose();
        await stopped.WaitAsync(TestServer.Patience);
    }

    [Test]
    [Platform("Linux")]
    public async Task TheProgram_IsNotReady_AndServesOn_WhileItWaits()
    {
        using RunningProgram program = RunningProgram.Start(
            "--listen", "127.0.0.1:0", "--app", "echo", "--admin", "127.0.0.1:0", "--drain-wait", "86400");
        int port = program.WaitForPort();
        Uri isReady = new(program.AdminAddress, "/readyz");
        using HttpClient http = new();
        using (HttpResponseMessage ready = await http.GetAsync(isReady))
            Assert.That(ready.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        program.Signal(15);
        TestServer.Eventually(() => program.CountLines("draining: not ready from now on") == 1, "it drains");
        using (HttpResponseMessage ready = await http.GetAsync(isReady))
        {
            Assert.That(ready.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
            Assert.That(await ready.Content.ReadAsStringAsync(), Is.EqualTo("draining\n"));
        }

        using (RawClient client = RawClient.Open(port))
        {
            client.SendText("hello");
            Assert.That(client.ReadText(), Is.EqualTo("hello"));
        }

        program.SignalUntilItEnds(15);
        Assert.That(program.ExitCode, Is.EqualTo(143));
    }

    [Test]
    [Platform("Linux")]
    public void TheProgram_GoesThroughAllStages_AndLogsInJson()
    {
        using RunningProgram program = RunningProgram.Start("--listen", "127.0.0.1:0", "--app", "echo", "--drain-wait", "0.001",
            "--drain-spread", "0.1", "--close-code-on-drain", "1012", "--log-format", "json");
        JsonElement listening = default;
        TestServer.Eventually(
            () => program.Output.Split('\n').Select(Parse).Any(line => Event(listening = line) == "Listening"), "it listens");
        string address = listening.GetProperty("values").GetProperty("address").GetString()!;
        using RawClient client = RawClient.Open(int.Parse(address.Split(':')[1], null));
        client.SendText("hello");
        client.ReadText();
        program.Signal(15);
        Assert.That(client.ReadClose(answer: true).Code, Is.EqualTo(1012));
        client.Dispose();
        program.WaitForExit();
        JsonElement[] lines = [.. program.Output.Split('\n').Select(Parse)];
        JsonElement report = lines.Single(static line => line.TryGetProperty("report", out _)).GetProperty("report");
        Assert.That((report.GetProperty("cause").GetString(), report.GetProperty("code").GetInt32(),
            report.GetProperty("clean").GetBoolean(), report.GetProperty("messagesIn").GetInt32()), Is.EqualTo(("Drain", 1012, true, 1)));
        Assert.That(lines.Select(Event), Does.Contain("DrainBegins").And.Contain("Stopped"));
        Assert.That(lines, Has.All.Matches<JsonElement>(static line => line.TryGetProperty("time", out _)
            && line.TryGetProperty("level", out _) && line.TryGetProperty("category", out _) && line.TryGetProperty("message", out _)));
    }

    [Test]
    public void ALineInJson_IsOneLine_WhateverIsInIt()
    {
        byte[] line = JsonLine.Make(DateTimeOffset.UnixEpoch, LogLevel.Warning, "c", new EventId(7, "e"),
            new List<KeyValuePair<string, object?>> { new("text", "a\n\u2028\u001b[31m\"\ud800"), new("number", 5L), new("null", null) },
            "m\r\n", new InvalidOperationException("x\ny"));
        string text = System.Text.Encoding.ASCII.GetString(line);
        Assert.That(text.TrimEnd('\n'), Does.Not.Contain('\n').And.Not.Contain('\u001b').And.Not.Contain('?'));
        JsonElement read = JsonDocument.Parse(line).RootElement;
        Assert.That((read.GetProperty("time").GetString(), read.GetProperty("id").GetInt32(), read.GetProperty("level").GetString()),
            Is.EqualTo(("1970-01-01T00:00:00.000Z", 7, "warning")));
        Assert.That(read.GetProperty("values").GetProperty("number").GetInt32(), Is.EqualTo(5));
        Assert.That(read.GetProperty("exception").GetString(), Does.Contain("x\ny"));
    }

    private static JsonElement Parse(string line) => line.Length == 0 ? default : JsonDocument.Parse(line).RootElement;

    private static string? Event(JsonElement line) =>
        line.ValueKind == JsonValueKind.Object && line.TryGetProperty("event", out JsonElement name) ? name.GetString() : null;
}
