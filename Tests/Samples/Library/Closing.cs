// docs/library.md: how a connection is closed, and how others learn of it.

using RawWs.Server;

namespace RawWs.Samples.Library;

internal static class ClosingSample
{
    public static async Task Run()
    {
        Remembering application = new();
        await using SampleServer server = await SampleServer.Start(application);
        await using SampleClient client = await server.Connect();
        WebSocketConnection connection = await application.Opened.Task;
        client.AnswerClose();

        // Sample begins
        Task work = Task.Delay(Timeout.Infinite, connection.ConnectionClosed); // ends when nothing can be sent any more

        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(10));
        CloseReport report = await connection.CloseAsync(4000, "see you", patience.Token);
        Console.WriteLine($"{report.Cause}, clean: {report.Clean}");
        await work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Console.WriteLine($"the work is {work.Status}");

        // Sample ends
    }

    private sealed class Remembering : IWebSocketApplication
    {
        public TaskCompletionSource<WebSocketConnection> Opened { get; } = new();

        public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) => new(UpgradeDecision.Accept());

        public void OnOpen(WebSocketConnection connection) => Opened.SetResult(connection);

        public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message) => ValueTask.CompletedTask;
    }
}
