// What the Lab explains, and each rule's example: explained by its page's sentences, and sent to a real connection of the server, which
// judges as the page says.

using System.Text.Json;
using RawWs.Frame;
using RawWs.Handshake;
using RawWs.Server;
using RawWs.Server.Console.Explain;
using RawWs.Server.Console.Lab;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class LabExamplesTests(Setup setup)
{
    private static IEnumerable<string> RulesToTry => FrameRules.All.Select(static rule => rule.Name)
        .Concat(HandshakeRules.All.Select(static rule => rule.Name))
        .Where(static name => Page.Find(name)!.FindExample() is { Options: "", Bytes.Length: <= LabRequest.BytesMax });

    private static IEnumerable<string> RulesWithOptions => Page.Names
        .Where(static name => Page.Find(name)!.FindExample() is { Options.Length: > 0 });

    [Test]
    public async Task Explain_IsTheCommandsJson()
    {
        await using TestServer server = await Start();
        await using LabClient lab = await LabClient.Open(server.Port);
        JsonElement unit = (await lab.Ask("\"do\":\"explain\",\"bytes\":\"818537fa213d7f9f4d5158\"")).GetProperty("explained")
            .GetProperty("units")[0];
        Assert.That(unit.GetProperty("payload").GetString(), Is.EqualTo(Convert.ToHexStringLower("Hello"u8)));
        JsonElement chinese = (await lab.Ask("\"do\":\"explain\",\"bytes\":\"81\",\"lang\":\"zh\"")).GetProperty("explained");
        JsonElement note = chinese.GetProperty("units")[0].GetProperty("annotations")[0];
        Assert.That(note.GetProperty("why").GetString(), Does.Match("[\u4e00-\u9fff]"));
    }

    // Each example is bytes for a real connection of the server. It judges as its page says, whether the bytes come at once or one by one.
    [TestCaseSource(nameof(RulesToTry))]
    public async Task Raw_EachRulesExample_BreaksThatRule(string name)
    {
        Page page = Page.Find(name)!;
        Example example = page.FindExample()!;
        await using TestServer server = await Start();
        await using LabClient lab = await LabClient.Open(server.Port);
        string handshake = page.Rule!.IsHandshake ? "false" : "true";
        JsonElement raw = (await lab.Ask($$"""
            "do":"raw","handshake":{{handshake}},"chunks":[{"bytes":"{{Convert.ToHexString(example.Bytes)}}"}]
            """)).GetProperty("raw");
        Assert.That(raw.GetProperty("rule").GetString(), Is.EqualTo(name), raw.ToString());
        string answer = page.Rule.IsHandshake ? "status" : "code";
        Assert.That(raw.GetProperty(answer).GetInt32(), Is.EqualTo(page.Rule.Answer));
        Assert.That(raw.GetProperty("ended").GetBoolean());
    }

    // Where the command needs an option, the Lab has an example for this server, or explains it with that option.
    [TestCaseSource(nameof(RulesWithOptions))]
    public async Task AnExampleWithOptions_BreaksItsRuleHereToo(string name)
    {
        await using TestServer server = await Start();
        await using LabClient lab = await LabClient.Open(server.Port);
        JsonElement page = (await lab.Ask($"\"do\":\"page\",\"name\":\"{name}\"")).GetProperty("page");
        Assert.That(RuleOf(page.GetProperty("explained")), Is.EqualTo(name));
        string bytes = page.GetProperty("example").GetString()!, options = page.GetProperty("options").GetString()!;
        Assert.That(RuleOf((await lab.Ask($"\"do\":\"explain\",\"bytes\":\"{bytes}\",\"as\":\"{name}\"")).GetProperty("explained")),
            Is.EqualTo(name));
        if (options is "--from server" or "--endpoint /ws/") return; // no client sends it, and this server has no endpoints
        string offer = options == "--deflate" ? "permessage-deflate" : "";
        JsonElement raw = (await lab.Ask(
            $"\"do\":\"raw\",\"handshake\":true,\"offer\":\"{offer}\",\"chunks\":[{{\"bytes\":\"{bytes}\"}}]")).GetProperty("raw");
        Assert.That(raw.GetProperty("rule").GetString(), Is.EqualTo(name));

        static string? RuleOf(JsonElement conversation) =>
            conversation.GetProperty("directions")[0].GetProperty("rule").GetProperty("name").GetString();
    }

    [Test]
    public async Task WhatIsExplained_IsJudgedByTheServersLimits()
    {
        await using TestServer server = await Start(change: static options => options with { FragmentsMax = 2, MessageBytesMax = 1000 });
        await using LabClient lab = await LabClient.Open(server.Port);
        foreach ((string bytes, string rule) in new[]
        {
            ("018000000000" + "008000000000" + "008000000000", "TooManyFragments"), ("82fe03e900000000", "MessageTooBig"),
        })
        {
            JsonElement explained = (await lab.Ask($"\"do\":\"explain\",\"bytes\":\"{bytes}\"")).GetProperty("explained");
            Assert.That(explained.GetProperty("directions")[0].GetProperty("rule").GetProperty("name").GetString(), Is.EqualTo(rule));
        }
    }

    private Task<TestServer> Start(Func<ServerOptions, ServerOptions>? change = null) =>
        LabServer.Start(setup, change: options => (change ?? (static same => same))(options with { Compression = true }));
}
