// nginx before three nodes, as docs/ops/cluster.md configures it: clients are spread, and every pair of them talks.

using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using RawWs.Tests.Ops;
using RawWs.Tests.Support;

namespace RawWs.Tests.Cluster;

[Platform("Linux")]
[Parallelizable(ParallelScope.Self)]
public sealed class ClusterNginxTests
{
    private const int Clients = 9;

    [Test]
    public async Task EveryPairTalks_ThroughNginx_OverThreeNodes()
    {
        Tools.Require("nginx");
        using ClusterPrograms cluster = new();
        ProgramNode[] nodes = cluster.StartAll(["one"], ["two"], ["three"]);
        using RunningProxy proxy = new("nginx", nodes[0].Port, 0, seconds: 60, site => Before(nodes, site));
        ClientWebSocket[] clients = new ClientWebSocket[Clients];
        using CancellationTokenSource patience = new(TestServer.Patience);
        using HttpMessageInvoker invoker = new(ProxiesTests.TrustingHandler());
        for (int i = 0; i < Clients; i++)
        {
            clients[i] = new ClientWebSocket();
            await clients[i].ConnectAsync(new Uri($"wss://localhost:{proxy.Port}/?uid=u{i}"), invoker, patience.Token);
        }

        foreach (ProgramNode node in nodes)
        {
            node.Knows(Clients);
            Assert.That(JsonDocument.Parse(node.Get("/v1/server")).RootElement.GetProperty("open").GetInt32(), Is.EqualTo(Clients / 3));
        }

        for (int from = 0; from < Clients; from++)
            for (int to = 0; to < Clients; to++)
                await clients[from].SendAsync(
                    Encoding.UTF8.GetBytes($"u{to}:{from}"), WebSocketMessageType.Text, endOfMessage: true, patience.Token);
        foreach (ClientWebSocket client in clients)
        {
            List<string> got = [];
            for (int i = 0; i < Clients; i++) got.Add(await Read(client, patience.Token));
            Assert.That(got, Is.EquivalentTo(Enumerable.Range(0, Clients).Select(static from => $"{from}")));
        }

        await clients[0].SendAsync("all:x"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, patience.Token);
        foreach (ClientWebSocket client in clients) Assert.That(await Read(client, patience.Token), Is.EqualTo("x"));
        foreach (ClientWebSocket client in clients) client.Dispose();
    }

    // Of the site of behind-a-proxy.md the cluster's page says what is other.
    private static string Before(ProgramNode[] nodes, string site)
    {
        string upstream = Repository.Read("docs/ops/cluster.md").Split("```nginx\n")[1].Split("```")[0];
        foreach ((string host, ProgramNode node) in new[] { "10.0.0.1", "10.0.0.2", "10.0.0.3" }.Zip(nodes))
            upstream = upstream.Replace($"{host}:2000", $"127.0.0.1:{node.Port}", StringComparison.Ordinal);
        string changed = site.Replace($"http://127.0.0.1:{nodes[0].Port}", "http://rawws", StringComparison.Ordinal);
        Assert.That(changed, Is.Not.EqualTo(site));
        return upstream + changed;
    }

    private static async Task<string> Read(ClientWebSocket client, CancellationToken patience)
    {
        byte[] buffer = new byte[256];
        WebSocketReceiveResult received = await client.ReceiveAsync(buffer, patience);
        return Encoding.UTF8.GetString(buffer, 0, received.Count);
    }
}
