// A uid that one connection alone may have, wanted on two nodes at once: over real NATS, with real connections.

using System.Globalization;
using System.Net;
using System.Net.WebSockets;
using System.Text;
using RawWs.Benchmarks.Backplane;
using RawWs.Server;
using RawWs.Tests.Support;

namespace RawWs.Tests.Nats;

[NonParallelizable]
public sealed class ClaimRaceTests
{
    // Tests/trial does it ten thousand times.
    private static readonly int Rounds =
        10 * int.Parse(Environment.GetEnvironmentVariable("RAWWS_TRIAL_CLIENTS") ?? "30", CultureInfo.InvariantCulture);

    private NatsServer _nats = null!;
    private BackplaneNode _one = null!;
    private BackplaneNode _two = null!;

    [TearDown]
    public async Task TearDown()
    {
        await _one.DisposeAsync();
        await _two.DisposeAsync();
        _nats.Dispose();
    }

    [TestCase(DuplicateUid.Replace), TestCase(DuplicateUid.Reject)]
    public async Task OfTwoAtOnce_OneHasIt(DuplicateUid duplicates)
    {
        await StartAsync(duplicates);
        int one = 0;
        for (int round = 0; round < Rounds; round++)
        {
            string uid = $"u{round}";
            bool isHeld = duplicates == DuplicateUid.Replace && round % 2 == 1; // by somebody on either node
            using ClientWebSocket? elder = isHeld ? await (round % 4 == 1 ? _one : _two).ConnectAsync(uid) : null;
            ClientWebSocket[] clients = await Task.WhenAll(_one.ConnectAsync(uid), _two.ConnectAsync(uid));
            HttpStatusCode[] statuses = [.. clients.Select(static client => client.HttpStatusCode)];
            HttpStatusCode other = duplicates == DuplicateUid.Reject ? HttpStatusCode.Conflict : HttpStatusCode.SwitchingProtocols;
            Assert.That(statuses, Is.EquivalentTo(new[] { HttpStatusCode.SwitchingProtocols, other }), $"round {round}");
            await TestServer.EventuallyAsync(() => CountOf(_one, uid) + CountOf(_two, uid) == 1, $"one has it in round {round}");
            if (elder is not null) Assert.That(await CloseCodeOf(elder), Is.EqualTo(ServerCloseCodes.Replaced));
            one += CountOf(_one, uid);
            foreach (ClientWebSocket client in clients)
            {
                bool hasLost = (CountOf(_one, uid) == 0) == (client == clients[0]);
                if (duplicates == DuplicateUid.Replace && client.State == WebSocketState.Open && hasLost)
                    Assert.That(await CloseCodeOf(client), Is.EqualTo(ServerCloseCodes.Replaced));
                client.Dispose();
            }
        }

        TestContext.Progress.WriteLine($"{duplicates}: {Rounds} races, one holder each; the first node had it {one} times");
    }

    // The longest id that there is: what a claim holds has room.
    [Test]
    public async Task NodesOfLongIds_ClaimAsOthers()
    {
        _nats = new NatsServer();
        (_one, _two) = await BackplaneNode.StartTwoAsync(_nats.Url, new string('1', 64), new string('2', 64), DuplicateUid.Replace);
        using ClientWebSocket older = await _one.ConnectAsync("bob"), newer = await _two.ConnectAsync("bob");
        Assert.That((older.HttpStatusCode, newer.HttpStatusCode), Is.EqualTo(
            (HttpStatusCode.SwitchingProtocols, HttpStatusCode.SwitchingProtocols)));
        Assert.That(await CloseCodeOf(older), Is.EqualTo(ServerCloseCodes.Replaced));
    }

    [Test]
    public async Task WhatIsGivenBack_IsFreeOnTheOtherNode()
    {
        await StartAsync(DuplicateUid.Reject);
        for (int round = 0; round < 20; round++)
        {
            using ClientWebSocket client = await (round % 2 == 0 ? _one : _two).ConnectAsync("bob");
            Assert.That(client.HttpStatusCode, Is.EqualTo(HttpStatusCode.SwitchingProtocols));
            using (ClientWebSocket other = await (round % 2 == 0 ? _two : _one).ConnectAsync("bob"))
                Assert.That(other.HttpStatusCode, Is.EqualTo(HttpStatusCode.Conflict));
            await client.CloseAsync(WebSocketCloseStatus.NormalClosure, "", CancellationToken.None).WaitAsync(TestServer.Patience);
            // It is given back behind the end of the connection.
            await TestServer.EventuallyAsync(
                async () =>
                {
                    using ClientWebSocket next = await (round % 2 == 0 ? _two : _one).ConnectAsync("bob");
                    return next.HttpStatusCode == HttpStatusCode.SwitchingProtocols;
                },
                "it is free");
            await TestServer.EventuallyAsync(() => CountOf(_one, "bob") + CountOf(_two, "bob") == 0, "it has left");
        }
    }

    [Test]
    public async Task WhileNatsIsAway_NobodyElseGetsAUid_AndWhoHasOneKeepsIt()
    {
        await using NatsCluster nats = new(1);
        _nats = new NatsServer();
        (_one, _two) = await BackplaneNode.StartTwoAsync(nats.UrlOf(0), "one", "two", DuplicateUid.Replace);
        using ClientWebSocket bob = await _one.ConnectAsync("bob"), ann = await _one.ConnectAsync("ann");
        nats.Kill(0);
        using (ClientWebSocket refused = await _two.ConnectAsync("bob"))
            Assert.That(refused.HttpStatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        await bob.SendAsync(Encoding.UTF8.GetBytes("ann:hi"), WebSocketMessageType.Text, true, CancellationToken.None);
        byte[] buffer = new byte[10];
        WebSocketReceiveResult come = await ann.ReceiveAsync(buffer, CancellationToken.None).WaitAsync(TestServer.Patience);
        Assert.That(Encoding.UTF8.GetString(buffer, 0, come.Count), Is.EqualTo("hi"));
        nats.Start(0); // as empty as at first
        ClientWebSocket? next = null;
        await TestServer.EventuallyAsync(
            async () =>
            {
                next?.Dispose();
                next = await _two.ConnectAsync("bob");
                return next.HttpStatusCode == HttpStatusCode.SwitchingProtocols;
            },
            "claims are there again");
        Assert.That(await CloseCodeOf(bob), Is.EqualTo(ServerCloseCodes.Replaced));
        next!.Dispose();
        Assert.That(ann.State, Is.EqualTo(WebSocketState.Open));
    }

    private static int CountOf(BackplaneNode node, string uid) =>
        node.Server.Directory.Find(uid).Count(static connection => connection.IsOpen);

    private static async Task<int?> CloseCodeOf(ClientWebSocket client)
    {
        WebSocketReceiveResult received = await client.ReceiveAsync(new byte[10], CancellationToken.None).WaitAsync(TestServer.Patience);
        return (int?)received.CloseStatus;
    }

    private async Task StartAsync(DuplicateUid duplicates)
    {
        _nats = new NatsServer();
        (_one, _two) = await BackplaneNode.StartTwoAsync(_nats.Url, "one", "two", duplicates);
    }
}
