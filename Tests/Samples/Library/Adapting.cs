// docs/library.md: a connection as the framework's WebSocket.

using System.Net.WebSockets;
using RawWs.Server;
using RawWs.Server.Hosting;

namespace RawWs.Samples.Library;

// Sample begins
internal sealed class Streaming : IWebSocketApplication
{
    public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) => new(UpgradeDecision.Accept());

    // From here on the messages go to the socket; a library for System.Net.WebSockets can have it.
    public void OnOpen(WebSocketConnection connection) => _ = Serve(connection.AsWebSocket());

    public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message) => ValueTask.CompletedTask;

    private static async Task Serve(WebSocket socket)
    {
        byte[] buffer = new byte[4096];
        while (true)
        {
            ValueWebSocketReceiveResult received = await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None);
            if (received.MessageType == WebSocketMessageType.Close) return;
            await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, CancellationToken.None);
        }
    }
}

// Sample ends
internal static class AdaptingSample
{
    public static async Task Run()
    {
        await using SampleServer server = await SampleServer.Start(new Streaming());
        await using SampleClient client = await server.Connect();
        await client.Ask("as it came");
    }
}
