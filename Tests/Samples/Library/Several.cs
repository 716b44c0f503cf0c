// docs/library.md: several servers as one, over NATS.

using System.Net;
using RawWs.Server;
using RawWs.Server.Nats;

namespace RawWs.Samples.Library;

// Sample begins
internal sealed class Calls(NatsBackplane backplane) : IWebSocketApplication
{
    public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) => new(
        context.Request.TryGetQuery("uid"u8, out byte[] uid, out _) && uid.Length is > 0 and < 20
            ? UpgradeDecision.Accept(uid)
            : UpgradeDecision.Refuse(400, "Add ?uid="));

    public async ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message)
    {
        switch (message.ToString())
        {
            case "where is bob":
                ClusterAnswer found = await backplane.FindAsync("bob"); // every node is asked
                IEnumerable<string> nodes = found.Nodes.Where(static node => node.Connections > 0).Select(static node => node.NodeId);
                connection.TrySend(string.Join(", ", nodes));
                break;
            case "kick bob":
                ClusterAnswer closed = await backplane.KickAsync("bob", 4100, "kicked");
                connection.TrySend($"{closed.Connections} kicked");
                break;
            default:
                // Bob gets it wherever he is. The result is there when each node that has him has answered.
                DeliveryResult result = await backplane.Publish(MessageTarget.ToUid("bob"), message);
                connection.TrySend(result.ToString());
                break;
        }
    }
}

// Sample ends
internal sealed class SeveralSample : IAsyncDisposable
{
    private readonly NatsBackplane _backplane;
    private readonly WebSocketServer _server;

    private SeveralSample(NatsBackplane backplane, WebSocketServer server) => (_backplane, _server) = (backplane, server);

    public static async Task Run(string url)
    {
        await using SeveralSample one = await Start(url, "one"), two = await Start(url, "two");
        await using SampleClient ann = await SampleServer.Connect(one._server, "/?uid=ann"),
            bob = await SampleServer.Connect(two._server, "/?uid=bob");
        string answer;
        do
        {
            await ann.Write("hello");
            answer = await ann.Read();
        }
        while (answer == "Offline"); // node one is told of bob within some milliseconds

        Console.WriteLine(answer);
        Console.WriteLine(await bob.Read());
        await ann.Ask("where is bob");
        await ann.Ask("kick bob");
        Console.WriteLine(await bob.Read());
    }

    public async ValueTask DisposeAsync()
    {
        await _server.StopAsync(TimeSpan.Zero);
        await _backplane.DisposeAsync();
    }

    private static async Task<SeveralSample> Start(string url, string id)
    {
        ServerOptions options = new() { ListenEndPoints = [new IPEndPoint(IPAddress.Loopback, 0)] };
        // Sample begins
        NatsBackplane backplane = new(new NatsBackplaneOptions { Nats = NatsBackplaneOptions.DefaultNats with { Url = url }, NodeId = id });
        WebSocketServer server = new(options, new Calls(backplane));
        await backplane.StartAsync(server); // who is on other nodes is known now
        await server.StartAsync();
        // Sample ends
        return new SeveralSample(backplane, server);
    }
}
