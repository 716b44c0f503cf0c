// The example of Server/Nats/README.md: what stands between the marks, behind the usings.

using System.Net;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Nats;

namespace RawWs.Samples;

internal static class NatsSample
{
    public static async Task Run(string url)
    {
        // README begins
        await using NatsBackplane backplane = new(new NatsBackplaneOptions { Nats = NatsBackplaneOptions.DefaultNats with { Url = url } });
        RouterApplication router = new(Introduce.Query, DuplicateUid.Share) { Delivery = backplane };
        ServerOptions options = new() { ListenEndPoints = [new IPEndPoint(IPAddress.Loopback, 0)] };
        await using WebSocketServer server = new(options, router);
        await backplane.StartAsync(server); // it knows now who is on other nodes
        await server.StartAsync();

        // README ends
        Console.WriteLine($"{backplane.Nodes.Count} node, ready: {backplane.IsReady}");
        Console.WriteLine(await backplane.Publish(MessageTarget.ToUid("bob"), WebSocketMessage.Text("hello")));
        await server.StopAsync(TimeSpan.Zero);
    }
}
