// The example of Server/README.md: what stands between the marks, behind the usings.

using System.Net;
using System.Net.WebSockets;
using System.Text;
using RawWs.Server;

namespace RawWs.Samples;

internal static class ServerSample
{
    public static async Task Run()
    {
        // README begins
        ServerOptions options = new() { ListenEndPoints = [new IPEndPoint(IPAddress.Loopback, 0)] }; // 0: any free port
        await using WebSocketServer server = new(options, new Echo());
        await server.StartAsync();

        using ClientWebSocket client = new(); // any client will do; a page in a browser is one
        await client.ConnectAsync(new Uri($"ws://{server.EndPoints[0]}/"), CancellationToken.None);
        await client.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
        byte[] answer = new byte[64];
        WebSocketReceiveResult received = await client.ReceiveAsync(answer, CancellationToken.None);
        Console.WriteLine(Encoding.UTF8.GetString(answer, 0, received.Count));
        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);

        await server.StopAsync(drain: TimeSpan.FromSeconds(5));

        // README ends
    }
}

// README begins
internal sealed class Echo : IWebSocketApplication
{
    // Who may connect.
    public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) => new(UpgradeDecision.Accept());

    // The memory is the handler's until the returned task completes.
    public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message)
    {
        connection.TrySend(message);
        return ValueTask.CompletedTask;
    }
}

// README ends
