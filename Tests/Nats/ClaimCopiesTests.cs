// Claims of which three NATS servers keep a copy each: one of them may fail, or be cut off from the others.

using System.Net;
using System.Net.WebSockets;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;
using RawWs.Server;
using RawWs.Tests.Support;

namespace RawWs.Tests.Nats;

[Parallelizable(ParallelScope.Self)]
public sealed class ClaimCopiesTests
{
    private const string Claims = "KV_rawws-uids";
    private const string Leases = "KV_rawws-uids-nodes";

    private readonly List<BackplaneNode> _nodes = [];
    private NatsCluster _nats = null!;
    private NatsConnection _connection = null!;
    private NatsJSContext _jetStream = null!;

    [SetUp]
    public async Task SetUp()
    {
        _nats = new NatsCluster(3);
        _connection = new NatsConnection(NatsOpts.Default with { Url = _nats.Urls, ReconnectWaitMax = TimeSpan.FromMilliseconds(200) });
        _jetStream = new NatsJSContext(_connection);
        // They have found each other when something can be kept by all three.
        StreamConfig probe = new("probe", ["probe"]) { NumReplicas = 3, Storage = StreamConfigStorage.Memory };
        await TestServer.EventuallyAsync(
            async () =>
            {
                try
                {
                    await _jetStream.CreateStreamAsync(probe);
                    return true;
                }
                catch (NatsException)
                {
                    return false;
                }
            },
            "three copies can be kept");
    }

    [TearDown]
    public async Task TearDown()
    {
        foreach (BackplaneNode node in _nodes) await node.DisposeAsync();
        _nodes.Clear();
        if (_connection is not null) await _connection.DisposeAsync();
        if (_nats is not null) await _nats.DisposeAsync();
    }

    [Test]
    public async Task WhenTheServerFailsThatLeads_WhoHasAUidKeepsIt_AndOthersGetTheirs()
    {
        await StartAsync([_nats.Urls, _nats.Urls], DuplicateUid.Reject);
        using ClientWebSocket bob = await _nodes[0].ConnectAsync("bob");
        Assert.That(bob.HttpStatusCode, Is.EqualTo(HttpStatusCode.SwitchingProtocols));
        Task<WebSocketReceiveResult> end = bob.ReceiveAsync(new byte[10], CancellationToken.None); // and Pings are answered
        _nats.Kill(await LeaderAsync());
        await TestServer.EventuallyAsync(
            async () =>
            {
                HttpStatusCode status = await AskAsync(_nodes[1], "bob");
                Assert.That(status, Is.AnyOf(HttpStatusCode.Conflict, HttpStatusCode.ServiceUnavailable), "never let in");
                return status == HttpStatusCode.Conflict;
            },
            "bob's claim is seen again");
        foreach (BackplaneNode node in _nodes)
        {
            await TestServer.EventuallyAsync(
                async () => await AskAsync(node, $"new-{_nodes.IndexOf(node)}") == HttpStatusCode.SwitchingProtocols, "others are let in");
        }

        Assert.That(end.IsCompleted, Is.False);
    }

    // On the side of the two nobody waits for the one. Where it is alone, nobody is let in; and what it has lost it learns later.
    [Test]
    public async Task WhenAServerIsCutOff_TheOthersDecide_AndItsNodeLearnsWhatItHasLost()
    {
        await StartAsync([_nats.UrlOf(0), _nats.UrlOf(1), _nats.UrlOf(2)], DuplicateUid.Reject);
        using ClientWebSocket eve = await _nodes[2].ConnectAsync("eve"), ann = await _nodes[2].ConnectAsync("ann");
        Task<WebSocketReceiveResult> endOfEve = eve.ReceiveAsync(new byte[10], CancellationToken.None);
        Task<WebSocketReceiveResult> endOfAnn = ann.ReceiveAsync(new byte[10], CancellationToken.None);
        _nats.Isolate(2);
        Assert.That(await AskAsync(_nodes[2], "new"), Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        ClientWebSocket? next = null;
        await TestServer.EventuallyAsync(
            async () =>
            {
                next?.Dispose();
                next = await _nodes[0].ConnectAsync("eve");
                return next.HttpStatusCode == HttpStatusCode.SwitchingProtocols;
            },
            "the lease of the node that is cut off has ended");
        Task<WebSocketReceiveResult> endOfNext = next!.ReceiveAsync(new byte[10], CancellationToken.None);
        Assert.That(endOfEve.IsCompleted, Is.False, "who has a uid keeps it, as far as is known there");
        Assert.That((_nodes[2].Backplane.CanClaim, _nodes[2].Backplane.IsConnected), Is.EqualTo((false, true)));
        Assert.That(await AskAsync(_nodes[2], "new"), Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        _nats.Heal(2);
        Assert.That((int?)(await endOfEve.WaitAsync(TestServer.Patience)).CloseStatus, Is.EqualTo(ServerCloseCodes.Replaced));
        // Until its lease is back, nobody may be let in there; and only then is ann asked for.
        await TestServer.EventuallyAsync(
            async () => await AskAsync(_nodes[2], "new") == HttpStatusCode.SwitchingProtocols, "its lease is back");
        await TestServer.EventuallyAsync(async () => await AskAsync(_nodes[1], "ann") == HttpStatusCode.Conflict, "ann is regained");
        Assert.That((endOfAnn.IsCompleted, endOfNext.IsCompleted), Is.EqualTo((false, false)));
        await TestServer.EventuallyAsync(() => _nodes.All(static node => node.Backplane.CanClaim), "each can claim");
        next.Dispose();
    }

    [Test]
    public async Task WhoAsksForMoreCopies_GetsThem_AndThereAreNeverLess()
    {
        foreach (int copies in (int[])[1, 3, 1])
        {
            _nodes.Add(await BackplaneNode.StartAsync(
                _nats.Urls, $"n{_nodes.Count}", DuplicateUid.Reject, claimReplicas: copies));
            foreach (string stream in (string[])[Claims, Leases])
                Assert.That((await InfoOf(stream)).Config.NumReplicas, Is.EqualTo(_nodes.Count == 1 ? 1 : 3), $"{stream}, {copies}");
        }

        using ClientWebSocket bob = await _nodes[0].ConnectAsync("bob");
        Assert.That(await AskAsync(_nodes[2], "bob"), Is.EqualTo(HttpStatusCode.Conflict));
    }

    private static async Task<HttpStatusCode> AskAsync(BackplaneNode node, string uid)
    {
        using ClientWebSocket client = await node.ConnectAsync(uid);
        return client.HttpStatusCode;
    }

    private async Task StartAsync(string[] urls, DuplicateUid duplicates) => _nodes.AddRange(
        await Task.WhenAll(urls.Select((url, i) => BackplaneNode.StartAsync(url, $"n{i}", duplicates, claimReplicas: 3))));

    private async Task<StreamInfo> InfoOf(string stream) => (await _jetStream.GetStreamAsync(stream)).Info;

    // The number of the server that decides about claims.
    private async Task<int> LeaderAsync()
    {
        string leader = (await InfoOf(Claims)).Cluster!.Leader!;
        return leader[^1] - '0';
    }
}
