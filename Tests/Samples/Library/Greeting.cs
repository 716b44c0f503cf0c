// docs/library.md: an application from its start to its stop, and what it decides an upgrade by.

using RawWs.Server;

namespace RawWs.Samples.Library;

// Sample begins
internal sealed class Greeting : IWebSocketApplication
{
    public void OnStart(WebSocketServer server) => Console.WriteLine($"{server.EndPoints.Count} address");

    public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context)
    {
        string? name = context.FindHeader("X-Name");
        if (name is null) return new(UpgradeDecision.Refuse(401, "Say who you are."));
        Console.WriteLine($"{name} comes from {context.RemoteEndPoint.Address} to {context.Listener}");
        return new(UpgradeDecision.Accept(state: name));
    }

    public void OnOpen(WebSocketConnection connection) => connection.TrySend($"welcome, {connection.State}");

    public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message)
    {
        if (message.IsText) connection.TrySend(message[..1]); // its first byte; a text is cut between characters only
        return ValueTask.CompletedTask;
    }

    public void OnClose(WebSocketConnection connection, CloseReport report) =>
        Console.WriteLine($"{connection.State} has gone: {report.Cause}, {report.Code}, by {report.ClosedBy}");

    public void OnStop(WebSocketServer server) => Console.WriteLine("stopped");
}

// Sample ends
internal static class GreetingSample
{
    public static async Task Run()
    {
        await using (SampleServer server = await SampleServer.Start(new Greeting()))
        {
            await using SampleClient client = await server.Connect("/", "X-Name: Ann");
            Console.WriteLine(await client.Read());
            await client.Write("hello");
            Console.WriteLine(await client.Read());
        }
    }
}
