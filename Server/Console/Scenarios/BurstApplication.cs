// A scenario that needs nothing but the server's usual face: many messages at once, and then a Close. They wait for room like any others.

using System.Globalization;
using System.Text;
using RawWs.Frame;

namespace RawWs.Server.Console.Scenarios;

/// <param name="owner">Is told of the end.</param>
/// <param name="count">How many messages.</param>
/// <param name="size">How many bytes each has: its number, and dots.</param>
internal sealed class BurstApplication(ScenarioApplication owner, int count, int size) : IWebSocketApplication
{
    // ScenarioApplication decides.
    public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) => new(UpgradeDecision.Accept());

    public void OnOpen(WebSocketConnection connection)
    {
        owner.Acquire();
        _ = SendAsync(connection);
    }

    public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message) => ValueTask.CompletedTask;

    public void OnClose(WebSocketConnection connection, CloseReport report) => owner.Release();

    private async Task SendAsync(WebSocketConnection connection)
    {
        byte[] text = new byte[size];
        for (int i = 0; i < count; i++)
        {
            Array.Fill(text, (byte)'.');
            string number = i.ToString(CultureInfo.InvariantCulture);
            Encoding.ASCII.GetBytes(number.AsSpan(0, Math.Min(number.Length, size)), text);
            SendResult sent = await connection.SendAsync(MessageKind.Text, text).ConfigureAwait(false);
            if (sent == SendResult.Queued) continue;
            connection.Abort();
            return;
        }

        connection.Close(CloseCodes.NormalClosure, "the burst is over");
    }
}
