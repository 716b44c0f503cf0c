// What a stranger makes of the packages: an echo, and a message to a uid. PackagesTests compiles and runs it outside of this repository.

using System.Net;
using System.Net.WebSockets;
using System.Text;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;

await using (WebSocketServer server = await StartAsync(new Echo()))
{
    using ClientWebSocket client = await ConnectAsync(server, "/");
    await SendAsync(client, "hello");
    Console.WriteLine($"echo: {await ReceiveAsync(client)}");
}

RouterApplication router = new(Introduce.Query, DuplicateUid.Share);
await using (WebSocketServer server = await StartAsync(router))
{
    using ClientWebSocket alice = await ConnectAsync(server, "/?uid=alice");
    using ClientWebSocket bob = await ConnectAsync(server, "/?uid=bob");
    await SendAsync(bob, "alice:hello from bob");
    Console.WriteLine($"to alice: {await ReceiveAsync(alice)}");
    await SendAsync(bob, "carol:hello");
    Console.WriteLine($"to bob: {await ReceiveAsync(bob)}");
}

static async Task<WebSocketServer> StartAsync(IWebSocketApplication application)
{
    WebSocketServer server = new(new ServerOptions { ListenEndPoints = [new IPEndPoint(IPAddress.Loopback, 0)] }, application);
    await server.StartAsync();
    return server;
}

static async Task<ClientWebSocket> ConnectAsync(WebSocketServer server, string target)
{
    ClientWebSocket client = new();
    await client.ConnectAsync(new Uri($"ws://{server.EndPoints[0]}{target}"), CancellationToken.None);
    return client;
}

static Task SendAsync(ClientWebSocket client, string text) =>
    client.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);

static async Task<string> ReceiveAsync(ClientWebSocket client)
{
    byte[] message = new byte[256];
    WebSocketReceiveResult received = await client.ReceiveAsync(message, CancellationToken.None);
    return Encoding.UTF8.GetString(message, 0, received.Count);
}

internal sealed class Echo : IWebSocketApplication
{
    public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) => new(UpgradeDecision.Accept());

    public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message)
    {
        connection.TrySend(message);
        return ValueTask.CompletedTask;
    }
}
