// A node whose line to NATS takes nothing for a while: NATS ends that line, as a slow consumer's. Nobody else is held up, every message is
// accounted for, and the node comes back.

using System.Net.WebSockets;
using System.Text;
using RawWs.Tests.Support;

namespace RawWs.Tests.Nats;

[NonParallelizable]
public sealed class SlowNodeTests
{
    private const int Messages = 600;

    [Test]
    public async Task ItsLineIsEndedByNats_TheOthersGoOn_AndItComesBack()
    {
        string folder = Directory.CreateTempSubdirectory("rawws-slow-").FullName, file = Path.Combine(folder, "nats.conf");
        await File.WriteAllTextAsync(file, "max_pending: 1MB\n");
        try
        {
            // The slow one has a door of its own.
            await using NatsCluster nats = new(1, "--config", file);
            await using PausingProxy line = new(nats.PortOf(0));
            BackplaneNode[] nodes = await Task.WhenAll(
                BackplaneNode.StartAsync(nats.UrlOf(0), "one"), BackplaneNode.StartAsync(nats.UrlOf(0), "two"),
                BackplaneNode.StartAsync($"nats://127.0.0.1:{line.Port}", "slow"));
            await using BackplaneNode one = nodes[0], two = nodes[1], slow = nodes[2];
            using ClientWebSocket ann = await one.ConnectAsync("ann"), eve = await two.ConnectAsync("eve"),
                bob = await slow.ConnectAsync("bob");
            await one.KnowsAsync("bob");
            await one.KnowsAsync("eve");

            line.Pause();
            string text = new('x', 60_000);
            for (int i = 0; i < Messages; i++) await SayAsync(ann, $"bob:{i} {text}");
            for (int i = 0; i < 10; i++)
            {
                await SayAsync(ann, $"eve:{i}");
                Assert.That(await HearAsync(eve), Is.EqualTo($"{i}"));
            }

            TestServer.Eventually(() => nats.HasTold(0, "Slow Consumer"), "NATS says so");
            line.Resume();
            // Of each message: bob gets it, or ann is told. (What bob gets may be told as unreachable too: the answer was lost.)
            HashSet<int> come = [];
            int told = 0;
            Task hearing = Task.Run(async () =>
            {
                for (string heard = ""; heard != "the end";)
                {
                    heard = await HearAsync(bob);
                    if (heard != "the end") Assert.That(come.Add(int.Parse(heard.Split(' ')[0], null)), "once");
                }
            });
            Task counting = Task.Run(async () =>
            {
                for (string heard = ""; heard != "that was all";)
                {
                    heard = await HearAsync(ann);
                    if (heard.StartsWith("error:", StringComparison.Ordinal)) told++;
                    if (heard.StartsWith("error:offline", StringComparison.Ordinal)) Assert.Fail(heard);
                }
            });
            await SayAsync(ann, "ann:that was all");
            await counting.WaitAsync(TestServer.Patience);
            TestServer.Eventually(
                () => nodes.All(static node => node.Backplane is { IsReady: true, OtherNodes: 2 }), "all are there again, and know all");
            Assert.That(slow.Backplane.Disconnects, Is.GreaterThan(0));
            Assert.That((one.Backplane.Disconnects, two.Backplane.Disconnects), Is.EqualTo((0L, 0L)));
            await SayAsync(ann, "bob:the end");
            await hearing.WaitAsync(TestServer.Patience);
            Assert.That(come.Order(), Is.EqualTo(come), "in order");
            Assert.That(come.Count + told, Is.GreaterThanOrEqualTo(Messages));
            Assert.That(told, Is.Positive, "else its line was not too slow");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Task SayAsync(ClientWebSocket client, string text) =>
        client.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, CancellationToken.None);

    private static async Task<string> HearAsync(ClientWebSocket client)
    {
        byte[] buffer = new byte[64 * 1024];
        WebSocketReceiveResult result = await client.ReceiveAsync(buffer, CancellationToken.None);
        Assert.That(result.EndOfMessage, "in one piece");
        return Encoding.UTF8.GetString(buffer, 0, result.Count);
    }
}
