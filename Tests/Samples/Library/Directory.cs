// docs/library.md: who is connected, and how they are reached.

using System.Text;
using RawWs.Server;

namespace RawWs.Samples.Library;

// Sample begins
internal sealed class Room : IWebSocketApplication
{
    private ConnectionDirectory _directory = null!;

    public void OnStart(WebSocketServer server)
    {
        _directory = server.Directory;
        _directory.Joined += static (_, uid) => Console.WriteLine($"{Encoding.UTF8.GetString(uid.Span)} has joined");
    }

    // /?uid=ann: the connection joins under this uid when it opens. Nobody else can have it meanwhile.
    public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) => new(
        context.Request.TryGetQuery("uid"u8, out byte[] uid, out _) && uid.Length is > 0 and < 20
            ? UpgradeDecision.Accept(uid, duplicates: DuplicateUid.Reject)
            : UpgradeDecision.Refuse(400, "Add ?uid="));

    public async ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message)
    {
        switch (message.ToString())
        {
            case "who":
                IEnumerable<string> uids = _directory.GetUids().Select(static uid => Encoding.UTF8.GetString(uid.Span));
                connection.TrySend($"{_directory.Count} here: {string.Join(", ", uids.Order())}");
                break;
            case "call bob":
                DeliveryResult result = await _directory.Publish(MessageTarget.ToUid("bob"), WebSocketMessage.Text("ann calls"));
                connection.TrySend(result.ToString());
                break;
            case "kick bob":
                connection.TrySend($"{_directory.Kick(MessageTarget.ToUid("bob"), 4100, "kicked")} kicked");
                break;
            default:
                await _directory.Publish(MessageTarget.Everybody, message);
                break;
        }
    }
}

// Sample ends
internal static class DirectorySample
{
    public static async Task Run()
    {
        await using SampleServer server = await SampleServer.Start(new Room());
        await using SampleClient ann = await server.Connect("/?uid=ann");
        await ann.Ask("who");
        await using SampleClient bob = await server.Connect("/?uid=bob");
        await bob.Ask("who");
        await ann.Ask("call bob");
        Console.WriteLine(await bob.Read());
        await bob.Ask("good evening");
        Console.WriteLine(await ann.Read());
        await ann.Ask("kick bob");
        Console.WriteLine(await bob.Read());
    }
}
