// docs/library.md: the ways to send, and what each says.

using System.Globalization;
using RawWs.Frame;
using RawWs.Server;

namespace RawWs.Samples.Library;

// Sample begins
internal sealed class Counting : IWebSocketApplication
{
    public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) => new(UpgradeDecision.Accept());

    public async ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message)
    {
        // At once, or not at all.
        SendResult sent = connection.TrySend("I count");
        if (sent == SendResult.Full) connection.CloseIfTooSlow(); // nobody reads at the other end
        connection.TrySend(MessageKind.Binary, [1, 2, 3]);
        connection.TrySend(message); // what was received is not checked again

        // With as much patience as the peer needs. Nothing more is read from it until this handler is done.
        for (int i = 1; i <= 3; i++)
        {
            string text = i.ToString(CultureInfo.InvariantCulture);
            if (await connection.SendAsync(text, connection.ConnectionClosed) != SendResult.Queued) return;
        }
    }
}

// Sample ends
internal static class SendingSample
{
    public static async Task Run()
    {
        await using SampleServer server = await SampleServer.Start(new Counting());
        await using SampleClient client = await server.Connect();
        await client.Write("go");
        for (int i = 0; i < 6; i++) Console.WriteLine(await client.Read());
    }
}
