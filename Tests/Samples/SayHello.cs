// The client for examples that have none: it says hello, and prints what comes back.

using System.Net.WebSockets;
using System.Text;
using RawWs.Server;

namespace RawWs.Samples;

internal static class SayHello
{
    public static async Task To(WebSocketServer server)
    {
        using ClientWebSocket client = new();
        await client.ConnectAsync(new Uri($"ws://{server.EndPoints[0]}/"), CancellationToken.None);
        await client.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
        byte[] answer = new byte[64];
        WebSocketReceiveResult received = await client.ReceiveAsync(answer, CancellationToken.None);
        Console.WriteLine(Encoding.UTF8.GetString(answer, 0, received.Count));
        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
    }
}
