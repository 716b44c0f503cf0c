// A node whose line to NATS takes nothing for a while: NATS ends that line, as a slow consumer's. Nobody else is held up, every message is
// accounted for, and the node comes back.

using System.Net.WebSockets;
using System.Text;
using RawWs.Server;
using RawWs.Tests.Support;

namespace RawWs.Tests.Nats;

[NonParallelizable]
public sealed class SlowNodeTests
{
    private const int MessagesMax = 20_000;

    private readonly string _folder = Directory.CreateTempSubdirectory("rawws-slow-").FullName;

    [OneTimeTearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public async Task ItsLineIsEndedByNats_TheOthersGoOn_AndItComesBack()
    {
        string file = Path.Combine(_folder, "nats.conf");
        await File.WriteAllTextAsync(file, "max_pending: 1MB\n");
        await using NatsCluster nats = new(1, "--config", file);
        await using PausingProxy line = new(nats.PortOf(0)); // of the slow one alone
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
        List<Task<DeliveryResult>> sent = [];
        while (!nats.HasTold(0, "Slow Consumer"))
        {
            Assert.That(sent, Has.Count.LessThan(MessagesMax), "NATS says that it is slow");
            sent.Add(SendToBob($"{sent.Count} {text}"));
            if (sent.Count % 50 != 0) continue;
            await ann.SendAsync(Encoding.UTF8.GetBytes($"eve:{sent.Count}"), WebSocketMessageType.Text, true, CancellationToken.None);
            Assert.That(await HearAsync(eve).WaitAsync(TestServer.Patience), Is.EqualTo($"{sent.Count}"));
        }

        line.Resume();
        List<int> come = [];
        Task hearing = HearAllAsync(bob, come);
        DeliveryResult[] results = await Task.WhenAll(sent).WaitAsync(TestServer.Patience);
        await TestServer.EventuallyAsync(
            () => nodes.All(static node => node.Backplane is { IsReady: true, OtherNodes: 2 }), "all are there again, and know all");
        Assert.That(slow.Backplane.Disconnects, Is.Positive);
        Assert.That((one.Backplane.Disconnects, two.Backplane.Disconnects), Is.EqualTo((0L, 0L)));
        await TestServer.EventuallyAsync(async () => await SendToBob("the end") == DeliveryResult.Delivered, "bob is reached again");
        await hearing.WaitAsync(TestServer.Patience);
        Assert.That(come, Is.Ordered.And.Unique);
        int[] delivered = [.. Numbers(DeliveryResult.Delivered)], unknown = [.. Numbers(DeliveryResult.Unreachable)];
        Assert.That(delivered, Is.SubsetOf(come), "what is told as delivered has come");
        Assert.That(come, Is.SubsetOf(delivered.Concat(unknown)), "and what is told as something else has not, or nobody knows");
        Assert.That(delivered, Has.Length.LessThan(results.Length), "else its line was not too slow");

        IEnumerable<int> Numbers(DeliveryResult result) => Enumerable.Range(0, results.Length).Where(i => results[i] == result);

        Task<DeliveryResult> SendToBob(string message) =>
            one.Backplane.Publish(MessageTarget.ToUid("bob"), WebSocketMessage.Text(message)).AsTask();
    }

    private static async Task HearAllAsync(ClientWebSocket client, List<int> come)
    {
        while (await HearAsync(client) is var heard && heard != "the end")
            come.Add(int.Parse(heard.AsSpan(0, heard.IndexOf(' ', StringComparison.Ordinal)), null));
    }

    private static async Task<string> HearAsync(ClientWebSocket client)
    {
        byte[] buffer = new byte[128 * 1024];
        WebSocketReceiveResult result;
        int length = 0;
        do
        {
            result = await client.ReceiveAsync(new ArraySegment<byte>(buffer, length, buffer.Length - length), CancellationToken.None);
            length += result.Count;
        }
        while (!result.EndOfMessage);

        return Encoding.UTF8.GetString(buffer, 0, length);
    }
}
