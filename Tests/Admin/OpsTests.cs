// What lies in docs/ops, against the real tools: the rules by promtool; a real Prometheus that scrapes a loaded server, and answers every
// query of the dashboard and of the rules. And README's ways to send, each in its own language.

using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using RawWs.Frame;
using RawWs.Tests.Support;

namespace RawWs.Tests.Admin;

[Platform("Linux")]
public sealed partial class OpsTests
{
    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("rawws-ops").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase("check", "alerts.yml")]
    [TestCase("test", "alerts.test.yml")]
    public void TheRules_AreRight(string command, string file)
    {
        using RunningProgram promtool = RunningProgram.StartOther(
            Tools.Require("promtool"), command, "rules", Repository.At("docs", "ops", file));
        promtool.WaitForExit();
        Assert.That(promtool.ExitCode, Is.Zero, promtool.Output + promtool.Errors);
    }

    [Test]
    public void EveryRule_IsTested_SilentAndFiring()
    {
        string tests = Repository.Read("docs/ops/alerts.test.yml");
        string[] rules = [.. AlertName().Matches(Repository.Read("docs/ops/alerts.yml")).Select(static match => match.Groups[1].Value)];
        Assert.That(rules, Is.Not.Empty);
        foreach (string rule in rules) Assert.That(tests, Does.Contain($"name: {rule}, silent").And.Contain($"name: {rule}, fires"));
    }

    [Test]
    public async Task EveryQuery_HasAnAnswer_OfARealPrometheusThatScrapesALoadedServer()
    {
        await using AdminRoom room = await AdminRoom.Open();
        string[] queries = [.. Queries().Where(static query => !IsOfTheCluster(query))];
        Assert.That(queries, Has.Length.GreaterThan(20));
        await AskPrometheus(queries, [room.Port.Address], () => Load(room));
    }

    [Test]
    public async Task EveryQueryOfTheCluster_HasAnAnswer_OfARealPrometheusThatScrapesTwoNodes()
    {
        using ClusterPrograms cluster = new();
        ProgramNode one = cluster.Start("one"), two = cluster.Start("two");
        RawClient ann = one.Enter("ann"), bob = two.Enter("bob");
        one.Knows(2);
        string[] queries = [.. Queries().Where(IsOfTheCluster)];
        Assert.That(queries, Has.Length.GreaterThan(20));
        await AskPrometheus(queries, [.. new[] { one, two }.Select(static node => $"{node.Program.AdminAddress}".TrimEnd('/'))], () =>
        {
            ann.SendText("bob:hi");
            Assert.That(bob.ReadText(), Is.EqualTo("hi"));
        });
    }

    [TestCase("sh", "curl", "bash", "-c")]
    [TestCase("php", "PHP", "php", null)]
    [TestCase("python", "Python", "python3", null)]
    [TestCase("js", "node", "node", null)]
    public async Task ReadmesWayToSend_Sends(string language, string name, string tool, string? option)
    {
        Tools.Require(tool);
        if (language == "sh") Tools.Require("curl");
        await using AdminRoom room = await AdminRoom.Open();
        RawClient alice = room.Enter("alice");
        Match block = Regex.Match(Repository.Read("README.md"), $"```{language}\n([^`]*/v1/send.*?)\n```", RegexOptions.Singleline);
        Assert.That(block.Success, $"README has a way to send from {name}");
        string code = block.Groups[1].Value.Replace("127.0.0.1:2001", room.Port.Address.Split("//")[1], StringComparison.Ordinal);
        string file = Path.Combine(_folder, language == "js" ? "send.mjs" : $"send.{language}");
        File.WriteAllText(file, code);
        using RunningProgram program = RunningProgram.StartOther(tool, option is null ? [file] : [option, code]);
        program.WaitForExit();
        Assert.That(program.Output, Is.EqualTo("""{"delivered":1,"tooSlow":0,"offline":[]}"""), program.Errors);
        Assert.That(alice.ReadText(), Is.EqualTo($"hi from {name}"));
    }

    // Each query has an answer in the end, while what is scraped is loaded.
    private async Task AskPrometheus(string[] queries, string[] addresses, Action load)
    {
        string prometheus = Tools.Require("prometheus");
        load();
        string targets = string.Join(", ", addresses.Select(static url => '"' + url.Split("//")[1] + '"'));
        File.WriteAllText(Path.Combine(_folder, "prometheus.yml"), $$"""
            global: { scrape_interval: 200ms, evaluation_interval: 1s }
            rule_files: [{{Repository.At("docs", "ops", "alerts.yml")}}]
            scrape_configs:
              - job_name: rawws
                static_configs: [{ targets: [{{targets}}] }]
            """);
        using RunningProgram program = RunningProgram.StartOther("bash", "-c",
            "exec \"$0\" --config.file=\"$1/prometheus.yml\" --storage.tsdb.path=\"$1/data\" --web.listen-address=127.0.0.1:0 2>&1",
            prometheus, _folder);
        Match? address = null;
        TestServer.Eventually(() => (address = Listening().Match(program.Output)).Success, "it listens");
        using HttpClient http = new();
        http.BaseAddress = new Uri($"http://127.0.0.1:{address!.Groups[1].Value}");
        await WhenReady(http);
        foreach (string query in queries)
        {
            // A rate needs two scrapes.
            using CancellationTokenSource patience = new(TestServer.Patience);
            JsonElement answer;
            while ((answer = await Ask(http, query)).GetProperty("data").GetProperty("result").GetArrayLength() == 0)
            {
                Assert.That(patience.IsCancellationRequested, Is.False, $"{query} has no answer: {answer}\n{program.Output}");
                load();
            }
        }

        program.Stop();
    }

    private static bool IsOfTheCluster(string query) => query.Contains("rawws_cluster", StringComparison.Ordinal);

    // Every expression of the dashboard; and what each rule compares, without the comparison, which would leave nothing when all is well.
    private static IEnumerable<string> Queries()
    {
        JsonElement dashboard = JsonDocument.Parse(Repository.Read("docs/ops/grafana.json")).RootElement;
        foreach (JsonElement panel in dashboard.GetProperty("panels").EnumerateArray())
            foreach (JsonElement target in panel.GetProperty("targets").EnumerateArray())
                yield return target.GetProperty("expr").GetString()!
                    .Replace("$job", "rawws", StringComparison.Ordinal).Replace("$__rate_interval", "1m", StringComparison.Ordinal);
        foreach (string name in MetricName().Matches(Repository.Read("docs/ops/alerts.yml")).Select(static match => match.Value).Distinct())
            yield return $"{{__name__=\"{name}\"}}";
    }

    // Clients that come, talk and go, are refused, and do not read; and a send of the admin port.
    private static void Load(AdminRoom room)
    {
        int port = room.Server.EndPoints[0].Port;
        for (int i = 0; i < 20; i++)
        {
            using RawClient client = room.Enter($"u{i}");
            client.SendText($"u{i}:hello");
            client.ReadText();
            client.Send(Opcode.Close, [3, 232]);
            client.ReadClose();
        }

        using (RawClient refused = RawClient.Connect(port))
        {
            refused.Send("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n");
            refused.ReadToEnd();
        }

        room.Enter("alice");
        room.Post("/v1/send", """{"uids":["alice","nobody"],"text":"hi"}""").Wait();
    }

    // It listens before it answers queries.
    private static async Task WhenReady(HttpClient http)
    {
        using CancellationTokenSource patience = new(TestServer.Patience);
        bool isReady = false;
        while (!isReady)
        {
            using HttpResponseMessage response = await http.GetAsync(new Uri("/-/ready", UriKind.Relative), patience.Token);
            isReady = response.IsSuccessStatusCode;
        }
    }

    private static async Task<JsonElement> Ask(HttpClient http, string query)
    {
        using HttpResponseMessage response = await http.GetAsync(
            new Uri($"/api/v1/query?query={Uri.EscapeDataString(query)}", UriKind.Relative));
        string text = await response.Content.ReadAsStringAsync();
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK), $"{query}: {text}");
        return JsonDocument.Parse(text).RootElement;
    }

    [GeneratedRegex(@"Listening on"" address=127\.0\.0\.1:(\d+)")]
    private static partial Regex Listening();

    [GeneratedRegex(@"- alert: (\w+)")]
    private static partial Regex AlertName();

    [GeneratedRegex(@"\brawws_[a-z_]+")]
    private static partial Regex MetricName();
}
